"""The technician's door: one borrower at a time, while his connection lasts, no longer than allowed."""

import asyncio
import os
import pty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from edge.tech.choice import PortTaken
from edge.tech.door import having, serve_door


class Desk:
    """A daemon that lends when `may` is set."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.did: list[str] = []
        self.back = asyncio.Event()

    async def lend(self, who: str, what: str) -> None:
        self.did.append(f"{who} asks for {what}")
        await self.may.wait()
        self.did.append("lent")

    async def take_back(self, why: str) -> None:
        self.did.append(f"back: {why}")
        self.back.set()


class Log:
    """What the daemon's log says."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, event: str, /, **fields: object) -> None:
        self.lines.append(event)

    def warning(self, event: str, /, **fields: object) -> None:
        self.lines.append(event)


@asynccontextmanager
async def daemon(door: Path, *, limit_s: float = 60) -> AsyncIterator[tuple[Desk, Log]]:
    desk, log = Desk(), Log()
    serving = asyncio.ensure_future(serve_door(desk, door, log, limit_s=limit_s))
    try:
        async with asyncio.timeout(5):
            while not door.exists():
                await asyncio.sleep(0)
        yield desk, log
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


@pytest.fixture
def port(tmp_path: Path) -> Path:
    ours, theirs = pty.openpty()
    name = Path(os.ttyname(theirs))
    os.close(theirs)
    link = tmp_path / "port"
    link.symlink_to(name)
    os.set_inheritable(ours, False)
    return link


async def test_who_asks_has_the_port_until_he_is_done(tmp_path: Path, port: Path) -> None:
    door, told = tmp_path / "door", list[str]()
    async with daemon(door) as (desk, _):
        desk.may.set()
        async with having(port, door, who="anna", what="scan", told=told.append):
            assert desk.did == ["anna asks for scan", "lent"]
            assert door.stat().st_mode & 0o777 == 0o600
            with pytest.raises(PortTaken, match="lends no port: anna has the port"):
                async with having(port, door, who="bob", what="scan", told=told.append):
                    pytest.fail("two have it")
        await desk.back.wait()
        assert desk.did[2:] == ["back: gone"]
    assert told == ["the daemon lends its port for 1 min; nothing is sold meanwhile"]


async def test_who_leaves_while_somebody_buys_was_never_lent_anything(tmp_path: Path, port: Path) -> None:
    door, told = tmp_path / "door", list[str]()
    async with daemon(door) as (desk, _):
        with suppress(TimeoutError):
            async with (
                asyncio.timeout(0.6),
                having(port, door, who="anna", what="scan", told=told.append),
            ):
                pytest.fail("lent in an open sale")
        await desk.back.wait()
        assert desk.did == ["anna asks for scan", "back: gone"]
    assert told == ["somebody is buying: waiting until that sale has ended. Ctrl-C to leave it"]


async def test_when_the_time_is_over_the_work_ends_and_the_port_goes_back(tmp_path: Path, port: Path) -> None:
    door = tmp_path / "door"
    async with daemon(door, limit_s=0.05) as (desk, _):
        desk.may.set()
        with pytest.raises(PortTaken, match="the time is over"):
            async with having(port, door, who="anna", what="scan", told=lambda _: None):
                await asyncio.Event().wait()
        await desk.back.wait()
        assert desk.did[2:] == ["back: limit"]


async def test_when_the_daemon_ends_so_does_the_loan(tmp_path: Path, port: Path) -> None:
    door = tmp_path / "door"
    ended = asyncio.Event()

    async def borrow() -> None:
        async with having(port, door, who="anna", what="scan", told=lambda _: None):
            ended.set()
            await asyncio.Event().wait()

    async with daemon(door) as (desk, _):
        desk.may.set()
        borrower = asyncio.ensure_future(borrow())
        await ended.wait()
    with pytest.raises(PortTaken, match="the daemon has ended"):
        await borrower


@pytest.mark.parametrize(
    "line", [b"hello\n", b'{"who": "a"}\n', b'{"who": "", "what": "x"}\n', b"[]\n", b"7\n"]
)
async def test_what_is_no_wish_gets_nothing(tmp_path: Path, line: bytes) -> None:
    door = tmp_path / "door"
    async with daemon(door) as (desk, log):
        reader, writer = await asyncio.open_unix_connection(str(door))
        writer.write(line)
        assert await reader.read() == b""
        writer.close()
        assert (desk.did, log.lines) == ([], ["service.unread"])


async def test_where_no_daemon_serves_a_free_port_is_simply_used(tmp_path: Path, port: Path) -> None:
    stale = tmp_path / "door"
    stale.touch()
    for door in (None, tmp_path / "none", stale):
        async with having(port, door, who="anna", what="scan", told=lambda _: None):
            pass


async def test_a_door_that_cannot_be_made_is_a_warning(tmp_path: Path) -> None:
    log = Log()
    with suppress(TimeoutError):
        async with asyncio.timeout(0.05):
            await serve_door(Desk(), tmp_path / "no such folder" / "door", log)
    assert log.lines == ["service.unusable"]
