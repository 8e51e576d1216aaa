"""Telling alarms on to everybody who wants to know: once for a fault, again never, its end when it ends.

What each of them was told stands in the books, so that a restart tells nothing twice and forgets no end. Who
wants to know only of what nobody looks after hears of it when that has lasted.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cloud_bridge.core.alarm import HOUR_MS, Care, Held, Offer, Spell, chased, held, offer
from cloud_bridge.core.alert import ANEW, Key, News, known, news
from cloud_bridge.engine_complaint_rows import set_alarms
from cloud_bridge.ports import Clock, Log, StandingAlarm
from cloud_bridge.ports_alarms import AlarmStore, AlarmTx, Listener
from cloud_bridge.ports_desk import DeskTx

SINK_ALARM: Final = "alert_sink"
KEPT_MS: Final = 90 * 24 * HOUR_MS
_FIRST_WAIT_MS: Final = 10_000
_LONGEST_WAIT_MS: Final = 600_000
_FAILS: Final = 5


@dataclass(slots=True)
class _Line:
    """One of them, and how it goes with him."""

    sink: Listener
    fails: int = 0
    free_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands at one moment: as it is in the books, as people should know of it, and what they said."""

    alarms: tuple[StandingAlarm, ...]
    held: tuple[Held, ...]
    cares: Mapping[Key, Care] = field(default_factory=dict)


class Alerts:
    """Run `run` as a task."""

    def __init__(
        self, *, store: AlarmStore, sinks: Sequence[Listener], clock: Clock, log: Log, round_s: float = 5.0
    ) -> None:
        self._store: Final = store
        self._lines: Final = tuple(_Line(sink) for sink in sinks)
        self._clock: Final = clock
        self._log: Final = log
        self._round_s: Final = round_s

    async def run(self) -> None:
        """Tell until cancelled. Raises StoreFailed."""
        while True:
            await self.tell()
            await asyncio.sleep(self._round_s)

    async def tell(self) -> None:
        """Tell everybody what is new to him, one message each."""
        wall_ms = self._clock.wall_ms()
        standing = await self._store.on_alarms(lambda tx: follow(tx, wall_ms))
        for line in self._lines:
            if self._clock.now_ms() >= line.free_ms:
                await self._tell_one(line, standing)

    async def _tell_one(self, line: _Line, standing: Standing) -> None:
        sink = line.sink
        told = dict(await self._store.on_desk(lambda tx: tx.told(sink.name)))
        if sink.anew():  # he forgot everything: what stands is news again, and so is each end
            told = dict.fromkeys(told, ANEW)
        offered = _offer(sink, standing, self._clock.wall_ms())
        told = {key: since for key, since in told.items() if key not in offered.silent}
        found, again = news(offered.news, told), known(offered.news, told)
        if again:
            await self._store.on_desk(lambda tx: _keep(tx, sink.name, again))
        if not found:
            return
        shown = found[: sink.most]
        why = await sink.send(shown, len(found) - len(shown))
        if why:
            await self._failed(line, why)
            return
        await self._store.on_desk(lambda tx: _keep(tx, sink.name, found))
        if line.fails >= _FAILS:
            await self._store.on_desk(lambda tx: self._sink_alarm(tx, sink.name, ""))
        line.fails = 0

    async def _failed(self, line: _Line, why: str) -> None:
        line.fails += 1
        wait_ms = min(_LONGEST_WAIT_MS, _FIRST_WAIT_MS * 2 ** min(line.fails - 1, 10))
        line.free_ms = self._clock.now_ms() + wait_ms
        if line.sink.alarming:
            self._log.warning("alerts.untold", sink=line.sink.name, why=why)
            if line.fails == _FAILS:
                await self._store.on_desk(lambda tx: self._sink_alarm(tx, line.sink.name, why))

    def _sink_alarm(self, tx: DeskTx, name: str, why: str) -> None:
        text = f"{name} takes no alerts: {why}"
        set_alarms(tx, (_own(name),), {("", _own(name), 0): text} if why else {}, self._clock.wall_ms())


def _own(name: str) -> str:
    return f"{SINK_ALARM}_{name}"


def look(tx: AlarmTx, wall_ms: int) -> Standing:
    """What stands. Nothing is written."""
    return _looked(tx, wall_ms)[0]


def follow(tx: AlarmTx, wall_ms: int) -> Standing:
    """What stands, its spells written down; what people said of an alarm ends with the alarm."""
    found, changed = _looked(tx, wall_ms)
    for each in changed:
        tx.put_spell(each)
    for key in tx.cares().keys() - found.cares.keys():
        tx.drop_care(key)
    return found


def _looked(tx: AlarmTx, wall_ms: int) -> tuple[Standing, tuple[Spell, ...]]:
    alarms = tx.standing()
    spells = {(each.key, each.since_wall_ms): each for each in tx.spells(wall_ms - HOUR_MS)}
    still = [each for each in spells.values() if each.over_wall_ms == 0]
    changed = chased(map(spell_of, alarms), still, wall_ms)
    spells |= {(each.key, each.since_wall_ms): each for each in changed}
    found = held(spells.values(), wall_ms)
    lasting = {each.spell.key for each in found} | {(each.machine, each.name, each.lane) for each in alarms}
    cares = {key: care for key, care in tx.cares().items() if key in lasting}
    return Standing(alarms=alarms, held=found, cares=cares), changed


def _offer(sink: Listener, standing: Standing, wall_ms: int) -> Offer:
    """That nobody hears us is nothing to tell him."""
    own = _own(sink.name)
    if sink.wants is None:
        return Offer(news=tuple(_news(each) for each in standing.alarms if each.name != own))
    found = (each for each in standing.held if each.spell.name != own)
    return offer(found, standing.cares, sink.wants, wall_ms)


def spell_of(alarm: StandingAlarm) -> Spell:
    """It has stood since it was raised."""
    return Spell(
        machine=alarm.machine,
        name=alarm.name,
        lane=alarm.lane,
        since_wall_ms=alarm.since_wall_ms,
        text=alarm.text,
    )


def _news(alarm: StandingAlarm) -> News:
    return News(
        machine=alarm.machine,
        name=alarm.name,
        lane=alarm.lane,
        since_wall_ms=alarm.since_wall_ms,
        text=alarm.text,
    )


def _keep(tx: DeskTx, sink: str, found: Sequence[News]) -> None:
    for each in found:
        if each.over:
            tx.drop_told(sink, each.key)
        else:
            tx.put_told(sink, each.key, each.stamp)
