"""Doing what a person asks of the machine: a ticket, a last look, durable, then done.

What was done for a command is remembered for as long as the session lasts, so that a repeat of it does
nothing (G-DEDUPE); a command of another session never gets so far.
"""

from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Final

from edge.core.command import (
    STOPPED,
    CommandAnswer,
    CommandAsked,
    LaneProven,
    ReportCommand,
    Tickets,
    done,
    is_good,
    refusal,
    standing,
    when,
    with_ticket,
)
from edge.core.machine import Machine, with_stop
from edge.core.model import Sale
from edge.engine_reports import Reports
from edge.ports import Change, Ports

_REMEMBERED: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """What becomes durable first, and what the machine is then. `ends_sale`: nobody may pay any more."""

    change: Change
    machine: Machine
    ends_sale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What commands need of the engine: 128 random bits, a question to the board, and its mailbox."""

    entropy: Callable[[int], bytes]
    test: Callable[[int], Coroutine[None, None, str]]
    spawn: Callable[[Coroutine[None, None, None], str], object]
    post: Callable[[LaneProven], None]


class Commands:
    """Called by the engine's one task alone."""

    def __init__(self, ports: Ports, reports: Reports, means: Means) -> None:
        self._ports: Final = ports
        self._reports: Final = reports
        self._means: Final = means
        self._tickets: Tickets = {}
        self._over: Final[deque[str]] = deque(maxlen=_REMEMBERED)

    def remembered(self, machine: Machine) -> Machine:
        """What a person decided before this start still holds."""
        return with_stop(machine, STOPPED, self._ports.journal.kept.get(STOPPED, "") != "")

    def take(self, event: CommandAsked | LaneProven, machine: Machine, sales: Iterable[Sale]) -> Doing | None:
        """What is to be done now; None when it was answered, or waits for the board's answer."""
        asked = event.asked if isinstance(event, LaneProven) else event
        if asked.command_id in self._over:
            self._ports.bridge.kick()  # its report is repeated until somebody holds it
            return None
        at_hand, now_ms = tuple(sales), self._ports.clock.now_ms()
        why = refusal(machine, asked, self._ports.journal.session, at_hand)
        if isinstance(event, LaneProven):
            why = why or (f"self_test.{event.reason}" if event.reason else "")
        elif not why and not asked.ticket:
            self._give_ticket(asked, now_ms)
            return None
        elif not why:
            why = "" if self._used(asked, now_ms) else "late"
        if why:
            self._ports.notes.info("command.refused", command=asked.what, by=asked.by, why=why)
            self._ports.bridge.reply(CommandAnswer(asked=asked, why=why))
            return None
        if asked.what == "clear_lane" and not asked.on_site and isinstance(event, CommandAsked):
            self._means.spawn(self._prove(asked), f"self-test of lane {asked.lane}")
            return None
        return self._doing(asked, machine, at_hand, now_ms)

    def _give_ticket(self, asked: CommandAsked, now_ms: int) -> None:
        ticket = self._means.entropy(16).hex()
        self._tickets = with_ticket(self._tickets, asked.command_id, ticket, now_ms)
        self._ports.bridge.reply(CommandAnswer(asked=asked, ticket=ticket))

    def _used(self, asked: CommandAsked, now_ms: int) -> bool:
        """Whether it comes with its ticket, which is good once."""
        good = is_good(self._tickets, asked, now_ms)
        if good:
            self._tickets = {key: each for key, each in self._tickets.items() if key != asked.command_id}
        return good

    async def _prove(self, asked: CommandAsked) -> None:
        self._means.post(LaneProven(asked=asked, reason=await self._means.test(asked.lane)))

    def _doing(self, asked: CommandAsked, machine: Machine, sales: tuple[Sale, ...], now_ms: int) -> Doing:
        after = done(machine, asked, now_ms)
        report = ReportCommand(
            asked=asked,
            before=standing(machine, asked),
            after=standing(after, asked),
            said=when(asked, sales, now_ms),
        )
        self._over.append(asked.command_id)
        self._ports.notes.info(
            "command.done", command=asked.what, by=asked.by, lane=asked.lane, after=report.after
        )
        stop = asked.what == "stop"
        kept = {STOPPED: (asked.why or asked.by) if stop else ""} if asked.what in ("stop", "start") else {}
        change = Change(rows=(self._reports.row(None, report),), kept=kept)
        return Doing(change=change, machine=after, ends_sale=stop)
