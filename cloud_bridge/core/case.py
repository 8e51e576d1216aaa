"""Open cases: what a person has to look at and why, what he may decide, and what he should do next.

A sale's `case` holds the reasons that are open, in the order in which they came, with blanks between. Each
has a row of its own, which keeps the evidence, who looks after it, and how it ended.
"""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from cloud_bridge.core.model import Decision, State
from cloud_bridge.core.sale import Effect, RaiseAlarm, Sale


class Resolution(enum.StrEnum):
    """What a person may say: give it back, the goods are out, or: it is settled outside of these books."""

    REFUND = "refund"
    VENDED = "vended"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One reason to look at one sale. It is open while `resolution` is empty."""

    sale_id: str
    machine: str
    reason: str
    evidence: str
    opened_wall_ms: int
    owner: str = ""
    resolution: str = ""
    resolved_by: str = ""
    resolved_why: str = ""
    resolved_wall_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person decides of a sale. `reason` names one of several open cases, or is empty."""

    sale_id: str
    resolution: Resolution
    by: str
    why: str
    reason: str = ""


# ---------------------------------------------------------------- the reasons of a row


def reasons(sale: Sale | None) -> tuple[str, ...]:
    """What is open, the oldest first."""
    return tuple(sale.case.split()) if sale is not None else ()


def is_open(sale: Sale, *names: str) -> bool:
    """Whether one of these reasons is open."""
    return any(reason in names for reason in reasons(sale))


def opened(sale: Sale, name: str) -> Sale:
    """With this reason open too."""
    return sale if is_open(sale, name) else replace(sale, case=f"{sale.case} {name}".lstrip())


def ended(sale: Sale, names: Iterable[str]) -> Sale:
    """Without these reasons."""
    over = set(names)
    return replace(sale, case=" ".join(reason for reason in reasons(sale) if reason not in over))


def named(sale: Sale, reason: str = "") -> tuple[str, ...]:
    """The open reasons that a person means: the one he names, else what holds the sale, else all the rest.

    What is about other money than the sale's own outlives the sale's end and is ended by itself.
    """
    if reason:
        return tuple(each for each in reasons(sale) if each == reason)
    own = tuple(each for each in reasons(sale) if each not in OTHER_MONEY)
    return own or (() if sale.state is State.CASE else reasons(sale))


# ---------------------------------------------------------------- rows of cases, from a change of a sale


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Who ended a case and why. A person when he decided it, else the bridge by what it learnt."""

    by: str
    resolution: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a change of a row means for its cases: reasons with their evidence, and reasons that are over."""

    opened: tuple[tuple[str, str], ...] = ()
    ended: tuple[str, ...] = ()


def turn(before: Sale | None, after: Sale | None, effects: Iterable[Effect]) -> Turn:
    """Compare two rows. The evidence is what the rule said when it raised the alarm."""
    old, new = reasons(before), reasons(after)
    said = {effect.name: effect.text for effect in effects if isinstance(effect, RaiseAlarm)}
    assert after is not None or not old, "a row never goes away"
    return Turn(
        opened=tuple(
            (name, said.get(alarm_of(name), standing(after))) for name in new if name not in old and after
        ),
        ended=tuple(name for name in old if name not in new),
    )


def alarm_of(reason: str) -> str:
    """The alarm that stands while a case of this reason is open."""
    return {"foreign": "foreign_payment"}.get(reason, reason)


def reason_of(alarm: str) -> str:
    """The reason of the cases that an alarm may stand for."""
    return {"foreign_payment": "foreign"}.get(alarm, alarm)


def standing(sale: Sale | None) -> str:
    """A row in one line, for evidence and for the trail of decisions."""
    if sale is None:
        return "-"
    words = [sale.state.value, sale.decision.value]
    words += [f"{name}={value}" for name, value in (("doubt", sale.doubt), ("case", sale.case)) if value]
    return " ".join(word for word in words if word)


# ---------------------------------------------------------------- what a person may decide


