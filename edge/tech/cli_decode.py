"""`wxvend tech decode`: bytes of a bus in words, from the command line, a pipe, or a trace of any length."""

import io
import json
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from itertools import chain, islice
from typing import Final, NoReturn

import click

from edge.drivers import trace
from edge.drivers.trace import BadTrace
from edge.tech.decode import Decoded, Frames, HexReader, NotHex
from edge.tech.progress import counted, of_file
from edge.tech.shapes import SHAPES, TO_BOARD, TO_HOST

NOT_WELL: Final = 1
BAD_INPUT: Final = 2
_PIECE: Final = 65_536
_AT_ONCE: Final = 512  # pieces of a trace in a file; of a pipe one by one, somebody waits for them
_ORDER: Final = ("offset", "hex", "valid", "reason", "name", "direction", "fields")
_SIDES: Final = {"rx": TO_HOST, "tx": TO_BOARD}

Found = Decoded | NotHex


@click.command()
@click.option("--bus", type=click.Choice(sorted(SHAPES)), help="Which; without: the trace's own, else xy.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.argument("bytes_", metavar="HEX...", nargs=-1)
def decode(bus: str | None, as_json: bool, bytes_: tuple[str, ...]) -> None:
    """Say what bytes of a bus mean, of both sides. Without HEX, or with -, stdin is read as it comes.

    Stdin may be hex, or a trace that `record` wrote; each side of a trace counts its own offsets. What is no
    hex is told with its place, and decoding goes on. Exit code 1 when there was no frame at all.
    """
    frames = 0
    try:
        for some in _given(bus, bytes_):
            frames += sum(isinstance(found, Decoded) and found.valid for found in some)
            if some:
                click.echo("\n".join(json.dumps(_plain(each)) if as_json else _words(each) for each in some))
    except BadTrace as error:
        _fail(str(error))
    sys.exit(0 if frames else NOT_WELL)


def _given(bus: str | None, bytes_: tuple[str, ...]) -> Iterator[list[Found]]:
    """What was found, in pieces that are told at once."""
    if bytes_ not in ((), ("-",)):
        return _hex(Frames(SHAPES[bus or "xy"]), iter([" ".join(bytes_)]))
    size = _size()
    texts = _piped()
    if size is not None:
        texts = counted(texts, of_file(size))
    first = next(texts, "")
    texts = chain([first], texts)
    if first.startswith(trace.FIRST):
        return _traced(bus, _lines(texts), at_once=1 if size is None else _AT_ONCE)
    return _hex(Frames(SHAPES[bus or "xy"]), texts)


def _size() -> int | None:
    """Of stdin, when it is a file."""
    try:
        found = os.fstat(sys.stdin.fileno())
    except (OSError, io.UnsupportedOperation):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _piped() -> Iterator[str]:
    """What the pipe has, as soon as it has it."""
    pipe = sys.stdin.buffer
    assert isinstance(pipe, io.BufferedIOBase)
    while piece := pipe.read1(_PIECE):
        yield piece.decode("ascii", "replace")


def _hex(frames: Frames, texts: Iterator[str]) -> Iterator[list[Found]]:
    """Frames and words that are no bytes, in the order in which they were read."""
    reader = HexReader()

    def told(words: Iterator[bytes | NotHex]) -> Iterator[Found]:
        for word in words:
            if isinstance(word, NotHex):
                yield word
            else:
                yield from frames.feed(word)

    for text in texts:
        yield list(told(reader.feed(text)))
    yield [*told(reader.end()), *frames.end()]


def _lines(texts: Iterable[str]) -> Iterator[str]:
    held = ""
    for text in texts:
        *whole, held = (held + text).split("\n")
        yield from whole
    if held:
        yield held


def _traced(bus: str | None, lines: Iterator[str], *, at_once: int) -> Iterator[list[Found]]:
    """Frames of both sides of a trace. Raises BadTrace."""
    head, pieces = trace.read(lines)
    name = bus or head.bus
    if name not in SHAPES:
        raise BadTrace(f"head: found bus {name[:40]!r}, allowed {', '.join(sorted(SHAPES))}")
    sides = {way: Frames(SHAPES[name]) for way in _SIDES}

    def told(some: Iterable[trace.Piece]) -> Iterator[Found]:
        for piece in some:
            for found in sides[piece.direction].feed(piece.data):
                yield _sided(found, piece.direction)

    while some := list(islice(pieces, at_once)):
        yield list(told(some))
    yield [_sided(found, way) for way, frames in sides.items() for found in frames.end()]


def _sided(found: Decoded, way: str) -> Decoded:
    return found if found.direction or not found.valid else replace(found, direction=_SIDES[way])


def _plain(found: Found) -> dict[str, object]:
    if isinstance(found, NotHex):
        return {"valid": False, "reason": "no hex digits", **asdict(found)}
    fields = {
        name: value.hex() if isinstance(value, bytes) else value for name, value in found.fields.items()
    }
    told = (found.offset, found.raw.hex(), found.valid, found.reason, found.name, found.direction, fields)
    return {name: value for name, value in zip(_ORDER, told, strict=True) if value not in ("", {})}


def _plainly(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value


def _words(found: Found) -> str:
    if isinstance(found, NotHex):
        return f"line {found.line}, word {found.word}: found {found.text!r}, allowed pairs of 0-9 a-f"
    if not found.valid:
        return f"{found.offset:>8}  {'':<9} {found.reason}: {found.raw.hex(' ')}"
    fields = _plain(found).get("fields", {})
    assert isinstance(fields, dict)
    told = " ".join(f"{name}={value}" for name, value in fields.items())
    return f"{found.offset:>8}  {found.direction:<9} {found.name:<16} {told}".rstrip()


def _fail(words: str) -> NoReturn:
    click.echo(f"wxvend tech decode: stdin: {words}", err=True)
    sys.exit(BAD_INPUT)
