"""Asking machines what their journals say of a day, page by page, and keeping what a believed one says."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from cloud_bridge.core.model import TellJournal
from cloud_bridge.ports import Fleet, Log
from cloud_bridge.ports_bills import BillBooks, BillTx, JournalAnswer, JournalPage, bounds_ms

ANSWER_S: Final = 10.0
TRIES: Final = 2
PAGES: Final = 100  # of 100 rows: no machine sells ten thousand pieces a day
AT_ONCE: Final = 16


class Journals:
    """Implements `ports_bills.JournalHearer`. `ask` gives 16 random hex digits."""

    def __init__(self, *, fleet: Fleet, books: BillBooks, ask: Callable[[], str], log: Log) -> None:
        self._fleet: Final = fleet
        self._books: Final = books
        self._ask: Final = ask
        self._log: Final = log
        self._waiting: Final[dict[str, tuple[str, asyncio.Future[JournalAnswer]]]] = {}
        self._slots: Final = asyncio.Semaphore(AT_ONCE)

    async def hear(self, machines: Iterable[str], day: str) -> None:
        """Have each machine's journal of the day, as far as the machines are there to answer."""
        async with asyncio.TaskGroup() as tasks:
            for machine in machines:
                tasks.create_task(self._hear(machine, day), name=f"journal {machine}")

    async def journal_told(self, answer: JournalAnswer) -> None:
        """Take an answer to a question that still waits."""
        machine, waiting = self._waiting.get(answer.ask, ("", None))
        if waiting is not None and machine == answer.machine and not waiting.done():
            waiting.set_result(answer)

    async def _hear(self, machine: str, day: str) -> None:
        after, first = "", True
        async with self._slots:
            for _ in range(PAGES):
                answer = await self._answer(machine, day, after)
                if answer is None or not await self._kept(answer, day, first=first) or not answer.more:
                    return
                after, first = answer.rows[-1].sale_id, False
        self._log.warning("bills.journal_endless", machine=machine, day=day)

    async def _answer(self, machine: str, day: str, after: str) -> JournalAnswer | None:
        begin_ms, end_ms = bounds_ms(day)
        for _ in range(TRIES):
            ask = self._ask()
            waiting: asyncio.Future[JournalAnswer] = asyncio.get_running_loop().create_future()
            self._waiting[ask] = (machine, waiting)
            try:
                question = TellJournal(ask=ask, from_ms=begin_ms, until_ms=end_ms, after=after)
                if not await self._fleet.tell(machine, question):
                    return None
                async with asyncio.timeout(ANSWER_S):
                    return await waiting
            except TimeoutError:
                continue
            finally:
                del self._waiting[ask]
        return None

    async def _kept(self, answer: JournalAnswer, day: str, *, first: bool) -> bool:
        page = JournalPage(
            machine=answer.machine,
            jid=answer.session.jid,
            boot=answer.session.boot,
            bits=answer.session.bits,
            day=day,
            rows=answer.rows,
            first=first,
            more=answer.more,
        )

        def put(tx: BillTx) -> bool:
            return tx.put_page(page)

        kept = await self._books.on_bills(put)
        if not kept:
            self._log.warning("bills.journal_not_believed", machine=answer.machine, day=day)
        return kept