def refusal(sale: Sale | None, wish: Resolution, reason: str = "", *, past: bool) -> str:
    """Why this cannot be done now, or empty. `past`: no motor can start any more for this sale."""
    if sale is None:
        return "no such sale"
    if wish is Resolution.CLOSED:
        return _closing(sale, reason)
    if sale.paid_fen == 0:
        return "nothing was paid. Try: --as closed"
    if sale.state in (State.VENDED, State.REFUNDED, State.SETTLED):
        return f"it is {sale.state.value} for good. Try: the merchant's portal, then --as closed"
    if wish is Resolution.VENDED:
        return _vending(sale, past=past)
    return _refunding(sale)


def _closing(sale: Sale, reason: str) -> str:
    over = named(sale, reason)
    if not over:
        return f"no open case {reason}".rstrip()
    if sale.state is State.PAID and sale.paid_fen and not OTHER_MONEY.issuperset(over):
        if sale.decision is Decision.REFUND:
            return "the refund is under way, and is asked for again by itself"
        return "the money is owed: say --as refund or --as vended"
    return ""


def _vending(sale: Sale, *, past: bool) -> str:
    if sale.decision is Decision.REFUND:
        return "its money goes back: that is never undone"
    return "" if _waits_for_a_person(sale, past=past) else "the machine may still answer. Try: again later"


def _refunding(sale: Sale) -> str:
    if sale.state is State.PAID and sale.decision is Decision.REFUND:
        return "the refund is under way, and is asked for again by itself"
    if sale.state is State.CASE or sale.doubt or sale.foreign or sale.sent_count == 0:
        return ""
    return "the machine may still answer. Try: again once the sale is in doubt"


def _waits_for_a_person(sale: Sale, *, past: bool) -> bool:
    return sale.state is State.CASE or bool(sale.doubt) or (bool(sale.case) and (sale.past or past))


# ---------------------------------------------------------------- what to do next

OTHER_MONEY: Final = frozenset({"second_payment", "payment_not_ours", "refund_not_ours", "transaction_taken"})


def advice(reason: str) -> str:
    """What a person should do about a case of this reason."""
    return ADVICE.get(reason, "look at its timeline; then resolve it as refund, vended or closed")


ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "doubt": "count the lane's pieces or ask the shopper; then resolve as vended or refund",
        "foreign": "the machine is being asked; if it never answers: look at it, then vended or refund",
        "brakes": "test the lane's drop sensor; then resolve as refund, or as vended when the goods were out",
        "second_payment": "give the second payment back in the merchant's portal; then resolve as closed",
        "hand_refund": "compare the portal's refund with this sale; then refund the rest, or closed",
        "given_back": "look in the portal who gave it back and how much; then resolve as closed",
        "contradiction": "count the lane's pieces; then resolve as closed",
        "goods_unpaid": "look for the payment in the portal; then resolve as closed",
        "unknown_sale": "these books are older than this sale: look for it in the portal; then closed",
        "refund_stuck": "look for the refund in the portal; it is asked for again each hour",
        "refund_not_enough": "top up the merchant's account; the refund is asked for again each hour",
        "refund_abnormal": "handle the abnormal refund in the portal; then resolve as refund",
        "refund_closed": "refund in the portal, or pay the shopper otherwise; then resolve as closed",
        "refund_refused": "see why in the portal; then resolve as refund, or pay otherwise and close",
        "refund_amount": "compare the amounts in the portal; then resolve as closed",
        "refund_not_ours": "see in the other merchant's portal what went back; then resolve as closed",
        "payment_not_ours": "see whose payment it is in the portal; then resolve as closed",
        "transaction_taken": "one payment names two sales: call the platform; then resolve as closed",
        "bill_missing": "look for the payment in the portal: the day's bill does not have it; then closed",
        "bill_amount": "compare bill, portal and this sale; then resolve as closed",
        "bill_refund": "look for the refund in the portal: no bill has it; then resolve as closed",
        "bill_goods": "ask the machine's journal and count the lane's pieces; then resolve as closed",
        "impossible": "report the mistake with its timeline; then resolve as refund, vended or closed",
    }
)
