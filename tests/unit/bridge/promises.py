"""One sale with everything that can go wrong, as small sync steps: for the state machine of the promises.

Messages once said may arrive any number of times, at any later moment, in any order, or never. The machine
is written from the design's edge table, the platform from its rules; the bridge is the real `Books`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from cloud_bridge.core.model import (
    AlreadyPaid,
    Born,
    ClosedByMachine,
    FromMachine,
    NoSuchOrder,
    OrderClosed,
    OrderPlaced,
    OutcomeReported,
    Payment,
    RefundState,
    RefundStatus,
    Requested,
    Session,
    StatusAnswered,
    TellChallenge,
    TellCode,
    TellPaid,
    TellQuery,
    TellRefused,
    ToMachine,
    Unpaid,
)
from cloud_bridge.core.sale import (
    Again,
    AskRefund,
    AskRefundStatus,
    At,
    Call,
    CloseOrder,
    Event,
    PlaceOrder,
    QueryOrder,
    Rang,
    Stop,
    Timer,
)
from cloud_bridge.core.timings import Limits, Timings
from cloud_bridge.engine_books import Books, Decided, Terms
from cloud_bridge.engine_sessions import Challenges
from hw_sim.world.books import MemoryTx, Tables
from tests.unit.bridge.rows import SALE_ID, compose
from tests.unit.bridge.world import SHELF

VM = "vm-0001"


@dataclass(slots=True)
class Machine:
    """What a machine's journal says, and how many pieces really fell."""

    said: list[FromMachine] = field(default_factory=list)
    jid: str = "j" * 26
    boot: int = 0
    starts: int = 0
    n: int = 0
    row: str = ""
    row_boot: int = 0
    lease_over: bool = False
    motors: int = 0
    goods: int = 0

    @property
    def session(self) -> Session:
        return Session(jid=self.jid, boot=self.boot, bits=f"{self.starts:016x}")

    def start(self) -> None:
        """Power comes: what was open is closed, what was moving is uncertain."""
        self.boot += 1
        self.starts += 1
        if self.row == "open":
            self.close("restart")
        elif self.row == "busy":
            self.end("uncertain")
        self.born()

    def born(self, challenge: str = "") -> None:
        self.said.append(
            Born(
                machine=VM,
                session=self.session,
                n=self.n,
                catalogue_version=7,
                software="test",
                challenge=challenge,
            )
        )

    def select(self) -> None:
        self.row, self.row_boot, self.n = "open", self.boot, self.n + 1
        self.said.append(
            Requested(
                machine=VM,
                session=self.session,
                n=self.n,
                sale_id=SALE_ID,
                lane=12,
                price_fen=350,
                catalogue_version=7,
                lease_s=240,
                start_s=5,
            )
        )

    def close(self, why: str) -> None:
        self.row, self.n = "closed", self.n + 1
        closed = ClosedByMachine(machine=VM, session=self.session, n=self.n, sale_id=SALE_ID, why=why)
        self.said.append(closed)

    def end(self, outcome: str) -> None:
        self.row, self.n = outcome, self.n + 1
        self.said.append(
            OutcomeReported(
                machine=VM,
                session=self.session,
                n=self.n,
                sale_id=SALE_ID,
                outcome=outcome,
                why="",
                evidence="",
            )
        )

    def answer(self) -> None:
        if self.row == "open" and self.lease_over:
            self.close("lease")
        self.said.append(
            StatusAnswered(
                machine=VM,
                session=self.session,
                sale_id=SALE_ID,
                state=self.row or "unknown",
                why="",
                evidence="",
            )
        )

    def take(self, message: ToMachine, *, paid_fen: int) -> None:
        match message:
            case TellPaid(jid=jid, boot=boot):
                if self.row != "open" or (jid, boot) != (self.jid, self.boot) or self.lease_over:
                    self.answer()
                    return
                assert message.paid_fen == paid_fen == 350  # I2
                self.row, self.motors = "busy", self.motors + 1
                assert self.motors == 1  # I1
            case TellQuery():
                self.answer()
            case TellChallenge(challenge=challenge):
                self.born(challenge)
            case TellRefused() if self.row == "open":
                self.close("refused")

    def lose_journal(self) -> None:
        self.jid, self.boot, self.n, self.row = "k" * 26, 0, 0, ""
        self.start()

    def roll_back(self) -> None:
        """A copy of the journal from the moment after the selection comes back."""
        self.boot, self.n, self.row = self.row_boot, 1, "open"
        self.start()


