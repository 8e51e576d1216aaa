"""What a person's command asks of the machine, and whether it may be done now. Pure.

A command names a ticket that this machine drew for it a moment ago, so that nothing which was held back on
its way is done when its time is over. What is refused is refused at once: nothing waits for a better moment,
but a new start, which waits for the end of the sale that runs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from edge.core.lanes import Lane, cleared
from edge.core.machine import Machine, lane_reason, stop_reason, with_lane, with_stop
from edge.core.model import Sale, Session, State

STOPPED: Final = "stopped"
TICKET_MS: Final = 10_000
TICKETS: Final = 8
IDENTIFY_MS: Final = 20_000
COMMANDS: Final = ("stop", "start", "reboot", "identify", "clear_lane", "refill")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandAsked:
    """Somebody wants something of one session. `fills` are pairs of a lane and how many pieces went in.

    `ticket` empty: one is asked for. `on_site`: he says that a person stands there and looked.
    """

    command_id: str
    session_jid: str
    session_boot: int
    what: str
    by: str
    why: str
    lane: int = 0
    on_site: bool = False
    fills: tuple[tuple[int, int], ...] = ()
    ticket: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneProven:
    """A self-test that a command asked for has ended; `reason` is empty when the lane can vend."""

    asked: CommandAsked
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportCommand:
    """What was done for whom: a numbered report, durable with what it changed."""

    asked: CommandAsked
    before: str
    after: str
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandAnswer:
    """A ticket, or why not; said once. When it is lost, nothing was done."""

    asked: CommandAsked
    ticket: str = field(default="", repr=False)
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Good once, for one command, until then."""

    ticket: str = field(repr=False)
    until_ms: int


Tickets = Mapping[str, Ticket]


def with_ticket(tickets: Tickets, command_id: str, ticket: str, now_ms: int) -> Tickets:
    """One more; the oldest of too many are forgotten, and so is what is over."""
    alive = {key: each for key, each in tickets.items() if now_ms < each.until_ms and key != command_id}
    kept = list(alive.items())[-(TICKETS - 1) :]
    return {**dict(kept), command_id: Ticket(ticket=ticket, until_ms=now_ms + TICKET_MS)}


def is_good(tickets: Tickets, asked: CommandAsked, now_ms: int) -> bool:
    """Whether this command comes in its own time."""
    known = tickets.get(asked.command_id)
    return known is not None and known.ticket == asked.ticket and now_ms < known.until_ms


def refusal(machine: Machine, asked: CommandAsked, session: Session, sales: Iterable[Sale]) -> str:
    """Why it cannot be done now, or "". Asked before a ticket is drawn and again before anything is done."""
    if (asked.session_jid, asked.session_boot) != (session.jid, session.boot):
        return "session"
    if asked.what not in COMMANDS:
        return "unknown_command"
    if asked.what == "clear_lane":
        return _clearing(machine, asked, sales)
    if asked.what == "refill":
        return _refilling(machine, asked)
    if asked.what == "reboot" and machine.leaving_soon:
        return "leaving"
    if asked.what == "reboot" and machine.service:
        return "busy"  # a technician works at it, and a motor may turn
    return ""


def _clearing(machine: Machine, asked: CommandAsked, sales: Iterable[Sale]) -> str:
    if asked.lane not in machine.lanes:
        return "no_such_lane"
    moving = any(sale.state is State.INTENT for sale in sales)
    taken = moving or bool(machine.service)  # the board answers one question at a time, and one person
    return "busy" if taken and not asked.on_site else ""


def _refilling(machine: Machine, asked: CommandAsked) -> str:
    known = machine.lanes.keys() | machine.products.keys()
    if not asked.fills or any(lane not in known for lane, _ in asked.fills):
        return "no_such_lane"
    return ""


# ---------------------------------------------------------------- what it makes of the machine


def done(machine: Machine, asked: CommandAsked, now_ms: int) -> Machine:
    """The machine after a command that was not refused; a self-test that it asked for has passed."""
    match asked.what:
        case "stop" | "start":
            return with_stop(machine, STOPPED, asked.what == "stop")
        case "reboot":
            return replace(machine, leaving_soon=True, shown=None)
        case "identify":
            return replace(machine, identify_until_ms=now_ms + IDENTIFY_MS)
        case "clear_lane":
            return _with_word(machine, asked)
        case "refill":
            return _refilled(machine, asked)
    raise AssertionError(f"{asked.what} is no command")


def _with_word(machine: Machine, asked: CommandAsked) -> Machine:
    return with_lane(machine, asked.lane, cleared(machine.lanes.get(asked.lane, Lane())))


def _refilled(machine: Machine, asked: CommandAsked) -> Machine:
    """A hand was in these lanes. How many pieces lie there is the board's word, where it has one."""
    for lane, _ in asked.fills:
        machine = with_lane(machine, lane, cleared(machine.lanes.get(lane, Lane())))
    return machine


def standing(machine: Machine, asked: CommandAsked) -> str:
    """What the command is about, in a word: for before and after."""
    if asked.what == "clear_lane":
        return lane_reason(machine, asked.lane) or "sells"
    if asked.what == "refill":
        stopped = sum(bool(lane_reason(machine, lane)) for lane, _ in asked.fills)
        return f"{stopped} of {len(asked.fills)} lanes do not sell"
    return stop_reason(machine) or "selling"


def when(asked: CommandAsked, sales: Iterable[Sale], now_ms: int) -> str:
    """When it comes about, for a person; "" when it is done."""
    if asked.what != "reboot":
        return ""
    open_until = [sale.lease_until_ms for sale in sales if sale.state is State.OPEN]
    if any(sale.state is State.INTENT for sale in sales):
        return "when the product is out"
    left_s = max(0, max(open_until, default=now_ms) - now_ms) // 1000
    return f"when the open sale ends, in {left_s // 60}:{left_s % 60:02d} at the latest" if left_s else "now"


def may_leave(machine: Machine, sales: Iterable[Sale]) -> bool:
    """Whether a new start is wanted, nobody is buying and no technician is at work."""
    buying = any(sale.state in (State.OPEN, State.INTENT) for sale in sales)
    return machine.leaving_soon and "leaving" not in machine.stops and not (buying or machine.service)
