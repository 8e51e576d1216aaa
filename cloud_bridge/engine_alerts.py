"""Telling alarms on to everybody who wants to know: once for a fault, again never, its end when it ends.

What each of them was told stands in the books, so that a restart tells nothing twice and forgets no end.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cloud_bridge.core.alert import Key, News, news
from cloud_bridge.engine_complaint_rows import set_alarms
from cloud_bridge.ports import Clock, Log, StandingAlarm
from cloud_bridge.ports_desk import DeskStore, DeskTx, Sink

SINK_ALARM: Final = "alert_sink"
_FIRST_WAIT_MS: Final = 10_000
_LONGEST_WAIT_MS: Final = 600_000
_FAILS: Final = 5
_ANEW: Final = -1


@dataclass(slots=True)
class _Line:
    """One of them, and how it goes with him."""

    sink: Sink
    fails: int = 0
    free_ms: int = 0


class Alerts:
    """Run `run` as a task."""

    def __init__(
        self, *, store: DeskStore, sinks: Sequence[Sink], clock: Clock, log: Log, round_s: float = 5.0
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
        standing = await self._store.on_desk(lambda tx: tx.standing())
        for line in self._lines:
            if self._clock.now_ms() >= line.free_ms:
                await self._tell_one(line, standing)

    async def _tell_one(self, line: _Line, standing: Sequence[StandingAlarm]) -> None:
        sink = line.sink
        told = dict(await self._store.on_desk(lambda tx: tx.told(sink.name)))
        if sink.anew():  # he forgot everything: what stands is news again, and so is each end
            told = dict.fromkeys(told, _ANEW)
        now = (_news(each) for each in standing if not _about(each, sink.name))
        found = news(now, told)
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


def _about(alarm: StandingAlarm, name: str) -> bool:
    """That nobody hears us is nothing to tell him."""
    return alarm.name == _own(name)


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
        key: Key = each.key
        if each.over:
            tx.drop_told(sink, key)
        else:
            tx.put_told(sink, key, each.since_wall_ms)
