"""What the engine decides inside one transaction: who speaks, what it means, what is written and wished for.

Runs where the store runs it, possibly off the loop: it reads the transaction and plain values, and hands
back what to do once all of it is durable.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from cloud_bridge.core.case import Case, Resolution, Said, Wish, alarm_of, refusal, turn
from cloud_bridge.core.command import CommandAnswered, told
from cloud_bridge.core.ledger import Post
from cloud_bridge.core.model import (
    AlarmReported,
    Born,
    ClosedByMachine,
    FromMachine,
    LeaseDenied,
    OrderDraft,
    OutcomeReported,
    Payment,
    Requested,
    Session,
    StatusAnswered,
    TellAck,
    TellChallenge,
    ToMachine,
)
from cloud_bridge.core.order import remind, resume, step
from cloud_bridge.core.sale import (
    CaseEnded,
    ClearAlarm,
    Context,
    Effect,
    Event,
    JournalDoubted,
    MachineSaid,
    NewerSessionSeen,
    Note,
    RaiseAlarm,
    RefundOrdered,
    Sale,
    Step,
    Tell,
    Word,
)
from cloud_bridge.core.scan import TellLease
from cloud_bridge.core.session import BEGINS, DOUBTED, OBSTACLES, OF_ONE_SESSION, Verdict
from cloud_bridge.core.timings import Counts, Limits, Timings
from cloud_bridge.core.trail import cause, change, person
from cloud_bridge.engine_lookup import brakes, lane_of, machine_of, number_of, product_of
from cloud_bridge.engine_sessions import Challenges, judged, unproven
from cloud_bridge.ports import Fact, JournalRow, Shelf, StandingAlarm, Tx


@dataclass(slots=True)
class Decided:
    """What one transaction wishes for. `wishes` are a sale's effects that are not writing."""

    tells: list[tuple[str, ToMachine]] = field(default_factory=list)
    wishes: list[tuple[str, Sale | None, Effect]] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    broken: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What every decision is made under. `past` says that a sale's bound is over on the monotonic clock."""

    timings: Timings
    limits: Limits
    shelves: Mapping[str, Shelf]
    store: str
    compose: Callable[[OrderDraft], bytes]
    wall_ms: Callable[[], int]
    live: Callable[[str], bool]
    past: Callable[[str], bool]
    challenges: Challenges


