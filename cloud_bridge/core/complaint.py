"""Complaints at the platform: each joined to its sale, what follows from both, and what the payer is told.

A complaint is a claim, the sale's row is the evidence. Goods that stayed in are paid back and answered at
once; goods that are out get an answer that a person sends; what nobody knows is a person's from the start.
"""

import enum
from dataclasses import dataclass, field, replace
from typing import Final

from cloud_bridge.core.case import is_open
from cloud_bridge.core.model import Decision, State
from cloud_bridge.core.sale import Sale, yuan

UNANSWERED_S: Final = 12 * 3600
ANSWER_BYTES: Final = 200  # the limit is said in characters and counted in bytes


class Standing(enum.StrEnum):
    """Where a complaint stands at the platform. HINTED: heard of, and not read yet."""

    HINTED = "hinted"
    PENDING = "pending"
    PROCESSING = "processing"
    PROCESSED = "processed"


class Verdict(enum.StrEnum):
    """What the sale's row says about a complaint."""

    NONE = ""
    GIVEN_BACK = "given_back"
    GOING_BACK = "going_back"
    OWED = "owed"
    DELIVERED = "delivered"
    WAITING = "waiting"
    UNPAID = "unpaid"
    UNKNOWN = "unknown"


class Act(enum.StrEnum):
    """What can be done about a complaint at the platform."""

    ANSWER = "answer"
    APPROVE = "approve"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A complaint as the platform tells it. `words`, `phone_sealed` and `pictures` are the payer's own.

    `spoke`: the payer said something since our last answer. `pictures` are paths, with blanks between.
    """

    complaint_id: str
    standing: Standing
    sale_id: str
    transaction_id: str
    amount_fen: int
    problem: str
    words: str = field(repr=False)
    phone_sealed: str = field(repr=False)
    pictures: str = field(default="", repr=False)
    full_refunded: bool = False
    spoke: bool = False
    times: int = 1
    made_wall_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint(Told):
    """One row. `merchant` is its name in the settings; the payer waits for an answer since
    `waits_since_wall_ms` (0: he does not); `stale`: the platform has newer words than these.
    """

    merchant: str
    seen_wall_ms: int
    changed_wall_ms: int
    waits_since_wall_ms: int = 0
    verdict: Verdict = Verdict.NONE
    stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """One act, written before it is done. `key` is unique for a complaint: the same is never done twice.

    `outcome` is empty until it is known: `done`, or why it is not.
    """

    complaint_id: str
    key: str
    kind: Act
    words: str = field(default="", repr=False)
    by: str = ""
    asked_wall_ms: int = 0
    done_wall_ms: int = 0
    outcome: str = ""
    tries: int = 0


# ---------------------------------------------------------------- what the platform tells


def hinted(before: Complaint | None, complaint_id: str, merchant: str, wall_ms: int) -> Complaint:
    """A notification said that there is something to read."""
    if before is not None:
        return replace(before, stale=True)
    return Complaint(
        complaint_id=complaint_id,
        standing=Standing.HINTED,
        sale_id="",
        transaction_id="",
        amount_fen=0,
        problem="",
        words="",
        phone_sealed="",
        merchant=merchant,
        seen_wall_ms=wall_ms,
        changed_wall_ms=wall_ms,
        stale=True,
    )


def heard(before: Complaint | None, told: Told, merchant: str, wall_ms: int) -> Complaint:
    """The row with what the platform tells now."""
    values = {name: getattr(told, name) for name in Told.__dataclass_fields__}
    seen = before.seen_wall_ms if before else wall_ms
    after = Complaint(
        **values,
        merchant=merchant,
        seen_wall_ms=seen,
        changed_wall_ms=wall_ms,
        waits_since_wall_ms=_waits_since(before, told, wall_ms),
        verdict=before.verdict if before else Verdict.NONE,
    )
    same = before is not None and replace(after, changed_wall_ms=before.changed_wall_ms) == before
    return before if before is not None and same else after


def _waits_since(before: Complaint | None, told: Told, wall_ms: int) -> int:
    if told.standing is Standing.PROCESSED or not (told.standing is Standing.PENDING or told.spoke):
        return 0
    if before is not None and before.waits_since_wall_ms:
        return before.waits_since_wall_ms
    first = before is None or before.standing is Standing.HINTED
    return told.made_wall_ms if first and told.made_wall_ms else wall_ms


def overdue(complaint: Complaint, wall_ms: int) -> bool:
    """The payer has waited too long for an answer."""
    since = complaint.waits_since_wall_ms
    return bool(since) and wall_ms - since >= UNANSWERED_S * 1000


# ---------------------------------------------------------------- what follows


def judge(sale: Sale | None) -> Verdict:
    """What the row says. A verdict may change as long as the sale does."""
    if sale is None:
        return Verdict.UNKNOWN
    if sale.paid_fen == 0:
        return Verdict.UNPAID
    if sale.state is State.REFUNDED or sale.refunded_fen >= sale.paid_fen:
        return Verdict.GIVEN_BACK
    match sale.state:
        case State.VENDED:
            return Verdict.DELIVERED
        case State.PAID if sale.decision is Decision.REFUND:
            return Verdict.GOING_BACK
        case State.PAID if not is_open(sale, "doubt"):
            return Verdict.WAITING  # the machine may still answer, or doubt may run out
        case State.CASE if _stayed_in(sale):
            return Verdict.OWED
    return Verdict.UNKNOWN


def _stayed_in(sale: Sale) -> bool:
    """Only the brakes hold a refund back that the machine's own word had decided: the payer's is a second."""
    said = sale.why.partition(".")[0]
    return is_open(sale, "brakes") and sale.decision is not Decision.REFUND and said in _NO_GOODS


def due(complaint: Complaint, sale: Sale | None, done: tuple[Doing, ...]) -> tuple[Act, ...]:
    """What is to be done by itself now, in this order. Nothing is done twice for one turn of a payer's."""
    taken = {each.key for each in done}
    open_now = complaint.standing in (Standing.PENDING, Standing.PROCESSING)
    if not open_now or complaint.stale or sale is None:
        return ()
    wanted: list[Act] = []
    if complaint.verdict in (Verdict.GOING_BACK, Verdict.GIVEN_BACK):
        if complaint.problem == "refund" and not complaint.full_refunded:
            wanted.append(Act.APPROVE)
        wanted.append(Act.ANSWER)
    answered = any(each.kind is Act.ANSWER and each.outcome == DONE for each in done)
    if complaint.verdict is Verdict.GIVEN_BACK and answered and not complaint.spoke:
        wanted.append(Act.COMPLETE)
    return tuple(kind for kind in wanted if auto_key(kind, complaint) not in taken)


