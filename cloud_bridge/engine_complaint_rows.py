"""What is decided about complaints inside one transaction of the books, and the alarms that tell people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from cloud_bridge.core.complaint import (
    DONE,
    Act,
    Complaint,
    Doing,
    Standing,
    Told,
    auto_key,
    due,
    heard,
    judge,
    may,
    prepared,
)
from cloud_bridge.core.model import Refused, Unclear
from cloud_bridge.core.sale import Sale
from cloud_bridge.ports import Fact, StandingAlarm
from cloud_bridge.ports_desk import DeskTx

ADDRESS_ALARM: Final = "complaint_address"


def wished(tx: DeskTx, asked: Doing) -> tuple[str, list[Fact]]:
    """Write down what a person wishes; why not, or empty, and what to show."""
    found = whole(tx, asked.complaint_id)
    if found is None:
        return "no such complaint", []
    complaint, acts, sale = found
    if why_not := may(complaint, asked.kind, acts):
        return why_not, []
    words = asked.words
    if asked.kind is Act.ANSWER and not words:
        words = prepared(complaint, sale)
        if not words:
            return "the books know too little for a prepared answer. Try: --text", []
    key = f"{asked.kind}.{len(acts) + 1}"
    tx.put_act(replace(asked, key=key, words=words))
    done = "answers the complaint" if asked.kind is Act.ANSWER else "says that the complaint is settled"
    return "", [noted(tx, complaint, f"{asked.by} {done}", asked.asked_wall_ms, who="operator")]


def set_alarms(
    tx: DeskTx, names: Sequence[str], wanted: Mapping[tuple[str, str, int], str], wall_ms: int
) -> None:
    """Have exactly these alarms of these names stand; nothing is written when they do."""
    now = {(each.machine, each.name, each.lane): each.text for each in tx.standing() if each.name in names}
    for machine, name, lane in now.keys() - wanted.keys():
        tx.clear_alarm(machine=machine, name=name, lane=lane)
    for key, text in wanted.items():
        if now.get(key) != text:
            machine, name, lane = key
            alarm = StandingAlarm(
                machine=machine, name=name, lane=lane, code="", text=text, since_wall_ms=wall_ms
            )
            tx.set_alarm(alarm)


def whole(tx: DeskTx, complaint_id: str) -> tuple[Complaint, tuple[Doing, ...], Sale | None] | None:
    """A complaint with its acts and its sale."""
    complaint = tx.complaint(complaint_id)
    if complaint is None:
        return None
    sale = tx.sale(complaint.sale_id) if complaint.sale_id else None
    return complaint, tx.acts(complaint_id), sale


def taken(tx: DeskTx, told: Told, merchant: str, wall_ms: int) -> list[Fact]:
    """Join a complaint to its sale, which the payment names, and write it down; what is new of it."""
    before = tx.complaint(told.complaint_id)
    owner = tx.owner_of(told.transaction_id) if told.transaction_id else ""
    known = owner or (told.sale_id if told.sale_id and tx.sale(told.sale_id) is not None else "")
    after = heard(before, replace(told, sale_id=known), merchant, wall_ms)
    if after == before:
        return []
    tx.put_complaint(after)
    new = before is None or before.standing is Standing.HINTED
    if new:
        return [noted(tx, after, "a payer complains", wall_ms)]
    if after.standing is Standing.PROCESSED and before is not None and before.standing is not after.standing:
        return [noted(tx, after, "the complaint is settled", wall_ms)]
    if after.spoke and before is not None and not before.spoke:
        return [noted(tx, after, "the payer answers", wall_ms)]
    return []


def judged(tx: DeskTx, wall_ms: int) -> list[tuple[Complaint, Sale | None]]:
    """Every open complaint with what its sale says now, and the acts that follow, written down."""
    judged: list[tuple[Complaint, Sale | None]] = []
    for complaint in tx.open_complaints():
        if complaint.standing is Standing.HINTED:
            continue
        sale = tx.sale(complaint.sale_id) if complaint.sale_id else None
        verdict = judge(sale)
        now = replace(complaint, verdict=verdict) if verdict is not complaint.verdict else complaint
        if now is not complaint:
            tx.put_complaint(now)
        for kind in due(now, sale, tx.acts(now.complaint_id)):
            words = prepared(now, sale) if kind is Act.ANSWER else ""
            act = Doing(complaint_id=now.complaint_id, key=auto_key(kind, now), kind=kind, words=words)
            tx.put_act(replace(act, by="bridge", asked_wall_ms=wall_ms))
        judged.append((now, sale))
    return judged


def acted(act: Doing, outcome: str, wall_ms: int) -> Callable[[DeskTx], None]:
    """Write down what became of an act; the complaint has newer words now."""

    def note(tx: DeskTx) -> None:
        done_ms = wall_ms if outcome else 0
        tx.put_act(replace(act, outcome=outcome, done_wall_ms=done_ms, tries=act.tries + 1))
        complaint = tx.complaint(act.complaint_id)
        if complaint is None or outcome != DONE:
            return
        if act.kind is Act.ANSWER:
            complaint = replace(complaint, waits_since_wall_ms=0, spoke=False)
            if complaint.standing is Standing.PENDING:
                complaint = replace(complaint, standing=Standing.PROCESSING)
            noted(tx, complaint, f"the complaint is answered by {act.by}", wall_ms)
        tx.put_complaint(replace(complaint, stale=True, changed_wall_ms=wall_ms))

    return note


def address_alarm(said: Refused | Unclear | None, wall_ms: int) -> Callable[[DeskTx], None]:
    """It stands while the platform refuses our address."""

    def note(tx: DeskTx) -> None:
        text = f"the platform does not take our address for complaints: {said.why}" if said else ""
        wanted = {("", ADDRESS_ALARM, 0): text} if isinstance(said, Refused) else {}
        set_alarms(tx, (ADDRESS_ALARM,), wanted, wall_ms)

    return note


def all_stale(tx: DeskTx) -> None:
    """Whatever was announced: read every open one again."""
    for complaint in tx.open_complaints():
        tx.put_complaint(replace(complaint, stale=True))


def noted(tx: DeskTx, complaint: Complaint, what: str, wall_ms: int, *, who: str = "") -> Fact:
    """A line of the sale's timeline, without a word of the payer's."""
    sale = tx.sale(complaint.sale_id) if complaint.sale_id else None
    by = who or ("wechat" if "payer" in what or "settled" in what else "bridge")
    machine = sale.machine if sale is not None else ""
    fact = Fact(wall_ms=wall_ms, machine=machine, sale_id=complaint.sale_id, who=by, what=what)
    tx.note(fact)
    return fact


def unread(complaint_id: str) -> Callable[[DeskTx], None]:
    """The platform will not show it: it is asked for again with the next notification or sweep."""

    def note(tx: DeskTx) -> None:
        complaint = tx.complaint(complaint_id)
        if complaint is not None:
            tx.put_complaint(replace(complaint, stale=False))

    return note
