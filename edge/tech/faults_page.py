"""The common faults as a page and as words: codes, money, events, and what each board calls them. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge.core.faults import FAULTS, Fault, FaultRow, Moved
from edge.drivers.native import NATIVE

_MONEY: Final[Mapping[Moved, str]] = MappingProxyType(
    {
        Moved.NO: "back at once",
        Moved.UNLESS_TURNING: "back; as moved, once the board had begun to turn",
        Moved.MAYBE: "back; the lane counts a failure",
        Moved.YES: "back; the lane counts a failure",
        Moved.AFTER: "back; look behind the door",
        Moved.NO_VEND: "no vend has to do with it",
        Moved.UNKNOWN: "in doubt, until the board was asked",
    }
)
_HEAD: Final = """\
# Faults

Whatever a board calls it: one list of faults for every bus. The code stands on the machine's screen, in
`state/lane/{n}` and `up/alarm` (`fault`, `code`) and on the operators' page; the board's own code stays in
the evidence of the sale. `wxvend tech explain E28` says the same at the machine. This page is written by
`wxvend tech explain --faults --markdown`.

A lane is out of sale after two failures in a row, or while its board reports a fault of it. It comes back

* after a self-test, which asks the board and turns nothing: where a motor did not turn 10 minutes later, then
  20, 40, up to once a day; where a product is stuck only after the door was closed, because that takes a
  hand. A lane that passes gets one more try, and the next failure takes it out again;
* after a refill that the board reports, or the end of a fault that the board reported;
* by a person's word, for example from the operators' page, or when the board was switched off and on (one
  more try)."""
_FIRST: Final = (
    "| code | fault | what it is | did anything move? | money | next step | EVA-DTS | severity |",
    "|---|---|---|---|---|---|---|---|",
)
_SECOND: Final = ("| bus | code | driver's name | fault |", "|---|---|---|---|")


def page() -> str:
    """The reference page."""
    native = [
        f"| {bus} | `{row.code}` | `{row.name}` | {FAULTS[row.fault].code} `{row.fault}` |"
        for bus, rows in sorted(NATIVE.items())
        for row in rows
        if row.fault is not None
    ]
    ordered = sorted(FAULTS.values(), key=lambda row: row.code)
    return "\n".join(
        (
            _HEAD,
            "",
            *_FIRST,
            *map(_line, ordered),
            "",
            "## What the boards call them",
            "",
            *_SECOND,
            *native,
        )
    )


def words(code: str) -> list[str]:
    """What the code says beyond the others, where it is a common fault's: what moved, and on which boards."""
    row = next((row for row in FAULTS.values() if row.code == code), None)
    if row is None:
        return []
    lines = [f"Did anything move: {row.moved}. Money: {_MONEY[row.moved]}."]
    lines += [f"EVA-DTS event: {row.event}"] if row.event else []
    return [*lines, *_boards(row.fault)]


def _boards(fault: Fault) -> list[str]:
    said = {bus: [row.code for row in rows if row.fault is fault] for bus, rows in sorted(NATIVE.items())}
    return [f"{bus}: {', '.join(codes)}" for bus, codes in said.items() if codes]


def _line(row: FaultRow) -> str:
    what = f"{row.zh} / {row.en}. {row.technician}"
    money, event = _MONEY[row.moved], row.event or "-"
    return (
        f"| {row.code} | `{row.fault}` | {what} | {row.moved} | {money} | {row.next_step} | {event} | "
        f"{row.severity} |"
    )
