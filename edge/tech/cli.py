"""`wxvend tech`: what a technician asks a machine. Works without a network and without the daemon.

Exit codes: 0 fine, 1 something was found to be wrong, 2 bad input.
"""

import json
import sys
from dataclasses import asdict
from types import MappingProxyType
from typing import Final

import click

from edge.core.faults import FAULTS
from edge.display.codes import TABLE, ServiceCode, Severity
from edge.tech import faults_page
from edge.tech.cli_commission import commission
from edge.tech.cli_conformance import conformance
from edge.tech.cli_decode import decode
from edge.tech.cli_ports import ports
from edge.tech.cli_service import drop_sensor, faults, lift, light, temperature
from edge.tech.cli_trace import export, monitor, record, replay
from edge.tech.cli_ui import ui
from edge.tech.cli_visit import identify, scan, status, test_vend

NOT_WELL: Final = 1
BAD_INPUT: Final = 2
_WHO: Final = MappingProxyType(
    {
        "1": "bus and board",
        "2": "motor and lane",
        "3": "sensors and door",
        "4": "temperature",
        "5": "link and broker",
        "6": "bridge and platform",
        "7": "journal and disk",
        "9": "the program itself",
    }
)
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group()
def tech() -> None:
    """Look into a machine: its ports, its bytes, its codes.

    \b
    Examples:
      wxvend tech ports --probe
      wxvend tech explain E21
      wxvend tech decode --bus xy "FA FB 41 00 40"
      wxvend tech status --config /etc/wxvend/edge.toml
      wxvend tech record t.trace --bus tcn --port /dev/ttyUSB0 --seconds 60
      wxvend tech conformance --bus tcn
      wxvend tech ui --config /etc/wxvend/edge.toml
    """


for _command in (ui, ports, decode, commission, conformance, record, monitor, replay, export):
    tech.add_command(_command)
for _command in (identify, status, scan, test_vend, drop_sensor, light, temperature, lift, faults):
    tech.add_command(_command)


@tech.command()
@click.argument("codes", metavar="CODE...", nargs=-1)
@_JSON
@click.option("--markdown", is_flag=True, help="The page docs/codes.md.")
@click.option("--faults", is_flag=True, help="Only faults of machines; with --markdown docs/faults.md.")
def explain(codes: tuple[str, ...], as_json: bool, markdown: bool, faults: bool) -> None:
    """Say what a code on a screen means and what to do next. Without CODE, all of them."""
    if faults and markdown:
        click.echo(faults_page.page())
        return
    if faults:
        codes = (*codes, *(row.code for row in FAULTS.values()))
    wanted = {code.upper() for code in codes}
    found = [row for row in TABLE.values() if not wanted or row.code in wanted or row.name.upper() in wanted]
    if markdown:
        click.echo(_markdown(found))
    else:
        for row in found:
            click.echo(json.dumps(asdict(row), ensure_ascii=False) if as_json else _page(row))
    missing = wanted - {row.code for row in found} - {row.name.upper() for row in found}
    if missing:
        known = ", ".join(row.code for row in TABLE.values())
        click.echo(f"wxvend tech explain: found {', '.join(sorted(missing))}, allowed {known}", err=True)
        sys.exit(BAD_INPUT)


def _page(row: ServiceCode) -> str:
    lines = [
        f"{row.code}  {row.name}  ({row.severity})",
        f"Shopper reads: {row.zh} / {row.en}",
        row.technician,
    ]
    if row.may_have_moved:
        lines.append("Goods may have come out unrecorded: look into the tray and the books.")
    return "\n  ".join([*lines, f"Next: {row.next_step}", *faults_page.words(row.code)])


def _markdown(rows: list[ServiceCode]) -> str:
    """The reference page, one table a first digit."""
    lines = [
        "# Service codes",
        "",
        "What a screen's small `E21` means. `wxvend tech explain E21` says the same at the machine, without",
        "a network. This page is written by `wxvend tech explain --markdown`.",
    ]
    for digit, who in _WHO.items():
        group = sorted((row for row in rows if row.code[1] == digit), key=lambda row: row.code)
        if group:
            lines += [
                "",
                f"## E{digit}x: {who}",
                "",
                "| code | name | shopper reads | what it is | next step |",
            ]
            lines += ["|---|---|---|---|---|", *map(_row, group)]
    return "\n".join(lines)


def _row(row: ServiceCode) -> str:
    moved = " **Goods may have come out unrecorded.**" if row.may_have_moved else ""
    severity = "" if row.severity is Severity.WARNING else f" ({row.severity})"
    what = f"{row.technician}{moved}" + (" *Reserved: nothing sets it yet.*" if row.reserved else "")
    return f"| {row.code} | `{row.name}`{severity} | {row.zh} / {row.en} | {what} | {row.next_step} |"