def auto_key(kind: Act, complaint: Complaint) -> str:
    """The key of what is done by itself, once for each time that a payer complains."""
    return f"{kind}.auto.{complaint.times}"


def may(complaint: Complaint, kind: Act, done: tuple[Doing, ...]) -> str:
    """Why a person cannot do this now, or empty."""
    if complaint.standing is Standing.HINTED:
        return "it is being read. Try: again in a minute"
    if complaint.standing is Standing.PROCESSED and kind is not Act.ANSWER:
        return "it is settled at the platform"
    if any(not each.outcome for each in done):
        return "an answer is on its way. Try: again in a minute"
    answered = any(each.kind is Act.ANSWER and each.outcome == DONE for each in done)
    if kind is Act.COMPLETE and not (answered or complaint.standing is Standing.PROCESSING):
        return "it was never answered. Try: answer it first"
    return ""


# ---------------------------------------------------------------- what the payer reads


def prepared(complaint: Complaint, sale: Sale | None) -> str:
    """An answer in the payer's language, made of what the books know; empty when they know too little."""
    if sale is None:
        return ""
    what = f"{_when(sale.paid_at)}{sale.machine}货道{sale.lane}{sale.product_zh}{yuan(sale.paid_fen)}"
    match complaint.verdict:
        case Verdict.GIVEN_BACK:
            words = f"抱歉，{what}未成功，款项已原路退回，银行卡1至3个工作日到账。"
        case Verdict.GOING_BACK | Verdict.OWED:
            words = f"抱歉，{what}未成功，已发起退款，将原路退回。"
        case Verdict.DELIVERED:
            words = f"您好，{what}，机器检测到已出货。如未取到请在此回复，我们会处理。"
        case _:
            return ""
    return shortened(words, ANSWER_BYTES)


def shortened(words: str, most: int) -> str:
    """As much as fits into so many bytes."""
    return words.encode()[:most].decode(errors="ignore")


def _when(paid_at: str) -> str:
    """Day and minute of the platform's own time, as it stands in an RFC 3339 text."""
    return f"{paid_at[5:10]} {paid_at[11:16]} " if len(paid_at) >= 16 else ""


DONE: Final = "done"
_NO_GOODS: Final = frozenset({"not_delivered", "closed"})
