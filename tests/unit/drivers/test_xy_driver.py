"""The XY dispenser on a port that keeps what is written, and on a pseudo-terminal with a board behind it."""

import asyncio
import os
import pty
import time
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from edge.core.errors import BusBroken, BusError
from edge.core.model import Baseline, Delivered, NotDelivered, Uncertain, Withheld
from edge.drivers.registry import make_dispenser
from edge.drivers.serial_port import Listener, SerialPort
from edge.drivers.xy.driver import LATE_S, TICK_S, XyDispenser
from edge.drivers.xy.link import Job, Link
from edge.drivers.xy.messages import Check
from edge.drivers.xy.settings import XySettings
from edge.host import SystemClock
from edge.ports import BusDown, BusEvent, BusUp, KeyPressed, LaneReported, VendProgress
from hw_sim.boards.board import Event
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.pty import PtyBoard
from hw_sim.boards.xy import BoardSettings, XyBoard
from tests.unit.drivers.xy_bench import ACK, POLL, STATUS_TEXT, frame, order

PATIENCE_S = 20.0
FAR_MS = 10**15


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await asyncio.sleep(0.005)


# ---------------------------------------------------------------- the turn


class Paper:
    """A port that notes in one list what is written and what else happens, in the order of happening."""

    def __init__(self) -> None:
        self.noted: list[object] = []
        self.discards = 0

    async def serve(self, listener: Listener) -> None:
        listener.on_opened()
        await asyncio.Event().wait()

    def write(self, data: bytes) -> None:
        self.noted.append(data)

    def discard_input(self) -> None:
        self.discards += 1


@pytest.fixture
async def paper() -> AsyncIterator[tuple[Paper, XyDispenser]]:
    port = Paper()

    def trace(way: str, data: bytes, at_ms: int) -> None:
        port.noted.append((way, data))

    xy = XyDispenser(XySettings(port=Path("none")), SystemClock(), trace=trace, port=port)
    running = asyncio.ensure_future(xy.run(port.noted.append))
    await asyncio.sleep(0)
    yield port, xy
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def hear(xy: XyDispenser, *frames: bytes) -> None:
    for each in frames:
        xy.on_data(each)


def start(xy: XyDispenser) -> None:
    hear(xy, POLL, ACK, frame(0x11, 1, bytes.fromhex("000c0000015e050803e900")), POLL, POLL, ACK)
    hear(xy, frame(0x52, 2, STATUS_TEXT))


async def test_the_answer_is_written_in_the_callback_that_brought_the_turn_and_before_anything_else(
    paper: tuple[Paper, XyDispenser],
) -> None:
    port, xy = paper
    start(xy)
    port.noted.clear()
    xy.on_data(frame(0x05, 9, b"\x00\x17"))  # no await stands between these two lines
    assert port.noted == [ACK, ("rx", frame(0x05, 9, b"\x00\x17")), ("tx", ACK), KeyPressed(lane=23)]


def test_the_answer_to_a_turn_was_made_before_the_turn_came() -> None:
    link = Link(moving_sends=1)
    link.put(Job(command=Check(12)))
    first, _ = link.poll(0)
    second, _ = link.poll(200)
    assert first is second  # the very same bytes: nothing was made in between


async def test_facts_are_told_in_their_order(paper: tuple[Paper, XyDispenser]) -> None:
    port, xy = paper
    start(xy)
    events = [each for each in port.noted if isinstance(each, LaneReported | BusUp)]
    assert events == [LaneReported(lane=12, stock=5, capacity=8), BusUp(identity="XY 0000012345")]


async def test_evidence_is_refused_while_the_board_is_not_known(paper: tuple[Paper, XyDispenser]) -> None:
    _, xy = paper
    with pytest.raises(BusError, match="not identified"):
        await xy.baseline(12)
    assert await xy.check(12) == "bus_down"
    assert await xy.vend(order(start_before_ms=FAR_MS)) == Withheld(why="bus_down")
    start(xy)
    assert await xy.baseline(12) == Baseline(stock=5, seq=2)


async def test_a_vend_whose_caller_is_gone_is_never_written(paper: tuple[Paper, XyDispenser]) -> None:
    port, xy = paper
    start(xy)
    vend = asyncio.ensure_future(xy.vend(order(start_before_ms=FAR_MS)))
    await asyncio.sleep(0)
    vend.cancel()
    await asyncio.gather(vend, return_exceptions=True)
    port.noted.clear()
    hear(xy, POLL, POLL, POLL)
    assert [each for each in port.noted if isinstance(each, bytes)] == [ACK] * 3


