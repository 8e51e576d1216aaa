"""The bridge's table: total over (situation, kind of event).

A cell is a rule, `stay` (a repeat or a late arrival, harmless) or `never` (our own bug: hold the sale,
alarm, stop selling). Kinds are the platform's and the books' facts, a machine's words, and timers.
"""

from collections.abc import Mapping
from typing import Final, get_args

from cloud_bridge.core import free, offer, paid, refund
from cloud_bridge.core.model import (
    AlreadyPaid,
    NoSuchOrder,
    OrderClosed,
    OrderPlaced,
    Payment,
    RefundStatus,
    Requested,
    Unpaid,
)
from cloud_bridge.core.rule import Rule, never, second_payment, stay
from cloud_bridge.core.sale import (
    BillDiffers,
    CaseEnded,
    Event,
    JournalDoubted,
    Kind,
    MachineSaid,
    NewerSessionSeen,
    OrderRefused,
    Rang,
    RefundOrdered,
    RefundRefused,
    Situation,
    Timer,
    Word,
)
from cloud_bridge.core.scan import ScanLost

KINDS: Final[tuple[Kind, ...]] = (
    *(event for event in get_args(Event) if event not in (MachineSaid, Rang, BillDiffers)),
    *Word,
    *Timer,
)

_PLACED: Final[tuple[Kind, ...]] = (OrderPlaced, OrderRefused)
_LOOKED: Final[tuple[Kind, ...]] = (Unpaid, NoSuchOrder, OrderClosed, AlreadyPaid)
_SESSIONS: Final[tuple[Kind, ...]] = (NewerSessionSeen, JournalDoubted)
_NO_EVIDENCE: Final[tuple[Kind, ...]] = (Word.OPEN, Word.BUSY)
_NO_GOODS: Final[tuple[Kind, ...]] = (Word.CLOSED, Word.NOT_DELIVERED)
_NO_WORD: Final[tuple[Kind, ...]] = (Word.UNCERTAIN, Word.UNKNOWN)
_BEFORE: Final[tuple[Kind, ...]] = (Timer.PLACE, Timer.QUOTE_OVER, Timer.PAY_WINDOW, Timer.QUERY)
_AFTER: Final[tuple[Kind, ...]] = (Timer.AUTHORISE, Timer.ASK, Timer.GONE, Timer.DOUBT, Timer.REFUND)


def _line(
    rules: Mapping[Kind, Rule], *, stays: tuple[Kind, ...], nevers: tuple[Kind, ...] = ()
) -> dict[Kind, Rule]:
    """`ScanLost` matters to a sale that can be paid, and to no other."""
    return {ScanLost: stay, **dict.fromkeys(stays, stay), **dict.fromkeys(nevers, never), **rules}


