"""The operator's door: a socket in the file system, beside the books, for this computer's own people alone.

Who may open the file may decide about money: it belongs to the daemon's user, and nothing of the network
comes near it. A line of JSON asks, a line answers: {"ok": true}, or {"ok": false, "why": "..."}.
"""

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol

from cloud_bridge.core.case import Resolution, Wish
from cloud_bridge.ports import Log, StoreFailed

LINE_BYTES: Final = 4 << 20  # the tables of a catalogue are the longest that is asked
WAIT_S: Final = 30.0
_FIELDS: Final = {
    "resolve": ("sale_id", "resolution", "by", "why", "reason"),
    "take": ("sale_id", "owner"),
    "answer": ("complaint_id", "words", "by"),
    "complete": ("complaint_id", "by"),
    "phone": ("complaint_id", "by"),
    "clear": ("name", "machine", "by", "why"),
    "test": (),
    "care": ("name", "machine", "lane", "by", "why", "snooze_min", "wake"),
    "command": ("machine", "what", "by", "why", "lane", "on_site", "fills"),
    "reconcile": ("merchant", "day"),
    "people": ("act", "name", "scope", "kept", "by", "why"),
    "explain": ("merchant", "day", "key", "by", "why"),
    "catalogue_import": ("texts", "minutes", "at_once", "effective_wall_ms", "by", "why"),
    "catalogue_export": (),
    "catalogue_undo": ("edition", "by", "why"),
    "catalogue_agree": ("pending", "by"),
    "catalogue_drop": ("pending", "by"),
    "catalogue_go_on": ("by",),
    "stock_note": ("key", "machine", "lane", "hand", "count", "by", "why"),
}
Asked = Mapping[str, str]
Door = Callable[[Asked], Awaitable[tuple[str, str]]]  # why not, and what is said


class Desk(Protocol):
    """What an operator may do."""

    async def resolve(self, wish: Wish) -> str:
        """Decide a sale; why not, or empty once it is durable. Raises StoreFailed."""

    async def take_case(self, sale_id: str, owner: str) -> str:
        """Look after a sale's open cases from now on; why not, or empty. Raises StoreFailed."""


class NoDaemon(Exception):
    """Nobody serves there."""


class BadAsk(ValueError):
    """A line that asks for nothing we know."""


# ---------------------------------------------------------------- the daemon's side


async def serve_operator(
    desk: Desk, path: Path, log: Log, doors: Mapping[str, Door] = MappingProxyType({})
) -> None:
    """Serve until cancelled; `doors` are what may be asked for beside cases.

    A door that cannot be made is told to the log: sales do not wait for it.
    """

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(WAIT_S):
                why_not, said = await _answer(desk, doors, await reader.readline())
                told = {"ok": not why_not, "why": why_not} | ({"said": said} if said else {})
                writer.write(json.dumps(told).encode() + b"\n")
                await writer.drain()
        except (TimeoutError, ValueError, OSError) as error:
            log.warning("operator.unread", why=type(error).__name__)
        finally:
            writer.close()

    try:
        server = await asyncio.start_unix_server(take, sock=_bound(path), limit=LINE_BYTES)
    except OSError as error:
        log.warning("operator.unusable", socket=str(path), why=error.strerror or str(error))
        await asyncio.Event().wait()
        return
    log.info("operator.ready", socket=str(path))
    try:
        await asyncio.Event().wait()
    finally:
        server.close()


def _bound(path: Path) -> socket.socket:
    """A socket for our user alone, from the first moment on. The lock of the books says that it is ours."""
    path.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        door.bind(str(path))
    except BaseException:
        door.close()
        raise
    finally:
        os.umask(before)
    return door


async def _answer(desk: Desk, doors: Mapping[str, Door], line: bytes) -> tuple[str, str]:
    try:
        asked = read(line)
        if asked["do"] in doors:
            return await doors[asked["do"]](_person(asked))
        if asked["do"] == "take":
            return await desk.take_case(asked["sale_id"], asked["owner"]), ""
        if asked["do"] == "resolve":
            return await desk.resolve(wish(asked)), ""
        return f"do: found {asked['do']}, which this daemon does not do", ""
    except BadAsk as error:
        return str(error), ""
    except StoreFailed:
        return "the books failed; the daemon starts again. Try: again in a minute", ""


def _person(asked: dict[str, str]) -> dict[str, str]:
    """What is asked, by somebody who has a name. Raises BadAsk."""
    by = asked.get("by")
    if by is not None and not (0 < len(by.strip()) <= 64 and by.isprintable()):
        raise BadAsk(f"by: found {by[:20]!r}, allowed 1 to 64 characters on one line")
    return asked


def read(line: bytes) -> dict[str, str]:
    """What a line asks for. Raises BadAsk."""
    try:
        asked: Any = json.loads(line)
    except ValueError as error:
        raise BadAsk("found no line of JSON") from error
    if not isinstance(asked, dict) or not all(isinstance(each, str) for each in asked.values()):
        raise BadAsk("found no object of words")
    allowed = _FIELDS.get(asked.get("do", ""))
    if allowed is None or set(asked) != {"do", *allowed}:
        raise BadAsk(f"found {sorted(asked)}, allowed do and the fields of {' or '.join(_FIELDS)}")
    return asked


def wish(asked: dict[str, str]) -> Wish:
    """A decision from its fields. Raises BadAsk."""
    if asked["resolution"] not in set(Resolution):
        raise BadAsk(f"as: found {asked['resolution']!r}, allowed {', '.join(Resolution)}")
    wished = Wish(
        sale_id=asked["sale_id"],
        resolution=Resolution(asked["resolution"]),
        by=asked["by"],
        why=asked["why"],
        reason=asked["reason"],
    )
    for name, words, most in (("by", wished.by, 64), ("why", wished.why, 200)):
        if not (0 < len(words.strip()) <= most and words.isprintable()):
            raise BadAsk(f"{name}: found {words[:20]!r}, allowed 1 to {most} characters on one line")
    return wished


# ---------------------------------------------------------------- the other side


def ask_resolve(path: Path, wished: Wish) -> str:
    """Have the daemon decide; why not, or empty once it is durable. Raises NoDaemon."""
    return _ask(path, {"do": "resolve", **asdict(wished)})


def ask_take(path: Path, sale_id: str, owner: str) -> str:
    """Have the daemon put a sale's cases into somebody's hands; why not, or empty. Raises NoDaemon."""
    return _ask(path, {"do": "take", "sale_id": sale_id, "owner": owner})


def ask_desk(path: Path, do: str, **asked: str) -> tuple[str, str]:
    """Have the daemon do one of the other things: why not, and what it says. Raises NoDaemon."""
    said: list[str] = []
    return _ask(path, {"do": do, **asked}, said), "".join(said)


def _ask(path: Path, asked: dict[str, str], heard: list[str] | None = None) -> str:
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(WAIT_S)
        try:
            door.connect(str(path))
        except OSError as error:
            raise NoDaemon(f"{path}: {error.strerror or error}") from error
        try:
            door.sendall(json.dumps(asked).encode() + b"\n")
            line = _line(door.recv)
        except OSError:
            line = b""
    if not line.endswith(b"\n"):
        return "the daemon did not answer: it is not known what it did. Try: wxvend bridge cases"
    said: dict[str, Any] = json.loads(line)
    if heard is not None:
        heard.append(str(said.get("said", "")))
    return "" if said["ok"] else str(said["why"])


def _line(receive: Callable[[int], bytes]) -> bytes:
    line = b""
    while not line.endswith(b"\n") and (more := receive(LINE_BYTES)):
        line += more
    return line
