"""Rows and facts for tests of the pure core: one sale in each situation, one event of each kind."""

from dataclasses import replace
from typing import Any

from cloud_bridge.core.model import (
    AlreadyPaid,
    Decision,
    NoSuchOrder,
    OrderClosed,
    OrderDraft,
    OrderPlaced,
    Payment,
    RefundState,
    RefundStatus,
    Requested,
    Session,
    State,
    Unpaid,
)
from cloud_bridge.core.sale import (
    CaseEnded,
    Context,
    Event,
    JournalDoubted,
    MachineSaid,
    NewerSessionSeen,
    OrderRefused,
    Product,
    Rang,
    RefundOrdered,
    RefundRefused,
    Sale,
    Situation,
    Timer,
    Word,
)
from cloud_bridge.core.scan import ScanLost
from cloud_bridge.core.timings import Limits, Timings

SALE_ID = "b" * 26
SESSION = Session(jid="a" * 26, boot=3, bits="0" * 16)


def compose(order: OrderDraft) -> bytes:
    return f"{order.sale_id} {order.price_fen}".encode()


CTX = Context(
    timings=Timings(),
    limits=Limits(),
    wall_ms=1_000_000,
    store="s1",
    compose=compose,
    link_live=True,
    product=Product(name_zh="可乐", name_en="Cola", price_fen=350, version=7),
    lanes=2,
)
QUOTED = Sale(
    sale_id=SALE_ID,
    machine="vm-0001",
    store="s1",
    opened_wall_ms=900_000,
    state=State.QUOTED,
    jid=SESSION.jid,
    boot=SESSION.boot,
    bits=SESSION.bits,
    lane=12,
    price_fen=350,
    catalogue_version=7,
    lease_s=240,
    start_s=5,
    pay_until_wall_ms=1_080_000,
    body=b"order",
    place_tries=1,
)
OFFERED = replace(QUOTED, state=State.OFFERED, code_url="weixin://a")
CLOSING = replace(OFFERED, state=State.CLOSING, why="cancel", row_dead=True)
CLOSED = replace(OFFERED, state=State.CLOSED, why="unpaid", code_url="", look_again=True)
VENDING = replace(
    OFFERED,
    state=State.PAID,
    decision=Decision.VEND,
    transaction_id="T1",
    paid_fen=350,
    sent_count=1,
)
UNSENT = replace(VENDING, sent_count=0)
DOUBT = replace(VENDING, doubt="machine_gone", past=True)
REFUNDING = replace(VENDING, decision=Decision.REFUND, refund_no=f"R{SALE_ID}", refund_tries=1)
VENDED = replace(VENDING, state=State.VENDED, goods=True)
REFUNDED = replace(REFUNDING, state=State.REFUNDED, refunded_fen=350)
CASE = replace(VENDING, state=State.CASE, case="brakes")
SETTLED = replace(VENDING, state=State.SETTLED)
ROWS: dict[Situation, Sale | None] = {
    Situation.NEW: None,
    Situation.QUOTED: QUOTED,
    Situation.OFFERED: OFFERED,
    Situation.CLOSING: CLOSING,
    Situation.CLOSED: CLOSED,
    Situation.VENDING: VENDING,
    Situation.DOUBT: DOUBT,
    Situation.REFUNDING: REFUNDING,
    Situation.VENDED: VENDED,
    Situation.REFUNDED: REFUNDED,
    Situation.CASE: CASE,
    Situation.SETTLED: SETTLED,
}
REQUEST = Requested(
    machine="vm-0001",
    session=SESSION,
    n=1,
    sale_id=SALE_ID,
    lane=12,
    price_fen=350,
    catalogue_version=7,
    lease_s=240,
    start_s=5,
)
PAYMENT = Payment(
    sale_id=SALE_ID,
    transaction_id="T1",
    paid_fen=350,
    machine="vm-0001",
    merchant_ok=True,
    source="notice",
    paid_at="",
)


def said(word: Word, why: str = "", *, jid: str = SESSION.jid) -> MachineSaid:
    return MachineSaid(sale_id=SALE_ID, machine="vm-0001", jid=jid, word=word, why=why)


def rang(timer: Timer) -> Rang:
    return Rang(sale_id=SALE_ID, timer=timer)


def refund(state: RefundState, number: str = f"R{SALE_ID}", fen: int = 350) -> RefundStatus:
    return RefundStatus(sale_id=SALE_ID, refund_no=number, state=state, refund_fen=fen, source="query")


def unpaid(*, closed: bool = False) -> Unpaid:
    return Unpaid(sale_id=SALE_ID, closed=closed)


EVENTS: tuple[Event, ...] = (
    REQUEST,
    *(said(word, "x") for word in Word),
    NewerSessionSeen(sale_id=SALE_ID),
    JournalDoubted(sale_id=SALE_ID, cause="journal_cloned"),
    OrderPlaced(sale_id=SALE_ID, code_url="weixin://b"),
    OrderRefused(sale_id=SALE_ID, why="invalid"),
    PAYMENT,
    replace(PAYMENT, transaction_id="T2"),
    replace(PAYMENT, paid_fen=1),
    replace(PAYMENT, merchant_ok=False),
    replace(PAYMENT, given_back=True),
    unpaid(),
    unpaid(closed=True),
    NoSuchOrder(sale_id=SALE_ID),
    OrderClosed(sale_id=SALE_ID),
    AlreadyPaid(sale_id=SALE_ID),
    *(refund(state) for state in RefundState),
    refund(RefundState.SUCCESS, "hand-1"),
    refund(RefundState.SUCCESS, "hand-2", 100),
    RefundRefused(sale_id=SALE_ID, refund_no=f"R{SALE_ID}", why="not_enough"),
    RefundRefused(sale_id=SALE_ID, refund_no=f"R{SALE_ID}", why="account"),
    RefundOrdered(sale_id=SALE_ID, by="ann"),
    CaseEnded(sale_id=SALE_ID, by="ann", why="seen", vended=True),
    CaseEnded(sale_id=SALE_ID, by="ann", why="seen", vended=False),
    ScanLost(sale_id=SALE_ID),
    *(rang(timer) for timer in Timer),
)


def only(effects: tuple[Any, ...], *kinds: type) -> list[Any]:
    """The effects of these kinds, in order."""
    return [effect for effect in effects if isinstance(effect, kinds)]
