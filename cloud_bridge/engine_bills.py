"""The daily match: fetch yesterday's bill after ten, match it, act on what differs, and do so three mornings.

A day is closed once every difference has a cause. Matching a day again finds the same differences under the
same keys: what is known of them stays, and nothing is written when nothing has changed.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from cloud_bridge.core.bill import Act, Difference
from cloud_bridge.core.sale import yuan
from cloud_bridge.engine_bills_acts import Acts, Hands
from cloud_bridge.engine_bills_match import Desk, Matched, match_day, neighbours
from cloud_bridge.engine_journals import Journals
from cloud_bridge.ports import Clock, Log, StandingAlarm
from cloud_bridge.ports_bills import (
    CHINA,
    BillBooks,
    BillBroken,
    BillFile,
    BillKind,
    BillTx,
    Cause,
    DayResult,
    Found,
    Kept,
    NoBill,
    NotYet,
    day_of,
    days_from,
)

READY_HOUR: Final = 10
LATE_HOUR: Final = 14  # a bill that is not there by then is a matter for a person
MORNINGS: Final = 3
FIRST_S: Final = 120.0  # after a start machines and books come first
LOOK_S: Final = 600.0
AGAIN_MS: Final = 3_600_000
MOST_ASKED: Final = 200
OPEN_DAYS: Final = 30
NAMED: Final = 3  # days in the words of an alarm
_NOT_LATE: Final = frozenset({"statement_creating", "rate_limited", "timeout", "connection", "busy"})
Progress = Callable[[str, int, int], None]


def untold(what: str, here: int, whole: int) -> None:
    """Nobody looks on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """With what days are matched. Without `hands` and `journals`, nothing is asked and nobody acts."""

    desks: Mapping[str, Desk]
    books: BillBooks
    folder: Path
    clock: Clock
    log: Log
    hands: Hands | None = None
    journals: Journals | None = None


@dataclass(slots=True)
class _Day:
    """One run over a day."""

    before: DayResult
    known: dict[str, Found]
    nth: int
    now_ms: int
    found: dict[str, Found] = field(default_factory=dict)


