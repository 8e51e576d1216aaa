"""One row of the table that `scripts/bench` prints."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured beside what it is compared with, in words, and whether the goal is met."""

    name: str
    ours: str
    beside: str
    ratio: float
    goal: str
    met: bool
