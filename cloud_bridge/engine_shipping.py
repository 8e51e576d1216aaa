"""Reporting deliveries to the platform of mini-programs, where somebody switched that on.

The order appears there 10 to 60 s after its payment: "no such order" means not yet, for a while.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from cloud_bridge.core.delivery import Delivery, Report
from cloud_bridge.core.sale import Sale
from cloud_bridge.engine_complaint_rows import set_alarms
from cloud_bridge.ports import Clock, Log
from cloud_bridge.ports_desk import DeskStore, DeskTx, ShippingCalls

ALARM: Final = "shipping_refused"
FIRST_S: Final = 15
WAITS_S: Final = (15, 15, 30, 60, 120, 300, 900, 3600)
TRIES: Final = 30  # a day and a bit
_LIMIT: Final = 20
_YOUNG_MS: Final = 2 * 24 * 3_600_000


class Shipping:
    """Run `run` as a task. `calls` are each merchant's, by name."""

    def __init__(
        self,
        *,
        store: DeskStore,
        calls: Mapping[str, ShippingCalls],
        clock: Clock,
        log: Log,
        round_s: float = 5.0,
    ) -> None:
        self._store: Final = store
        self._calls: Final = calls
        self._clock: Final = clock
        self._log: Final = log
        self._round_s: Final = round_s

    async def run(self) -> None:
        """Report until cancelled. Raises StoreFailed."""
        while True:
            await self.work()
            await asyncio.sleep(self._round_s)

    async def work(self) -> None:
        """Report what is due now."""
        wall_ms = self._clock.wall_ms()
        for delivery, sale in await self._store.on_desk(lambda tx: _due(tx, wall_ms)):
            calls = self._calls.get(sale.merchant)
            said = await calls.report(sale, wall_ms) if calls is not None else "no mini-program"
            after = _after(delivery, said, self._clock.wall_ms())
            if after.report is Report.REFUSED:
                self._log.warning("shipping.refused", sale_id=sale.sale_id, why=said)
            await self._store.on_desk(partial(_written, row=after, why=said))


def _due(tx: DeskTx, wall_ms: int) -> list[tuple[Delivery, Sale]]:
    """What came out lately is marked first, so that a restart forgets none."""
    for fresh in tx.unreported(wall_ms - _YOUNG_MS, _LIMIT):
        at_ms = max(wall_ms, fresh.paid_wall_ms + FIRST_S * 1000)
        tx.put_delivery(replace(fresh, report=Report.DUE, report_wall_ms=at_ms))
    found = ((each, tx.sale(each.sale_id)) for each in tx.to_report(wall_ms, _LIMIT))
    return [(each, sale) for each, sale in found if sale is not None]


def _after(delivery: Delivery, said: str, wall_ms: int) -> Delivery:
    tries = delivery.report_tries + 1
    now = replace(delivery, report_tries=tries, report_wall_ms=wall_ms)
    if said == "done":
        return replace(now, report=Report.DONE)
    if said != "again" or tries >= TRIES:
        return replace(now, report=Report.REFUSED)
    wait_s = WAITS_S[min(delivery.report_tries, len(WAITS_S) - 1)]
    return replace(now, report_wall_ms=wall_ms + wait_s * 1000)


def _written(tx: DeskTx, *, row: Delivery, why: str) -> None:
    tx.put_delivery(row)
    if row.report is Report.DUE:
        return
    text = f"{row.sale_id}: the mini-program platform does not take its delivery: {why}"
    wanted = {("", ALARM, 0): text} if row.report is Report.REFUSED else {}
    set_alarms(tx, (ALARM,), wanted, row.report_wall_ms)