class Reckoner:
    """Run `run` as a task. One day is matched at a time."""

    def __init__(self, tools: Tools) -> None:
        self._tools: Final = tools
        self._one_at_a_time: Final = asyncio.Lock()

    async def run(self) -> None:
        """Match what is due, again and again, until cancelled. Raises StoreFailed."""
        await asyncio.sleep(FIRST_S)
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Match each day that is due now."""
        for merchant in self._tools.desks:
            for day in recent(self._tools.clock.wall_ms()):
                if await self._due(merchant, day):
                    await self.reconcile(day, merchant=merchant)

    async def _due(self, merchant: str, day: str) -> bool:
        """Once each of three mornings, and each hour while something is open."""
        now_ms = self._tools.clock.wall_ms()
        kept = await self._tools.books.on_bills(_reading(merchant, day))
        if kept is None or day_of(now_ms) not in kept[0].rounds.split():
            return True
        return not kept[0].closed and now_ms - kept[0].matched_wall_ms >= AGAIN_MS

    # ------------------------------------------------------------ one day

    async def reconcile(self, day: str, *, merchant: str = "", told: Progress = untold) -> Kept:
        """Match a day now, whatever was known of it. Raises StoreFailed, ValueError for no day."""
        async with self._one_at_a_time:
            kept = await self._tools.books.on_bills(_reading(merchant, day))
            result, known = kept or (DayResult(merchant=merchant, day=day), ())
            now_ms = self._tools.clock.wall_ms()
            run = _Day(
                before=result,
                known={each.difference.key: each for each in known},
                nth=len({*result.rounds.split(), day_of(now_ms)}),
                now_ms=now_ms,
            )
            if self._tools.journals is not None:
                await self._tools.journals.hear(sorted(self._tools.desks[merchant].own), day)
            after = await self._keep(run, await self._matched(run, told))
            return after, tuple(run.found[key] for key in sorted(run.found))

    async def _matched(self, run: _Day, told: Progress) -> DayResult:
        before, desk = run.before, self._tools.desks[run.before.merchant]
        bill = await self._fetched(desk, before.day, BillKind.TRADE, told)
        if isinstance(bill, NotYet):
            run.found = dict(run.known)
            return replace(before, fault=f"{bill.why} {bill.detail}".strip())
        funds = await self._fetched(desk, before.day, BillKind.FUNDS, told)
        trade = bill if isinstance(bill, BillFile) else None
        flow = funds if isinstance(funds, BillFile) else None

        def lines(count: int) -> None:
            told("lines", count, 0)

        try:
            matched = await asyncio.to_thread(match_day, desk, before.day, trade, flow, lines)
        except BillBroken as error:
            run.found = dict(run.known)
            return replace(before, fault=str(error))
        await self._explain(run, matched)
        open_still = any(each.cause is None for each in run.found.values()) or matched.more > 0
        return replace(
            before,
            sha1=trade.sha1 if trade else "",
            file=trade.file.name if trade else "",
            closed=not open_still,
            fault=f"{matched.more} more differences than are kept" if matched.more else "",
            rounds=" ".join(sorted({*before.rounds.split(), day_of(run.now_ms)})),
            matched_wall_ms=run.now_ms,
            figures=matched.figures,
        )

    async def _fetched(
        self, desk: Desk, day: str, kind: BillKind, told: Progress
    ) -> BillFile | NoBill | NotYet:
        def here(count: int, whole: int) -> None:
            told(kind.value, count, whole)

        return await desk.bills.fetch(day, kind, self._tools.folder, told=here)

    # ------------------------------------------------------------ causes

    async def _explain(self, run: _Day, matched: Matched) -> None:
        """What was known stays, what is open is looked into, and what is gone the books have by now."""
        for difference in matched.found:
            old = run.known.get(difference.key)
            since_ms = old.since_wall_ms if old else run.now_ms
            cause = old.cause if old and not _came_back(old) else None
            if cause is None and (settled := matched.settled.get(difference.key, "")):
                cause = Cause(name="case", why=settled)
            run.found[difference.key] = Found(difference=difference, since_wall_ms=since_ms, cause=cause)
        for key, old in run.known.items():
            if key not in run.found:
                gone = old.cause or Cause(name="books", why="it fits by now")
                run.found[key] = replace(old, cause=gone)
        await self._look_around(run)
        await self._act(run)

    async def _look_around(self, run: _Day) -> None:
        missing, others = _open(run), await self._others(run.before)
        bills = self._tools.desks[run.before.merchant].bills
        causes = await asyncio.to_thread(neighbours, bills, missing, others)
        for key, cause in causes.items():
            run.found[key] = replace(run.found[key], cause=cause)

    async def _others(self, result: DayResult) -> list[BillFile]:
        """Bills of the days around, as far as they are here."""
        around = (days_from(result.day, count) for count in range(-MORNINGS, MORNINGS + 1) if count)
        found: list[BillFile] = []
        for day in around:
            kept = await self._tools.books.on_bills(_reading(result.merchant, day))
            if kept is not None and kept[0].file:
                file = self._tools.folder / kept[0].file
                found.append(
                    BillFile(
                        merchant=result.merchant, day=day, kind=BillKind.TRADE, sha1=kept[0].sha1, file=file
                    )
                )
        return found

    async def _act(self, run: _Day) -> None:
        if self._tools.hands is None:
            return
        acts = Acts(self._tools.hands, merchant=run.before.merchant, day=run.before.day, nth=run.nth)
        for difference in _open(run)[:MOST_ASKED]:
            cause = await acts.act(difference)
            if cause is not None:
                key = difference.key
                run.found[key] = replace(run.found[key], cause=cause)

    async def explain(self, result: DayResult, key: str, cause: Cause) -> str:
        """A person says why a difference is none; why he cannot, or empty. Raises StoreFailed."""
        return await explain_in(self._tools.books, (result.merchant, result.day), key, cause)

    # ------------------------------------------------------------ results

    async def _keep(self, run: _Day, matched: DayResult) -> DayResult:
        """Write down what has changed, and let the alarms say it; the day as it is kept now."""
        changed = [each for key, each in run.found.items() if run.known.get(key) != each]
        same = not changed and replace(matched, matched_wall_ms=run.before.matched_wall_ms) == run.before
        after = run.before if same and matched.closed else matched

        def put(tx: BillTx) -> None:
            if after != run.before:
                tx.put_bill_day(after, changed)

        await self._tools.books.on_bills(put)
        await tell_open_days(self._tools.books, run.now_ms)
        open_count = sum(each.cause is None for each in run.found.values())
        self._tools.log.info(
            "bills.matched", day=after.day, closed=after.closed, open=open_count, why=after.fault or "fine"
        )
        return after


# ---------------------------------------------------------------- helpers


def recent(wall_ms: int) -> tuple[str, ...]:
    """The days whose bills may be asked for now, the newest first."""
    newest = -1 if datetime.fromtimestamp(wall_ms / 1000, CHINA).hour >= READY_HOUR else -2
    today = day_of(wall_ms)
    return tuple(days_from(today, back) for back in range(newest, -MORNINGS - 1, -1))


async def explain_in(books: BillBooks, where: tuple[str, str], key: str, cause: Cause) -> str:
    """Write down a person's word on a difference of a (merchant, day); why not, or empty."""

    def put(tx: BillTx) -> str:
        kept = tx.bill_day(*where)
        found = {each.difference.key: each for each in kept[1]} if kept else {}
        if kept is None or key not in found:
            return f"no such difference. Try: wxvend bridge reconcile --date {where[1]}"
        if found[key].cause is not None:
            return "it has a cause already"
        explained = replace(found[key], cause=cause)
        others = [each for each in found.values() if each.difference.key != key and each.cause is None]
        tx.put_bill_day(replace(kept[0], closed=not others and not kept[0].fault), [explained])
        return ""

    return await books.on_bills(put)


