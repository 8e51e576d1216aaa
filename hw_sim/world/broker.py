"""A broker in somebody else's hands: it may lose, hold, repeat, reorder or replay whatever was said to it.

MQTT 5 as far as both programs use it: QoS 1, sessions that outlive connections, wills, retained messages, "no
matching subscribers". Within a connection TCP is whole and in order; what is under way as it breaks is lost.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import count
from random import Random
from typing import Final

from hw_sim.world.loop import Host, WorldLoop

KEPT: Final = 400  # of all that was ever said, for replays
SESSION_LIMIT: Final = 1000
ACCEPTED: Final = 0x00
NOBODY: Final = 0x10


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """A published message. `retain` asks the broker to keep it; `kept` says that it was."""

    topic: str
    payload: bytes = field(repr=False)
    user_properties: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    retain: bool = False
    kept: bool = False


@dataclass(slots=True, kw_only=True)
class Weather:
    """How bad network and broker are: chances a message, and seconds."""

    latency_s: float = 0.02
    jitter_s: float = 0.02
    loss: float = 0.0
    repeat: float = 0.0
    hold: float = 0.0
    hold_s: float = 60.0
    replay: float = 0.0
    stored_until_s: float = 0.0
    held_s: Callable[[Packet], float] = lambda packet: 0.0  # how long the broker sits on this one


@dataclass(slots=True)
class _Session:
    filters: tuple[str, ...] = ()
    waiting: deque[tuple[int, Packet]] = field(default_factory=deque)
    unacked: dict[int, Packet] = field(default_factory=dict)
    line: "Line | None" = None


class Line:
    """One connection of a client. `arrive` and `lost` run at the client's host."""

    def __init__(
        self,
        broker: "Broker",
        name: str,
        host: Host,
        *,
        arrive: Callable[[int, Packet], None],
        lost: Callable[[str], None],
    ) -> None:
        self._broker: Final = broker
        self.name: Final = name
        self.host: Final = host
        self.life: Final = host.life
        self.arrive: Final = arrive
        self.lost: Final = lost
        self.will: Packet | None = None
        self.open = True
        self._last_up_s = self._last_down_s = 0.0

    def up(self, act: Callable[..., None], *args: object) -> None:
        """Let something reach the broker, in order, if the line lives until then."""
        self._last_up_s = max(self._last_up_s, self._broker.soon_s())
        self._broker.at(self._last_up_s, self._if_open, act, args)

    def down(self, act: Callable[..., None], *args: object) -> None:
        """Let something reach the client, in order, if the line lives until then."""
        self._last_down_s = max(self._last_down_s, self._broker.soon_s())
        loop = self._broker.loop
        loop.on(self.host, self._last_down_s - loop.time(), self._if_open, act, args)

    def _if_open(self, act: Callable[..., None], args: tuple[object, ...]) -> None:
        if self.open and self.life == self.host.life:
            act(*args)