@dataclass(slots=True)
class Platform:
    """One order and its refunds. `paid_fen` 0: not paid."""

    placed: bool = False
    closed: bool = False
    paid_fen: int = 0
    refunds: dict[str, RefundState] = field(default_factory=dict)

    def payment(self) -> Payment:
        return Payment(
            sale_id=SALE_ID,
            transaction_id="T1",
            paid_fen=self.paid_fen,
            machine=VM,
            merchant_ok=True,
            source="query",
            paid_at="",
        )

    def live(self) -> list[str]:
        alive = (RefundState.PROCESSING, RefundState.SUCCESS)
        return [number for number, state in self.refunds.items() if state in alive]

    def refunded_fen(self) -> int:
        return self.paid_fen * list(self.refunds.values()).count(RefundState.SUCCESS)

    def status(self, number: str) -> RefundStatus:
        state = self.refunds.get(number, RefundState.ABSENT)
        return RefundStatus(
            sale_id=SALE_ID, refund_no=number, state=state, refund_fen=self.paid_fen, source="query"
        )

    def settle(self, end: RefundState) -> None:
        for number, state in self.refunds.items():
            if state is RefundState.PROCESSING:
                self.refunds[number] = end

    def make(self, call: Call) -> Event:
        """The call takes effect; what it answers."""
        match call:
            case PlaceOrder():
                self.placed = True
                return OrderPlaced(sale_id=SALE_ID, code_url="weixin://a")
            case QueryOrder():
                if not self.placed:
                    return NoSuchOrder(sale_id=SALE_ID)
                return self.payment() if self.paid_fen else Unpaid(sale_id=SALE_ID, closed=self.closed)
            case CloseOrder():
                if self.paid_fen:
                    return AlreadyPaid(sale_id=SALE_ID)
                self.closed = True
                return OrderClosed(sale_id=SALE_ID)
            case AskRefund(draft=draft):
                assert self.paid_fen == draft.refund_fen  # I4: only what was paid
                self.refunds.setdefault(draft.refund_no, RefundState.PROCESSING)
                assert len(self.live()) <= 1  # I4: one live number
                return self.status(draft.refund_no)
            case AskRefundStatus(refund_no=number):
                return self.status(number)


class Bridge:
    """The real books, with timers that ring when the test says so and calls that wait to be made."""

    def __init__(self, bound_over: Callable[[], bool]) -> None:
        self.tables, self.incarnation = Tables(), "s1"
        self.challenges = Challenges(self._nonce)
        self.nonces = 0
        self.timers: set[Timer] = set()
        self.call: Call | None = None
        self.told: list[ToMachine] = []
        self.code_out = self.link = False
        self._bound_over = bound_over
        self.watch: Callable[[Tables, Tables], None] = lambda before, after: None

    def hear(self, event: FromMachine) -> None:
        self._run(lambda books: books.hear(event))

    def take(self, event: Event) -> None:
        self._run(lambda books: books.take(SALE_ID, event))

    def ring(self, timer: Timer) -> None:
        self.timers.discard(timer)
        self.take(Rang(sale_id=SALE_ID, timer=timer))

    def _nonce(self) -> str:
        self.nonces += 1
        return f"{self.nonces:032x}"

    def restart(self) -> None:
        self.challenges = Challenges(self._nonce)
        self.timers.clear()
        self.call = None
        self._run(Books.resume)

    def _run(self, work: Callable[[Books], None]) -> None:
        terms = Terms(
            timings=Timings(),
            limits=Limits(),
            shelves={VM: SHELF},
            store=self.incarnation,
            compose=compose,
            wall_ms=lambda: 1_000,
            live=lambda machine: self.link,
            past=lambda sale_id: self._bound_over(),
            challenges=self.challenges,
        )
        tables = self.tables.copy()
        books = Books(MemoryTx(tables), terms)
        work(books)
        assert books.decided.broken == "", books.decided.broken
        before, self.tables = self.tables, tables
        self.watch(before, tables)
        self._act(books.decided)

    def _act(self, decided: Decided) -> None:
        for _, message in decided.tells:
            self.told.append(message)
            self.code_out = self.code_out or isinstance(message, TellCode)
            if isinstance(message, TellPaid):
                assert self.tables.sales[SALE_ID].sent_count >= 1  # I12
        for _, _, wish in decided.wishes:
            match wish:
                case At(timer=timer) | Again(timer=timer):
                    self.timers.add(timer)
                case Stop(timers=timers):
                    self.timers -= set(timers)
                case PlaceOrder() | QueryOrder() | CloseOrder() | AskRefund() | AskRefundStatus():
                    self.call = wish
