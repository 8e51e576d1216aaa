"""The three-way match: a day's bill, the books, and the machines' journals, sale by sale.

Three streams sorted by sale id are read side by side, so that a million lines need no more room than one.
Each line and each row is counted in exactly one place of `Match`: totals fit by construction. What does not
fit comes out as a Difference, and `RULE` says what is done about its class.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

from cloud_bridge.core.bill import (
    BillLine,
    BookRow,
    Difference,
    Kind,
    LineState,
    MachineRow,
    Side,
)
from cloud_bridge.core.refund import first_number, second_number

_NUMBER: Final = frozenset("abcdefghijklmnopqrstuvwxyz234567")
_FELL: Final = "delivered"
_NO_GOODS: Final = frozenset({"closed", "not_delivered"})


def is_ours(sale_id: str) -> bool:
    """Whether a machine of ours may have made this number: 128 random bits in 26 letters."""
    return len(sale_id) == 26 and _NUMBER.issuperset(sale_id)


class _Of(Protocol):
    """Something about one sale."""

    @property
    def sale_id(self) -> str:
        """Whose it is."""


R = TypeVar("R", bound=_Of)


@dataclass(slots=True, kw_only=True)
class Match:
    """What a day comes to. `journals` are the machines whose journals of the day were heard in full.

    `ours` tells numbers that a machine of ours may have made: others sell under the same merchant. `sold` are
    the machines that sold something on the day; `sales` counts sales that were looked at.
    """

    day: str
    journals: frozenset[str]
    ours: Callable[[str], bool] = is_ours
    paid: Side = field(default_factory=Side)
    refunds: Side = field(default_factory=Side)
    sales: int = 0
    pieces: int = 0
    sold: set[str] = field(default_factory=set)


def differences(
    match: Match,
    *,
    bill: Iterable[BillLine],
    books: Iterable[BookRow],
    machines: Iterable[MachineRow],
    look_up: Callable[[str], BookRow | None],
) -> Iterator[Difference]:
    """Each difference of a day, counting into `match` on the way; all streams sorted by sale id.

    `books` need to hold the day's own sales; what bill or machine name beside them is looked up one by one.
    """
    lines, rows, told = _Stream(bill), _Stream(books), _Stream(machines)
    while heads := [each.head for each in (lines, rows, told) if each.head]:
        sale_id = min(heads)
        of_bill, of_books, of_machine = lines.take(sale_id), rows.take(sale_id), told.take(sale_id)
        row = of_books[0] if of_books else None
        if row is None and (of_bill or any(each.state == _FELL for each in of_machine)):
            row = look_up(sale_id)  # of another day: around midnight, or a refund of long after
        match.sales += 1
        yield from _sale(match, of_bill, row, of_machine)
    for machine in sorted(match.sold - match.journals):
        yield Difference(kind=Kind.JOURNAL_MISSING, machine=machine)


class _Stream(Generic[R]):
    """A sorted stream with its next sale id on top; empty at the end."""

    def __init__(self, rows: Iterable[R]) -> None:
        self._rows: Final = iter(rows)
        self._next: R | None = None
        self.head = ""
        self._step()

    def take(self, sale_id: str) -> list[R]:
        """All of this sale."""
        taken: list[R] = []
        while self.head == sale_id:
            assert self._next is not None, "a head without a row"
            taken.append(self._next)
            self._step()
        return taken

    def _step(self) -> None:
        self._next = next(self._rows, None)
        head = self._next.sale_id if self._next is not None else ""
        assert not head or head >= self.head, f"not sorted: {head} after {self.head}"
        self.head = head


# ---------------------------------------------------------------- one sale


def _sale(
    match: Match, lines: list[BillLine], row: BookRow | None, told: list[MachineRow]
) -> Iterator[Difference]:
    payments = [line for line in lines if not line.refund_no]
    back = [line for line in lines if line.refund_no]
    yield from _payments(match, payments, row)
    yield from _refunds(match, back, row)
    yield from _goods(match, row, told, billed=bool(payments))


def _payments(match: Match, lines: list[BillLine], row: BookRow | None) -> Iterator[Difference]:
    side, today = match.paid, row is not None and row.paid_day == match.day
    ours_fen = row.paid_fen if row is not None else 0
    if row is not None and today:
        side.books += ours_fen
    if not lines:
        if row is not None and today:
            side.books_only += ours_fen
            yield _about(row, Kind.NOT_IN_BILL, number=row.transaction_id, books_fen=ours_fen)
        return
    mine = next((line for line in lines if row and line.transaction_id == row.transaction_id), lines[0])
    for line in lines:
        side.lines += 1
        side.bill += line.fen
        if line is not mine:
            side.bill_only += line.fen
            yield _line(line, Kind.PAID_TWICE, row)
        elif line.state is LineState.VOID:
            side.void += line.fen
        else:
            yield from _payment(match, line, row)


def _payment(match: Match, line: BillLine, row: BookRow | None) -> Iterator[Difference]:
    """The line that belongs to this sale's own payment."""
    side = match.paid
    if row is None or row.paid_fen == 0:
        side.bill_only += line.fen
        unknown = Kind.PAID_UNKNOWN if match.ours(line.sale_id) else Kind.NOT_OURS
        yield _line(line, unknown if row is None else Kind.PAID_UNNOTICED, row)
        return
    today = row.paid_day == match.day
    if line.transaction_id == row.transaction_id and line.fen == row.paid_fen:
        if today:
            side.matched += line.fen
        else:
            side.elsewhen += line.fen
        return
    side.bill_differs += line.fen
    side.books_differs += row.paid_fen if today else 0
    other = line.transaction_id != row.transaction_id
    yield _line(line, Kind.OTHER_PAYMENT if other else Kind.AMOUNT, row, books_fen=row.paid_fen)


