"""Having a machine do what a person asks: now, or never. Nothing is kept for one that does not answer.

A command is put twice: for a ticket, and with it. Without the machine's ticket nothing can be done, so a
first question that is not answered has failed for certain. An answer to the second may be late: then nobody
knows, which is said, and the report of what was done comes by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from cloud_bridge.core.command import (
    CommandAnswered,
    CommandWish,
    Outcome,
    TellCommand,
    What,
    outcome,
    wrong,
)
from cloud_bridge.core.run import Session
from cloud_bridge.core.stock import Hand
from cloud_bridge.ports import Clock, Fleet, Log, Store, Tx
from cloud_bridge.ports_catalogue import Count
from cloud_bridge.ports_people import Audit, Deed

ANSWER_S: Final = 5.0
TICKET_S: Final = 2.0
Heard = Callable[[CommandAnswered], Awaitable[None]]
Noted = Callable[[tuple[Count, ...]], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What commands are done with: the books' ear (`heard`), the stock's (`filled`), and random ids."""

    heard: Heard
    filled: Noted
    new_id: Callable[[], str]


@dataclass(slots=True)
class _Waiting:
    machine: str
    session: Session
    answers: "asyncio.Queue[CommandAnswered]"


class Commands:
    """One command at a time for a machine. Implements `ports_doing.CommandHearer`."""

    def __init__(
        self, *, store: Store, fleet: Fleet, audit: Audit, clock: Clock, log: Log, hands: Hands
    ) -> None:
        self._store: Final = store
        self._fleet: Final = fleet
        self._audit: Final = audit
        self._clock: Final = clock
        self._log: Final = log
        self._hands: Final = hands
        self._waiting: Final[dict[str, _Waiting]] = {}

    # ------------------------------------------------------------ a person asks

    async def command(self, wish: CommandWish) -> Outcome:
        """Have it done within seconds, or say why not; who, when and why stay in the audit.

        Raises StoreFailed.
        """
        if why := wrong(wish):
            return Outcome(done=False, why=why)
        became = await self._order(wish)
        self._log.info(
            "command.asked",
            machine=wish.machine,
            command=wish.what,
            by=wish.by,
            done=became.done,
            why=became.why,
        )
        await self._audit.record(self._deed(wish, became))
        return became

    async def _order(self, wish: CommandWish) -> Outcome:
        if any(each.machine == wish.machine for each in self._waiting.values()):
            return Outcome(done=False, why="busy")
        command_id = self._hands.new_id()
        waiting = _Waiting(wish.machine, Session(jid="", boot=0, bits=""), asyncio.Queue(maxsize=8))
        self._waiting[command_id] = waiting
        try:
            session = await self._store.run(lambda tx: _session(tx, wish.machine))
            if session is None or not self._fleet.live(wish.machine):
                return Outcome(done=False, why="offline")
            if isinstance(session, str):
                return Outcome(done=False, why="journal")
            waiting.session = session
            return await self._put(command_id, wish, waiting)
        finally:
            del self._waiting[command_id]

    async def _put(self, command_id: str, wish: CommandWish, waiting: _Waiting) -> Outcome:
        jid, boot = waiting.session.jid, waiting.session.boot
        asked = TellCommand(command_id=command_id, jid=jid, boot=boot, wish=wish)
        loop = asyncio.get_running_loop()
        until = loop.time() + ANSWER_S
        first = await self._answer(asked, waiting, loop.time() + TICKET_S)
        if first is None or first.state != "ticket":
            return outcome(first) if first is not None else Outcome(done=False, why="offline")
        with_ticket = TellCommand(command_id=command_id, jid=jid, boot=boot, wish=wish, ticket=first.ticket)
        last = await self._answer(with_ticket, waiting, until)
        while last is not None and last.state == "ticket":  # a repeat of the first answer
            last = await self._heard(waiting, until)
        return outcome(last) if last is not None else Outcome(done=False, why="no_answer", certain=False)

    async def _answer(self, message: TellCommand, waiting: _Waiting, until: float) -> CommandAnswered | None:
        """Say it and wait; None when nobody is there or nobody answers in time."""
        try:
            async with asyncio.timeout_at(until):
                if not await self._fleet.tell(waiting.machine, message):
                    return None
                return await waiting.answers.get()
        except TimeoutError:
            return None

    async def _heard(self, waiting: _Waiting, until: float) -> CommandAnswered | None:
        try:
            async with asyncio.timeout_at(until):
                return await waiting.answers.get()
        except TimeoutError:
            return None

    def _deed(self, wish: CommandWish, became: Outcome) -> Deed:
        where = f" lane {wish.lane}" if wish.lane else ""
        pieces = ", ".join(f"{fill.count} into {fill.lane}" for fill in wish.fills)
        after = became.after if became.done else f"not done: {became.why}"
        if not became.certain:
            after = "not known: the machine did not answer"
        return Deed(
            wall_ms=self._clock.wall_ms(),
            by=wish.by,
            action=f"command.{wish.what}",
            about=f"machine {wish.machine}{where}{f': {pieces}' if pieces else ''}",
            machine=wish.machine,
            why=wish.why,
            before=became.before,
            after=f"{after}; {became.said}" if became.said else after,
        )

    async def _not_counted(self, answer: CommandAnswered, why: str) -> None:
        """The pieces are in the machine, and the stock does not take them: a person has to count."""
        self._log.warning("command.not_counted", machine=answer.machine, why=why)
        await self._audit.record(
            Deed(
                wall_ms=self._clock.wall_ms(),
                by=answer.by,
                action="stock.not_counted",
                about=f"refill of machine {answer.machine}",
                machine=answer.machine,
                why=why,
            )
        )

    # ------------------------------------------------------------ a machine answers

    async def command_told(self, answer: CommandAnswered) -> None:
        """Durable before whoever waits hears of it, the pieces first: the books acknowledge the report."""
        if answer.state == "done" and answer.what == What.REFILL:
            why = await self._hands.filled(_counts(answer))
            if why:
                await self._not_counted(answer, why)
        await self._hands.heard(answer)
        waiting = self._waiting.get(answer.command_id)
        if waiting is None or waiting.machine != answer.machine or waiting.answers.full():
            return
        if (answer.session.jid, answer.session.boot) == (waiting.session.jid, waiting.session.boot):
            waiting.answers.put_nowait(answer)


def _session(tx: Tx, machine: str) -> Session | str | None:
    """Who lives there as far as is known; words when nothing it says is believed."""
    row = next((each for each in tx.journals(machine) if each.current), None)
    if row is None:
        return None
    return row.doubt or Session(jid=row.jid, boot=row.boot, bits=row.bits)


def _counts(answer: CommandAnswered) -> tuple[Count, ...]:
    """The pieces of a refill, each counted once for ever, however often it is reported."""
    return tuple(
        Count(
            key=f"refill:{answer.session.jid}:{answer.n}:{fill.lane}",
            machine=answer.machine,
            lane=fill.lane,
            hand=Hand.REFILLED,
            count=fill.count,
            by=answer.by,
            why=answer.reason,
        )
        for fill in answer.fills
    )
