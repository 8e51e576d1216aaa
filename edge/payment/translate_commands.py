"""A person's commands in the machine's words and the wire's, in both directions. Pure."""

from edge.core.command import CommandAnswer, CommandAsked, ReportCommand
from edge.core.model import Session
from edge.ports import Heading
from wire.command import Command, CommandResult, Fill


def asked(message: Command) -> CommandAsked:
    """What somebody wants of one session."""
    return CommandAsked(
        command_id=message.command_id,
        session_jid=message.jid,
        session_boot=message.boot,
        what=message.what,
        by=message.by,
        why=message.why,
        lane=message.lane,
        on_site=message.on_site,
        fills=tuple((fill.lane, fill.count) for fill in message.fills),
        ticket=message.ticket,
    )


def answer(session: Session, told: CommandAnswer) -> CommandResult:
    """A ticket, or why not."""
    return CommandResult(
        jid=session.jid,
        boot=session.boot,
        bits=session.bits,
        n=0,
        command_id=told.asked.command_id,
        what=told.asked.what,
        state="ticket" if told.ticket else "refused",
        why=told.why,
        ticket=told.ticket,
    )


def done(heading: Heading, report: ReportCommand) -> CommandResult:
    """A numbered report of what was done."""
    who, what = heading.session, report.asked
    return CommandResult(
        jid=who.jid,
        boot=who.boot,
        bits=who.bits,
        n=heading.n,
        command_id=what.command_id,
        what=what.what,
        state="done",
        said=report.said,
        before=report.before,
        after=report.after,
        by=what.by,
        reason=what.why,
        lane=what.lane,
        fills=tuple(Fill(lane=lane, count=count) for lane, count in what.fills),
    )
