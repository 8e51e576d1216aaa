"""Complaints as people see them: what each is about, what was done, and the one right thing to do next."""

from collections.abc import Sequence
from dataclasses import fields

from cloud_bridge.core.complaint import Act, Complaint, Doing, Standing, Verdict, overdue, prepared
from cloud_bridge.core.model import State
from cloud_bridge.core.sale import Sale
from cloud_bridge.ports import Fact
from cloud_bridge.ports_desk import ActView, ComplaintStory, ComplaintView


def view(complaint: Complaint, acts: Sequence[Doing], sale: Sale | None, wall_ms: int) -> ComplaintView:
    """A complaint as a person sees it."""
    return ComplaintView(
        complaint_id=complaint.complaint_id,
        sale_id=complaint.sale_id,
        machine=sale.machine if sale is not None else "",
        lane=sale.lane if sale is not None else 0,
        product_zh=sale.product_zh if sale is not None else "",
        product_en=sale.product_en if sale is not None else "",
        amount_fen=complaint.amount_fen,
        refunded_fen=sale.refunded_fen if sale is not None else 0,
        standing=complaint.standing.value,
        verdict=complaint.verdict.value,
        problem=complaint.problem,
        words=complaint.words,
        times=complaint.times,
        made_wall_ms=complaint.made_wall_ms or complaint.seen_wall_ms,
        waits_since_wall_ms=complaint.waits_since_wall_ms,
        overdue=overdue(complaint, wall_ms),
        next=following(complaint, acts, sale),
        prepared=prepared(complaint, sale),
        pictures=len(complaint.pictures.split()),
        acts=tuple(_act(each) for each in acts),
    )


def story(shown: ComplaintView, timeline: tuple[Fact, ...]) -> ComplaintStory:
    """With what happened in its sale."""
    values = {field.name: getattr(shown, field.name) for field in fields(ComplaintView)}
    return ComplaintStory(**values, timeline=timeline)


def following(complaint: Complaint, acts: Sequence[Doing], sale: Sale | None) -> str:
    """The one right thing to do: wait | send_prepared | answer | resolve | complete | nothing."""
    if complaint.standing is Standing.PROCESSED:
        return "nothing"
    if complaint.standing is Standing.HINTED or any(not each.outcome for each in acts):
        return "wait"
    waits = bool(complaint.waits_since_wall_ms)
    answered = any(each.kind is Act.ANSWER and each.outcome == "done" for each in acts)
    match complaint.verdict:
        case Verdict.DELIVERED if waits and not answered:
            return "send_prepared"
        case Verdict.UNKNOWN if sale is not None and sale.state in (State.CASE, State.PAID):
            return "resolve"  # the money comes first; the answer follows it by itself
        case Verdict.DELIVERED | Verdict.UNKNOWN:
            return "answer" if waits else "complete"
    return "answer" if waits and answered else "wait"


def _act(act: Doing) -> ActView:
    return ActView(
        kind=act.kind.value,
        words=act.words,
        by=act.by,
        wall_ms=act.done_wall_ms or act.asked_wall_ms,
        outcome=act.outcome,
    )