async def test_one_operation_runs_at_a_time(paper: tuple[Paper, XyDispenser]) -> None:
    port, xy = paper
    start(xy)
    check = asyncio.ensure_future(xy.check(12))
    vend = asyncio.ensure_future(xy.vend(order(start_before_ms=FAR_MS)))
    await asyncio.sleep(0)
    hear(xy, POLL, ACK)
    assert not any(isinstance(each, bytes) and each[2] == 0x06 for each in port.noted)
    hear(xy, frame(0x02, 7, b"\x01\x00\x0c"))
    assert await check == ""
    while not any(isinstance(each, bytes) and each[2] == 0x06 for each in port.noted):
        hear(xy, POLL)
        await asyncio.sleep(0)
    hear(xy, ACK, frame(0x04, 8, b"\x02\x00\x0c"))
    assert isinstance(await vend, Delivered)


async def test_a_loop_that_stood_still_leaves_the_motor_frame_for_a_fresh_turn(
    paper: tuple[Paper, XyDispenser],
) -> None:
    port, xy = paper
    start(xy)
    vend = asyncio.ensure_future(xy.vend(order(start_before_ms=FAR_MS)))
    await asyncio.sleep(0)
    time.sleep(TICK_S + 2 * LATE_S)  # this is the fault: for so long nothing else may run
    hear(xy, POLL)
    assert not any(isinstance(each, bytes) and each[2] == 0x06 for each in port.noted)
    while not any(isinstance(each, bytes) and each[2] == 0x06 for each in port.noted):
        await asyncio.sleep(0)
        hear(xy, POLL)
    vend.cancel()
    await asyncio.gather(vend, return_exceptions=True)


async def test_a_recovery_and_a_resync_drop_what_was_not_read_yet(paper: tuple[Paper, XyDispenser]) -> None:
    port, xy = paper
    start(xy)
    await xy.resync()
    recovery = asyncio.ensure_future(xy.recover(order()))
    await asyncio.sleep(0)
    assert port.discards == 2
    recovery.cancel()
    await asyncio.gather(recovery, return_exceptions=True)


async def test_health_counts_what_a_technician_wants_to_know(paper: tuple[Paper, XyDispenser]) -> None:
    _, xy = paper
    start(xy)
    hear(xy, b"\x00\xfa\xfb\x41\x00\x41", POLL)
    health = xy.health()
    assert health.polls == 4
    assert health.facts["skipped_bytes"] > 0
    assert health.slowest_answer_ms > 0
    assert "loop_late_ms" in health.facts


# ---------------------------------------------------------------- a real line


class Line:
    """A dispenser on the pseudo-terminal of a board."""

    def __init__(self, link: Path, **faults: int) -> None:
        self.link = link
        self.told: list[Event] = []
        board = XyBoard(Cabinet.of((11, 12)), BoardSettings(poll_ms=20, turn_ms=100))
        for name, times in faults.items():
            board.faults.set(name, times=times)
        self.board = PtyBoard(board, link=link, on_event=self.told.append)
        self.events: list[BusEvent] = []
        settings = XySettings(port=link, silence_s=1, first_progress_s=1)
        self.xy = make_dispenser(settings, SystemClock())

    async def __aenter__(self) -> "Line":
        self.board.start()
        self.running = asyncio.ensure_future(self.xy.run(self.events.append))
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        self.board.stop()

    async def up(self, times: int = 1) -> None:
        await until(lambda: sum(isinstance(each, BusUp) for each in self.events) >= times)

    @property
    def starts(self) -> int:
        return self.board.board.cabinet.motor_starts


async def test_a_real_vend_from_check_to_product(tmp_path: Path) -> None:
    async with Line(tmp_path / "board") as line:
        assert await line.xy.check(12) == ""
        outcome = await line.xy.vend(order(start_before_ms=FAR_MS))
        assert isinstance(outcome, Delivered)
        assert VendProgress(sale_id="S1", step="dispensing") in line.events
        await until(lambda: LaneReported(lane=12, stock=4, capacity=8) in line.events)
        assert (line.starts, line.board.board.cabinet.pieces_dropped) == (1, 1)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("jam", NotDelivered),
        ("no_drop", NotDelivered),
        ("motor_missing", NotDelivered),
        ("lose_command_ack", Delivered),
        ("lose_host_ack", Delivered),
        ("split_writes", Delivered),
        ("merge", Delivered),
        ("garbage", Delivered),
        ("long_04", Delivered),
        ("run_duplicates", Delivered),
    ],
)
async def test_one_order_is_one_motor_start_whatever_the_line_does(
    tmp_path: Path, fault: str, kind: type
) -> None:
    async with Line(tmp_path / "board", long_52=-1) as line:
        line.board.board.faults.set(fault)
        outcome = await line.xy.vend(order(start_before_ms=FAR_MS))
        assert isinstance(outcome, kind), outcome
        assert line.starts == (0 if fault == "motor_missing" else 1)


