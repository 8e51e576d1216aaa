"""The day that is over, told once to everybody who wants it, at a set hour of the platform's clock.

Who has had it stands in the books: a restart tells nothing twice, and a bridge that stood at that hour tells
it late on the same day.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cloud_bridge.core.digest import Digest
from cloud_bridge.engine_alerts import spell_of
from cloud_bridge.engine_reports import Reports, Waiting, by_weight, digest_of, yesterday
from cloud_bridge.ports import Clock, Log
from cloud_bridge.ports_alarms import AlarmStore, AlarmTx, DigestReader
from cloud_bridge.ports_bills import bounds_ms

AGAIN_MS: Final = 600_000
_HOUR_MS: Final = 3_600_000
_CHINA_MS: Final = 8 * _HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestSettings:
    """At which hour, and of which machines."""

    hour: int
    machines: frozenset[str]


class Digests:
    """Run `run` as a task."""

    def __init__(
        self,
        *,
        store: AlarmStore,
        reports: Reports,
        readers: Sequence[DigestReader],
        settings: DigestSettings,
        clock: Clock,
        log: Log,
        round_s: float = 30.0,
    ) -> None:
        self._store: Final = store
        self._reports: Final = reports
        self._readers: Final = tuple(readers)
        self._settings: Final = settings
        self._clock: Final = clock
        self._log: Final = log
        self._round_s: Final = round_s
        self._free_ms: Final[dict[str, int]] = {}

    async def run(self) -> None:
        """Tell until cancelled. Raises StoreFailed."""
        while True:
            await self.tell()
            await asyncio.sleep(self._round_s)

    async def tell(self) -> None:
        """Tell whoever has not had it, when it is time."""
        wall_ms, now_ms = self._clock.wall_ms(), self._clock.now_ms()
        if (wall_ms + _CHINA_MS) // _HOUR_MS % 24 < self._settings.hour:
            return
        day = yesterday(wall_ms)
        ready = [each for each in self._readers if self._free_ms.get(each.name, now_ms) <= now_ms]
        waiting = await self._waiting(ready, day)
        if not waiting:
            return
        digest = await self._written(day)
        for each in waiting:
            why = await each.digest(digest)
            if why:
                self._free_ms[each.name] = now_ms + AGAIN_MS
                self._log.warning("digest.untold", sink=each.name, day=day, why=why)
                continue
            await self._had(each.name, day)

    async def _had(self, name: str, day: str) -> None:
        await self._store.on_alarms(lambda tx: tx.put_digest(name, day))

    async def _waiting(self, ready: Iterable[DigestReader], day: str) -> list[DigestReader]:
        def read(tx: AlarmTx) -> list[DigestReader]:
            return [each for each in ready if not tx.had_digest(each.name, day)]

        return await self._store.look_at_alarms(read)

    async def _written(self, day: str) -> Digest:
        begin_ms, end_ms = bounds_ms(day)
        cases = await self._store.cases()

        def read(tx: AlarmTx) -> Waiting:
            began = sum(begin_ms <= each.since_wall_ms < end_ms for each in tx.spells(begin_ms))
            standing = tuple(map(spell_of, tx.standing()))
            open_ = len(tx.open_complaints())
            return Waiting(raised=began, cases=len(cases), complaints=open_, standing=by_weight(standing))

        about = await self._store.look_at_alarms(read)
        return await digest_of(self._reports, day, self._settings.machines, about)
