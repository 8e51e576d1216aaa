"""Complaints from a notification to their end: read, joined to their sale, paid back or answered.

A notification is only a hint and is committed before it is answered; the detail says what is so. What is to
be done stands in a row before it is done, so that a restart neither forgets an answer nor says it twice.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final, Protocol

from cloud_bridge.core.case import Resolution, Wish
from cloud_bridge.core.complaint import (
    DONE,
    Act,
    Complaint,
    Doing,
    Standing,
    Told,
    Verdict,
    hinted,
    overdue,
)
from cloud_bridge.core.model import Refused, Unclear
from cloud_bridge.engine_complaint_rows import (
    acted,
    address_alarm,
    all_stale,
    judged,
    noted,
    set_alarms,
    taken,
    unread,
    whole,
    wished,
)
from cloud_bridge.engine_complaint_views import story, view
from cloud_bridge.ports import Clock, Fact, Log
from cloud_bridge.ports_desk import (
    ComplaintCalls,
    ComplaintHint,
    ComplaintStory,
    ComplaintView,
    DeskStore,
    DeskTx,
)

MOST_SETTLED: Final = 200
ALARMS: Final = ("complaint", "complaint_unanswered")
_CHINA: Final = timezone(timedelta(hours=8))
ACTS_A_MINUTE: Final = 50  # answers are 60 at most, and so is word on a refund
_MINUTE_MS: Final = 60_000
_PAGES: Final = 60  # lists a minute are 200 at most
_TRIES: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintSettings:
    """How complaints are looked after. `addresses`: where each merchant's are to be told, by its name; a
    merchant without one manages that by hand, one with an empty one wants none.
    """

    addresses: Mapping[str, str]
    round_s: float = 30.0
    sweep_s: float = 24 * 3600.0


class Sales(Protocol):
    """What complaints ask of the sales' engine."""

    async def resolve(self, wish: Wish) -> str:
        """Decide a sale; why not, or empty."""

    async def look_up(self, sale_id: str, merchant: str) -> None:
        """Ask the platform what it knows of an order."""

    def tell_facts(self, facts: Sequence[Fact]) -> None:
        """Show lines of a timeline to whoever looks on."""