async def test_a_board_without_power_is_told_nothing_and_a_resync_finds_it_again(tmp_path: Path) -> None:
    async with Line(tmp_path / "board") as line:
        line.board.do(lambda board, now_ms: board.power(False, now_ms))
        outcome = await line.xy.vend(order(start_before_ms=SystemClock().now_ms() + 400))
        assert outcome == Withheld(why="lease")
        line.board.do(lambda board, now_ms: board.power(True, now_ms))
        await line.up(times=2)
        line.events.clear()
        await line.xy.resync()
        await line.up()
        assert line.starts == 0


async def test_power_lost_at_the_board_in_the_middle_is_doubt(tmp_path: Path) -> None:
    async with Line(tmp_path / "board") as line:
        vend = asyncio.ensure_future(line.xy.vend(order(start_before_ms=FAR_MS)))
        await until(lambda: line.starts == 1)
        line.board.do(lambda board, now_ms: board.restart(now_ms))
        async with asyncio.timeout(PATIENCE_S):
            outcome = await vend
        assert isinstance(outcome, Uncertain)
        assert outcome.why == "board_restarted"
        assert line.starts == 1


async def test_an_adapter_that_is_pulled_and_plugged_in_again_is_found_again(tmp_path: Path) -> None:
    async with Line(tmp_path / "board") as line:
        line.board.stop()
        await until(lambda: BusDown(why="port") in line.events)
        line.board.start()
        await line.up(times=2)
        assert await line.xy.check(12) == ""


# ---------------------------------------------------------------- the port itself


class Ear:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[str | bytes] = []

    def on_opened(self) -> None:
        self.heard.append("opened")

    def on_data(self, data: bytes) -> None:
        self.heard.append(data)

    def on_lost(self, why: str) -> None:
        self.heard.append("lost")


@contextmanager
def terminal() -> Iterator[tuple[int, str]]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(master)
    os.close(slave)


async def test_what_waited_in_the_port_before_it_was_opened_is_not_read() -> None:
    with terminal() as (master, path):
        os.write(master, b"stale")
        ear, port = Ear(), SerialPort(path, baud=57_600)
        serving = asyncio.ensure_future(port.serve(ear))
        await until(lambda: "opened" in ear.heard)
        os.write(master, b"fresh")
        await until(lambda: b"fresh" in ear.heard)
        assert ear.heard == ["opened", b"fresh"]
        port.write(b"answer")
        assert os.read(master, 100) == b"answer"
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        port.write(b"into nothing")


async def test_a_second_program_is_refused_and_gets_the_port_when_the_first_is_gone() -> None:
    with terminal() as (_, path):
        first, second = Ear(), Ear()
        holding = asyncio.ensure_future(SerialPort(path, baud=57_600).serve(first))
        await until(lambda: "opened" in first.heard)
        waiting = asyncio.ensure_future(SerialPort(path, baud=57_600).serve(second))
        await until(lambda: "lost" in second.heard)
        assert "opened" not in second.heard
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)
        await until(lambda: "opened" in second.heard)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_a_path_that_is_no_serial_port_is_a_mistake_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BusBroken, match="is not a serial port; give a device"):
        await SerialPort(str(tmp_path / "file"), baud=57_600).serve(Ear())


async def test_a_line_that_takes_nothing_drops_the_answer_and_never_waits() -> None:
    with terminal() as (_, path):
        ear, port = Ear(), SerialPort(path, baud=57_600)
        serving = asyncio.ensure_future(port.serve(ear))
        await until(lambda: "opened" in ear.heard)
        for _ in range(200):
            port.write(b"x" * 1000)  # a write that waited would hang here: nobody reads
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_what_a_listener_raises_ends_the_daemon_and_is_not_swallowed() -> None:
    class Broken(Ear):
        def on_data(self, data: bytes) -> None:
            raise RuntimeError("our own mistake")

    with terminal() as (master, path):
        ear = Broken()
        serving = asyncio.ensure_future(SerialPort(path, baud=57_600).serve(ear))
        await until(lambda: "opened" in ear.heard)
        os.write(master, b"x")
        with pytest.raises(RuntimeError, match="our own mistake"):
            async with asyncio.timeout(PATIENCE_S):
                await serving


# ---------------------------------------------------------------- what an installer may say


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("baud", 300, "baud: found 300; allowed is 1200 to 921600"),
        ("decimal_places", 3, "decimal_places: found 3"),
        ("silence_s", 0, "silence_s: found 0"),
        ("motor_s", 4, "motor_s: found 4; allowed is 5 to 600"),
        ("door_open_value", 256, "door_open_value: found 256; allowed is 0 to 255"),
        ("drop_sensor", 1, "drop_sensor: found 1; allowed is bool"),
        ("settle_s", True, "settle_s: found True; allowed is int"),
    ],
)
def test_a_setting_out_of_range_is_named(name: str, value: object, words: str) -> None:
    good = XySettings(port=Path("x"))
    with pytest.raises(ValueError, match=words):
        replace(good, **{name: value})  # type: ignore[arg-type]
