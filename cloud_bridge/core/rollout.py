"""One edition on its way to many machines: in waves, and no further once one of them has trouble with it."""

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

MINUTES: Final = 10
MINUTES_MOST: Final = 24 * 60
_QUARTER: Final = 4
_FEW: Final = 3


class Stage(enum.StrEnum):
    """Where a roll-out stands. STOPPED waits for a person: he lets it go on, or takes the edition back."""

    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"
    UNDONE = "undone"


class At(enum.StrEnum):
    """Where a machine stands. ABSENT: it was not there when it was offered; it takes it when it comes."""

    WAITING = "waiting"
    OFFERED = "offered"
    ABSENT = "absent"
    TAKEN = "taken"
    REFUSED = "refused"
    LATE = "late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """`minutes` is how long a machine that is there may take. `why`: what stopped it."""

    edition: int
    stage: Stage
    minutes: int
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One machine of a roll-out; `since_wall_ms` is when it was offered the edition."""

    edition: int
    machine: str
    wave: int
    at: At = At.WAITING
    since_wall_ms: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a machine said under its key: the version it runs, and the one it cannot use, with its words."""

    machine: str
    jid: str
    boot: int
    runs: int
    refused: int = 0
    why: str = ""
    wall_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ride:
    """A roll-out and its machines after a look at both; `offer` are those whose turn it is."""

    rollout: Rollout
    stops: tuple[Stop, ...]
    offer: tuple[str, ...] = ()


def begin(
    edition: int, machines: Sequence[str], minutes: int, *, at_once: bool
) -> tuple[Rollout, tuple[Stop, ...]]:
    """One machine first, then a quarter of them, then the rest; few of them, or `at_once`, all together."""
    names = sorted(machines)
    stage = Stage.RUNNING if names else Stage.DONE
    one_wave = at_once or len(names) <= _FEW
    quarter = 1 + -(-len(names) // _QUARTER)

    def wave(nth: int) -> int:
        return 0 if one_wave or nth == 0 else 1 if nth < quarter else 2

    stops = tuple(Stop(edition=edition, machine=name, wave=wave(nth)) for nth, name in enumerate(names))
    return Rollout(edition=edition, stage=stage, minutes=minutes), stops


def step(
    rollout: Rollout,
    stops: Sequence[Stop],
    told: Mapping[str, Standing],
    *,
    live: Callable[[str], bool],
    wall_ms: int,
) -> Ride:
    """Look at what machines said; offer the next wave once nobody of those before keeps it waiting."""
    limit_ms = rollout.minutes * 60_000
    seen = tuple(_seen(stop, told.get(stop.machine), limit_ms, wall_ms) for stop in stops)
    if rollout.stage is not Stage.RUNNING:
        return Ride(rollout=rollout, stops=seen)
    trouble = next((stop for stop in seen if stop.at in (At.REFUSED, At.LATE)), None)
    if trouble is not None:
        why = f"{trouble.machine}: {trouble.why}"
        return Ride(rollout=replace(rollout, stage=Stage.STOPPED, why=why), stops=seen)
    if any(stop.at is At.OFFERED for stop in seen):
        return Ride(rollout=rollout, stops=seen)
    waiting = [stop.wave for stop in seen if stop.at is At.WAITING]
    if not waiting:
        return Ride(rollout=replace(rollout, stage=Stage.DONE), stops=seen)
    turn = frozenset(stop.machine for stop in seen if stop.at is At.WAITING and stop.wave == min(waiting))
    offered = tuple(_offered(stop, turn, live, wall_ms) for stop in seen)
    return Ride(rollout=rollout, stops=offered, offer=tuple(sorted(turn)))


def go_on(rollout: Rollout, stops: Sequence[Stop]) -> Ride:
    """A person has looked: those in trouble are left as they are, the others go on."""
    left = tuple(replace(s, at=At.ABSENT) if s.at in (At.REFUSED, At.LATE) else s for s in stops)
    return Ride(rollout=replace(rollout, stage=Stage.RUNNING, why=""), stops=left)


def _seen(stop: Stop, told: Standing | None, limit_ms: int, wall_ms: int) -> Stop:
    if stop.at in (At.WAITING, At.TAKEN):
        return stop
    if told is not None and told.runs >= stop.edition:
        return replace(stop, at=At.TAKEN, why="")
    if stop.at is At.OFFERED and told is not None and told.refused == stop.edition:
        return replace(stop, at=At.REFUSED, why=told.why)
    if stop.at is At.OFFERED and wall_ms - stop.since_wall_ms >= limit_ms:
        return replace(stop, at=At.LATE, why=f"not taken within {limit_ms // 60_000} minutes")
    return stop


def _offered(stop: Stop, turn: frozenset[str], live: Callable[[str], bool], wall_ms: int) -> Stop:
    if stop.machine not in turn:
        return stop
    return replace(stop, at=At.OFFERED if live(stop.machine) else At.ABSENT, since_wall_ms=wall_ms)
