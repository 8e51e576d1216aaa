"""Whatever merchants and payers do in whatever order, the platform's books keep every fen."""

import contextlib
import random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hw_sim.platform.answers import ApiError
from hw_sim.platform.events import Events
from hw_sim.platform.faults import Armed, Fault, Faults
from hw_sim.platform.model import Platform, Rules
from hw_sim.platform.orders import Shop
from hw_sim.platform.payers import PayerRefused

APP = "wx0123456789abcdef"
ORDERS = st.sampled_from(["order-000001", "order-000002"])
RACES = [Fault.PAYMENT_BEATS_CLOSE, Fault.PAYMENT_FOLLOWS_CLOSE, Fault.PAYMENT_BEATS_ANSWER]
OTHERS = [
    *(Fault.REFUND_CLOSED, Fault.REFUND_ABNORMAL, Fault.REFUND_NOT_ENOUGH, Fault.REFUND_STUCK),
    *(Fault.LOST_NOTICE, Fault.DOUBLE_NOTICE, Fault.ORDER_UNKNOWN_YET),
]


class Market(RuleBasedStateMachine):
    """Random calls. `taken` and `given` are counted apart from the books, from the platform's answers."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 1_800_000_000_000
        self.faults = Faults(random.Random(1))
        self.events = Events()
        self.platform = Platform(
            shop=Shop("1900000109", APP, "Shop"),
            rules=Rules(),
            faults=self.faults,
            events=self.events,
            rng=random.Random(2),
        )
        self.codes: list[str] = []
        self.was: dict[str, str] = {}
        self.raced = False

    @rule(number=ORDERS)
    def order(self, number: str) -> None:
        body = {"out_trade_no": number, "appid": APP, "description": "x", "amount": {"total": 350}}
        self._try(lambda: self.codes.append(self.platform.create(body | {"notify_url": "u"}, self.now_ms)))

    @rule(which=st.integers(0, 8), race=st.booleans())
    def pay(self, which: int, *, race: bool) -> None:
        if not self.codes:
            return
        self.raced = race
        code_url = self.codes[which % len(self.codes)]
        self._try(lambda: self.platform.pay(code_url, self.now_ms, race=race))

    @rule(number=ORDERS)
    def close(self, number: str) -> None:
        self.raced = any(armed.fault in RACES for armed in self.faults.armed())
        self._try(lambda: self.platform.close(number, self.now_ms))

    @rule(number=ORDERS, refund=st.integers(1, 4), fen=st.sampled_from([100, 350]))
    def refund(self, number: str, refund: int, fen: int) -> None:
        amount = {"refund": fen, "total": 350, "currency": "CNY"}
        body = {"out_trade_no": number, "out_refund_no": f"R{refund}", "amount": amount}
        self._try(lambda: self.platform.refund(body, self.now_ms))

    @rule(fault=st.sampled_from(RACES + OTHERS))
    def break_something(self, fault: Fault) -> None:
        self.faults.arm(Armed(fault))

    @rule(span_ms=st.sampled_from([0, 60_000, 7_200_000]), verdict=st.sampled_from([204, 500]))
    def wait(self, span_ms: int, verdict: int) -> None:
        self.now_ms += span_ms
        for delivery in self.platform.due(self.now_ms):
            self.platform.report(delivery, verdict, self.now_ms)

    @invariant()
    def every_order_was_paid_whole_or_not_at_all_and_gave_back_no_more(self) -> None:
        books = self.platform.books(self.now_ms)
        for row in books["orders"]:
            assert row["paid_fen"] in (0, row["total_fen"])
            assert 0 <= row["refunded_fen"] + row["refunding_fen"] <= row["paid_fen"]
            assert (row["paid_fen"] > 0) == (row["trade_state"] in {"SUCCESS", "REFUND"})

    @invariant()
    def the_totals_are_the_sum_of_payments_and_refunds_told(self) -> None:
        books = self.platform.books(self.now_ms)
        events = self.events.since(0)
        paid = sum(each["amount_fen"] for each in events if each["fact"] == "payment.made")
        given = [each for each in events if each["fact"] == "refund.ended" and each["status"] == "SUCCESS"]
        assert books["totals"]["paid_fen"] == paid
        assert books["totals"]["refunded_fen"] == sum(each["amount_fen"] for each in given)

    @invariant()
    def what_is_closed_stays_closed_but_for_a_race(self) -> None:
        for row in self.platform.books(self.now_ms)["orders"]:
            number, state = row["out_trade_no"], row["trade_state"]
            before = self.was.get(number)
            if before == "CLOSED" and state != "CLOSED":
                assert self.raced
            if before in {"SUCCESS", "REFUND"}:
                assert state in {"SUCCESS", "REFUND"}
            self.was[number] = state
        self.raced = False

    def _try(self, work: Any) -> None:
        with contextlib.suppress(ApiError, PayerRefused):
            work()


TestMarket = Market.TestCase
TestMarket.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
