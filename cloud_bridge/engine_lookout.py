"""The bridge's alarms about machines: gone, coming and going, open, warm, and silent beyond their pattern.

They are read off what machines show and what they sold, each round, so that each stands as long as its fault.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cloud_bridge.core.lookout import (
    ALARMS,
    BROKER,
    BROKER_MS,
    NO_SALE,
    OFFLINE,
    Glance,
    Sight,
    Terms,
    seen,
    wanted,
)
from cloud_bridge.core.silence import HOUR_MS, MOST_WEEKS, WEEK_MS, Pattern, learnt, missed
from cloud_bridge.engine_complaint_rows import set_alarms
from cloud_bridge.ports import Clock, MachineView, Roster
from cloud_bridge.ports_alarms import AlarmStore, AlarmTx

LEARN_AGAIN_MS: Final = 24 * HOUR_MS
MOST_SALES: Final = 20_000  # of one machine within the weeks that it is learnt from
_ASK_AGAIN_MS: Final = 60_000


@dataclass(slots=True)
class _Known:
    """One machine: what was seen of it and what was wrong then, and its pattern."""

    sight: Sight = field(default_factory=Sight)
    pattern: Pattern | None = None
    learnt_ms: int | None = None
    quiet: str = ""
    wrong: dict[str, str] = field(default_factory=dict)


class Lookout:
    """Run `run` as a task. One machine's pattern is learnt a round, each of them once a day."""

    def __init__(
        self,
        *,
        store: AlarmStore,
        roster: Roster,
        clock: Clock,
        terms: Terms | None = None,
        linked: Callable[[], bool] = lambda: True,
        round_s: float = 10.0,
    ) -> None:
        self._store: Final = store
        self._roster: Final = roster
        self._clock: Final = clock
        self._terms: Final = terms or Terms()
        self._linked: Final = linked
        self._away_ms: int | None = None
        self._round_s: Final = round_s
        self._machines: Final[dict[str, _Known]] = {}
        self._asked_ms: int | None = None

    async def run(self) -> None:
        """Look until cancelled. Raises StoreFailed."""
        while True:
            await self.look()
            await asyncio.sleep(self._round_s)

    async def look(self) -> None:
        """Have each alarm stand as it should now."""
        now_ms, wall_ms = self._clock.now_ms(), self._clock.wall_ms()
        linked = self._linked()
        self._away_ms = None if linked else now_ms if self._away_ms is None else self._away_ms
        found = {view.machine: self._glance(view, now_ms, linked) for view in self._roster.machines()}
        silent = self._asked_ms is None or now_ms - self._asked_ms >= _ASK_AGAIN_MS
        self._asked_ms = now_ms if silent else self._asked_ms

        await self._store.look_at_alarms(lambda tx: self._learn(tx, now_ms, wall_ms))
        if silent:
            await self._store.look_at_alarms(lambda tx: self._listen(tx, wall_ms))
        await self._store.on_alarms(lambda tx: set_alarms(tx, ALARMS, self._wanted(tx, found), wall_ms))

    def _glance(self, view: MachineView, now_ms: int, linked: bool) -> dict[str, str]:
        """Without a broker nothing is seen, and what was wrong may still be."""
        known = self._machines.setdefault(view.machine, _Known())
        if not linked:
            return dict(known.wrong)
        glance = Glance(online=view.online, door_open=view.door_open, temperature_c=view.temperature_c)
        known.sight = seen(known.sight, glance, self._terms, now_ms)
        known.wrong = wanted(known.sight, glance, self._terms, now_ms)
        return dict(known.wrong)

    def _wanted(self, tx: AlarmTx, found: dict[str, dict[str, str]]) -> dict[tuple[str, str, int], str]:
        """Who is gone says why he is silent; after a restart of ours he is gone until he is heard."""
        stood = {each.machine: each.text for each in tx.standing() if each.name == OFFLINE}
        alarms: dict[tuple[str, str, int], str] = {}
        if self._away_ms is not None and self._clock.now_ms() - self._away_ms >= BROKER_MS:
            alarms["", BROKER, 0] = "the bridge has no link to the broker: it hears no machine"
        for machine, names in found.items():
            known = self._machines[machine]
            if machine in stood and (self._away_ms is not None or known.sight.gone_ms is not None):
                names.setdefault(OFFLINE, stood[machine])
            if known.quiet and OFFLINE not in names:
                names[NO_SALE] = known.quiet
            alarms |= {(machine, name, 0): text for name, text in names.items()}
        return alarms

    def _learn(self, tx: AlarmTx, now_ms: int, wall_ms: int) -> None:
        for machine, known in self._machines.items():
            if known.learnt_ms is None or now_ms - known.learnt_ms >= LEARN_AGAIN_MS:
                sold = tx.sold_since(machine, wall_ms - (MOST_WEEKS + 1) * WEEK_MS, MOST_SALES)
                known.pattern, known.learnt_ms = learnt(sold, wall_ms), now_ms
                return

    def _listen(self, tx: AlarmTx, wall_ms: int) -> None:
        for machine, known in self._machines.items():
            known.quiet = _quiet(tx, machine, known.pattern, wall_ms)


def _quiet(tx: AlarmTx, machine: str, pattern: Pattern | None, wall_ms: int) -> str:
    if pattern is None:
        return ""
    last_ms = tx.last_sold(machine)
    count = missed(pattern, last_ms, wall_ms)
    hours = (wall_ms - last_ms) // HOUR_MS
    return f"no sale for {hours} h, when {count} were to be expected" if count else ""
