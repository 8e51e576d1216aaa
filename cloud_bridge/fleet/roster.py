"""The machines as a page shows them, from what they say; decides nothing: `Roster` and `Trends`."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from weakref import WeakSet

from cloud_bridge.core.model import Born, FromMachine
from cloud_bridge.fleet import shown
from cloud_bridge.fleet.trends import Trend
from cloud_bridge.ports import AuditView, Clock, LaneView, MachineView
from cloud_bridge.ports_looking import Health
from wire.codec import decode_presence
from wire.messages import BadMessage, Presence
from wire.topics import Topic

RECENT_MS: Final = 60_000
# That somebody was heard again is news for a page this often.
SEEN_STEP_MS: Final = 5_000
TEMPERATURES_C: Final = (-60, 100)
VERSIONS: Final = (0, 2**31)


@dataclass(slots=True)
class _Machine:
    """`jid` and `boot` are of the newest session; `word_ms` is when it last said or showed anything."""

    machine: str
    online: bool = False
    jid: str = ""
    boot: int = 0
    word_ms: int | None = None
    seen_wall_ms: int = 0
    selling: bool = False
    reason: str = ""
    software: str = ""
    catalogue_version: int = 0
    temperature_c: int | None = None
    door_open: bool | None = None
    lanes: dict[int, LaneView] = field(default_factory=dict)
    audit: AuditView | None = None
    trend: Trend = field(default_factory=Trend)


class Changes(AsyncIterator[str]):
    """One onlooker. It is forgotten when nobody holds it any more."""

    def __init__(self) -> None:
        self._changed: Final[dict[str, None]] = {}
        self._more: Final = asyncio.Event()

    def give(self, machine: str) -> None:
        """Something is new of this machine; however often, it is told once until it is read."""
        self._changed[machine] = None
        self._more.set()

    async def __anext__(self) -> str:
        while not self._changed:
            self._more.clear()
            await self._more.wait()
        machine = next(iter(self._changed))
        del self._changed[machine]
        return machine

    def rest(self) -> tuple[str, ...]:
        """Everything that is new now."""
        changed = tuple(self._changed)
        self._changed.clear()
        return changed


class Roster:
    """`take` what machines show, `heard` what they say under their keys."""

    def __init__(self, machines: Iterable[str], clock: Clock) -> None:
        self._machines: Final = {machine: _Machine(machine) for machine in sorted(machines)}
        self._clock: Final = clock
        self._told: Final[dict[str, MachineView]] = {}
        self._onlookers: Final[WeakSet[Changes]] = WeakSet()
        self.refused: Final[Counter[str]] = Counter()

    # ------------------------------------------------------------ what a page asks

    def machines(self) -> tuple[MachineView, ...]:
        """Every machine of the settings, in the order of their ids."""
        return tuple(self._view(entry) for entry in self._machines.values())

    def machine(self, machine: str) -> MachineView | None:
        """One of them, or None."""
        entry = self._machines.get(machine)
        return None if entry is None else self._view(entry)

    def health(self, machine: str) -> tuple[Health, ...]:
        """How it was in the last day, the oldest step first."""
        entry = self._machines.get(machine)
        return () if entry is None else entry.trend.steps(self._clock.wall_ms())

    def changes(self) -> Changes:
        """Ids of machines as what is shown of them changes, from now on."""
        onlooker = Changes()
        self._onlookers.add(onlooker)
        return onlooker

    def knows(self, machine: str) -> bool:
        """It stands in the settings."""
        return machine in self._machines

    def live(self, machine: str) -> bool:
        """It stands there as online, or has just spoken."""
        entry = self._machines.get(machine)
        if entry is None:
            return False
        spoke_ms = entry.word_ms
        return entry.online or (spoke_ms is not None and self._clock.now_ms() - spoke_ms < RECENT_MS)

    # ------------------------------------------------------------ what machines show and say

    def heard(self, event: FromMachine) -> None:
        """A machine spoke under its key."""
        entry, session = self._machines[event.machine], event.session
        if session.jid != entry.jid or session.boot > entry.boot:
            entry.jid, entry.boot = session.jid, session.boot
        entry.word_ms, entry.seen_wall_ms = self._clock.now_ms(), self._clock.wall_ms()
        if isinstance(event, Born):
            entry.software, entry.catalogue_version = event.software, event.catalogue_version
        self._tell(entry)

    def take(self, topic: Topic, payload: bytes, *, retained: bool) -> None:
        """A machine, or whoever may write there, shows something."""
        entry = self._machines.get(topic.machine)
        if entry is None:
            self.refused["foreign"] += 1
            return
        try:
            if topic.kind == "presence":
                self._presence(entry, decode_presence(payload))
            else:
                self._state(entry, topic.kind, payload, 0 if retained else self._clock.wall_ms())
        except (BadMessage, shown.BadState):
            self.refused["bad_state"] += 1
            return
        if not retained:  # what stood there says nothing about now
            entry.seen_wall_ms = self._clock.wall_ms()
            if topic.kind != "presence":
                entry.word_ms = self._clock.now_ms()
        self._tell(entry)

    def _presence(self, entry: _Machine, presence: Presence) -> None:
        """A will of another journal, or of an older start, says nothing about the session that runs."""
        if presence.jid == entry.jid:
            buried = presence.boot < entry.boot
        else:
            buried = entry.boot > 0 and not presence.online
        if buried:
            return
        entry.online, entry.jid, entry.boot = presence.online, presence.jid, presence.boot
        if not presence.online:
            entry.word_ms = None

    def _state(self, entry: _Machine, kind: str, payload: bytes, came_ms: int) -> None:
        """One that no page shows is a sign of life all the same."""
        number = shown.lane_number(kind) if kind.startswith("lane/") else None
        if number is not None:
            if number in entry.lanes or len(entry.lanes) < shown.LANES_LIMIT:
                entry.lanes[number] = shown.lane(number, shown.read(payload))
        elif kind == "health":
            self._health(entry, shown.read(payload))
        elif kind == "audit":
            entry.audit = shown.audit(shown.read(payload), came_ms)
        elif kind == "climate":
            values = shown.read(payload)
            entry.temperature_c = shown.whole(values, "temperature_c", *TEMPERATURES_C)
            entry.door_open = shown.flag(values, "door_open")

    @staticmethod
    def _health(entry: _Machine, values: Mapping[str, object]) -> None:
        entry.selling = shown.flag(values, "selling") or False
        entry.reason = shown.words(values, "reason", shown.REASON_LIMIT)
        entry.catalogue_version = shown.whole(values, "catalogue_version", *VERSIONS) or 0

    # ------------------------------------------------------------ telling

    def _tell(self, entry: _Machine) -> None:
        view = self._view(entry)
        if entry.boot > 0:
            wall_ms = self._clock.wall_ms()
            entry.trend.note(wall_ms, online=view.online, temperature_c=view.temperature_c)
        coarse = replace(view, seen_wall_ms=view.seen_wall_ms // SEEN_STEP_MS)
        if self._told.get(entry.machine) == coarse:
            return
        self._told[entry.machine] = coarse
        for onlooker in self._onlookers:
            onlooker.give(entry.machine)

    def _view(self, entry: _Machine) -> MachineView:
        return MachineView(
            machine=entry.machine,
            online=self.live(entry.machine),
            boot=entry.boot,
            seen_wall_ms=entry.seen_wall_ms,
            selling=entry.selling,
            reason=entry.reason,
            software=entry.software,
            catalogue_version=entry.catalogue_version,
            temperature_c=entry.temperature_c,
            door_open=entry.door_open,
            lanes=tuple(entry.lanes[number] for number in sorted(entry.lanes)),
            audit=entry.audit,
        )
