"""The bridge's own alarms about what goes on over hours: late deliveries, failed vends, calls, notifications.

They are read off rows and counts each round, so that each stands exactly as long as its fault.
"""

import asyncio
from typing import Final

from cloud_bridge.core.delivery import Delivery
from cloud_bridge.core.monitor import ALARMS, Thresholds, Watch, passed, wanted
from cloud_bridge.engine_complaint_rows import set_alarms
from cloud_bridge.ports import Clock, StandingAlarm
from cloud_bridge.ports_desk import DeskStore, DeskTx, Violation

OVERDUE, FAILED = "delivery_overdue", "vend_failed"
VIOLATION: Final = "violation"
_DAY_MS: Final = 24 * 3_600_000
_Wanted = dict[tuple[str, str, int], str]


class Monitors:
    """Run `run` as a task. `watch` is what the engine tells of calls and notifications."""

    def __init__(
        self,
        *,
        store: DeskStore,
        watch: Watch,
        clock: Clock,
        thresholds: Thresholds | None = None,
        round_s: float = 10.0,
    ) -> None:
        self._store: Final = store
        self._watch: Final = watch
        self._clock: Final = clock
        self._thresholds: Final = thresholds or Thresholds()
        self._round_s: Final = round_s

    async def run(self) -> None:
        """Look until cancelled. Raises StoreFailed."""
        while True:
            await self.look()
            await asyncio.sleep(self._round_s)

    async def look(self) -> None:
        """Have each alarm stand as it should now."""
        self._watch.seen = passed(self._watch.seen, self._clock.now_ms())
        own = {("", name, 0): text for name, text in wanted(self._watch.seen, self._thresholds).items()}
        wall_ms = self._clock.wall_ms()

        def write(tx: DeskTx) -> None:
            set_alarms(tx, ALARMS, own, wall_ms)
            set_alarms(tx, (OVERDUE,), _overdue(tx, wall_ms), wall_ms)
            set_alarms(tx, (FAILED,), _failed(tx, wall_ms), wall_ms)

        await self._store.on_desk(write)

    async def violated(self, told: Violation) -> None:
        """The platform punishes a sub-merchant; the alarm stands until a person says that it is over."""
        text = f"merchant {told.sub_mchid}: {told.kind} {told.risk}, {told.plan} (record {told.record_id})"
        wall_ms = self._clock.wall_ms()
        alarm = StandingAlarm(machine="", name=VIOLATION, lane=0, code="", text=text, since_wall_ms=wall_ms)
        await self._store.on_desk(lambda tx: tx.set_alarm(alarm))


def _overdue(tx: DeskTx, wall_ms: int) -> _Wanted:
    """One for each machine, with the sale that waits longest."""
    found: _Wanted = {}
    for late in tx.overdue(wall_ms):
        text = f"{late.sale_id}: paid, and nothing is known of the goods in time"
        found.setdefault((late.machine, OVERDUE, 0), text)
    return found


def _failed(tx: DeskTx, wall_ms: int) -> _Wanted:
    """One for each lane whose last vend of the day failed, until something comes out of it again."""
    newest: dict[tuple[str, int], Delivery] = {}
    for each in tx.failed_since(wall_ms - _DAY_MS):
        sale = tx.sale(each.sale_id)
        if sale is not None and sale.sent_count:  # what was never told to vend did not fail to
            newest[each.machine, each.lane] = each
    return {
        (machine, FAILED, lane): _words(each)
        for (machine, lane), each in newest.items()
        if tx.last_delivered(machine, lane) <= each.ended_wall_ms
    }


def _words(failed: Delivery) -> str:
    money = f"{failed.refund_no} is back" if failed.back_wall_ms else f"{failed.refund_no} is on its way back"
    return f"{failed.sale_id}: it did not come out, {money}"
