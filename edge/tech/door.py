"""The technician's door: a socket beside the journal, at which the daemon lends its port. Both sides.

Who may open the file may have the port: it belongs to the daemon's user, and root may. A line of JSON asks,
lines answer; the port is lent for as long as the connection lasts, so that it comes back from a technician
whose program died, and a technician whose daemon died knows it.

    {"who": "anna", "what": "scan"}
    {"state": "waiting"}  a sale is open, it is let finish first
    {"state": "lent", "limit_s": 1800}
    {"state": "over", "why": "limit"}  or {"state": "refused", "why": "..."}
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from edge.ports import Notes
from edge.tech.choice import PortTaken, claim

LIMIT_S: Final = 1_800.0
LETTING_GO_S: Final = 5.0
_ASK_S: Final = 5.0
_AT_ONCE_S: Final = 0.3  # longer than this is worth a word
_LINE_BYTES: Final = 1024
_WORDS: Final = 64


class Desk(Protocol):
    """The daemon, as far as it lends its port."""

    async def lend(self, who: str, what: str) -> None:
        """Stop selling once nobody is buying, and close the port; returns when it is free."""

    async def take_back(self, why: str) -> None:
        """Open the port again and sell."""


def door_of(journal: Path) -> Path:
    """Where the daemon of this journal has its door."""
    return journal.with_name(f"{journal.name}.service")


# ---------------------------------------------------------------- the daemon's side


async def serve_door(desk: Desk, path: Path, notes: Notes, *, limit_s: float = LIMIT_S) -> None:
    """Serve until cancelled, one borrower at a time. A door that cannot be made costs a warning, no sale."""
    counter = _Counter(desk, notes, limit_s)
    try:
        server = await asyncio.start_unix_server(counter.take, sock=_bound(path), limit=_LINE_BYTES)
    except OSError as error:
        notes.warning("service.unusable", socket=str(path), why=error.strerror or str(error))
        await asyncio.Event().wait()
        return
    try:
        await asyncio.Event().wait()
    finally:
        server.close()
        counter.close()


def _bound(path: Path) -> socket.socket:
    """A socket for our user alone, from the first moment on. The journal's lock says that it is ours."""
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


class _Counter:
    """Who has the port now."""

    def __init__(self, desk: Desk, notes: Notes, limit_s: float) -> None:
        self._desk: Final = desk
        self._notes: Final = notes
        self._limit_s: Final = limit_s
        self._has = ""
        self._writers: Final[set[asyncio.StreamWriter]] = set()

    def close(self) -> None:
        """Whoever has the port hears that the daemon is gone."""
        for writer in self._writers:
            writer.close()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One borrower, from his asking until he is gone."""
        self._writers.add(writer)
        try:
            async with asyncio.timeout(_ASK_S):
                who, what = _asked(await reader.readline())
            if self._has:
                _say(writer, state="refused", why=f"{self._has} has the port")
                return
            self._has = who
            try:
                await self._lend(reader, writer, who, what)
            finally:
                self._has = ""
        except (TimeoutError, ValueError, OSError) as error:
            self._notes.warning("service.unread", why=type(error).__name__)
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _lend(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, who: str, what: str
    ) -> None:
        why = "gone"
        gone = asyncio.create_task(_until_gone(reader), name="borrower")
        lend = asyncio.create_task(self._desk.lend(who, what), name="lend")
        try:
            await asyncio.wait({gone, lend}, timeout=_AT_ONCE_S, return_when=asyncio.FIRST_COMPLETED)
            if not lend.done() and not gone.done():
                _say(writer, state="waiting")
                await asyncio.wait({gone, lend}, return_when=asyncio.FIRST_COMPLETED)
            if lend.done() and not gone.done():
                lend.result()
                _say(writer, state="lent", limit_s=self._limit_s)
                await asyncio.wait({gone}, timeout=self._limit_s)
            if not gone.done():
                why = "limit"
                _say(writer, state="over", why=why)
                await asyncio.wait({gone}, timeout=LETTING_GO_S)  # the device's lock keeps us out beyond it
        finally:
            gone.cancel()
            lend.cancel()
            await asyncio.gather(gone, lend, return_exceptions=True)
            await self._desk.take_back(why)


async def _until_gone(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(OSError):
        while await reader.read(_LINE_BYTES):
            pass


def _asked(line: bytes) -> tuple[str, str]:
    """Who asks, and for what. Raises ValueError."""
    asked: Any = json.loads(line)
    if not isinstance(asked, dict):
        raise ValueError("allowed an object")
    who, what = asked.get("who"), asked.get("what")
    for words in (who, what):
        if not (isinstance(words, str) and 0 < len(words) <= _WORDS and words.isprintable()):
            raise ValueError("who, what: allowed 1 to 64 characters on one line")
    return str(who), str(what)


def _say(writer: asyncio.StreamWriter, **told: object) -> None:
    writer.write(json.dumps(told).encode() + b"\n")


# ---------------------------------------------------------------- the technician's side


@dataclass(slots=True)
class _Loan:
    """`over`: why it ended before its time, empty while it lasts."""

    task: "asyncio.Task[Any]"
    over: str = field(default="")

    async def watch(self, reader: asyncio.StreamReader) -> None:
        """End the work when the daemon wants its port, or is gone."""
        told = await _heard(reader)
        self.over = "the time is over" if told.get("why") == "limit" else "the daemon has ended"
        self.task.cancel()


@contextlib.asynccontextmanager
async def having(
    port: Path, door: Path | None, *, who: str, what: str, told: Callable[[str], None]
) -> AsyncIterator[None]:
    """Have the port: lent by the daemon behind `door` where one serves, else because nobody else has it.

    `told` hears what a person should know meanwhile. Raises PortTaken, also when it has to be given back.
    """
    opened = await _opened(door)
    if opened is None:
        claim(port)
        yield
        return
    reader, writer = opened
    task = asyncio.current_task()
    assert task is not None
    loan = _Loan(task)
    try:
        writer.write(json.dumps({"who": who, "what": what}).encode() + b"\n")
        await _granted(reader, told)
        claim(port)
        watch = asyncio.create_task(loan.watch(reader), name="loan")
        try:
            yield
        except asyncio.CancelledError:
            if not loan.over:
                raise
            task.uncancel()
            raise PortTaken(f"{loan.over}: the port went back. Try: again") from None
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
    finally:
        writer.close()


async def _opened(door: Path | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """None where no daemon serves. Raises PortTaken where it does and may not be asked."""
    if door is None:
        return None
    try:
        return await asyncio.open_unix_connection(str(door), limit=_LINE_BYTES)
    except PermissionError as error:
        raise PortTaken(f"{door}: {error.strerror}. Try: as root, or as the daemon's user") from error
    except OSError:
        return None


async def _granted(reader: asyncio.StreamReader, told: Callable[[str], None]) -> None:
    while True:
        said = await _heard(reader)
        match said.get("state"):
            case "lent":
                told(
                    f"the daemon lends its port for {said['limit_s'] / 60:.0f} min; nothing is sold meanwhile"
                )
                return
            case "waiting":
                told("somebody is buying: waiting until that sale has ended. Ctrl-C to leave it")
            case _:
                raise PortTaken(f"the daemon lends no port: {said.get('why', 'it has ended')}")


async def _heard(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next line; empty when the daemon is gone."""
    try:
        told: dict[str, Any] = json.loads(await reader.readline() or b"{}")
    except (OSError, ValueError):
        return {}
    return told
