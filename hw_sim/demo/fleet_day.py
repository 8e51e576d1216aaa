"""A day of a fleet under a seed, squeezed into minutes: who comes when, and what goes wrong. Pure.

Only the shoppers come faster than in a shop: motors, refunds and pay windows take their time.
"""

import enum
from dataclasses import dataclass
from random import Random
from typing import Final

DAY_H: Final = 24
# How many come in each hour of a day, beside each other: few at night, most at noon and in the evening.
_COMING: Final = (1, 1, 1, 1, 1, 2, 5, 9, 10, 6, 5, 8, 12, 9, 6, 6, 7, 9, 11, 10, 8, 7, 4, 2)
_LEAST, _MOST = 6, 16


class Manner(enum.StrEnum):
    """What a shopper does with the code."""

    PAYS = "pays"
    LEAVES = "leaves"
    PAYS_LATE = "pays_late"


_MANNERS: Final = ((Manner.PAYS, 84), (Manner.LEAVES, 12), (Manner.PAYS_LATE, 4))


class Mishap(enum.StrEnum):
    """What goes wrong at a machine."""

    JAM = "jam"  # the next spiral that turns is stuck
    POWER = "power"  # its computer is off for a while
    SILENT = "silent"  # its board says nothing for a while


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A shopper chooses a lane `at_s` seconds after the day began."""

    at_s: float
    machine: int
    lane: int
    manner: Manner


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something goes wrong; where it lasts, for `for_s` seconds."""

    at_s: float
    machine: int
    mishap: Mishap
    for_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """In the order of time. `refills_s`: when the route's driver has filled all machines."""

    length_s: float
    visits: tuple[Visit, ...]
    troubles: tuple[Trouble, ...]
    refills_s: tuple[float, ...]


def plan(seed: int, *, machines: int, lanes: tuple[int, ...], length_s: float) -> Day:
    """The same seed is the same day. Machines are numbered from 0."""
    chance = Random(f"day {seed}")
    visits = [
        Visit(
            at_s=_moment(chance) / DAY_H * length_s,
            machine=machine,
            lane=chance.choice(lanes),
            manner=chance.choices([each for each, _ in _MANNERS], [weight for _, weight in _MANNERS])[0],
        )
        for machine in range(machines)
        for _ in range(chance.randint(_LEAST, _MOST))
    ]
    return Day(
        length_s=length_s,
        visits=tuple(sorted(visits, key=lambda visit: (visit.at_s, visit.machine))),
        troubles=_troubles(chance, machines, length_s),
        refills_s=(length_s / 3, 2 * length_s / 3),
    )


def hour(at_s: float, length_s: float) -> str:
    """The day's own clock, such as 08:30."""
    minutes = min(int(at_s / length_s * DAY_H * 60), DAY_H * 60 - 1)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _moment(chance: Random) -> float:
    """An hour of the day, with its fraction."""
    return chance.choices(range(DAY_H), _COMING)[0] + chance.random()


def _troubles(chance: Random, machines: int, length_s: float) -> tuple[Trouble, ...]:
    """About a third of all machines have a bad moment, and each kind happens where there are enough."""
    struck = chance.sample(range(machines), max(1, machines // 3))
    kinds = list(Mishap)
    found = [
        Trouble(
            at_s=chance.uniform(0.15, 0.75) * length_s,
            machine=machine,
            mishap=kinds[number % len(kinds)],
            for_s=chance.uniform(0.05, 0.15) * length_s,
        )
        for number, machine in enumerate(struck)
    ]
    return tuple(sorted(found, key=lambda trouble: (trouble.at_s, trouble.machine)))
