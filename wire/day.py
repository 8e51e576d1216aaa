"""A day of a machine's own journal: asked for by the bridge, answered row by row, some at a time.

The journal is the third source of the daily match. Asking changes nothing and may be repeated; `ask` ties an
answer to its question, so that an old answer is none.
"""

from dataclasses import dataclass
from typing import Final

from wire.parts import Report, check, check_bits, check_count, check_fen, check_id, check_lane

ROWS_LIMIT: Final = 100
_STATES: Final = ("open", "intent", "closed", "delivered", "not_delivered", "uncertain")
_LONGEST_MS: Final = 48 * 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalAsked:
    """`down/journal.ask`: the rows that were opened from `from_ms` on and before `until_ms`, by the machine's
    own wall clock, whose sale ids come after `after` (empty: from the first), in their order.
    """

    ask: str
    from_ms: int
    until_ms: int
    after: str

    def __post_init__(self) -> None:
        check_bits(self.ask)
        check_count("from_ms", self.from_ms)
        span = self.until_ms - self.from_ms
        check(0 < span <= _LONGEST_MS, "until_ms", span, "up to 48 hours after from_ms")
        if self.after:
            check_id("after", self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """One row: `state` is open | intent | closed | delivered | not_delivered | uncertain."""

    sale_id: str
    state: str
    lane: int
    price_fen: int

    def __post_init__(self) -> None:
        check_id("sale_id", self.sale_id)
        check(self.state in _STATES, "state", self.state, " | ".join(_STATES))
        check_lane(self.lane)
        check_fen("price_fen", self.price_fen)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRows(Report):
    """`up/journal.rows`: answers `journal.ask`, at most 100 rows; `more`: others come after the last.

    It is an answer, not a numbered report: `n` is 0.
    """

    ask: str
    rows: tuple[JournalRow, ...]
    more: bool

    def __post_init__(self) -> None:
        Report.__post_init__(self)
        check_bits(self.ask)
        check(len(self.rows) <= ROWS_LIMIT, "rows", len(self.rows), f"at most {ROWS_LIMIT}")
        check(not self.more or bool(self.rows), "more", self.more, "false without a row")
        order = [row.sale_id for row in self.rows]
        check(order == sorted(set(order)), "rows", len(order), "each sale once, by sale_id")