def _refunds(match: Match, lines: list[BillLine], row: BookRow | None) -> Iterator[Difference]:
    """A refund's bill is of the day it was taken on, or done; the books know when they heard of it."""
    side = match.refunds
    left_fen = row.back_today_fen if row is not None else 0
    side.books += left_fen
    for line in lines:
        side.lines += 1
        side.bill += line.fen
        if line.state is LineState.VOID:
            side.void += line.fen
            continue
        kind = _refund_kind(line, row)
        if row is None and not match.ours(line.sale_id):
            kind = Kind.NOT_OURS
        if kind in (Kind.REFUND_UNKNOWN, Kind.REFUND_UNCONFIRMED, Kind.NOT_OURS):
            side.bill_only += line.fen
        elif kind is Kind.REFUND_AMOUNT:
            side.bill_differs += line.fen
            side.books_differs += left_fen
            left_fen = 0
        else:
            today_fen = min(line.fen, left_fen)
            side.matched += today_fen
            side.elsewhen += line.fen - today_fen
            left_fen -= today_fen
        if kind is not None:
            yield _line(line, kind, row, books_fen=row.paid_fen if row and kind is Kind.REFUND_AMOUNT else 0)
    if row is not None and left_fen:
        side.books_only += left_fen
        number = row.refund_no or row.hand_refunds
        yield _about(row, Kind.REFUND_NOT_IN_BILL, number=number, books_fen=left_fen)


def _refund_kind(line: BillLine, row: BookRow | None) -> Kind | None:
    if row is None or row.paid_fen == 0:
        return Kind.REFUND_UNKNOWN
    if line.refund_no in row.hand_refunds.split():
        return None
    if not row.refund_no or line.refund_no not in (first_number(row.sale_id), second_number(row.sale_id)):
        return Kind.REFUND_UNKNOWN
    if line.fen != row.paid_fen:
        return Kind.REFUND_AMOUNT
    return None if row.done or line.state is not LineState.SUCCESS else Kind.REFUND_UNCONFIRMED


def _goods(
    match: Match, row: BookRow | None, told: list[MachineRow], *, billed: bool
) -> Iterator[Difference]:
    """What the machine's own journal says against what the books say of money and goods."""
    paid = row is not None and row.paid_fen > 0
    if row is not None and paid and row.opened_day == match.day:
        match.sold.add(row.machine)
        if row.vended and not told and row.machine in match.journals and not row.doubt:
            yield _about(row, Kind.JOURNAL_LACKS)
    for each in told:
        fell = each.state == _FELL
        match.pieces += fell and each.day == match.day
        free = row is not None and row.vended and not paid
        if fell and not paid and not billed and not free:
            yield Difference(
                kind=Kind.DELIVERED_UNPAID, sale_id=each.sale_id, machine=each.machine, at=each.day
            )
        if row is None:
            continue
        if fell and paid and not row.goods and not row.vended:
            yield _about(row, Kind.DELIVERED_REFUNDED, books_fen=row.paid_fen)
        if row.vended and not row.doubt and each.state in _NO_GOODS:
            yield _about(row, Kind.NOT_DELIVERED, books_fen=row.paid_fen)
        if row.price_fen and each.price_fen != row.price_fen and paid:
            yield _about(row, Kind.PRICE, books_fen=row.price_fen)


# ---------------------------------------------------------------- helpers


def _line(line: BillLine, kind: Kind, row: BookRow | None, *, books_fen: int = 0) -> Difference:
    return Difference(
        kind=kind,
        sale_id=line.sale_id,
        machine=row.machine if row is not None else "",
        number=line.refund_no or line.transaction_id,
        bill_fen=line.fen,
        books_fen=books_fen,
        at=line.at,
    )


def _about(row: BookRow, kind: Kind, *, number: str = "", books_fen: int = 0) -> Difference:
    return Difference(
        kind=kind,
        sale_id=row.sale_id,
        machine=row.machine,
        number=number,
        books_fen=books_fen,
        at=row.paid_day,
    )
