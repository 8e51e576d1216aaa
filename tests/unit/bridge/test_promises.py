"""The promises on the real books: any order of any fault, checked after each step and after healing."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cloud_bridge.core.ledger import Account, balances
from cloud_bridge.core.model import Decision, RefundState, State
from cloud_bridge.core.sale import Timer, situation
from hw_sim.world.books import Tables
from tests.unit.bridge.promises import Bridge, Machine, Platform
from tests.unit.bridge.rows import SALE_ID
from tests.unit.bridge.test_table import LISTED

FREELY = sorted(set(Timer) - {Timer.BOUND})
OUTCOMES = ("delivered", "not_delivered", "uncertain")


class OneSale(RuleBasedStateMachine):
    """A shopper, a machine, a bridge, a platform, and a wire in somebody else's hands."""

    def __init__(self) -> None:
        super().__init__()
        self.machine, self.platform = Machine(), Platform()
        self.bound_over = self.doubted = self.restored = self.rolled_back = self.lost = False
        self.bridge = Bridge(lambda: self.bound_over)
        self.bridge.watch = self.watch
        self.backup = self.bridge.tables

    def watch(self, before: Tables, after: Tables) -> None:
        """I11, and what happened is remembered even when the books are restored."""
        was, now = before.sales.get(SALE_ID), after.sales.get(SALE_ID)
        self.doubted = self.doubted or bool(now and now.doubt)
        if situation(was) is not situation(now):
            assert (situation(was), situation(now)) in LISTED
        if was is not None and was.decision is Decision.REFUND:
            assert now is not None
            assert now.decision is Decision.REFUND

    # ------------------------------------------------------------ machine and shopper

    @initialize()
    def power_on(self) -> None:
        self.machine.start()
        self.machine.select()

    @rule(link=st.booleans())
    def link(self, link: bool) -> None:
        self.bridge.link = link

    @rule(data=st.data())
    def the_bridge_hears_anything_ever_said(self, data: st.DataObject) -> None:
        self.bridge.hear(data.draw(st.sampled_from(self.machine.said)))

    @rule()
    def the_bridge_hears_the_newest(self) -> None:
        self.bridge.hear(self.machine.said[-1])

    @precondition(lambda self: self.bridge.told)
    @rule(data=st.data())
    def the_machine_hears_anything_ever_told(self, data: st.DataObject) -> None:
        message = data.draw(st.sampled_from(self.bridge.told))
        self.machine.take(message, paid_fen=self.platform.paid_fen)

    @precondition(lambda self: self.bridge.told)
    @rule()
    def the_machine_hears_the_newest(self) -> None:
        for message in self.bridge.told[-2:]:
            self.machine.take(message, paid_fen=self.platform.paid_fen)

    @precondition(lambda self: self.bridge.code_out and not self.platform.paid_fen)
    @rule(fen=st.sampled_from([350, 350, 350, 1]))
    def the_shopper_pays_even_as_it_closes(self, fen: int) -> None:
        self.platform.paid_fen = fen

    @precondition(lambda self: self.machine.row == "busy")
    @rule(outcome=st.sampled_from(OUTCOMES), drops=st.booleans())
    def the_motor_ends(self, outcome: str, drops: bool) -> None:
        self.machine.goods += outcome == "delivered" or (outcome == "uncertain" and drops)
        self.machine.end(outcome)

    @precondition(lambda self: self.machine.row == "open")
    @rule()
    def the_shopper_cancels(self) -> None:
        self.machine.close("cancel")

    @rule()
    def the_lease_ends(self) -> None:
        self.machine.lease_over = True

    @precondition(lambda self: self.machine.boot < 4)
    @rule(drops=st.booleans())
    def the_machine_restarts(self, drops: bool) -> None:
        self.machine.goods += self.machine.row == "busy" and drops
        self.machine.start()

    @precondition(lambda self: not self.lost)
    @rule(drops=st.booleans())
    def the_journal_is_lost(self, drops: bool) -> None:
        self.lost = True
        self.machine.goods += self.machine.row == "busy" and drops
        self.machine.lose_journal()

    @precondition(lambda self: not self.lost and not self.rolled_back and self.heard_of_a_restart())
    @rule()
    def the_journal_is_rolled_back(self) -> None:
        self.rolled_back = True
        self.machine.goods += self.machine.row == "busy"
        self.machine.roll_back()

    def heard_of_a_restart(self) -> bool:
        """A copy from before any restart that the bridge heard of cannot be told by anybody."""
        row = self.bridge.tables.journals.get(self.machine.jid)
        return row is not None and self.machine.row_boot < row.boot

    # ------------------------------------------------------------ bridge and platform

    @precondition(lambda self: self.machine.lease_over)
    @rule()
    def the_bound_passes(self) -> None:
        self.bound_over = True
        if Timer.BOUND in self.bridge.timers:
            self.bridge.ring(Timer.BOUND)

    @precondition(lambda self: self.bridge.timers - {Timer.BOUND})
    @rule(data=st.data())
    def a_timer_rings(self, data: st.DataObject) -> None:
        self.bridge.ring(data.draw(st.sampled_from([t for t in FREELY if t in self.bridge.timers])))

    @precondition(lambda self: self.bridge.call is not None)
    @rule(lost=st.booleans())
    def a_call_takes_effect_and_its_answer_may_be_lost(self, lost: bool) -> None:
        call, self.bridge.call = self.bridge.call, None
        assert call is not None
        answer = self.platform.make(call)
        if not lost:
            self.bridge.take(answer)

    @precondition(lambda self: self.platform.paid_fen)
    @rule()
    def a_notice_of_the_payment_arrives(self) -> None:
        self.bridge.take(self.platform.payment())

    @rule(end=st.sampled_from([RefundState.SUCCESS, RefundState.CLOSED, RefundState.ABNORMAL]))
    def the_platform_settles_a_refund(self, end: RefundState) -> None:
        self.platform.settle(end)

    @precondition(lambda self: self.platform.refunds)
    @rule(data=st.data())
    def a_notice_of_a_refund_arrives(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.platform.refunds)))
        self.bridge.take(self.platform.status(number))

    @rule()
    def the_bridge_restarts(self) -> None:
        self.bridge.restart()

    @rule()
    def a_backup_is_made(self) -> None:
        self.backup = self.bridge.tables

    @precondition(lambda self: not self.restored)
    @rule()
    def the_backup_is_restored(self) -> None:
        self.restored = True
        self.bridge.tables, self.bridge.incarnation = self.backup, "s2"
        self.bridge.restart()

    # ------------------------------------------------------------ the promises

    @invariant()
    def no_goods_and_a_refund_without_doubt(self) -> None:
        """I5."""
        if self.machine.goods and self.platform.live():
            assert self.doubted or self.restored

    @invariant()
    def the_ledger_balances(self) -> None:
        """I9."""
        books = balances(entry for _, entry in self.bridge.tables.ledger)
        assert sum(books.values()) == 0
        sale = self.bridge.tables.sales.get(SALE_ID)
        if sale is not None and sale.state in (State.VENDED, State.REFUNDED):
            assert books[Account.CUSTOMER_LIABILITY] == books[Account.REFUNDS_PENDING] == 0

    def teardown(self) -> None:
        """I7: when everything works again, a payment ends as goods, as a refund, or as an open case."""
        if not self.machine.said:
            return
        self.heal()
        sale = self.bridge.tables.sales.get(SALE_ID)
        if self.platform.paid_fen:
            assert sale is not None
            back = self.platform.refunded_fen() == self.platform.paid_fen
            assert sale.case or sale.state in (State.VENDED, State.REFUNDED), sale
            assert self.machine.goods or back or sale.case, sale
            assert sale.state is not State.REFUNDED or back  # I6
            assert sale.state is not State.VENDED or self.machine.goods  # I6
        elif sale is not None:
            assert sale.state is State.CLOSED or sale.case, sale
        self.no_goods_and_a_refund_without_doubt()
        self.the_ledger_balances()

    def heal(self) -> None:
        """All faults off: the machine is up and linked, time passes, the platform answers and notifies."""
        self.bridge.link = self.machine.lease_over = True
        if self.machine.row == "open":
            self.machine.close("lease")
        if self.machine.row == "busy":
            self.machine.goods += 1
            self.machine.end("delivered")
        if self.platform.paid_fen:
            self.bridge.take(self.platform.payment())
        for event in tuple(self.machine.said):
            self.bridge.hear(event)
        self.bound_over = True
        for _ in range(60):
            self.settle()

    def settle(self) -> None:
        """One round: calls are answered, queries are answered, then each timer rings once."""
        self.platform.settle(RefundState.SUCCESS)
        for _ in range(4):
            if self.bridge.call is not None:
                self.a_call_takes_effect_and_its_answer_may_be_lost(False)
        said, told = len(self.machine.said), tuple(self.bridge.told)
        self.bridge.told.clear()
        for message in told:
            self.machine.take(message, paid_fen=self.platform.paid_fen)
        for event in self.machine.said[said:]:
            self.bridge.hear(event)
        for timer in sorted(self.bridge.timers):
            self.bridge.ring(timer)


OneSale.TestCase.settings = settings(
    max_examples=300, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestOneSale = OneSale.TestCase


def test_a_bridge_that_refunded_at_the_bound_would_be_caught() -> None:
    """The ablation of G-EVIDENCE: a promise is worth what catches the one who breaks it."""
    world = OneSale()
    world.power_on()
    world.bridge.hear(world.machine.said[0])
    world.bridge.link = True
    world.bridge.hear(world.machine.said[1])
    world.a_call_takes_effect_and_its_answer_may_be_lost(False)
    world.the_shopper_pays_even_as_it_closes(350)
    world.a_notice_of_the_payment_arrives()
    world.the_machine_hears_the_newest()
    world.the_motor_ends("delivered", True)
    assert world.machine.goods == 1
    world.platform.refunds["R"] = RefundState.PROCESSING
    try:
        world.no_goods_and_a_refund_without_doubt()
    except AssertionError:
        return
    raise AssertionError("nobody noticed")
