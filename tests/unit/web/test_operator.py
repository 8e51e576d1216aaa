"""The operator's door: what a line may ask, that nothing else gets through, and whose it is."""

import asyncio
import contextlib
import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.core.case import Resolution, Wish
from cloud_bridge.ports import StoreFailed
from cloud_bridge.web.operator import (
    LINE_BYTES,
    BadAsk,
    NoDaemon,
    ask_resolve,
    ask_take,
    read,
    serve_operator,
    wish,
)
from tests.unit.web.bridge import Lines

WISH = Wish(sale_id="s" * 26, resolution=Resolution.REFUND, by="安", why="货道空了")
ASKED = {"do": "resolve", "sale_id": "s", "resolution": "refund", "by": "ann", "why": "empty", "reason": ""}


class Desk:
    """Remembers what was decided. `says` is its answer; `broken` books."""

    def __init__(self) -> None:
        self.decided: list[object] = []
        self.says, self.broken = "", False

    async def resolve(self, wish: Wish) -> str:
        if self.broken:
            raise StoreFailed("gone")
        self.decided.append(wish)
        return self.says

    async def take_case(self, sale_id: str, owner: str) -> str:
        self.decided.append((sale_id, owner))
        return self.says


async def served(path: Path, desk: Desk) -> "asyncio.Task[None]":
    log = Lines()
    task = asyncio.create_task(serve_operator(desk, path, log))
    async with asyncio.timeout(10):
        while not log.lines:
            await asyncio.sleep(0)
    assert log.lines[0][0] == "operator.ready"
    return task


async def test_a_decision_arrives_as_it_was_made_and_its_answer_comes_back(tmp_path: Path) -> None:
    desk, door = Desk(), tmp_path / "door"
    task = await served(door, desk)
    assert stat.S_IMODE(door.stat().st_mode) == 0o600
    assert await asyncio.to_thread(ask_resolve, door, WISH) == ""
    desk.says = "no open case"
    assert await asyncio.to_thread(ask_take, door, "s", "ann") == "no open case"
    desk.broken = True
    assert "the books failed" in await asyncio.to_thread(ask_resolve, door, WISH)
    assert desk.decided == [WISH, ("s", "ann")]
    task.cancel()


async def test_a_door_left_by_a_killed_daemon_is_replaced_and_a_missing_one_is_told(tmp_path: Path) -> None:
    desk, door = Desk(), tmp_path / "door"
    with pytest.raises(NoDaemon):
        ask_resolve(door, WISH)
    first = await served(door, desk)
    first.cancel()
    await asyncio.wait([first])
    with pytest.raises(NoDaemon):
        ask_resolve(door, WISH)
    assert door.exists()
    second = await served(door, desk)
    assert await asyncio.to_thread(ask_resolve, door, WISH) == ""
    second.cancel()


async def test_a_door_that_cannot_be_made_is_told_and_stops_nothing(tmp_path: Path) -> None:
    log = Lines()
    task = asyncio.create_task(serve_operator(Desk(), tmp_path / ("x" * 200), log))
    await asyncio.sleep(0)
    assert [event for event, _ in log.lines] == ["operator.unusable"]
    assert not task.done()
    task.cancel()


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"GET / HTTP/1.1\r\n", b"[1]\n", b"{}\n", b"\xff\n", b"x" * (LINE_BYTES * 2) + b"\n"]
    + [json.dumps(ASKED | change).encode() for change in ({"by": ""}, {"why": "a\nb"}, {"more": "x"})],
)
async def test_what_asks_for_nothing_we_know_decides_nothing(line: bytes, tmp_path: Path) -> None:
    desk, door = Desk(), tmp_path / "door"
    task = await served(door, desk)
    reader, writer = await asyncio.open_unix_connection(str(door))
    writer.write(line)
    writer.write_eof()
    async with asyncio.timeout(10):
        try:
            said = await reader.read()
        except ConnectionResetError:  # it was too much to be read at all
            said = b""
    assert said == b"" or not json.loads(said)["ok"]
    assert desk.decided == []
    writer.close()
    task.cancel()


_WORDS = st.text(max_size=8) | st.sampled_from(["refund", "resolve", "take"])


_ASKS = st.dictionaries(st.sampled_from([*ASKED, "owner"]), _WORDS).map(json.dumps).map(str.encode)


@given(st.binary() | _ASKS)
def test_a_line_is_understood_or_refused_by_name(line: bytes) -> None:
    with contextlib.suppress(BadAsk):
        asked = read(line)
        assert asked["do"] in ("resolve", "take")
        if asked["do"] == "resolve":
            assert wish(asked).resolution in Resolution
