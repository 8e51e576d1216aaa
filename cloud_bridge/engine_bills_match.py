"""One day's match, away from the loop: sort the bill, read the books beside it, look at neighbours."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Final

from cloud_bridge.core.bill import BillLine, BookRow, Difference, Kind, LineState, Summary, summary_fault
from cloud_bridge.core.reconcile import Match, differences
from cloud_bridge.ports_bills import BillBooks, BillBroken, BillFile, Bills, Cause, Figures, Sorter

# So many that something else is wrong: another merchant's books, or a clock. They are counted, not kept.
MOST: Final = 10_000
_MISSING: Final = (Kind.NOT_IN_BILL, Kind.REFUND_NOT_IN_BILL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """What came out, and how many `more` than are kept. `settled`: by key, whose case a person ended."""

    figures: Figures
    found: tuple[Difference, ...]
    more: int = 0
    settled: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """With what a match is made: a merchant's bills, the books, and a place to sort in."""

    bills: Bills
    books: BillBooks
    sort: Sorter
    own: frozenset[str]


def match_day(
    desk: Desk, day: str, bill: BillFile | None, funds: BillFile | None, told: Callable[[int], None]
) -> Matched:
    """Match a day; without a bill nothing was traded. `told` hears of lines read. Raises BillBroken."""
    if bill is None:
        return _matched(desk, day, (), Summary(lines=0, paid_fen=0, refund_fen=0), {})
    moved = desk.bills.funds(funds) if funds is not None else {}
    with desk.bills.reading(bill) as reading, desk.sort(_counted(reading.lines(), told)) as lines:
        assert reading.summary is not None, "a bill that was read to its end"
        return _matched(desk, day, lines, reading.summary, moved)


def _matched(
    desk: Desk, day: str, lines: Iterable[BillLine], summary: Summary, funds: Mapping[str, int]
) -> Matched:
    merchant = desk.bills.merchant
    with desk.books.look() as look:

        def look_up(sale_id: str) -> BookRow | None:
            return look.book(merchant, sale_id, day)

        match = Match(day=day, journals=look.journals(day))
        found = differences(
            match,
            bill=lines,
            books=look.books(merchant, day),
            machines=look.machines(merchant, day, desk.own),
            look_up=look_up,
        )
        kept: list[Difference] = []
        more = 0
        for each in found:
            if len(kept) < MOST:
                kept.append(each)
            else:
                more += 1
        settled = {each.key: look.settled(each.sale_id, case_of(each.kind)) for each in kept if each.sale_id}
    if fault := summary_fault(summary, match.paid, match.refunds):
        raise BillBroken(f"the match does not fit the bill's summary: {fault}")
    assert match.paid.fits(), match.paid
    assert match.refunds.fits(), match.refunds
    figures = Figures(
        paid=asdict(match.paid),
        refunds=asdict(match.refunds),
        lines=summary.lines,
        fee_fen_5=summary.fee_fen_5,
        pieces=match.pieces,
        funds=dict(funds),
    )
    return Matched(figures=figures, found=tuple(kept), more=more, settled=settled)


def case_of(kind: Kind) -> str:
    """The reason of the case that a sale gets for such a difference; empty for any that it has."""
    return CASES.get(kind, "")


CASES: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.NOT_IN_BILL: "bill_missing",
        Kind.REFUND_NOT_IN_BILL: "bill_refund",
        Kind.AMOUNT: "bill_amount",
        Kind.OTHER_PAYMENT: "bill_amount",
        Kind.REFUND_AMOUNT: "bill_amount",
        Kind.PAID_TWICE: "second_payment",
        Kind.DELIVERED_UNPAID: "goods_unpaid",
        Kind.DELIVERED_REFUNDED: "bill_goods",
        Kind.NOT_DELIVERED: "bill_goods",
        Kind.JOURNAL_LACKS: "bill_goods",
        Kind.PRICE: "bill_amount",
    }
)


def _counted(lines: Iterator[BillLine], told: Callable[[int], None]) -> Iterator[BillLine]:
    count = 0
    for count, line in enumerate(lines, start=1):
        if count % 10_000 == 0:
            told(count)
        yield line
    told(count)


# ---------------------------------------------------------------- around midnight


def neighbours(bills: Bills, missing: Sequence[Difference], others: Sequence[BillFile]) -> dict[str, Cause]:
    """Which of these stand in another day's bill, by their keys. An unreadable bill is passed over."""
    wanted: dict[tuple[str, bool], list[Difference]] = {}
    for each in missing:
        if each.kind in _MISSING:
            wanted.setdefault((each.sale_id, each.kind is Kind.REFUND_NOT_IN_BILL), []).append(each)
    causes: dict[str, Cause] = {}
    back_fen: Counter[str] = Counter()
    for bill in others if wanted else ():
        for line in _readable(bills, bill):
            for each in wanted.get((line.sale_id, bool(line.refund_no)), ()):
                if line.state is LineState.VOID:
                    continue
                back_fen[each.key] += line.fen
                same = line.transaction_id == each.number and line.fen == each.books_fen
                if same if each.kind is Kind.NOT_IN_BILL else back_fen[each.key] >= each.books_fen:
                    causes[each.key] = Cause(name="neighbour", why=f"it stands in the bill of {bill.day}")
    return causes


def _readable(bills: Bills, bill: BillFile) -> Iterator[BillLine]:
    try:
        with bills.reading(bill) as reading:
            yield from reading.lines()
    except BillBroken:
        return
