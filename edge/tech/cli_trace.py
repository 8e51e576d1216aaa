"""`wxvend tech record | monitor | replay | export`: what goes over a bus, kept, followed and read again."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from edge.drivers.registry import BUSES, Trace
from edge.drivers.trace import BadTrace, Head, Piece, line, read
from edge.tech.bench import LANES, NoBoard, TechClock
from edge.tech.choice import BadChoice, Options, PortTaken, bus_options, chosen, tapped
from edge.tech.cli_visit import having_port
from edge.tech.listen import Since, begin, listen
from edge.tech.progress import counted, of_file
from edge.tech.replay import understood
from edge.tech.replay_board import CANNOT, compared
from edge.tech.watch import Counters, Seen, Wanted, Watch, pcap

NOT_WELL: Final = 1
BAD_INPUT: Final = 2
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
_FILE: Final = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
_DRIVE: Final = click.option(
    "--drive", is_flag=True, help="Let the driver talk, for a board that is silent unasked. Moves nothing."
)
_SECONDS: Final = click.option(
    "--seconds", type=click.FloatRange(0.1), help="How long; without: until Ctrl-C."
)


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--bad", is_flag=True, help="Only what is no good frame."),
        click.option("--direction", type=click.Choice(["rx", "tx"]), help="Only this side."),
        click.option("--hide", multiple=True, metavar="NAME", help="Leave out frames of this name."),
        click.option("--only", multiple=True, metavar="NAME", help="Only frames of this name."),
    ):
        command = option(command)
    return command


def _wanted(only: tuple[str, ...], hide: tuple[str, ...], direction: str | None, bad: bool) -> Wanted:
    return Wanted(
        names=frozenset(map(str.lower, only)),
        hidden=frozenset(map(str.lower, hide)),
        direction=direction or "",
        only_bad=bad,
    )


@click.command()
@_FILE
@bus_options
@_DRIVE
@_SECONDS
def record(*, file: Path, options: Options, drive: bool, seconds: float | None) -> None:
    """Write what goes over a bus to FILE, as text that `replay` and a person can read.

    Without --drive it only listens. FILE must not exist yet.
    """
    settings, count = _settings(options, drive=drive), 0
    since = Since(TechClock())
    head = Head(bus=settings.bus, baud=settings.baud, start_wall_ms=since.start_wall_ms)
    try:
        with begin(file, head) as out:

            def keep(direction: str, data: bytes, now_ms: int) -> None:
                nonlocal count
                count += 1
                out.write(line(since.piece(direction, data, now_ms)) + "\n")

            _listen(options, keep, drive=drive, seconds=seconds)
    except OSError as error:
        _fail(f"{file}: {error.strerror}; allowed is a new file in a folder that is there")
    click.echo(f"{file}: {count} lines. Read it with: wxvend tech replay {file}")
    sys.exit(0 if count else NOT_WELL)


@click.command()
@bus_options
@_DRIVE
@_SECONDS
@_filters
@_JSON
def monitor(*, options: Options, drive: bool, seconds: float | None, as_json: bool, **filters: Any) -> None:
    """Follow a bus frame by frame: time, side, turn-round milliseconds, meaning; at the end the counters."""
    settings, wanted = _settings(options, drive=drive), _wanted(**filters)
    since, watch = Since(TechClock()), Watch(settings.bus)
    at_ms = 0

    def show(direction: str, data: bytes, now_ms: int) -> None:
        nonlocal at_ms
        piece = since.piece(direction, data, now_ms)
        at_ms = piece.at_ms
        for seen in watch.feed(piece):
            _tell(seen, wanted, as_json=as_json)

    _listen(options, show, drive=drive, seconds=seconds)
    for seen in watch.end(at_ms):
        _tell(seen, wanted, as_json=as_json)
    _sum(watch.counters, as_json=as_json)


@click.command()
@_FILE
@click.option(
    "--against",
    type=click.Choice(["board", "driver"]),
    help="Let the bus's driver hear it, or a simulated board answer it, and say how that went.",
)
@click.option(
    "--set", "more", multiple=True, metavar="NAME=VALUE", help="With --against: settings of the bus."
)
@click.option("--lanes", default="", metavar="N,N", help="With --against: lanes of the machine.")
@_filters
@_JSON
def replay(
    file: Path, *, against: str | None, more: tuple[str, ...], lanes: str, as_json: bool, **filters: Any
) -> None:
    """Decode a trace again, with its timing. No port is opened, and but for --against board no time passes.

    --against driver: what the driver understood, and whether it would say the same. --against board: what was
    written then is written to a simulated board; exit code 1 when it answers otherwise.
    """
    wanted = _wanted(**filters)
    with _opened(file) as (head, pieces):
        if against == "board":
            _against_board(head, pieces, lanes, as_json=as_json)
        if against == "driver":
            options = Options(bus=head.bus, port=Path("trace"), lanes=lanes, more=more)
            for told in understood(_settings(options), pieces):
                click.echo(json.dumps(told, ensure_ascii=False) if as_json else _plain(told))
            return
        watch, at_ms = Watch(head.bus), 0
        for piece in pieces:
            at_ms = piece.at_ms
            for seen in watch.feed(piece):
                _tell(seen, wanted, as_json=as_json)
        for seen in watch.end(at_ms):
            _tell(seen, wanted, as_json=as_json)
    _sum(watch.counters, as_json=as_json)


def _against_board(head: Head, pieces: Iterator[Piece], lanes: str, *, as_json: bool) -> NoReturn:
    if head.bus in CANNOT:
        _fail(f"--against board: found a trace of {head.bus}, whose machine leads. Try: --against driver")
    numbers = tuple(int(each) for each in lanes.split(",")) if lanes else LANES

    async def play() -> bool:
        well = True
        async for told in compared(head.bus, head.baud, pieces, numbers):
            well = well and not {"then", "now"} & set(told)
            click.echo(json.dumps(told) if as_json else _plain(told))
        return well

    try:
        sys.exit(0 if asyncio.run(play()) else NOT_WELL)
    except NoBoard as error:
        click.echo(f"wxvend tech: {error}", err=True)
        sys.exit(NOT_WELL)


@click.command()
@_FILE
@click.option(
    "--pcap", "out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Where to."
)
def export(file: Path, out: Path) -> None:
    """Write a trace as a capture for Wireshark: LINKTYPE_USER0, byte 0 (rx) or 1 (tx), then the bytes."""
    count = -1  # the file's own head is no packet
    with _opened(file) as (head, pieces):
        try:
            with out.open("xb") as capture:
                for block in pcap(head, pieces):
                    capture.write(block)
                    count += 1
        except BadTrace:
            out.unlink()
            raise
        except OSError as error:
            _fail(f"{out}: {error.strerror}; allowed is a new file in a folder that is there")
    click.echo(f"{out}: {count} packets")


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[tuple[Head, Iterator[Piece]]]:
    """A trace of a known bus; whatever is wrong with it ends the program in words."""
    try:
        with file.open(encoding="ascii", errors="replace") as lines:
            head, pieces = read(counted(lines, of_file(file.stat().st_size)))
            if head.bus not in BUSES:
                raise BadTrace(f"head: found bus {head.bus[:40]!r}, allowed {', '.join(sorted(BUSES))}")
            yield head, pieces
    except BadTrace as error:
        _fail(f"{file}: {error}")
    except OSError as error:
        _fail(f"{file}: {error.strerror}")


def _settings(options: Options, *, drive: bool = True) -> Any:
    try:
        return chosen(options) if drive else tapped(options)
    except BadChoice as error:
        _fail(str(error))


def _listen(options: Options, hook: Trace, *, drive: bool, seconds: float | None) -> None:
    settings = _settings(options, drive=drive)

    async def work() -> None:
        async with having_port(options, settings.port):
            await listen(settings, TechClock(), hook, drive=drive, seconds=seconds)

    try:
        asyncio.run(work())
    except KeyboardInterrupt:
        return
    except PortTaken as error:
        click.echo(f"wxvend tech: {error}", err=True)
        sys.exit(NOT_WELL)


def _tell(seen: Seen, wanted: Wanted, *, as_json: bool) -> None:
    if not wanted.shows(seen):
        return
    frame = seen.frame
    fields = {
        name: value.hex() if isinstance(value, bytes) else value for name, value in frame.fields.items()
    }
    if as_json:
        told = {"at_ms": seen.at_ms, "direction": seen.direction, "turn_ms": seen.turn_ms}
        told |= {"hex": frame.raw.hex(), "valid": frame.valid, "name": frame.name, "reason": frame.reason}
        click.echo(json.dumps(told | {"fields": fields}, ensure_ascii=False))
        return
    turn = "" if seen.turn_ms is None else f"+{seen.turn_ms}"
    words = " ".join(f"{name}={value}" for name, value in fields.items()) if frame.valid else frame.reason
    raw = frame.raw.hex(" ")
    click.echo(f"{seen.at_ms / 1000:>9.3f} {seen.direction} {turn:>6}  {frame.name:<16} {words}  [{raw}]")


def _sum(counters: Counters, *, as_json: bool) -> None:
    told = asdict(counters)
    click.echo(json.dumps({"counters": told}) if as_json else _plain(told))


def _plain(told: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in told.items())


def _fail(words: str) -> NoReturn:
    click.echo(f"wxvend tech: {words}", err=True)
    sys.exit(BAD_INPUT)