class Books:
    """One transaction's work. Make one for each; it is thrown away with the transaction."""

    def __init__(self, tx: Tx, terms: Terms, *, halted: str = "") -> None:
        self._tx: Final = tx
        self._terms: Final = terms
        self._halted: Final = halted
        self._wall_ms: Final = terms.wall_ms()
        self.decided: Final = Decided()

    # ------------------------------------------------------------ one fact about one sale

    def take(self, sale_id: str, event: Event, *, obstacle: str = "") -> None:
        """Decide, and write down all of it."""
        sale = self._tx.sale(sale_id)
        machine = sale.machine if sale is not None else machine_of(event)
        ctx = self._context(sale, machine, event, obstacle)
        decided = step(sale, event, ctx)
        if decided.sale is not None and decided.sale != sale:
            self._tx.put(decided.sale)
            self._tx.record(decided.sale, change(sale, decided.sale, event, self._wall_ms))
            self._turn(sale, decided, event)
        self._write(sale_id, decided.sale, machine, decided.effects)

    def _turn(self, before: Sale | None, decided: Step, event: Event) -> None:
        """Cases that open and end with this change; an alarm stands as long as a case of its name is open."""
        after = decided.sale
        assert after is not None, "a row that changed"
        turned = turn(before, after, decided.effects)
        for reason, evidence in turned.opened:
            case = Case(
                sale_id=after.sale_id,
                machine=after.machine,
                reason=reason,
                evidence=evidence,
                opened_wall_ms=self._wall_ms,
            )
            self._tx.open_case(case)
        said = Said(by=person(event) or "bridge", resolution=after.state.value, why=cause(event))
        for reason in turned.ended:
            self._tx.end_case(after.sale_id, reason, said, self._wall_ms)
            if self._tx.open_cases(after.machine, reason) == 0:
                self._tx.clear_alarm(machine=after.machine, name=alarm_of(reason), lane=0)

    # ------------------------------------------------------------ a person decides

    def resolve(self, wish: Wish) -> str:
        """Decide a sale as a person says; why not, or empty."""
        sale, wanted = self._tx.sale(wish.sale_id), wish.resolution
        past = sale is not None and self._terms.past(wish.sale_id)
        why_not = refusal(sale, wanted, wish.reason, past=past)
        if why_not:
            return why_not
        if wanted is Resolution.REFUND:
            self.take(wish.sale_id, RefundOrdered(sale_id=wish.sale_id, by=wish.by, why=wish.why))
            return ""
        ended = CaseEnded(
            sale_id=wish.sale_id,
            by=wish.by,
            why=wish.why,
            vended=wanted is Resolution.VENDED,
            reason=wish.reason,
        )
        self.take(wish.sale_id, ended)
        return ""

    def own(self, sale_id: str, owner: str) -> str:
        """Put a sale's open cases into somebody's hands; why not, or empty."""
        sale = self._tx.sale(sale_id)
        if sale is None or not self._tx.own_cases(sale_id, owner):
            return "no open case"
        self._note(sale.machine, sale_id, "operator", f"{owner} looks after it")
        return ""

    # ------------------------------------------------------------ somebody scanned a code

    def ask(self, machine: str, lease: TellLease) -> str:
        """Ask the session that a machine has now for a lease; why it is of no use, or empty."""
        row = next((each for each in self._tx.journals(machine) if each.current), None)
        if row is None or not self._terms.live(machine):
            return "offline"
        if self._halted or row.doubt:
            return self._halted or "journal"
        self.decided.tells.append((machine, replace(lease, jid=row.jid, boot=row.boot)))
        self._note(machine, "", "wechat", f"a phone scanned the code of lane {lease.lane}")
        return ""

    # ------------------------------------------------------------ after a start

    def resume(self) -> None:
        """After a start: everything that is not finished."""
        for sale in self._tx.unfinished():
            ctx = self._context(sale, sale.machine, None, "")
            self._write(sale.sale_id, sale, sale.machine, resume(sale, ctx))

    def _context(self, sale: Sale | None, machine: str, event: Event | None, obstacle: str) -> Context:
        terms, lane = self._terms, lane_of(sale, event)
        shelf = terms.shelves.get(machine)
        asked = isinstance(event, Requested)
        return Context(
            timings=terms.timings,
            limits=terms.limits,
            wall_ms=self._wall_ms,
            store=terms.store,
            compose=terms.compose,
            link_live=machine != "" and terms.live(machine),
            past=sale is not None and terms.past(sale.sale_id),
            product=product_of(shelf, lane) if asked else None,
            lanes=len(shelf.products) if shelf is not None else 0,
            open_rows=self._tx.open_rows(machine) if asked else 0,
            obstacle=self._halted or obstacle,
            owner=self._tx.owner_of(event.transaction_id) if isinstance(event, Payment) else "",
            merchant=shelf.merchant if shelf is not None else "",
            place=shelf.place if shelf is not None else None,
            counts=self._counts(sale, machine, lane) if brakes(event) else Counts(),
        )

    def _counts(self, sale: Sale | None, machine: str, lane: int) -> Counts:
        return self._tx.counts(
            machine=machine,
            lane=lane,
            since_wall_ms=self._wall_ms - self._terms.limits.window_s * 1000,
            but=sale.sale_id if sale is not None else "",
        )

    def _write(self, sale_id: str, sale: Sale | None, machine: str, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case Tell(message=message):
                    if machine:
                        self.decided.tells.append((machine, message))
                case Post():
                    self._tx.post(sale_id, effect, self._wall_ms)
                case Note(who=who, what=what):
                    self._note(machine, sale_id, who, what)
                case RaiseAlarm(name=name, text=text, lane=lane):
                    self._alarm(machine, name, text, lane=lane)
                case ClearAlarm(name=name, lane=lane):
                    self._tx.clear_alarm(machine=machine, name=name, lane=lane)
                case _:
                    self.decided.wishes.append((sale_id, sale, effect))

    def _note(self, machine: str, sale_id: str, who: str, what: str) -> None:
        fact = Fact(wall_ms=self._wall_ms, machine=machine, sale_id=sale_id, who=who, what=what)
        self._tx.note(fact)
        self.decided.facts.append(fact)

    def _alarm(self, machine: str, name: str, text: str, *, lane: int = 0) -> None:
        if name == "impossible":
            self.decided.broken = text
        alarm = StandingAlarm(
            machine=machine, name=name, lane=lane, code="", text=text, since_wall_ms=self._wall_ms
        )
        self._tx.set_alarm(alarm)

    # ------------------------------------------------------------ a machine speaks

    def hear(self, event: FromMachine) -> None:
        """Take one verified message: judge its session, then what it says; acknowledge a report."""
        verdict = self._judge(event)
        if unproven(event, verdict):
            challenge = self._terms.challenges.ask(event.machine)
            self.decided.tells.append((event.machine, TellChallenge(challenge=challenge)))
        if verdict is Verdict.UNBORN:
            return  # it comes again, from a start that is proven then
        match event:
            case Born():
                self._born(event, verdict)
            case Requested():
                self._requested(event, verdict)
            case ClosedByMachine():
                self._said(event, Word.CLOSED, event.why, "", verdict)
            case OutcomeReported():
                self._said(event, Word(event.outcome), event.why, event.evidence, verdict)
            case StatusAnswered():
                self._said(event, Word(event.state), event.why, event.evidence, verdict)
            case AlarmReported():
                self._alarm_reported(event)
            case LeaseDenied():
                pass  # an answer to a scan, which the books do not keep
            case CommandAnswered():
                self._commanded(event, verdict)
            case _:
                assert_never(event)
        if n := number_of(event):
            self._acknowledge(event.machine, event.session.jid, n, verdict)

    def _judge(self, event: FromMachine) -> Verdict:
        verdict, row = judged(self._tx, event, self._terms.challenges)
        if verdict in BEGINS:
            self._begins(event.machine, event.session, row, verdict)
        elif verdict in DOUBTED and (row is None or not row.doubt):
            self._doubt(event.machine, event.session, row, verdict)
        return verdict

    def _begins(self, machine: str, session: Session, row: JournalRow | None, verdict: Verdict) -> None:
        upto = row.upto if row else 0
        self._terms.challenges.over(machine)
        self._tx.put_journal(
            JournalRow(machine=machine, jid=session.jid, boot=session.boot, bits=session.bits, upto=upto)
        )
        self._note(machine, "", "edge", f"session {session.boot} begins")
        shelf = self._terms.shelves.get(machine)
        for lane in (0, *(product.lane for product in (shelf.products if shelf is not None else ()))):
            for name in OF_ONE_SESSION:
                self._tx.clear_alarm(machine=machine, name=name, lane=lane)
        if verdict is Verdict.REPLACED:
            self._alarm(machine, "journal_replaced", "the machine speaks with another journal")
        for sale in self._tx.unfinished(machine):
            if sale.jid not in ("", session.jid):
                self.take(sale.sale_id, JournalDoubted(sale_id=sale.sale_id, cause="journal_replaced"))
            elif sale.jid == session.jid and sale.boot < session.boot:
                self.take(sale.sale_id, NewerSessionSeen(sale_id=sale.sale_id))

    def _doubt(self, machine: str, session: Session, row: JournalRow | None, verdict: Verdict) -> None:
        cause = f"journal_{verdict.value}"
        self._alarm(machine, cause, "nothing this journal says is believed: give the machine a new one")
        self._note(machine, "", "bridge", f"{cause}: the machine sells nothing")
        if row is None or row.machine != machine:
            return
        self._tx.put_journal(replace(row, doubt=verdict.value))
        for sale in self._tx.unfinished(machine):
            if sale.jid == session.jid:
                self.take(sale.sale_id, JournalDoubted(sale_id=sale.sale_id, cause=cause))

    def _born(self, event: Born, verdict: Verdict) -> None:
        if verdict is Verdict.UNHEARD:
            return  # of a start that is over, or that has still to prove itself
        row = self._tx.journal(event.session.jid)
        upto = row.upto if row else 0
        ack = TellAck(jid=event.session.jid, n=0, upto=upto)
        self.decided.tells.append((event.machine, ack))
        if verdict not in (Verdict.SAME, *BEGINS):
            return
        for sale in self._tx.unfinished(event.machine):
            ctx = self._context(sale, sale.machine, None, "")
            self._write(sale.sale_id, sale, sale.machine, remind(sale, ctx))

    def _requested(self, event: Requested, verdict: Verdict) -> None:
        if not self._owned(event.machine, event.sale_id):
            return
        late = "late" if event.request_id and not event.token else ""
        self.take(event.sale_id, event, obstacle=OBSTACLES.get(verdict, "") or late)

    def _said(
        self,
        event: ClosedByMachine | OutcomeReported | StatusAnswered,
        word: Word,
        why: str,
        evidence: str,
        verdict: Verdict,
    ) -> None:
        if not self._owned(event.machine, event.sale_id) or verdict is Verdict.UNHEARD:
            return
        if verdict in DOUBTED:
            if self._tx.sale(event.sale_id) is not None:
                cause = f"journal_{verdict.value}"
                self.take(event.sale_id, JournalDoubted(sale_id=event.sale_id, cause=cause))
            return
        said = MachineSaid(
            sale_id=event.sale_id,
            machine=event.machine,
            jid=event.session.jid,
            word=word,
            why=why,
            evidence=evidence,
        )
        before = self._tx.sale(event.sale_id)
        self.take(event.sale_id, said)
        if evidence and self._tx.sale(event.sale_id) != before:
            self._note(event.machine, event.sale_id, "edge", f"evidence: {evidence}")

    def _owned(self, machine: str, sale_id: str) -> bool:
        """A machine speaks only of its own sales."""
        sale = self._tx.sale(sale_id)
        if sale is None or sale.machine in ("", machine):
            return True
        self._alarm(machine, "sale_of_another", f"it speaks of {sale_id}, a sale of {sale.machine}")
        return False

    def _alarm_reported(self, event: AlarmReported) -> None:
        if event.raised:
            alarm = StandingAlarm(
                machine=event.machine,
                name=event.name,
                lane=event.lane,
                code=event.code,
                text=event.text,
                since_wall_ms=self._wall_ms,
            )
            self._tx.set_alarm(alarm)
        else:
            self._tx.clear_alarm(machine=event.machine, name=event.name, lane=event.lane)
        turn = "alarm" if event.raised else "alarm over"
        self._note(event.machine, "", "edge", f"{turn}: {event.name} {event.text}".rstrip())

    def _commanded(self, event: CommandAnswered, verdict: Verdict) -> None:
        if event.state == "done" and verdict not in (*DOUBTED, Verdict.UNHEARD):
            self._note(event.machine, "", "operator", told(event))

    def _acknowledge(self, machine: str, jid: str, n: int, verdict: Verdict) -> None:
        """Also what is not believed is taken: it would be repeated for ever."""
        row = self._tx.journal(jid)
        believed = row is not None and verdict not in DOUBTED
        upto = self._tx.reported(jid, n) if believed else (row.upto if row else n)
        self.decided.tells.append((machine, TellAck(jid=jid, n=n, upto=upto)))
