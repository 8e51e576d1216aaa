"""What a journal's rows come to when they are counted instead of listed."""

from dataclasses import dataclass

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
