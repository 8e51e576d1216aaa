"""The three-way match: every class of difference, and totals that fit to the fen whatever a day was like."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge.core.bill import (
    RULE,
    Act,
    BillLine,
    BookRow,
    Difference,
    Kind,
    LineState,
    MachineRow,
    Side,
    Summary,
    summary_fault,
)
from cloud_bridge.core.reconcile import Match, differences, is_ours

DAY, BEFORE, AFTER = "2026-11-24", "2026-11-23", "2026-11-25"
VM, OTHER_VM = "vm-0001", "vm-0002"
PAID = BillLine("s1", "", 350, "T1", LineState.SUCCESS, f"{DAY} 12:00:00")
BACK = BillLine("s1", "Rs1", 350, "T1", LineState.SUCCESS, f"{DAY} 12:05:00")
VENDED = BookRow("s1", VM, 350, 350, "T1", DAY, DAY, 0, "", "", False, True, True, False)
UNPAID = VENDED._replace(paid_fen=0, transaction_id="", paid_day="", vended=False, goods=False)
REFUNDED = VENDED._replace(vended=False, goods=False, refund_no="Rs1", done=True, back_today_fen=350)
FELL = MachineRow("s1", VM, "delivered", 350, DAY)
SHUT = FELL._replace(state="closed")


@dataclass
class Day:
    """The three sources of a day, in any order."""

    bill: list[BillLine] = field(default_factory=list)
    books: list[BookRow] = field(default_factory=list)
    machines: list[MachineRow] = field(default_factory=list)
    others: dict[str, BookRow] = field(default_factory=dict)
    journals: frozenset[str] = frozenset({VM})
    match: Match = field(init=False)

    def differences(self) -> list[Difference]:
        self.match = Match(day=DAY, journals=self.journals, ours=lambda number: number.startswith("s"))
        found = differences(
            self.match,
            bill=sorted(self.bill, key=lambda line: line.sale_id),
            books=sorted(self.books, key=lambda row: row.sale_id),
            machines=sorted(self.machines, key=lambda row: row.sale_id),
            look_up=self.others.get,
        )
        return list(found)

    def kinds(self) -> list[Kind]:
        return [each.kind for each in self.differences()]


def test_a_paid_and_delivered_sale_is_no_difference_and_counted_once() -> None:
    day = Day([PAID], [VENDED], [FELL])
    assert day.differences() == []
    assert day.match.paid == Side(lines=1, bill=350, books=350, matched=350)
    assert day.match.refunds == Side()
    assert (day.match.sales, day.match.pieces) == (1, 1)


def test_a_refunded_sale_is_two_lines_and_no_difference() -> None:
    day = Day([PAID, BACK], [REFUNDED], [SHUT])
    assert day.differences() == []
    assert day.match.refunds == Side(lines=1, bill=350, books=350, matched=350)


CASES: dict[str, tuple[Day, Kind]] = {
    "paid, and nobody here knows the sale": (Day([PAID]), Kind.PAID_UNKNOWN),
    "paid under another system's number": (Day([PAID._replace(sale_id="web-1")]), Kind.NOT_OURS),
    "given back under another system's number": (Day([BACK._replace(sale_id="web-1")]), Kind.NOT_OURS),
    "paid, and unpaid here": (Day([PAID], [UNPAID], [SHUT]), Kind.PAID_UNNOTICED),
    "paid twice": (
        Day([PAID, PAID._replace(transaction_id="T2")], [VENDED], [FELL]),
        Kind.PAID_TWICE,
    ),
    "paid here, not in the bill": (Day([], [VENDED], [FELL]), Kind.NOT_IN_BILL),
    "another amount": (Day([PAID._replace(fen=351)], [VENDED], [FELL]), Kind.AMOUNT),
    "another payment": (Day([PAID._replace(transaction_id="T9")], [VENDED], [FELL]), Kind.OTHER_PAYMENT),
    "a refund by hand": (
        Day([PAID, BACK._replace(refund_no="by-hand")], [VENDED], [FELL]),
        Kind.REFUND_UNKNOWN,
    ),
    "our own number, and no refund decided here": (Day([PAID, BACK], [VENDED], [FELL]), Kind.REFUND_UNKNOWN),
    "a refund of nothing known": (Day([BACK]), Kind.REFUND_UNKNOWN),
    "refunded there, still under way here": (
        Day([PAID, BACK], [REFUNDED._replace(done=False, back_today_fen=0)], [SHUT]),
        Kind.REFUND_UNCONFIRMED,
    ),
    "another amount back": (Day([PAID, BACK._replace(fen=349)], [REFUNDED], [SHUT]), Kind.REFUND_AMOUNT),
    "refunded here, not in the bill": (Day([PAID], [REFUNDED], [SHUT]), Kind.REFUND_NOT_IN_BILL),
    "delivered, and unpaid here": (Day([], [UNPAID], [FELL]), Kind.DELIVERED_UNPAID),
    "delivered, and nobody knows the sale": (Day([], [], [FELL]), Kind.DELIVERED_UNPAID),
    "delivered and given back": (Day([PAID, BACK], [REFUNDED], [FELL]), Kind.DELIVERED_REFUNDED),
    "sold here, closed at the machine": (Day([PAID], [VENDED], [SHUT]), Kind.NOT_DELIVERED),
    "sold here, not in the machine's journal": (Day([PAID], [VENDED]), Kind.JOURNAL_LACKS),
    "a machine that was not heard": (
        Day([PAID], [VENDED], journals=frozenset({OTHER_VM})),
        Kind.JOURNAL_MISSING,
    ),
    "another price at the machine": (Day([PAID], [VENDED], [FELL._replace(price_fen=300)]), Kind.PRICE),
}


@pytest.mark.parametrize("name", CASES)
def test_each_thing_that_does_not_fit_has_its_class(name: str) -> None:
    day, kind = CASES[name]
    assert day.kinds() == [kind]
    assert day.match.paid.fits()
    assert day.match.refunds.fits()


def test_a_number_of_ours_is_26_letters_of_random_bits() -> None:
    assert is_ours("k3vq7c2mzs5n4x6ahb7tdyfjwe")
    assert not any(map(is_ours, ("", "k3vq7c2mzs5n4x6ahb7tdyfjw", "K3VQ7C2MZS5N4X6AHB7TDYFJWE", "1" * 26)))


def test_every_class_is_reached_and_has_one_rule() -> None:
    assert {kind for _, kind in CASES.values()} == set(Kind) == set(RULE)
    assert {RULE[kind] for kind in Kind} == set(Act)


QUIET: dict[str, Day] = {
    "goods that are known to have fallen after a refund": Day(
        [PAID, BACK], [REFUNDED._replace(goods=True)], [FELL]
    ),
    "a sale that a person called vended": Day([PAID], [VENDED._replace(doubt=True)], [SHUT]),
    "a refund under way that the bill calls under way": Day(
        [PAID, BACK._replace(state=LineState.PROCESSING)],
        [REFUNDED._replace(done=False, back_today_fen=0)],
        [SHUT],
    ),
    "a refund by hand that was written down": Day(
        [PAID, BACK._replace(refund_no="by-hand")],
        [VENDED._replace(hand_refunds="by-hand", back_today_fen=350)],
        [FELL],
    ),
    "a refund that was closed, then done under the second number": Day(
        [PAID, BACK._replace(state=LineState.VOID), BACK._replace(refund_no="R2s1")],
        [REFUNDED._replace(refund_no="R2s1")],
        [SHUT],
    ),
    "a payment that was undone at once": Day([PAID._replace(state=LineState.VOID)], [UNPAID], [SHUT]),
    "a sale that nobody paid": Day([], [UNPAID], [SHUT]),
}


@pytest.mark.parametrize("name", QUIET)
def test_what_has_its_cause_in_the_books_is_no_difference(name: str) -> None:
    day = QUIET[name]
    assert day.differences() == []
    assert day.match.paid.fits()
    assert day.match.refunds.fits()


def test_a_payment_around_midnight_is_known_though_of_another_day() -> None:
    late = VENDED._replace(paid_day=BEFORE, opened_day=BEFORE)
    day = Day([PAID], others={"s1": late})
    assert day.differences() == []
    assert day.match.paid == Side(lines=1, bill=350, elsewhen=350)


def test_goods_around_midnight_are_paid_though_in_the_next_days_books() -> None:
    early = VENDED._replace(paid_day=AFTER, opened_day=AFTER)
    assert Day([], [], [FELL], others={"s1": early}).differences() == []
    assert Day([], [], [FELL], others={"s1": UNPAID._replace(opened_day=AFTER)}).kinds() == [
        Kind.DELIVERED_UNPAID
    ]


def test_a_sale_opened_before_midnight_and_paid_after_it_is_missed_in_its_own_bill() -> None:
    late = VENDED._replace(opened_day=BEFORE)
    assert Day([], [late], [FELL]).kinds() == [Kind.NOT_IN_BILL]


def test_a_refund_of_an_older_sale_is_looked_up() -> None:
    old = REFUNDED._replace(paid_day="2026-11-01", opened_day="2026-11-01")
    day = Day([BACK], others={"s1": old})
    assert day.differences() == []
    assert day.match.refunds == Side(lines=1, bill=350, books=350, matched=350)


def test_a_difference_has_the_same_key_however_often_it_is_found() -> None:
    day = Day([PAID, BACK._replace(refund_no="by-hand")], [VENDED], [FELL])
    first, again = day.differences(), day.differences()
    assert [each.key for each in first] == [each.key for each in again] == ["refund_unknown:s1:by-hand"]


def test_streams_that_are_not_sorted_are_our_own_mistake() -> None:
    match = Match(day=DAY, journals=frozenset())
    lines = [PAID._replace(sale_id="s2"), PAID]
    with pytest.raises(AssertionError, match="not sorted: s1 after s2"):
        list(differences(match, bill=lines, books=(), machines=(), look_up=lambda _: None))


def test_a_summary_that_says_otherwise_is_told_in_words() -> None:
    day = Day([PAID, BACK], [REFUNDED], [SHUT])
    day.differences()
    fits = Summary(lines=2, paid_fen=350, refund_fen=350)
    assert summary_fault(fits, day.match.paid, day.match.refunds) == ""
    off = Summary(lines=3, paid_fen=350, refund_fen=351)
    words = summary_fault(off, day.match.paid, day.match.refunds)
    assert words == "lines: found 2, the summary says 3; refunds in fen: found 350, the summary says 351"


# ---------------------------------------------------------------- any day

Mishap = Callable[[Day, str, int], Kind | None]


def _sold(day: Day, sale_id: str, fen: int) -> None:
    day.bill.append(PAID._replace(sale_id=sale_id, fen=fen, transaction_id=f"T{sale_id}"))
    day.books.append(
        VENDED._replace(sale_id=sale_id, price_fen=fen, paid_fen=fen, transaction_id=f"T{sale_id}")
    )
    day.machines.append(FELL._replace(sale_id=sale_id, price_fen=fen))


def fine(day: Day, sale_id: str, fen: int) -> Kind | None:
    _sold(day, sale_id, fen)
    return None


def refunded(day: Day, sale_id: str, fen: int) -> Kind | None:
    _sold(day, sale_id, fen)
    number = f"R{sale_id}"
    day.bill.append(BACK._replace(sale_id=sale_id, fen=fen, refund_no=number, transaction_id=f"T{sale_id}"))
    row = day.books.pop()
    day.books.append(row._replace(vended=False, goods=False, refund_no=number, done=True, back_today_fen=fen))
    day.machines.append(day.machines.pop()._replace(state="not_delivered"))
    return None


def lost_line(day: Day, sale_id: str, fen: int) -> Kind | None:
    _sold(day, sale_id, fen)
    day.bill.pop()
    return Kind.NOT_IN_BILL


def lost_row(day: Day, sale_id: str, fen: int) -> Kind | None:
    _sold(day, sale_id, fen)
    day.books.pop()
    return Kind.PAID_UNKNOWN


def one_fen_more(day: Day, sale_id: str, fen: int) -> Kind | None:
    _sold(day, sale_id, fen)
    day.bill.append(day.bill.pop()._replace(fen=fen + 1))
    return Kind.AMOUNT


def given_back_by_hand(day: Day, sale_id: str, fen: int) -> Kind | None:
    _sold(day, sale_id, fen)
    number = f"hand{sale_id}"
    day.bill.append(BACK._replace(sale_id=sale_id, fen=fen, refund_no=number, transaction_id=f"T{sale_id}"))
    return Kind.REFUND_UNKNOWN


def lost_refund(day: Day, sale_id: str, fen: int) -> Kind | None:
    refunded(day, sale_id, fen)
    day.bill.pop()
    return Kind.REFUND_NOT_IN_BILL


def yesterday(day: Day, sale_id: str, fen: int) -> Kind | None:
    _sold(day, sale_id, fen)
    day.others[sale_id] = day.books.pop()._replace(paid_day=BEFORE, opened_day=BEFORE)
    return None


MISHAPS: tuple[Mishap, ...] = (
    *(fine, refunded, lost_line, lost_row, one_fen_more, given_back_by_hand, lost_refund, yesterday),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(MISHAPS), st.integers(1, 10_000_000)), max_size=40), st.integers())
def test_any_days_totals_fit_bill_and_books_to_the_fen(plan: list[tuple[Mishap, int]], seed: int) -> None:
    day, expected = Day(), []
    for number, (mishap, fen) in enumerate(plan):
        sale_id = f"s{number:03d}"
        kind = mishap(day, sale_id, fen)
        expected += [(kind, sale_id)] if kind else []
    random.Random(seed).shuffle(day.bill)
    found = day.differences()
    assert sorted((each.kind, each.sale_id) for each in found) == sorted(expected)
    paid, back = day.match.paid, day.match.refunds
    assert paid.fits()
    assert back.fits()
    summary = Summary(
        lines=len(day.bill),
        paid_fen=sum(line.fen for line in day.bill if not line.refund_no),
        refund_fen=sum(line.fen for line in day.bill if line.refund_no),
    )
    assert summary_fault(summary, paid, back) == ""
    assert paid.books == sum(row.paid_fen for row in day.books if row.paid_day == DAY)
    assert back.books == sum(row.back_today_fen for row in day.books)
    gap = sum(each.bill_fen - each.books_fen for each in found if each.kind in (*PAID_KINDS, *BACK_KINDS))
    assert paid.bill + back.bill - paid.elsewhen - back.elsewhen == paid.books + back.books + gap


PAID_KINDS = (Kind.PAID_UNKNOWN, Kind.PAID_UNNOTICED, Kind.NOT_IN_BILL, Kind.AMOUNT)
BACK_KINDS = (Kind.REFUND_UNKNOWN, Kind.REFUND_NOT_IN_BILL)
