"""What people do by hand about money: alone up to a limit, else when a second agrees; each in the audit.

There is one way to a refund, the sale's own table: what is decided here is whether somebody may ask for it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from cloud_bridge.core.approval import (
    DAY_MS,
    MOST_WHY,
    NEEDS,
    Act,
    HandAct,
    HandLimits,
    Judged,
    Stand,
    agreed,
    as_it_stands,
    asked,
    declined,
    failed,
    judge,
    names,
    objection,
)
from cloud_bridge.core.case import Resolution, Wish
from cloud_bridge.core.command import CommandWish, Outcome
from cloud_bridge.core.free import approved, ungiven
from cloud_bridge.core.model import State
from cloud_bridge.core.people import Action, Person, may
from cloud_bridge.core.sale import Sale, yuan
from cloud_bridge.engine_commands import Commands
from cloud_bridge.engine_frees import Frees
from cloud_bridge.ports import Clock
from cloud_bridge.ports_doing import DoingBooks, DoingTx, Handled
from cloud_bridge.ports_people import Audit, Deed

Resolve = Callable[[Wish], Awaitable[str]]
_NO_SALE: Final = Handled(why="no such sale")
_SAID: Final = {
    Act.REFUND: Resolution.REFUND,
    Act.VENDED: Resolution.VENDED,
    Act.CLOSE: Resolution.CLOSED,
}


class Doing:
    """Implements `ports_doing.DoingService`. `resolve` decides a sale as a person says, or says why not;
    `price_of` is what a lane's product costs, 0 for a lane that there is not.
    """

    def __init__(
        self,
        *,
        books: DoingBooks,
        resolve: Resolve,
        commands: Commands,
        audit: Audit,
        clock: Clock,
        limits: HandLimits,
        frees: Frees,
        price_of: Callable[[str, int], int],
    ) -> None:
        self._books: Final = books
        self._resolve: Final = resolve
        self._commands: Final = commands
        self._audit: Final = audit
        self._clock: Final = clock
        self._limits: Final = limits
        self._frees: Final = frees
        self._price_of: Final = price_of

    async def command(self, wish: CommandWish) -> Outcome:
        """Have a machine do something within seconds, or say why not."""
        return await self._commands.command(wish)

    # ------------------------------------------------------------ one person asks

    async def refund(self, person: Person, sale_id: str, why: str) -> Handled:
        """Give a sale's money back."""
        return await self._ask(person, Act.REFUND, sale_id, why)

    async def vended(self, person: Person, sale_id: str, why: str) -> Handled:
        """Say that a doubted sale's goods are out."""
        return await self._ask(person, Act.VENDED, sale_id, why)

    async def close(self, person: Person, sale_id: str, why: str, reason: str) -> Handled:
        """Say that a case is settled outside of these books."""
        return await self._ask(person, Act.CLOSE, sale_id, why, reason)

    async def _ask(self, person: Person, act: Act, sale_id: str, why: str, reason: str = "") -> Handled:
        sale = await self._sale(person, NEEDS[act], sale_id)
        if sale is None or (wrong := _wrong(why)):
            return _NO_SALE if sale is None else Handled(why=wrong)
        now = self._clock.wall_ms()
        wanted = HandAct(
            act=act,
            machine=sale.machine,
            sale_id=sale_id,
            lane=sale.lane,
            fen=_moved_fen(act, sale),
            by=person.name,
            why=why.strip(),
            asked_wall_ms=now,
            until_wall_ms=now,
            stand=Stand.WAITING,
        )
        written, judged = await self._books.on_doing(lambda tx: self._written(tx, person, wanted))
        if judged.refused:
            await self._tell(person.name, act.value, sale, why, judged.refused)
            return Handled(why=judged.refused)
        if judged.second:
            await self._tell(person.name, f"{act.value}.asked", sale, why, "")
            return Handled(waits=written.id, waits_why=judged.second)
        return await self._done(written, sale, reason)

    def _written(self, tx: DoingTx, person: Person, wanted: HandAct) -> tuple[HandAct, Judged]:
        """Judged and written down in one transaction, so that nobody passes a cap twice at once."""
        before = tx.waiting_for(wanted.sale_id) if wanted.sale_id else None
        if before is not None and as_it_stands(before, wanted.asked_wall_ms).stand is Stand.WAITING:
            return before, Judged(refused=f"it waits for a second person already, since {before.by} asked")
        if before is not None:
            tx.put_act(as_it_stands(before, wanted.asked_wall_ms))
        since = wanted.asked_wall_ms - DAY_MS
        spent = tx.spent(by=person.name, machine=wanted.machine, since_wall_ms=since)
        judged = judge(person, wanted.act, wanted.fen, spent, self._limits)
        if judged.refused:
            return wanted, judged
        act = asked(wanted, judged, self._limits)
        return replace(act, id=tx.put_act(act)), judged

    async def _done(self, act: HandAct, sale: Sale, reason: str = "") -> Handled:
        """The sale's own table decides; what it does not let happen counts for no cap."""
        said = _SAID[act.act]
        wish = Wish(sale_id=act.sale_id, resolution=said, by=names(act), why=act.why, reason=reason)
        why_not = await self._resolve(wish)
        if why_not:
            now = self._clock.wall_ms()
            await self._books.on_doing(lambda tx: tx.put_act(failed(act, why_not, now)))
        await self._tell(names(act), act.act.value, sale, act.why, why_not)
        return Handled(done=not why_not, why=why_not)

    # ------------------------------------------------------------ what goes out for nothing

    async def free_vend(self, person: Person, machine: str, lane: int, why: str) -> Handled:
        """Ask a second person to let a product go out for nothing."""
        fen, now = self._price_of(machine, lane), self._clock.wall_ms()
        if not may(person, Action.FREE_VEND, machine) or not fen:
            return Handled(why="no such lane")
        if wrong := _wrong(why):
            return Handled(why=wrong)
        wanted = HandAct(
            act=Act.FREE_VEND,
            machine=machine,
            lane=lane,
            fen=fen,
            by=person.name,
            why=why.strip(),
            asked_wall_ms=now,
            until_wall_ms=now,
            stand=Stand.WAITING,
        )
        written, judged = await self._books.on_doing(lambda tx: self._written(tx, person, wanted))
        await self._tell_act(person.name, "free_vend.asked", wanted, judged.refused)
        return Handled(why=judged.refused, waits=written.id, waits_why=judged.second)

    async def give(self, person: Person, number: int) -> Handled:
        """What two people agreed to goes out now, to whoever stands there; once, unless it failed."""
        act = await self._books.on_doing(lambda tx: tx.act(number))
        his = act is not None and may(person, Action.FREE_VEND, act.machine)
        why_not = ungiven(act if his else None, self._clock.wall_ms())
        if act is None or why_not:
            return Handled(why=why_not)
        why_not = await self._frees.give(act)
        await self._tell_act(f"{names(act)}, given by {person.name}", "free_vend", act, why_not)
        return Handled(done=not why_not, why=why_not)

    async def _tell_act(self, by: str, action: str, act: HandAct, why_not: str) -> None:
        deed = Deed(
            wall_ms=self._clock.wall_ms(),
            by=by,
            action=action,
            about=f"lane {act.lane} of machine {act.machine}, {yuan(act.fen)}",
            machine=act.machine,
            why=act.why,
            after=f"refused: {why_not}" if why_not else "",
        )
        await self._audit.record(deed)

    # ------------------------------------------------------------ the second person

    async def acts(self, person: Person, *, limit: int = 50) -> tuple[HandAct, ...]:
        """What waits on machines that he sees, then what was done, the newest first."""
        machines = None if person.everywhere else sorted(person.machines)
        found = await self._books.on_doing(lambda tx: tx.acts(limit=limit, machines=machines))
        now = self._clock.wall_ms()
        return tuple(as_it_stands(each, now) for each in found)

    async def agree(self, person: Person, number: int, why: str) -> Handled:
        """The second person says yes: it is done at once."""
        now = self._clock.wall_ms()

        def say(tx: DoingTx) -> tuple[str, HandAct | None]:
            act = tx.act(number)
            if (why_not := objection(act, person, now)) or act is None:
                return why_not, None
            said = agreed(act, person, why.strip(), now)
            said = approved(said, now) if act.act is Act.FREE_VEND else said
            tx.put_act(said)
            return "", said

        why_not, act = await self._books.on_doing(say)
        if act is None:
            return Handled(why=why_not)
        if act.act is Act.FREE_VEND:
            await self._tell_act(names(act), "free_vend.agreed", act, "")
            return Handled(done=True)
        found = await self._books.sale(act.sale_id)
        return await self._done(act, found[0]) if found is not None else _NO_SALE

    async def decline(self, person: Person, number: int, why: str) -> str:
        """The second person says no, or whoever asked takes it back; why he cannot, or empty."""
        now = self._clock.wall_ms()

        def say(tx: DoingTx) -> tuple[str, HandAct | None]:
            act = tx.act(number)
            own = act is not None and act.by == person.name and act.stand is Stand.WAITING
            why_not = "" if own else objection(act, person, now)
            if act is None or why_not:
                return why_not, None
            said = declined(act, person, why.strip(), now)
            tx.put_act(said)
            return "", said

        why_not, act = await self._books.on_doing(say)
        if act is not None:
            deed = Deed(
                wall_ms=now,
                by=person.name,
                action=f"{act.act.value}.declined",
                about=f"sale {act.sale_id}, asked by {act.by}",
                machine=act.machine,
                why=act.second_why,
            )
            await self._audit.record(deed)
        return why_not

    # ------------------------------------------------------------ helpers

    async def _sale(self, person: Person, action: Action, sale_id: str) -> Sale | None:
        """A sale of a machine of his; what he may not touch is not there."""
        found = await self._books.sale(sale_id)
        return found[0] if found is not None and may(person, action, found[0].machine) else None

    async def _tell(self, by: str, action: str, sale: Sale, why: str, why_not: str) -> None:
        before = f"{sale.state.value} {sale.decision.value} paid {yuan(sale.paid_fen)}"
        found = await self._books.sale(sale.sale_id)
        now = found[0] if found is not None else sale
        after = f"refused: {why_not}" if why_not else f"{now.state.value} {now.decision.value}"
        deed = Deed(
            wall_ms=self._clock.wall_ms(),
            by=by,
            action=action,
            about=f"sale {sale.sale_id}",
            machine=sale.machine,
            why=why.strip(),
            before=before,
            after=after.strip(),
        )
        await self._audit.record(deed)


def _moved_fen(act: Act, sale: Sale) -> int:
    """What the act decides about. A case beside a sale that ended well owes nothing."""
    owes = act is not Act.CLOSE or sale.state is State.CASE
    return max(0, sale.paid_fen - sale.refunded_fen) if owes else 0


def _wrong(why: str) -> str:
    if len(why.strip()) > 0 and len(why) <= MOST_WHY and why.isprintable():
        return ""
    return f"why: found {why[:20]!r}, allowed 1 to {MOST_WHY} characters on one line"