_NEW: Final = _line(
    {
        Requested: free.request,
        Payment: paid.pay_unknown,
        RefundStatus: refund.found_before_the_payment,
        Word.CLOSED: offer.closed_early,
        Word.DELIVERED: offer.unheard_of,
        Word.NOT_DELIVERED: offer.unheard_of,
        Word.UNCERTAIN: offer.unheard_of,
    },
    stays=(*_NO_EVIDENCE, Word.UNKNOWN, *_LOOKED, RefundOrdered, CaseEnded),
    nevers=(*_PLACED, *_SESSIONS, RefundRefused, *_BEFORE, Timer.BOUND, *_AFTER),
)
_QUOTED: Final = _line(
    {
        CaseEnded: paid.ended_by_a_person,
        OrderPlaced: offer.placed,
        OrderRefused: offer.order_refused,
        Payment: paid.pay,
        RefundStatus: refund.found_before_the_payment,
        **dict.fromkeys((*_NO_GOODS, *_NO_WORD), offer.closed_by_machine),
        Word.DELIVERED: offer.goods_unpaid,
        **dict.fromkeys(_SESSIONS, offer.session_dead),
        ScanLost: offer.scan_lost,
        Timer.PLACE: offer.place_again,
        **dict.fromkeys((Timer.QUOTE_OVER, Timer.PAY_WINDOW, Timer.BOUND), offer.quote_over),
    },
    stays=(Requested, *_LOOKED, *_NO_EVIDENCE, RefundOrdered, Timer.QUERY),
    nevers=(RefundRefused, *_AFTER),
)
_OFFERED: Final = _line(
    {
        CaseEnded: paid.ended_by_a_person,
        Requested: offer.code_again,
        Payment: paid.pay,
        Unpaid: offer.unpaid,
        NoSuchOrder: offer.no_such_order,
        OrderClosed: offer.closed,
        AlreadyPaid: offer.already_paid,
        RefundStatus: refund.found_before_the_payment,
        **dict.fromkeys((*_NO_GOODS, *_NO_WORD), offer.closed_by_machine),
        Word.DELIVERED: offer.goods_unpaid,
        **dict.fromkeys(_SESSIONS, offer.session_dead),
        ScanLost: offer.scan_lost,
        Timer.PAY_WINDOW: offer.window_over,
        Timer.QUERY: offer.query,
        Timer.BOUND: offer.bound_over,
    },
    stays=(*_PLACED, *_NO_EVIDENCE, RefundOrdered, Timer.PLACE, Timer.QUOTE_OVER),
    nevers=(RefundRefused, *_AFTER),
)
_CLOSING: Final = _line(
    {
        CaseEnded: paid.ended_by_a_person,
        Requested: offer.still_refused,
        Payment: paid.pay,
        Unpaid: offer.unpaid,
        NoSuchOrder: offer.no_such_order,
        OrderClosed: offer.closed,
        AlreadyPaid: offer.already_paid,
        RefundStatus: refund.found_before_the_payment,
        Word.DELIVERED: offer.goods_unpaid,
        Timer.QUERY: offer.query,
        Timer.BOUND: offer.bound_over,
    },
    stays=(
        *(*_PLACED, *_SESSIONS, *_NO_EVIDENCE, *_NO_GOODS, *_NO_WORD),
        *(RefundOrdered, Timer.PLACE, Timer.QUOTE_OVER, Timer.PAY_WINDOW),
    ),
    nevers=(RefundRefused, *_AFTER),
)
_CLOSED: Final = _line(
    {
        CaseEnded: paid.ended_by_a_person,
        Requested: offer.still_refused,
        Payment: paid.pay,
        Unpaid: offer.looked_again,
        NoSuchOrder: offer.looked_again,
        AlreadyPaid: offer.already_paid,
        RefundStatus: refund.found_before_the_payment,
        Word.DELIVERED: offer.goods_unpaid,
        Timer.QUERY: offer.look_again,
    },
    stays=(
        *(*_PLACED, OrderClosed, *_SESSIONS, *_NO_EVIDENCE, *_NO_GOODS, *_NO_WORD),
        *(RefundOrdered, Timer.PLACE, Timer.QUOTE_OVER, Timer.PAY_WINDOW, Timer.BOUND),
    ),
    nevers=(RefundRefused, *_AFTER),
)
_VENDING: Final = _line(
    {
        CaseEnded: paid.ended_by_a_person,
        Payment: second_payment,
        RefundStatus: refund.taken_over,
        RefundOrdered: paid.ordered_early,
        Word.OPEN: paid.still_open,
        Word.BUSY: paid.busy,
        Word.DELIVERED: paid.delivered,
        **dict.fromkeys(_NO_GOODS, paid.not_delivered),
        Word.UNCERTAIN: paid.uncertain,
        Word.UNKNOWN: paid.unknown,
        NewerSessionSeen: paid.machine_restarted,
        JournalDoubted: paid.journal_doubted,
        Timer.AUTHORISE: paid.authorise,
        Timer.BOUND: paid.bound_over,
        Timer.ASK: paid.ask,
        Timer.GONE: paid.gone,
        Timer.REFUND: paid.ask_refund,
    },
    stays=(Requested, *_PLACED, *_LOOKED, *_BEFORE, Timer.DOUBT),
    nevers=(RefundRefused,),
)
_DOUBT: Final = _line(
    {
        CaseEnded: paid.ended_by_a_person,
        Payment: second_payment,
        RefundStatus: refund.taken_over,
        RefundOrdered: paid.ordered_in_doubt,
        Word.DELIVERED: paid.delivered,
        **dict.fromkeys(_NO_GOODS, paid.not_delivered),
        Timer.ASK: paid.ask,
        Timer.DOUBT: paid.doubt_over,
        Timer.REFUND: paid.ask_refund,
    },
    stays=(
        *(Requested, *_PLACED, *_LOOKED, *_SESSIONS, *_NO_EVIDENCE, *_NO_WORD, *_BEFORE),
        *(Timer.BOUND, Timer.AUTHORISE, Timer.GONE),
    ),
    nevers=(RefundRefused,),
)
_REFUNDING: Final = _line(
    {
        CaseEnded: paid.ended_by_a_person,
        Payment: second_payment,
        RefundStatus: refund.answered,
        RefundRefused: refund.said_no,
        Word.DELIVERED: refund.goods_after_all,
        Timer.REFUND: refund.rang,
    },
    stays=(
        *(Requested, *_PLACED, *_LOOKED, *_SESSIONS, *_NO_EVIDENCE, *_NO_GOODS, *_NO_WORD, *_BEFORE),
        *(RefundOrdered, Timer.BOUND, Timer.AUTHORISE, Timer.ASK, Timer.GONE, Timer.DOUBT),
    ),
)
_VENDED: Final = _line(
    {
        CaseEnded: paid.ended_by_a_person,
        Payment: second_payment,
        RefundStatus: refund.by_hand,
        **dict.fromkeys(_NO_GOODS, paid.contradicted),
    },
    stays=(
        *(Requested, *_PLACED, *_LOOKED, *_SESSIONS, *_NO_EVIDENCE, *_NO_WORD, *_BEFORE, *_AFTER),
        *(RefundOrdered, Word.DELIVERED, Timer.BOUND),
    ),
    nevers=(RefundRefused,),
)
_REFUNDED: Final = _line(
    {
        CaseEnded: paid.ended_by_a_person,
        Payment: second_payment,
        RefundStatus: refund.after_the_refund,
        Word.DELIVERED: refund.goods_after_all,
    },
    stays=(
        *(Requested, *_PLACED, *_LOOKED, *_SESSIONS, *_NO_EVIDENCE, *_NO_GOODS, *_NO_WORD),
        *(*_BEFORE, *_AFTER, RefundOrdered, RefundRefused, Timer.BOUND),
    ),
)
_CASE: Final = _line(
    {
        Payment: second_payment,
        RefundStatus: refund.told_to_a_person,
        RefundOrdered: refund.ordered,
        CaseEnded: paid.ended_by_a_person,
        Word.DELIVERED: paid.delivered_in_case,
    },
    stays=(
        *(Requested, *_PLACED, *_LOOKED, *_SESSIONS, *_NO_EVIDENCE, *_NO_GOODS, *_NO_WORD),
        *(*_BEFORE, *_AFTER, RefundRefused, Timer.BOUND),
    ),
)
_SETTLED: Final = {**_REFUNDED, RefundStatus: refund.after_settling}
_LINES: Final[dict[Situation, dict[Kind, Rule]]] = {
    Situation.NEW: _NEW,
    Situation.QUOTED: _QUOTED,
    Situation.OFFERED: _OFFERED,
    Situation.CLOSING: _CLOSING,
    Situation.CLOSED: _CLOSED,
    Situation.VENDING: _VENDING,
    Situation.DOUBT: _DOUBT,
    Situation.REFUNDING: _REFUNDING,
    Situation.VENDED: _VENDED,
    Situation.REFUNDED: _REFUNDED,
    Situation.CASE: _CASE,
    Situation.SETTLED: _SETTLED,
}
RULES: Final[dict[tuple[Situation, Kind], Rule]] = {
    (where, column): rule for where, line in _LINES.items() for column, rule in line.items()
}
