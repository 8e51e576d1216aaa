"""The power goes at every point of a sale: the row is judged, told, and no motor ever starts twice for it.

The rows of the crash table that a killed process can reach; the board keeps its power, so what it still
says is evidence. Motor starts and frames are counted by the board.
"""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.process.programs import Program, until
from tests.process.rig import Rig
from wire.messages import Alarm, Birth, SaleClosed, SaleOutcome, SaleRequested

Moment = Callable[[Rig, SaleRequested], bool]

MOMENTS: dict[str, tuple[Moment, set[str]]] = {
    "the frame is in the line": (lambda rig, _: rig.motor_frames() == 1, {"delivered", "uncertain"}),
    "the motor turns": (
        lambda rig, _: bool(rig.board.said(event="motor", running=True)),
        {"delivered", "uncertain"},
    ),
    "the product has fallen": (
        lambda rig, _: bool(rig.board.said(event="dropped")),
        {"delivered", "uncertain"},
    ),
    "the motor has stopped": (
        lambda rig, _: bool(rig.board.said(event="motor", running=False)),
        {"delivered", "uncertain"},
    ),
    "the outcome is on the disk": (lambda rig, asked: rig.row(asked)[0] == "delivered", {"delivered"}),
}


async def cut(daemon: Program) -> None:
    daemon.signal(signal.SIGKILL)
    assert await daemon.ended() == -signal.SIGKILL


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_cut_while_it_vends_is_judged_and_told_and_never_acted_on(
    tmp_path: Path, moment: str
) -> None:
    reached, ends = MOMENTS[moment]
    async with Rig(tmp_path, "--turn-ms", "300") as rig:
        async with rig.daemon() as daemon:
            await rig.sells(daemon)
            asked = await rig.offered()
            await rig.bridge.say(rig.paid(asked))
            await until(lambda: reached(rig, asked), moment)
            await cut(daemon)
        async with rig.daemon() as again:
            told = await rig.outcome(asked)
            assert told.outcome in ends, told
            await rig.sells(again)
            await rig.bridge.say(rig.paid(asked))
            assert (await rig.asks(asked.sale_id)).state == told.outcome == rig.row(asked)[0]
        books = await rig.books()
        assert (books["motor_starts"], rig.motor_frames()) == (1, 1)


async def test_a_cut_between_intent_and_frame_is_doubt_and_the_frame_is_never_written(
    tmp_path: Path,
) -> None:
    async with Rig(tmp_path) as rig:
        async with rig.daemon() as daemon:
            await rig.sells(daemon)
            asked = await rig.offered()
            rig.board.tell({"do": "fault", "name": "silent"})  # it gives us no turn to write in
            await rig.bridge.say(rig.paid(asked))
            await until(lambda: rig.row(asked)[0] == "intent", "an intent")
            await cut(daemon)
        rig.board.tell({"do": "fault", "name": "silent", "times": 0})
        async with rig.daemon() as again:
            told = await rig.outcome(asked)
            assert (told.outcome, told.why) == ("uncertain", "no_memory")
            await rig.sells(again)
            await rig.bridge.say(rig.paid(asked))
            assert (await rig.asks(asked.sale_id)).state == "uncertain"
        assert ((await rig.books())["motor_starts"], rig.motor_frames()) == (0, 0)


async def test_a_cut_with_a_code_on_the_screen_closes_the_sale(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        async with rig.daemon() as daemon:
            await rig.sells(daemon)
            asked = await rig.offered()
            await cut(daemon)
        await until(lambda: rig.bridge.states["presence"]["online"] is False, "an absent machine")
        async with rig.daemon() as again:
            closed = await rig.bridge.hears(SaleClosed)
            assert (closed.sale_id, closed.why, closed.boot) == (asked.sale_id, "restart", asked.boot + 1)
            await rig.sells(again)
        assert rig.motor_frames() == 0


async def test_what_the_bridge_did_not_acknowledge_is_told_again_in_the_same_words(tmp_path: Path) -> None:
    async with Rig(tmp_path, "--turn-ms", "100") as rig:
        async with rig.daemon() as daemon:
            await rig.sells(daemon)
            asked = await rig.offered()
            rig.bridge.holding = False
            await rig.bridge.say(rig.paid(asked))
            first = await rig.outcome(asked)
            await cut(daemon)
        rig.bridge.heard.clear()
        rig.bridge.holding = True
        async with rig.daemon():
            assert (await rig.bridge.hears(Birth)).n == first.n
            assert await rig.outcome(asked) == first
            await until(lambda: rig.bridge.held == first.n, "an acknowledged outcome")
        rig.bridge.heard.clear()
        async with rig.daemon() as third:
            await rig.sells(third)
            assert rig.bridge.said(SaleOutcome) == []


async def test_a_journal_that_is_gone_makes_doubt_and_waits_for_a_person(tmp_path: Path) -> None:
    async with Rig(tmp_path, "--turn-ms", "2000") as rig:
        async with rig.daemon() as daemon:
            await rig.sells(daemon)
            asked = await rig.offered()
            await rig.bridge.say(rig.paid(asked))
            await rig.board.says(event="motor", running=True)
            await cut(daemon)
        for file in tmp_path.glob("edge.db*"):
            file.unlink()
        rig.bridge.held = 0
        async with rig.daemon():
            assert (await rig.bridge.hears(Alarm)).name == "journal_new"
            told = await rig.asks(asked.sale_id)
            assert told.state == "unknown"
            assert told.jid != asked.jid
            await rig.bridge.say(rig.paid(asked))
            assert (await rig.asks(asked.sale_id)).state == "unknown"
        assert ((await rig.books())["motor_starts"], rig.motor_frames()) == (1, 1)
