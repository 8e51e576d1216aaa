"""How many pieces lie in a lane: what was put in and corrected, less what came out. Never typed over.

A count is a sum over events, each counted once by its key: in whatever order they come, and however often,
the sum is the same. A lane that nobody ever filled or counted has none.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

PIECES_MOST: Final = 9_999


class Hand(enum.StrEnum):
    """What somebody did. REFILLED adds pieces; CORRECTED adds the difference that a count showed."""

    REFILLED = "refilled"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Pieces that a person put in, or found more or fewer than thought. `key` is the event's own for ever."""

    key: str
    machine: str
    lane: int
    hand: Hand
    pieces: int
    by: str
    why: str
    wall_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vended:
    """A piece that came out for a sale."""

    sale_id: str
    machine: str
    lane: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """A lane's sums. `known`: somebody filled or counted it, so that its pieces say something."""

    refilled: int = 0
    corrected: int = 0
    vended: int = 0
    known: bool = False

    @property
    def pieces(self) -> int | None:
        """What lies there now, or None. Below nothing there is a count that somebody got wrong: it shows."""
        return self.refilled + self.corrected - self.vended if self.known else None


def stocks(events: Iterable[Moved | Vended]) -> dict[tuple[str, int], Stock]:
    """Every lane's sums."""
    once = {_key(event): event for event in events}
    sums: dict[tuple[str, int], Stock] = {}
    for event in once.values():
        where = event.machine, event.lane
        sums[where] = _with(sums.get(where, Stock()), event)
    return sums


def correction(stock: Stock, counted: int) -> int:
    """The pieces to add for a lane in which somebody counted so many."""
    return counted - (stock.refilled + stock.corrected - stock.vended)


def wrong(moved: Moved, capacity: int, stock: Stock) -> str:
    """Why an event cannot be taken, or empty. `capacity` 0: nobody said what the lane holds."""
    most = PIECES_MOST if moved.hand is Hand.REFILLED else 2 * PIECES_MOST
    least = 1 if moved.hand is Hand.REFILLED else -most
    if not least <= moved.pieces <= most:
        return f"count: found {moved.pieces}, allowed {least} to {most}"
    there = stock.pieces
    if moved.hand is Hand.REFILLED and capacity and there is not None and there + moved.pieces > capacity:
        return f"count: found {moved.pieces} beside {there} in a lane of {capacity}. Try: count it first"
    return ""


def _key(event: Moved | Vended) -> tuple[str, str]:
    return ("vended", event.sale_id) if isinstance(event, Vended) else ("moved", event.key)


def _with(stock: Stock, event: Moved | Vended) -> Stock:
    refilled, corrected, vended = stock.refilled, stock.corrected, stock.vended
    if isinstance(event, Vended):
        return Stock(refilled=refilled, corrected=corrected, vended=vended + 1, known=stock.known)
    if event.hand is Hand.REFILLED:
        refilled += event.pieces
    else:
        corrected += event.pieces
    return Stock(refilled=refilled, corrected=corrected, vended=vended, known=True)
