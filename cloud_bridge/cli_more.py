"""Commands of `wxvend bridge` that live in files of their own, imported only when one is chosen."""

from importlib import import_module
from types import MappingProxyType
from typing import Final

import click

# name -> the module and the command in it, one line of help
_MORE: Final = MappingProxyType(
    {
        "ack-alarm": (
            "cloud_bridge.cli_report:ack_alarm",
            "Look after an alarm, or have it told to nobody for a while.",
        ),
        "report": (
            "cloud_bridge.cli_report:report",
            "Sales, refunds, lanes or shrinkage of a day or more; or takings.",
        ),
        "asyncapi": (
            "cloud_bridge.cli_describe:asyncapi",
            "Describe all MQTT messages as an AsyncAPI 3.0 document.",
        ),
        "user": ("cloud_bridge.cli_people:user", "Who may log in, what he may do, and tokens for programs."),
        "audit": ("cloud_bridge.cli_audit:audit", "What people did, and whether that record is whole."),
        "machine": (
            "cloud_bridge.cli_doing:machine",
            "Have a machine stop, start, restart, show its name, clear a lane, or note a refill.",
        ),
        "catalogue": (
            "cloud_bridge.cli_catalogue:catalogue",
            "What machines sell: export, import, history, undo, agree, go on.",
        ),
        "stock": (
            "cloud_bridge.cli_catalogue:stock",
            "What lies in the lanes, what to bring, and what was put in or counted.",
        ),
    }
)


class More(click.Group):
    """A group with its own commands and these, listed without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the alphabet."""
        return sorted([*super().list_commands(ctx), *_MORE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name."""
        if cmd_name not in _MORE:
            return super().get_command(ctx, cmd_name)
        module, _, name = _MORE[cmd_name][0].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """A line each."""
        own = {name: command.get_short_help_str(80) for name, command in self.commands.items()}
        lines = own | {name: words for name, (_, words) in _MORE.items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(lines.items()))
