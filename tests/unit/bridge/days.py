"""A shop's day around the real engine and real books, and the morning after: bills written from the truth."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from cloud_bridge.core.bill import BillLine, LineState, MachineRow, Summary
from cloud_bridge.core.model import (
    Payment,
    RefundDraft,
    RefundState,
    RefundStatus,
    Refused,
    Session,
    TellJournal,
    ToMachine,
    Unclear,
)
from cloud_bridge.core.timings import Limits
from cloud_bridge.engine_bills import Reckoner, Tools
from cloud_bridge.engine_bills_acts import Hands
from cloud_bridge.engine_bills_match import Desk
from cloud_bridge.engine_journals import Journals
from cloud_bridge.ports_bills import (
    BillBroken,
    BillFile,
    BillKind,
    BillReading,
    BillTx,
    BookStreams,
    JournalAnswer,
    Kept,
    NoBill,
    NotYet,
    T,
    bounds_ms,
    day_of,
    days_from,
)
from cloud_bridge.store.bills import sorted_by_sale
from tests.unit.bridge.virtual import VirtualLoop
from tests.unit.bridge.wechat import Wechat
from tests.unit.bridge.world import LoopClock, Quiet, World
from tests.unit.store.test_engine import SqlBooks

HOUR_S = 3_600.0


class BusyLoop(VirtualLoop):
    """Virtual time also stands still while a thread of the pool works."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Callable[[], bool] = lambda: False
        self._jobs = 0
        super().mind(lambda: self._jobs > 0 or self.asked())

    def mind(self, threads: Callable[[], bool]) -> None:
        self.asked = threads

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        self._jobs += 1
        work = super().run_in_executor(executor, func, *args)
        work.add_done_callback(lambda _: self._done())
        return work

    def _done(self) -> None:
        self._jobs -= 1

    async def shutdown_default_executor(self) -> None:
        self._jobs += 1
        await super().shutdown_default_executor()


class DatedWechat(Wechat):
    """The platform, with the time of each payment and of each refund that it took on."""

    def __init__(self) -> None:
        super().__init__()
        self.at_ms: dict[str, int] = {}

    def pay(self, sale_id: str, fen: int | None = None, *, late: bool = False) -> Payment:
        payment = super().pay(sale_id, fen, late=late)
        self.at_ms[payment.transaction_id] = LoopClock().wall_ms()
        return replace(payment, paid_at="")

    def _payment(self, sale_id: str, transaction: str) -> Payment:
        return replace(super()._payment(sale_id, transaction), paid_at="")

    async def refund(self, refund: RefundDraft) -> RefundStatus | Refused | Unclear:
        answer = await super().refund(refund)
        if refund.refund_no in self.refunds:
            self.at_ms.setdefault(refund.refund_no, LoopClock().wall_ms())
        return answer

    def give_back_by_hand(self, sale_id: str, fen: int) -> None:
        number = f"hand{sale_id}"
        self.refunds[number] = (sale_id, fen, RefundState.SUCCESS)
        self.at_ms[number] = LoopClock().wall_ms()

    def lines(self, day: str) -> list[BillLine]:
        """What this platform's own bill of the day would say."""
        found = [
            BillLine(sale_id, "", fen, transaction, LineState.SUCCESS, day)
            for sale_id, order in self.orders.items()
            for transaction, fen in order.paid.items()
            if day_of(self.at_ms[transaction]) == day
        ]
        found += [
            BillLine(sale_id, number, fen, next(iter(self.orders[sale_id].paid)), _STATES[state], day)
            for number, (sale_id, fen, state) in self.refunds.items()
            if day_of(self.at_ms[number]) == day
        ]
        return found


_STATES = {
    RefundState.PROCESSING: LineState.PROCESSING,
    RefundState.SUCCESS: LineState.SUCCESS,
    RefundState.CLOSED: LineState.VOID,
    RefundState.ABNORMAL: LineState.UNKNOWN,
}


@dataclass
class Reading:
    """One reading of lines that are known."""

    known: list[BillLine]
    summary: Summary | None = None

    def lines(self) -> Iterator[BillLine]:
        yield from self.known
        self.summary = Summary(
            lines=len(self.known),
            paid_fen=sum(line.fen for line in self.known if not line.refund_no),
            refund_fen=sum(line.fen for line in self.known if line.refund_no),
        )