async def tell_open_days(books: BillBooks, now_ms: int) -> None:
    """One alarm for all days that are not closed, one for all without a bill; each goes with the last."""
    kept = await books.bill_days(OPEN_DAYS)
    waiting = [_told(result, found) for result, found in kept if not result.closed and result.figures]
    late = [
        f"{result.merchant} {result.day}: {result.fault}".strip()
        for result, _ in kept
        if _late(result, now_ms)
    ]

    def put(tx: BillTx) -> None:
        _alarm(tx, "bill_differences", waiting, now_ms)
        _alarm(tx, "bill_late", late, now_ms)

    await books.on_bills(put)


def _told(result: DayResult, found: Sequence[Found]) -> str:
    still = [each.difference for each in found if each.cause is None]
    fen = sum(max(each.bill_fen, each.books_fen) for each in still)
    return f"{result.day}: {len(still)} without a cause, {yuan(fen)}"


def _alarm(tx: BillTx, name: str, days: Sequence[str], now_ms: int) -> None:
    if not days:
        tx.clear_alarm(machine="", name=name, lane=0)
        return
    more = f" and {len(days) - NAMED} more days" if len(days) > NAMED else ""
    text = "; ".join(days[:NAMED]) + more
    alarm = StandingAlarm(machine="", name=name, lane=0, code="", text=text, since_wall_ms=now_ms)
    tx.set_alarm(alarm)


def _late(result: DayResult, now_ms: int) -> bool:
    if not result.fault or result.day not in recent(now_ms):
        return False  # what a person asked for by hand he was told
    today = result.day == days_from(day_of(now_ms), -1)
    hour = datetime.fromtimestamp(now_ms / 1000, CHINA).hour
    return result.fault.split(" ")[0] not in _NOT_LATE or not today or hour >= LATE_HOUR


def _came_back(old: Found) -> bool:
    """What the books were to have by now, and have not."""
    taken_up = old.difference.rule in (Act.REFUND, Act.RECORD)
    return old.cause is not None and (
        old.cause.name == "books" or (old.cause.name == "platform" and taken_up)
    )


def _open(run: _Day) -> list[Difference]:
    return [each.difference for each in run.found.values() if each.cause is None]


def _reading(merchant: str, day: str) -> Callable[[BillTx], Kept | None]:
    return lambda tx: tx.bill_day(merchant, day)