class Broker:
    """`reachable(name)` says whether a client has a network at the moment.

    With an `adversary`, nothing goes on from here but what it routes. `hurt` hears what is lost or held.
    """

    def __init__(
        self,
        loop: WorldLoop,
        weather: Weather,
        chance: Random,
        *,
        reachable: Callable[[str], bool],
        heard: Callable[[Packet], None],
    ) -> None:
        self.loop: Final = loop
        self.weather: Final = weather
        self.up = True
        self.adversary: Callable[[Packet], None] | None = None
        self.hurt: Callable[[Packet, str], None] = lambda packet, how: None
        self._chance: Final = chance
        self._reachable: Final = reachable
        self._heard: Final = heard
        self._sessions: dict[str, _Session] = {}
        self._retained: dict[str, Packet] = {}
        self._said: Final[deque[Packet]] = deque(maxlen=KEPT)
        self._numbers: Final = count(1)

    # ------------------------------------------------------------ a client's side

    def connect(
        self, line: Line, filters: tuple[str, ...], will: Packet | None, *, resume: bool = False
    ) -> bool:
        """Open the line; False when nobody answers. An older line of the same name is thrown off.

        A client that does not `resume` subscribes anew, and hears what is retained once more.
        """
        if not self.up or not self._reachable(line.name):
            return False
        session = self._sessions.setdefault(line.name, _Session())
        if session.line is not None:
            self.cut(session.line, "taken over")
        line.will, session.line = will, line
        session.waiting = deque([*session.unacked.items(), *session.waiting], maxlen=SESSION_LIMIT)
        session.unacked.clear()
        if not resume or session.filters != filters:
            session.filters = filters
            for topic, packet in self._retained.items():
                if wanted(filters, topic):
                    session.waiting.append((next(self._numbers), replace(packet, kept=True)))
        self._push(session)
        return True

    def publish(self, line: Line, packet: Packet, answered: Callable[[int], None]) -> None:
        """The client says something; `answered` is told the broker's reason code, at the client."""

        def take() -> None:
            reached = self._take(packet)
            line.down(answered, ACCEPTED if reached else NOBODY)

        line.up(take)

    def acknowledge(self, line: Line, mid: int) -> None:
        """The client has it."""

        def taken() -> None:
            self._sessions[line.name].unacked.pop(mid, None)

        line.up(taken)

    def leave(self, line: Line) -> None:
        """The client says good-bye: no will."""
        line.will = None
        line.open = False
        session = self._sessions.get(line.name)
        if session is not None and session.line is line:
            session.line = None

    # ------------------------------------------------------------ what may happen to it

    def cut(self, line: Line, why: str) -> None:
        """The connection breaks; its will is published."""
        if not line.open:
            return
        line.open = False
        session = self._sessions.get(line.name)
        if session is not None and session.line is line:
            session.line = None
        if line.will is not None:
            self._take(line.will)
        if line.life == line.host.life:
            self.loop.on(line.host, 0.0, line.lost, why)

    def cut_name(self, name: str, why: str) -> None:
        """Break whatever connection this client has."""
        session = self._sessions.get(name)
        if session is not None and session.line is not None:
            self.cut(session.line, why)

    def snapshot(self) -> "Memory":
        """What a disk of it would hold now."""
        sessions = {
            name: (session.filters, [*session.unacked.items(), *session.waiting])
            for name, session in self._sessions.items()
        }
        return Memory(sessions, dict(self._retained))

    def stop(self) -> None:
        """Its power goes; nobody's will is published by a broker without power."""
        self.up = False
        for session in self._sessions.values():
            if session.line is not None:
                session.line.will = None
                self.cut(session.line, "broker gone")

    def start(self, memory: "Memory") -> None:
        """It comes back with what its disk held, which may be old."""
        self.up = True
        self._retained = dict(memory.retained)
        self._sessions = {
            name: _Session(filters=filters, waiting=deque(waiting))
            for name, (filters, waiting) in memory.sessions.items()
        }

    def replay(self, count: int) -> None:
        """Say again what was said at any time."""
        for _ in range(min(count, len(self._said))):
            self.route(self._said[self._chance.randrange(len(self._said))])

    @property
    def said(self) -> tuple[Packet, ...]:
        """The last of all that was ever said here."""
        return tuple(self._said)

    # ------------------------------------------------------------ inside

    def soon_s(self) -> float:
        """When what leaves now arrives."""
        weather = self.weather
        left_s = max(self.loop.time(), weather.stored_until_s)
        return left_s + weather.latency_s + self._chance.random() * weather.jitter_s

    def at(self, when_s: float, act: Callable[..., None], *args: object) -> None:
        """At the broker's end, whoever has power."""
        self.loop.on(self.loop.nature, when_s - self.loop.time(), act, *args)

    def _take(self, packet: Packet) -> bool:
        self._said.append(packet)
        self._heard(packet)
        if packet.retain:
            self._retained[packet.topic] = packet
        reached = any(self._hears(session, packet) for session in self._sessions.values())
        weather, chance = self.weather, self._chance
        if self.adversary is not None:
            self.adversary(packet)
            return reached
        if chance.random() < weather.loss:
            self._hurt(packet, "loses")
            return reached
        held_s = weather.held_s(packet)
        if held_s:
            self.at(self.loop.time() + held_s, self.route, packet)
        elif chance.random() < weather.hold:
            self._hurt(packet, "holds")
            self.at(self.loop.time() + chance.random() * weather.hold_s, self.route, packet)
        else:
            self.route(packet)
        if chance.random() < weather.repeat:
            self.at(self.loop.time() + chance.random() * weather.hold_s, self.route, packet)
        if chance.random() < weather.replay:
            self.replay(1)
        return reached

    def _hurt(self, packet: Packet, how: str) -> None:
        if "/sale." in packet.topic:
            self.hurt(packet, how)

    def route(self, packet: Packet) -> None:
        """Hand it to whoever subscribed to its topic."""
        if not self.up:
            return
        for session in self._sessions.values():
            if self._hears(session, packet) and len(session.waiting) < SESSION_LIMIT:
                session.waiting.append((next(self._numbers), packet))
                self._push(session)

    @staticmethod
    def _hears(session: _Session, packet: Packet) -> bool:
        return wanted(session.filters, packet.topic)

    def _push(self, session: _Session) -> None:
        line = session.line
        if line is None or not line.open:
            return
        while session.waiting:
            mid, packet = session.waiting.popleft()
            session.unacked[mid] = packet
            line.down(line.arrive, mid, packet)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a broker's disk holds."""

    sessions: dict[str, tuple[tuple[str, ...], list[tuple[int, Packet]]]]
    retained: dict[str, Packet]


@lru_cache(maxsize=1000)
def wanted(filters: tuple[str, ...], topic: str) -> bool:
    """Whether one of these filters takes a topic."""
    return any(matches(each, topic) for each in filters)


def matches(pattern: str, topic: str) -> bool:
    """Whether an MQTT filter takes a topic (MQTT 5 §4.7)."""
    parts, levels = pattern.split("/"), topic.split("/")
    for at, part in enumerate(parts):
        if part == "#":
            return True
        if at >= len(levels) or part not in ("+", levels[at]):
            return False
    return len(parts) == len(levels)
