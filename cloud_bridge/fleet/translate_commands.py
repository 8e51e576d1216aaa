"""A person's commands in the bridge's words and the wire's, in both directions. Pure."""

from typing import Final

from cloud_bridge.core.command import CommandAnswered, Fill, TellCommand
from cloud_bridge.core.run import Session
from wire.command import Command, CommandResult
from wire.command import Fill as WireFill

# Nobody waits longer for an answer, and no broker need keep it longer.
COMMAND_EXPIRY_S: Final = 5


def answered(machine: str, session: Session, message: CommandResult) -> CommandAnswered:
    """A machine's word on a command."""
    return CommandAnswered(
        machine=machine,
        session=session,
        n=message.n,
        command_id=message.command_id,
        what=message.what,
        state=message.state,
        why=message.why,
        said=message.said,
        before=message.before,
        after=message.after,
        by=message.by,
        reason=message.reason,
        lane=message.lane,
        fills=tuple(Fill(lane=fill.lane, count=fill.count) for fill in message.fills),
        ticket=message.ticket,
    )


def to_wire(message: TellCommand) -> Command:
    """What a machine is told. Raises wire.messages.BadMessage for what no machine would take."""
    wish = message.wish
    return Command(
        command_id=message.command_id,
        jid=message.jid,
        boot=message.boot,
        what=wish.what.value,
        by=wish.by,
        why=wish.why,
        lane=wish.lane,
        on_site=wish.on_site,
        fills=tuple(WireFill(lane=fill.lane, count=fill.count) for fill in wish.fills),
        ticket=message.ticket,
    )
