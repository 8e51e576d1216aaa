"""What a journal's rows come to when they are counted, and what went wrong, one by one."""

from dataclasses import dataclass

from edge.core.faults import Fault
from edge.core.model import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Rows of one lane, price, state and reason: `count` up to the end of a period, `of_period` within it.

    `last_wall_ms`: when the newest of them was opened.
    """

    lane: int
    price_fen: int
    state: State
    why: str
    count: int
    of_period: int
    last_wall_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """A vend that failed or is in doubt, by when its sale was opened."""

    lane: int
    state: State
    why: str
    at_wall_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A common fault that alarms told of: how often, and whether it stands now. Lane 0: of no lane."""

    fault: Fault
    lane: int
    raised: int
    stands: bool
