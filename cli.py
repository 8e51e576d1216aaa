"""The one command, `wxvend`. A subcommand's room is imported when it is chosen, so a daemon starts lean."""

from importlib import import_module
from types import MappingProxyType
from typing import Final

import click

# name -> the module and the command in it, one line of help, the extra that brings what it needs
_ROOMS: Final = MappingProxyType(
    {
        "demo": ("hw_sim.demo.cli:demo", "A whole virtual vending machine on this computer.", "demo"),
        "edge": ("edge.cli:edge", "The daemon in the machine: bus, screen, dispensing.", ""),
        "bridge": ("cloud_bridge.cli:bridge", "The server: WeChat Pay, machines, operators' page.", "bridge"),
        "sim": ("hw_sim.cli:sim", "Boards, a payment platform and a broker to try things on.", "sim"),
        "tech": ("edge.cli_tech:tech", "Look into a serial bus, decode its frames, explain codes.", ""),
    }
)
_CHOSEN: Final = "wxvend.room"


class _Rooms(click.Group):
    """Lists the rooms without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_ROOMS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ROOMS:
            return None
        ctx.meta[_CHOSEN] = cmd_name
        place, _, _ = _ROOMS[cmd_name]
        module, name = place.split(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:  # of the room itself, or of what one command of it needs
            missing = (error.name or "").split(".")[0]
            room = ctx.meta[_CHOSEN]
            extra = _ROOMS[room][2] or "demo"
            raise click.ClickException(
                f"{room}: found no package {missing}. Try: pip install 'wxvend[{extra}]'"
            ) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words, _) in _ROOMS.items()])


@click.command(cls=_Rooms)
@click.version_option(package_name="wxvend", prog_name="wxvend")
def main() -> None:
    """Sell from a vending machine with WeChat Pay Native.

    Each fen that is paid ends as exactly one of a product out, a refund, or an open case a person can see.

    \b
    Examples:
      wxvend demo                               try it all on this computer
      wxvend edge run --config edge.toml        serve a machine
    """
