"""Reports: what moved in the ledger between two instants, put together by whatever a person asks for.

Each entry of the time is in exactly one line, so the lines of every report add up to the ledger. Amounts in
fen, signs as people read them: money that came in, money that went back, goods that went out.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from cloud_bridge.core.ledger import Account


class By(enum.StrEnum):
    """What the lines of a report stand for."""

    MACHINE = "machine"
    PRODUCT = "product"
    HOUR = "hour"
    WAY = "way"
    DAY = "day"
    REASON = "reason"


class Report(enum.StrEnum):
    """What may be asked for. TAKINGS explains where the money of a time is; ENTRIES are the rows behind."""

    TAKINGS = "takings"
    SALES = "sales"
    REFUNDS = "refunds"
    LANES = "lanes"
    SHRINKAGE = "shrinkage"
    ENTRIES = "entries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One report of the time from `begin_ms` up to, and without, `end_ms`; Unix milliseconds.

    `machines` None: all of them. `key` and `account` choose entries: those of one line of a report by `by`,
    those that touch this account.
    """

    report: Report
    begin_ms: int
    end_ms: int
    by: By = By.MACHINE
    machines: frozenset[str] | None = None
    key: tuple[str, ...] = ()
    account: Account | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """So many entries of one kind, of what `key` names: (id,) or, of a product, its two names."""

    key: tuple[str, ...]
    debit: Account
    credit: Account
    count: int
    fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vends:
    """What became of the vends of a lane that ended in the time: so many of each."""

    machine: str
    lane: int
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the ledger with the sale it belongs to."""

    wall_ms: int
    sale_id: str
    machine: str
    lane: int
    product_zh: str
    product_en: str
    debit: Account
    credit: Account
    fen: int
    why: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What moved of one thing. `lost_fen`: goods that went out and were not paid in the end."""

    key: tuple[str, ...] = ()
    paid: int = 0
    paid_fen: int = 0
    back: int = 0
    back_fen: int = 0
    sold: int = 0
    sold_fen: int = 0
    lost: int = 0
    lost_fen: int = 0

    @property
    def left_fen(self) -> int:
        """What came in less what went back."""
        return self.paid_fen - self.back_fen


# ---------------------------------------------------------------- lines

CLEARING: Final = Account.PLATFORM_CLEARING


def lines(moves: Iterable[Move]) -> tuple[Line, ...]:
    """One line for each thing, by its name."""
    found: dict[tuple[str, ...], Line] = {}
    for move in moves:
        found[move.key] = _with(found.get(move.key, Line(key=move.key)), move)
    return tuple(found[key] for key in sorted(found))


def total(lines: Iterable[Line]) -> Line:
    """All of them in one."""
    whole = Line()
    for line in lines:
        whole = Line(
            paid=whole.paid + line.paid,
            paid_fen=whole.paid_fen + line.paid_fen,
            back=whole.back + line.back,
            back_fen=whole.back_fen + line.back_fen,
            sold=whole.sold + line.sold,
            sold_fen=whole.sold_fen + line.sold_fen,
            lost=whole.lost + line.lost,
            lost_fen=whole.lost_fen + line.lost_fen,
        )
    return whole


def _with(line: Line, move: Move) -> Line:
    """An entry may be two things at once: money that goes back for goods that were sold is also a loss."""
    if move.debit is CLEARING:
        line = replace(line, paid=line.paid + move.count, paid_fen=line.paid_fen + move.fen)
    if move.credit is CLEARING:
        line = replace(line, back=line.back + move.count, back_fen=line.back_fen + move.fen)
    if move.credit is Account.SALES:
        line = replace(line, sold=line.sold + move.count, sold_fen=line.sold_fen + move.fen)
    if move.debit is Account.SHRINKAGE:
        line = replace(line, lost=line.lost + move.count, lost_fen=line.lost_fen + move.fen)
    return line


def refunds(found: Iterable[Line]) -> tuple[Line, ...]:
    """Those of which money went back, most of it first."""
    some = (line for line in found if line.back_fen)
    return tuple(sorted(some, key=lambda line: (-line.back_fen, line.key)))


def losses(found: Iterable[Line]) -> tuple[Line, ...]:
    """Those of which goods were lost, the most first."""
    some = (line for line in found if line.lost_fen)
    return tuple(sorted(some, key=lambda line: (-line.lost_fen, line.key)))


# ---------------------------------------------------------------- where the takings are


@dataclass(frozen=True, slots=True, kw_only=True)
class BillSide:
    """What the bills of the time say: `paid_fen` and `back_fen`; `booked_*` is what we have of their days.

    `days` are those whose bill is in, `missing` those whose is not; `open` differences have no cause yet.
    """

    days: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    paid_fen: int = 0
    back_fen: int = 0
    booked_paid_fen: int = 0
    booked_back_fen: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Takings:
    """What came in, what went back, and where the rest is: `left_fen` is the sum of `places`, always."""

    whole: Line
    places: tuple[tuple[Account, int], ...]
    bill: BillSide = field(default_factory=BillSide)

    @property
    def left_fen(self) -> int:
        """What the platform holds more than before."""
        return self.whole.left_fen

    def apart(self, side: str) -> tuple[int, int]:
        """How far ledger and bills are apart in `paid` or `back`, in two parts that add up.

        First what the books have on another day than the bill, then what one of them does not have at all.
        """
        ours, booked, theirs = (
            getattr(self.whole, f"{side}_fen"),
            getattr(self.bill, f"booked_{side}_fen"),
            getattr(self.bill, f"{side}_fen"),
        )
        return ours - booked, booked - theirs


PLACES: Final = (
    Account.SALES,
    Account.SHRINKAGE,
    Account.SETTLED_BY_HAND,
    Account.CUSTOMER_LIABILITY,
    Account.REFUNDS_PENDING,
)


def takings(moves: Sequence[Move], bill: BillSide | None = None) -> Takings:
    """Where the money of the time is: credit less debit of every account but the platform's."""
    places = dict.fromkeys(PLACES, 0)
    for move in moves:
        if move.credit is not CLEARING:
            places[move.credit] += move.fen
        if move.debit is not CLEARING:
            places[move.debit] -= move.fen
    whole = total(lines(replace(move, key=()) for move in moves))
    return Takings(whole=whole, places=tuple(places.items()), bill=bill or BillSide())


# ---------------------------------------------------------------- lanes


def failed_rate(vends: Vends) -> float:
    """The part of the vends that failed or nobody knows of, 0..1; of none, 0."""
    count = sum(vends.outcomes.values())
    good = vends.outcomes.get("delivered", 0)
    return (count - good) / count if count else 0.0


def worst_first(found: Iterable[Vends]) -> tuple[Vends, ...]:
    """The lanes that fail most often, then by their place."""
    return tuple(sorted(found, key=lambda each: (-failed_rate(each), each.machine, each.lane)))
