"""What people see of alarms and say about them: who takes one into his hands, until when it is to be quiet.

Each word stays in the timeline of the machine. Implements `ports_alarms.AlarmService`.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from cloud_bridge.core.alarm import HOUR_MS, Ask, Care, Held, cared, rule
from cloud_bridge.core.alert import Key
from cloud_bridge.engine_alerts import KEPT_MS, look, spell_of
from cloud_bridge.ports import Clock, Fact
from cloud_bridge.ports_alarms import AlarmStore, AlarmTx, AlarmView
from cloud_bridge.ports_people import Deed

MOST_OVER: Final = 100
_FORGET_EVERY_S: Final = 3600.0


class CareDesk:
    """Alarms as web and the operator's door see them."""

    def __init__(self, *, store: AlarmStore, clock: Clock) -> None:
        self._store: Final = store
        self._clock: Final = clock

    async def views(self) -> tuple[AlarmView, ...]:
        """What stands, the gravest first, then the oldest. Raises StoreFailed."""
        wall_ms = self._clock.wall_ms()

        def read(tx: AlarmTx) -> tuple[AlarmView, ...]:
            found, told = look(tx, wall_ms), tx.told_by()
            held = {each.spell.key: each for each in found.held}
            fresh = [
                Held(spell=each, weight=rule(each.name).weight)
                for each in map(spell_of, found.alarms)
                if each.key not in held
            ]
            return tuple(_view(each, found.cares, told) for each in (*found.held, *fresh))

        return await self._store.look_at_alarms(read)

    async def over(self) -> tuple[AlarmView, ...]:
        """What was over within a day, the newest first. Raises StoreFailed."""
        since_ms = self._clock.wall_ms() - 24 * HOUR_MS

        def read(tx: AlarmTx) -> tuple[AlarmView, ...]:
            over = [each for each in tx.spells(since_ms) if each.over_wall_ms]
            over.sort(key=lambda each: -each.over_wall_ms)
            shown = (Held(spell=each, weight=rule(each.name).weight) for each in over[:MOST_OVER])
            return tuple(_view(each, {}, {}) for each in shown)

        return await self._store.look_at_alarms(read)

    async def ask(self, ask: Ask) -> str:
        """A person says something about an alarm: why not, or empty. Raises StoreFailed."""
        wall_ms = self._clock.wall_ms()

        def write(tx: AlarmTx) -> str:
            found = look(tx, wall_ms)
            known = {(each.machine, each.name, each.lane) for each in found.alarms}
            if ask.key not in known | {each.spell.key for each in found.held}:
                return "no such alarm stands any more"
            before = found.cares.get(ask.key)
            after = cared(before, ask, wall_ms)
            tx.put_care(after)
            tx.deed(_deed(ask, before, after, wall_ms))
            tx.note(Fact(wall_ms=wall_ms, machine=ask.machine, sale_id="", who="operator", what=words(ask)))
            return ""

        return await self._store.on_alarms(write)

    async def run(self) -> None:
        """Forget what was over long ago, each hour, until cancelled. Raises StoreFailed."""
        while True:
            await self.forget()
            await asyncio.sleep(_FORGET_EVERY_S)

    async def forget(self) -> None:
        """What was over long ago is no news to anybody. Raises StoreFailed."""
        before_ms = self._clock.wall_ms() - KEPT_MS
        await self._store.on_alarms(lambda tx: tx.drop_spells(before_ms))


def words(ask: Ask) -> str:
    """The line of the timeline that stays."""
    if ask.wake:
        return f"{ask.by} has the alarm {ask.name} told again: {ask.why}"
    if ask.snooze_min:
        return f"{ask.by} has the alarm {ask.name} told to nobody for {ask.snooze_min} min: {ask.why}"
    return f"{ask.by} looks after the alarm {ask.name}: {ask.why}"


def _deed(ask: Ask, before: Care | None, after: Care, wall_ms: int) -> Deed:
    act = "wake" if ask.wake else "snooze" if ask.snooze_min else "acknowledge"
    return Deed(
        wall_ms=wall_ms,
        by=ask.by,
        action=f"alarm.{act}",
        about=f"alarm {ask.name}{f' lane {ask.lane}' if ask.lane else ''}",
        machine=ask.machine,
        why=ask.why,
        before=_standing(before),
        after=_standing(after),
    )


def _standing(care: Care | None) -> str:
    if care is None:
        return "nobody has it"
    held = f"{care.acked_by} has it" if care.acked_by else "nobody has it"
    return (
        f"{held}; told to nobody until {care.snoozed_until_wall_ms}" if care.snoozed_until_wall_ms else held
    )


def _view(each: Held, cares: Mapping[Key, Care], told: Mapping[Key, tuple[str, ...]]) -> AlarmView:
    spell = each.spell
    care = cares.get(spell.key) or Care(machine=spell.machine, name=spell.name, lane=spell.lane)
    return AlarmView(
        machine=spell.machine,
        name=spell.name,
        lane=spell.lane,
        text=spell.text,
        since_wall_ms=spell.since_wall_ms,
        over_wall_ms=spell.over_wall_ms,
        weight=each.weight,
        begun=each.begun,
        acked_by=care.acked_by,
        acked_why=care.acked_why,
        acked_wall_ms=care.acked_wall_ms,
        snoozed_by=care.snoozed_by,
        snoozed_until_wall_ms=care.snoozed_until_wall_ms,
        told=told.get(spell.key, ()),
    )
