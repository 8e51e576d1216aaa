"""`wxvend tech ui`: the same functions on a screen, for someone with gloves and no patience."""

import logging
import sys
from pathlib import Path

import click

from edge.tech.choice import BadChoice, Options, bus_options, chosen
from edge.tech.cli_visit import BAD_INPUT, NOT_WELL, fail


@click.command()
@bus_options
@click.option(
    "--folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=Path(),
    help="Where Record writes traces; without: here.",
)
def ui(options: Options, folder: Path) -> None:
    """Look into a machine on a screen: lanes as a grid, live trace, large buttons. Works over SSH at 80x24.

    With --config the daemon lends its port for as long as the screen is open.
    """
    try:
        settings = chosen(options)
    except BadChoice as error:
        fail(str(error), BAD_INPUT)
    try:
        from edge.tech.ui import TechScreen
    except ImportError:
        fail("ui: the program for screens is not installed. Try: pip install 'wxvend[tech]'", NOT_WELL)
    logging.disable(logging.WARNING)  # the screen says it in its own words
    screen = TechScreen(settings, config=options.config, folder=folder)
    screen.run()
    if screen.why:
        fail(screen.why, NOT_WELL)
    sys.exit(screen.return_code)