class TruthfulBills:
    """Implements `ports_bills.Bills` from what the platform knows; a day is written once, as it was then."""

    merchant = ""

    def __init__(self, wechat: DatedWechat) -> None:
        self._wechat = wechat
        self.written: dict[str, list[BillLine]] = {}
        self.spoil: Callable[[list[BillLine]], list[BillLine]] = lambda lines: lines
        self.not_yet: NotYet | None = None
        self.spoiled_day = ""
        self.broken = ""
        self.fetched = 0

    async def fetch(
        self, day: str, kind: BillKind, folder: Path, *, told: Callable[[int, int], None]
    ) -> BillFile | NoBill | NotYet:
        if self.not_yet is not None:
            return self.not_yet
        if day == self.spoiled_day:
            return NotYet(why="wrong_file")
        self.fetched += 1
        if day not in self.written:
            self.written[day] = self.spoil(self._wechat.lines(day))
        if not self.written[day]:
            return NoBill(day=day)
        told(1, 1)
        return BillFile(merchant="", day=day, kind=kind, sha1=f"{day}-{kind}", file=folder / day)

    @contextmanager
    def reading(self, bill: BillFile) -> Iterator[BillReading]:
        if self.broken:
            raise BillBroken(self.broken)
        yield Reading(self.written[bill.day])

    def funds(self, bill: BillFile) -> dict[str, int]:
        return {}


class DayBooks(SqlBooks):
    """Books on a file that also keep the match's rows."""

    async def on_bills(self, work: Callable[[BillTx], T]) -> T:
        return await self._wait(self._store.on_bills(work))

    async def bill_days(self, limit: int) -> tuple[Kept, ...]:
        return await self._wait(self._store.bill_days(limit))

    @contextmanager
    def look(self) -> Iterator[BookStreams]:
        with self._store.look() as streams:
            yield streams

    def dump(self) -> dict[str, list[tuple[object, ...]]]:
        """Everything that is kept, table by table."""
        with self._onlooker.connect() as db:
            names = db.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
            return {
                name: [tuple(row) for row in db.exec_driver_sql(f'SELECT * FROM "{name}"')]
                for name in names
                if name not in ("books", "sqlite_sequence")
            }


class DayFleet:
    """The wire of the world; a machine also answers what its journal says."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.journals: Journals | None = None
        self.silent = False
        self.day = ""
        self._answers: set[asyncio.Task[None]] = set()
        self.forged: Callable[[MachineRow], MachineRow] = lambda row: row

    def live(self, machine: str) -> bool:
        return self.world.wire.up

    async def tell(self, machine: str, message: ToMachine) -> bool:
        if not isinstance(message, TellJournal):
            return await self.world.wire.tell(machine, message)
        if not self.world.wire.up:
            return False
        if not self.silent:
            asyncio.get_running_loop().call_later(0.02, self._answer, message)
        return True

    def _answer(self, asked: TellJournal) -> None:
        machine = self.world.machine
        rows = [
            self.forged(MachineRow(sale_id, machine.name, row.state, row.price_fen, ""))
            for sale_id, row in sorted(machine.rows.items())
            if sale_id > asked.after and day_of(asked.from_ms) == self.day
        ]
        answer = JournalAnswer(
            machine=machine.name,
            session=Session(jid=machine.jid, boot=machine.boot, bits=f"{machine.boot:016x}"),
            ask=asked.ask,
            rows=tuple(rows[:3]),
            more=len(rows) > 3,
        )
        assert self.journals is not None
        self._answers.add(asyncio.ensure_future(self.journals.journal_told(answer)))


class Shop:
    """A day that can be lived, and reckoned on the mornings after. Make it inside a `BusyLoop`."""

    def __init__(self, path: Path) -> None:
        self.books = DayBooks(path / "books.db")
        freely = Limits(lane=1_000, machine=1_000, fleet=1_000)
        self.world = World(self.books, limits=freely)
        self.wechat = self.world.wechat = DatedWechat()
        self.bills = TruthfulBills(self.wechat)
        self.fleet = DayFleet(self.world)
        self.day = self.fleet.day = day_of(LoopClock().wall_ms())
        self._path = path
        self._asks = count(1)

    def reckoner(self, *, alone: bool = False) -> Reckoner:
        own = frozenset({"vm-0001"})
        journals = Journals(
            fleet=self.fleet, books=self.books, ask=lambda: f"{next(self._asks):016x}", log=Quiet()
        )
        self.fleet.journals = journals
        hands = Hands(engine=self.world.engine, fleet=self.fleet, platforms={"": self.wechat}, machines=own)
        desk = Desk(bills=self.bills, books=self.books, sort=sorted_by_sale, own=own)
        return Reckoner(
            Tools(
                desks={"": desk},
                books=self.books,
                folder=self._path,
                clock=LoopClock(),
                log=Quiet(),
                hands=None if alone else hands,
                journals=None if alone else journals,
            )
        )

    async def morning(self, nth: int = 1) -> None:
        """Sleep until twelve past ten, so many mornings after the day."""
        until_ms = bounds_ms(days_from(self.day, nth))[0] + round(10.2 * HOUR_S * 1000)
        for task in self.world._background:  # the machine has nothing to say in the night
            task.cancel()
        await self.world.passed((until_ms - LoopClock().wall_ms()) / 1000)
        self.world._background.add(asyncio.ensure_future(self.world._machine()))

    async def sold(self, outcome: str = "delivered") -> str:
        self.world.machine.outcome = outcome
        sale_id = await self.world.paid()
        await self.world.until(lambda: self.world.machine.rows[sale_id].state not in ("open", "busy"))
        await self.world.passed(30)
        return sale_id
