"""What the three-way match speaks of: lines of a bill, rows of books and of machines' journals, differences.

There may be a million of each a day, so rows are named tuples that live no longer than their sale's turn.
Amounts are fen; a `day` is `2026-01-31` in the platform's time.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple


class LineState(enum.StrEnum):
    """What a bill says of a payment or refund. VOID: money did not move after all."""

    SUCCESS = "success"
    PROCESSING = "processing"
    VOID = "void"
    UNKNOWN = "unknown"


class BillLine(NamedTuple):
    """One payment, or one refund when `refund_no` is set. `at` is the bill's own words."""

    sale_id: str
    refund_no: str
    fen: int
    transaction_id: str
    state: LineState
    at: str


class BookRow(NamedTuple):
    """A sale as the books have it. `paid_fen`: what the ledger took in, whenever.

    `paid_day` is the day of the payment, empty when nothing was paid; `back_today_fen` what the ledger gave
    back on the day that is matched. `refund_no` is our own number once a refund was decided, `hand_refunds`
    those of others; `done` says that ours is confirmed. `vended`: sold for good; `goods`: the books know
    that a piece fell; `doubt`: the books say that nobody knows, or a person decided.
    """

    sale_id: str
    machine: str
    price_fen: int
    paid_fen: int
    transaction_id: str
    paid_day: str
    opened_day: str
    back_today_fen: int
    refund_no: str
    hand_refunds: str
    done: bool
    vended: bool
    goods: bool
    doubt: bool


class MachineRow(NamedTuple):
    """A sale as a machine's own journal has it.

    `state`: open | intent | closed | delivered | not_delivered | uncertain.
    """

    sale_id: str
    machine: str
    state: str
    price_fen: int
    day: str


class Kind(enum.StrEnum):
    """The classes of difference. Each has one rule."""

    NOT_OURS = "not_ours"
    PAID_UNKNOWN = "paid_unknown"
    PAID_UNNOTICED = "paid_unnoticed"
    PAID_TWICE = "paid_twice"
    NOT_IN_BILL = "not_in_bill"
    AMOUNT = "amount"
    OTHER_PAYMENT = "other_payment"
    REFUND_UNKNOWN = "refund_unknown"
    REFUND_UNCONFIRMED = "refund_unconfirmed"
    REFUND_AMOUNT = "refund_amount"
    REFUND_NOT_IN_BILL = "refund_not_in_bill"
    DELIVERED_UNPAID = "delivered_unpaid"
    DELIVERED_REFUNDED = "delivered_refunded"
    NOT_DELIVERED = "not_delivered"
    JOURNAL_LACKS = "journal_lacks"
    JOURNAL_MISSING = "journal_missing"
    PRICE = "price"


class Act(enum.StrEnum):
    """What is done about a difference by itself, before a person has to look."""

    REFUND = "refund"  # the platform is asked; what is truly paid goes back, the shopper has left
    RECORD = "record"  # the platform is asked, and what it confirms is written down
    ASK = "ask"  # neighbouring bill, platform or machine are asked, then a person
    ALARM = "alarm"  # the sale is frozen, and a person looks at once


RULE: Final[Mapping[Kind, Act]] = MappingProxyType(
    {
        Kind.NOT_OURS: Act.ASK,
        Kind.PAID_UNKNOWN: Act.REFUND,
        Kind.PAID_UNNOTICED: Act.REFUND,
        Kind.PAID_TWICE: Act.ALARM,
        Kind.NOT_IN_BILL: Act.ASK,
        Kind.AMOUNT: Act.ALARM,
        Kind.OTHER_PAYMENT: Act.ALARM,
        Kind.REFUND_UNKNOWN: Act.RECORD,
        Kind.REFUND_UNCONFIRMED: Act.RECORD,
        Kind.REFUND_AMOUNT: Act.ALARM,
        Kind.REFUND_NOT_IN_BILL: Act.ASK,
        Kind.DELIVERED_UNPAID: Act.ALARM,
        Kind.DELIVERED_REFUNDED: Act.ALARM,
        Kind.NOT_DELIVERED: Act.ALARM,
        Kind.JOURNAL_LACKS: Act.ASK,
        Kind.JOURNAL_MISSING: Act.ASK,
        Kind.PRICE: Act.ALARM,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that does not fit. `bill_fen` and `books_fen` are what each side has; 0 where it has nothing.

    `number` is the transaction or refund number that it is about, empty for goods.
    """

    kind: Kind
    sale_id: str = ""
    machine: str = ""
    number: str = ""
    bill_fen: int = 0
    books_fen: int = 0
    at: str = ""

    @property
    def key(self) -> str:
        """The same for the same difference, however often the day is matched."""
        return f"{self.kind}:{self.sale_id or self.machine}:{self.number}"

    @property
    def rule(self) -> Act:
        """What is done about it."""
        return RULE[self.kind]


@dataclass(slots=True, kw_only=True)
class Side:
    """Payments, or refunds, in fen: each line of the bill and each row of the books is in exactly one place.

    Of the bill: `matched` + `elsewhen` + `bill_only` + `bill_differs` + `void`. Of the books for this day:
    `matched` + `books_only` + `books_differs`. `elsewhen` is known to the books, on another day.
    """

    lines: int = 0
    bill: int = 0
    books: int = 0
    matched: int = 0
    elsewhen: int = 0
    bill_only: int = 0
    bill_differs: int = 0
    void: int = 0
    books_only: int = 0
    books_differs: int = 0

    def fits(self) -> bool:
        """Whether the places add up to both totals."""
        of_bill = self.matched + self.elsewhen + self.bill_only + self.bill_differs + self.void
        return of_bill == self.bill and self.matched + self.books_only + self.books_differs == self.books


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a bill says of itself. `lines` counts payments and refunds."""

    lines: int
    paid_fen: int
    refund_fen: int
    fee_fen_5: int = 0


def summary_fault(summary: Summary, paid: Side, refunds: Side) -> str:
    """How a bill's summary differs from what was matched, in words; empty when it does not."""
    found = (paid.lines + refunds.lines, paid.bill, refunds.bill)
    said = (summary.lines, summary.paid_fen, summary.refund_fen)
    names = ("lines", "payments in fen", "refunds in fen")
    wrong = [
        f"{name}: found {ours}, the summary says {theirs}"
        for name, ours, theirs in zip(names, found, said, strict=True)
        if ours != theirs
    ]
    return "; ".join(wrong)
