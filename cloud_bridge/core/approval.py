"""What a person does about money by his own hand: how much alone, how much a day, and when two have to agree.

One person never empties a machine or the account: above a limit, and for what costs goods, a second one looks
at it first, and each has a cap for a day. Amounts are fen. Pure.
"""

import enum
from dataclasses import dataclass, replace
from typing import Final

from cloud_bridge.core.people import Action, Person, Role, may_approve
from cloud_bridge.core.sale import yuan

DAY_MS: Final = 24 * 3_600_000
MOST_WHY: Final = 200


class Act(enum.StrEnum):
    """What is done: money goes back, a doubt is called goods, a product goes out for nothing, a case is
    called settled outside of these books.
    """

    REFUND = "refund"
    VENDED = "vended"
    FREE_VEND = "free_vend"
    CLOSE = "case.closed"


NEEDS: Final = {
    Act.REFUND: Action.REFUND,
    Act.VENDED: Action.DECIDE_CASE,
    Act.FREE_VEND: Action.FREE_VEND,
    Act.CLOSE: Action.DECIDE_CASE,
}


class Stand(enum.StrEnum):
    """Where it stands. Only WAITING may go on."""

    WAITING = "waiting"
    DONE = "done"
    DECLINED = "declined"
    EXPIRED = "expired"
    FAILED = "failed"


# What counts for the caps: done, or perhaps about to be.
COUNTED: Final = (Stand.WAITING, Stand.DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandAct:
    """One act: who asked, why, and who the second was. `id` 0: not in the books yet."""

    id: int = 0
    act: Act
    machine: str
    sale_id: str = ""
    lane: int = 0
    fen: int
    by: str
    why: str
    asked_wall_ms: int
    until_wall_ms: int
    stand: Stand
    second: str = ""
    second_why: str = ""
    ended_wall_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HandLimits:
    """What one may do alone: an operator, somebody of finance; and in 24 hours a person and on a machine.

    `wait_s`: how long an act waits for the second person.
    """

    operator_fen: int = 5_000
    finance_fen: int = 20_000
    person_day_fen: int = 50_000
    machine_day_fen: int = 50_000
    wait_s: int = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was given by hand in the last 24 hours: by the person, and on the machine."""

    person_fen: int = 0
    machine_fen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """`refused` says why not at all; `second` why somebody else has to agree. Both empty: go on."""

    refused: str = ""
    second: str = ""


def own_limit_fen(person: Person, limits: HandLimits) -> int:
    """How much he gives back alone."""
    if Role.FINANCE in person.roles:
        return limits.finance_fen
    return limits.operator_fen if Role.OPERATOR in person.roles else 0


def judge(person: Person, act: Act, fen: int, spent: Spent, limits: HandLimits) -> Judged:
    """Whether he may do it alone, with a second person, or not today.

    Whoever has a program's token may have a login besides: what wants two people is asked for by a person.
    """
    judged = _judged(person, act, fen, spent, limits)
    if judged.second and person.program:
        return Judged(refused=f"found a program, allowed a person who asks a second one: {judged.second}")
    return judged


def _judged(person: Person, act: Act, fen: int, spent: Spent, limits: HandLimits) -> Judged:
    left = limits.person_day_fen - spent.person_fen
    if act is not Act.VENDED and fen > left:
        return Judged(refused=f"found {yuan(fen)}, allowed {yuan(max(0, left))} more today by one person")
    if act is Act.VENDED:
        return Judged(second="a doubt is called goods out")
    if act is Act.FREE_VEND:
        return Judged(second="a product goes out for nothing")
    own = own_limit_fen(person, limits)
    if act is Act.CLOSE:  # nobody sees afterwards where the money went: within what he might give back alone
        owed = (
            f"found {yuan(fen)} owed, allowed {yuan(own)} to be called settled by one person. Try: a refund"
        )
        return Judged(refused=owed if fen > own else "")
    if fen > own:
        return Judged(second=f"{yuan(fen)} is more than {yuan(own)}")
    if spent.machine_fen + fen > limits.machine_day_fen:
        return Judged(second=f"this machine gave back {yuan(spent.machine_fen)} by hand today")
    return Judged()


def asked(act: HandAct, judged: Judged, limits: HandLimits) -> HandAct:
    """As it is written down: done, or waiting for the second person until its time is over."""
    if judged.second:
        until = act.asked_wall_ms + limits.wait_s * 1000
        return replace(act, stand=Stand.WAITING, until_wall_ms=until)
    return replace(act, stand=Stand.DONE, ended_wall_ms=act.asked_wall_ms)


def objection(act: HandAct | None, person: Person, wall_ms: int) -> str:
    """Why this person cannot agree to it, or empty."""
    if act is None or not person.sees(act.machine):
        return "no such act"
    if act.stand is not Stand.WAITING:
        return f"it is {act.stand.value}"
    if wall_ms >= act.until_wall_ms:
        return "its time is over. Try: ask for it anew"
    if person.name == act.by:
        return "you asked for it yourself: somebody else has to agree"
    if not may_approve(person, NEEDS[act.act], act.by, act.machine):
        return "you may not do this yourself, so you cannot agree to it"
    return ""


def agreed(act: HandAct, person: Person, why: str, wall_ms: int) -> HandAct:
    """The second person said yes, and it is done."""
    return _ended(act, Stand.DONE, person.name, why, wall_ms)


def declined(act: HandAct, person: Person, why: str, wall_ms: int) -> HandAct:
    """Somebody said no: the second person, or whoever asked for it."""
    return _ended(act, Stand.DECLINED, person.name, why, wall_ms)


def failed(act: HandAct, why: str, wall_ms: int) -> HandAct:
    """The books did not let it happen; nothing was given."""
    return _ended(act, Stand.FAILED, act.second, why, wall_ms)


def as_it_stands(act: HandAct, wall_ms: int) -> HandAct:
    """One whose time is over is over, also when nobody wrote that down."""
    if act.stand is Stand.WAITING and wall_ms >= act.until_wall_ms:
        return replace(act, stand=Stand.EXPIRED, ended_wall_ms=act.until_wall_ms)
    return act


def names(act: HandAct) -> str:
    """Who decided it, for the books."""
    return f"{act.by}, agreed by {act.second}" if act.second else act.by


def _ended(act: HandAct, stand: Stand, second: str, why: str, wall_ms: int) -> HandAct:
    return replace(act, stand=stand, second=second, second_why=why[:MOST_WHY], ended_wall_ms=wall_ms)