class Complaints:
    """Implements `ports_desk.ComplaintService`. Run `run` as a task. `calls` are each merchant's, by name."""

    def __init__(
        self,
        *,
        store: DeskStore,
        sales: Sales,
        calls: Mapping[str, ComplaintCalls],
        clock: Clock,
        log: Log,
        settings: ComplaintSettings,
    ) -> None:
        self._store: Final = store
        self._sales: Final = sales
        self._calls: Final = calls
        self._clock: Final = clock
        self._log: Final = log
        self._settings: Final = settings
        self._sooner: Final = asyncio.Event()
        self._sweep_ms = 0
        self._acted_ms: list[int] = []
        self._unaddressed: Final = set(settings.addresses)
        self._asked_for: Final[dict[str, int]] = {}

    # ------------------------------------------------------------ the task

    async def run(self) -> None:
        """Look after complaints until cancelled. Raises StoreFailed."""
        while True:
            await self.work()
            try:
                async with asyncio.timeout(self._settings.round_s):
                    await self._sooner.wait()
            except TimeoutError:
                continue

    async def work(self) -> None:
        """One round of everything; `wanted` says whether another should follow at once."""
        self._sooner.clear()
        await self._set_addresses()
        if self._clock.now_ms() >= self._sweep_ms and await self._sweep():
            self._sweep_ms = self._clock.now_ms() + round(self._settings.sweep_s * 1000)
        await self._read_what_changed()
        await self._decide()
        await self._act()
        await self._store.on_desk(self._tell_people)

    @property
    def wanted(self) -> bool:
        """Something came or was done that the next round should see now."""
        return self._sooner.is_set()

    async def _set_addresses(self) -> None:
        """Each merchant's notifications come to us, or nowhere when that is wished."""
        for name in sorted(self._unaddressed & set(self._calls)):
            said = await self._set_address(self._calls[name], self._settings.addresses[name])
            if isinstance(said, Refused):
                self._log.warning(
                    "complaints.address_refused", merchant=name, why=said.why, detail=said.detail
                )
            if not isinstance(said, Unclear):
                self._unaddressed.discard(name)
            await self._store.on_desk(address_alarm(said, self._clock.wall_ms()))

    async def _set_address(self, calls: ComplaintCalls, wanted: str) -> Refused | Unclear | None:
        found = await calls.address()
        if isinstance(found, Unclear) or found == wanted:
            return found if isinstance(found, Unclear) else None
        if not wanted:
            return await calls.drop_address()
        return await calls.set_address(wanted, first=not found)

    # ------------------------------------------------------------ reading

    async def hint(self, hint: ComplaintHint) -> None:
        """Take a notification; durable when this returns."""
        wall_ms = self._clock.wall_ms()

        def note(tx: DeskTx) -> None:
            before = tx.complaint(hint.complaint_id)
            tx.put_complaint(hinted(before, hint.complaint_id, hint.merchant, wall_ms))

        await self._store.on_desk(note)
        self._sooner.set()

    async def _sweep(self) -> bool:
        """Once a day: what was made since yesterday, and all that is open, whatever was announced."""
        end = datetime.fromtimestamp(self._clock.wall_ms() / 1000, _CHINA).date()
        begin = end - timedelta(days=1)
        whole = True
        for name, calls in self._calls.items():
            offset = 0
            for _ in range(_PAGES):
                page = await calls.list(begin.isoformat(), end.isoformat(), offset)
                if isinstance(page, Refused | Unclear):
                    self._log.info("complaints.no_list", merchant=name, why=page.why)
                    whole = whole and isinstance(page, Refused)
                    break
                await self._hear(page.complaints, name)
                offset += len(page.complaints)
                if not page.complaints or offset >= page.total:
                    break
        if whole:
            await self._store.on_desk(all_stale)
        return whole

    async def _read_what_changed(self) -> None:
        """The detail of each that somebody spoke of."""
        for complaint in await self._store.on_desk(lambda tx: tx.open_complaints()):
            calls = self._calls.get(complaint.merchant)
            if not complaint.stale or calls is None:
                continue
            told = await calls.detail(complaint.complaint_id)
            if isinstance(told, Told):
                await self._hear((told,), complaint.merchant)
            elif isinstance(told, Refused):
                self._log.warning("complaints.unreadable", complaint=complaint.complaint_id, why=told.why)
                await self._store.on_desk(unread(complaint.complaint_id))

    async def _hear(self, told: Sequence[Told], merchant: str) -> None:
        wall_ms = self._clock.wall_ms()

        def take(tx: DeskTx) -> list[Fact]:
            return [fact for each in told for fact in taken(tx, each, merchant, wall_ms)]

        self._sales.tell_facts(await self._store.on_desk(take))

    # ------------------------------------------------------------ deciding

    async def _decide(self) -> None:
        """What each sale's row says now; money goes back by the sale's own table."""
        wall_ms = self._clock.wall_ms()
        for complaint, sale in await self._store.on_desk(lambda tx: judged(tx, wall_ms)):
            if complaint.verdict is Verdict.OWED and sale is not None:
                why = f"complaint {complaint.complaint_id}: the machine said that the goods stayed in"
                wish = Wish(sale_id=sale.sale_id, resolution=Resolution.REFUND, by="complaint", why=why)
                if not await self._sales.resolve(wish):
                    self._sooner.set()
            if complaint.verdict is Verdict.UNPAID and sale is not None and self._may_ask(complaint):
                await self._sales.look_up(sale.sale_id, sale.merchant)

    def _may_ask(self, complaint: Complaint) -> bool:
        """An order nobody paid, as far as we know, is asked for each ten minutes."""
        now_ms = self._clock.now_ms()
        if now_ms < self._asked_for.get(complaint.complaint_id, 0):
            return False
        self._asked_for[complaint.complaint_id] = now_ms + 600_000
        return True

    # ------------------------------------------------------------ acting

    async def _act(self) -> None:
        due_now = await self._store.on_desk(
            lambda tx: [(each, tx.complaint(each.complaint_id)) for each in tx.due_acts()]
        )
        for act, complaint in due_now:
            calls = self._calls.get(complaint.merchant) if complaint is not None else None
            if calls is None:
                continue
            if not self._may_act():
                return  # the next round goes on
            said = await self._do(act, calls)
            outcome = said if isinstance(said, str) else ""
            if act.tries + 1 >= _TRIES and not outcome:
                outcome = "the platform did not answer"
            await self._store.on_desk(acted(act, outcome, self._clock.wall_ms()))
            if outcome == DONE:
                self._sooner.set()  # read what became of it

    def _may_act(self) -> bool:
        now_ms = self._clock.now_ms()
        self._acted_ms = [at for at in self._acted_ms if now_ms - at < _MINUTE_MS]
        if len(self._acted_ms) >= ACTS_A_MINUTE:
            return False
        self._acted_ms.append(now_ms)
        return True

    async def _do(self, act: Doing, calls: ComplaintCalls) -> str | None:
        """Its outcome, or None when that is not known."""
        if act.tries and await _was_done(act, calls):
            return DONE
        match act.kind:
            case Act.ANSWER:
                said = await calls.answer(act.complaint_id, act.words)
            case Act.APPROVE:
                said = await calls.approve(act.complaint_id)
            case Act.COMPLETE:
                said = await calls.complete(act.complaint_id)
        if isinstance(said, Refused):
            self._log.warning(
                "complaints.refused", complaint=act.complaint_id, act=act.kind.value, why=said.why
            )
            return DONE if await _was_done(act, calls) else f"refused: {said.why}"
        return None if isinstance(said, Unclear) else DONE

    # ------------------------------------------------------------ people

    def _tell_people(self, tx: DeskTx) -> None:
        """An alarm for each lane that somebody complains about, and one more when he waits for too long."""
        wall_ms = self._clock.wall_ms()
        wanted: dict[tuple[str, str, int], str] = {}
        for complaint in tx.open_complaints():
            if not complaint.waits_since_wall_ms and complaint.standing is not Standing.HINTED:
                continue
            sale = tx.sale(complaint.sale_id) if complaint.sale_id else None
            machine, lane = (sale.machine, sale.lane) if sale is not None else ("", 0)
            about = f"{sale.sale_id}: " if sale is not None else ""
            wanted.setdefault((machine, "complaint", lane), f"{about}a payer complains")
            if overdue(complaint, wall_ms):
                text = f"{about}a payer has waited 12 h for an answer"
                wanted.setdefault((machine, "complaint_unanswered", lane), text)
        set_alarms(tx, ALARMS, wanted, wall_ms)

    async def views(self, *, everything: bool = False) -> tuple[ComplaintView, ...]:
        """Open ones, the longest waiting first; `everything`: then those that are settled."""
        found = await self._store.complaints(settled=MOST_SETTLED if everything else 0)
        return tuple(view(*each, self._clock.wall_ms()) for each in found)

    async def story(self, complaint_id: str) -> ComplaintStory | None:
        """One complaint with its sale's timeline."""
        found = await self._store.on_desk(lambda tx: whole(tx, complaint_id))
        if found is None:
            return None
        complaint, acts, sale = found
        told = await self._store.sale(complaint.sale_id) if sale is not None else None
        shown = view(complaint, acts, sale, self._clock.wall_ms())
        return story(shown, told[1] if told is not None else ())

    async def answer(self, complaint_id: str, words: str, by: str) -> str:
        """A person answers; `words` empty: with the prepared answer. Why not, or empty."""
        return await self._by_a_person(complaint_id, Act.ANSWER, words, by)

    async def complete(self, complaint_id: str, by: str) -> str:
        """A person says that it is settled. Why not, or empty."""
        return await self._by_a_person(complaint_id, Act.COMPLETE, "", by)

    async def _by_a_person(self, complaint_id: str, kind: Act, words: str, by: str) -> str:
        asked = Doing(
            complaint_id=complaint_id,
            key="",
            kind=kind,
            words=words,
            by=by,
            asked_wall_ms=self._clock.wall_ms(),
        )
        why_not, facts = await self._store.on_desk(lambda tx: wished(tx, asked))
        self._sales.tell_facts(facts)
        self._sooner.set()
        return why_not

    async def phone(self, complaint_id: str, by: str) -> str:
        """The payer's number for a person who may see it; that he saw it is noted first."""
        wall_ms = self._clock.wall_ms()

        def note(tx: DeskTx) -> Complaint | None:
            complaint = tx.complaint(complaint_id)
            if complaint is not None:
                noted(tx, complaint, f"{by} saw the payer's phone", wall_ms, who="operator")
            return complaint

        complaint = await self._store.on_desk(note)
        calls = self._calls.get(complaint.merchant) if complaint is not None else None
        return calls.phone(complaint.phone_sealed) if calls is not None and complaint is not None else ""


# ---------------------------------------------------------------- helpers


async def _was_done(act: Doing, calls: ComplaintCalls) -> bool:
    """Whether an act whose answer was lost took effect: asked, never guessed."""
    if act.kind is Act.ANSWER:
        lines = await calls.history(act.complaint_id)
        said = () if isinstance(lines, Refused | Unclear) else lines
        return any(line.words == act.words and "response" in line.action for line in said)
    told = await calls.detail(act.complaint_id)
    return isinstance(told, Told) and told.standing is Standing.PROCESSED
