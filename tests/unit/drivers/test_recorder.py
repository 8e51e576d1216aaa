"""The flight recorder: which vends leave a trace, what stands in it, and what a bad disk costs."""

import asyncio
from pathlib import Path

import pytest

from edge.core.model import Baseline, Delivered, Kind, NotDelivered, Outcome, Uncertain, VendOrder, Withheld
from edge.drivers.recorder import FILES, WAITING, Flight, FlightRecorder, write
from edge.drivers.registry import make_dispenser
from edge.drivers.tcn import TcnSettings
from edge.drivers.trace import Head, Piece, read
from edge.tech.replay import understood
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.shelf import Wanted, make_board
from tests.unit.drivers.line import Shop

ORDER = VendOrder(sale_id="S1", lane=12, seq=7, baseline=Baseline(), start_before_ms=10**9)
HEAD = Head(bus="tcn", baud=9600, start_wall_ms=0)


class Clock:
    def now_ms(self) -> int:
        return 61_000

    def wall_ms(self) -> int:
        return 1_764_036_661_000


class Notes:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def info(self, event: str, /, **fields: object) -> None:
        self.lines.append((event, fields))

    warning = info


async def noted(recorder: FlightRecorder, *outcomes: Outcome) -> None:
    """These vends end, and the recorder has the disk until it is done with all of them."""
    for outcome in outcomes:
        recorder.note(ORDER, outcome)
    task = asyncio.create_task(recorder.run())
    async with asyncio.timeout(10):
        await recorder.written()
    task.cancel()


def made(folder: Path, notes: Notes) -> FlightRecorder:
    return FlightRecorder(folder, bus="tcn", baud=9600, clock=Clock(), notes=notes)


async def test_a_failed_vend_leaves_the_bytes_before_it_under_the_name_of_its_sale(tmp_path: Path) -> None:
    notes = Notes()
    recorder = made(tmp_path / "traces", notes)
    recorder.trace("tx", b"\x01\x02", 60_000)
    recorder.trace("rx", b"\x03", 60_750)
    await noted(recorder, NotDelivered(kind=Kind.MOVED, why="jam", evidence="04"))
    (file,) = (tmp_path / "traces").iterdir()
    assert file.read_text().splitlines() == [
        "# wxvend trace 1",
        "# bus: tcn",
        "# baud: 9600",
        "# start: 2025-11-25T02:11:00.000Z",
        "# note: lane 12: NotDelivered jam",
        "0.000 tx 0102",
        "0.750 rx 03",
    ]
    assert notes.lines == [("trace.written", {"sale": "S1", "file": "S1.trace"})]
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


async def test_a_vend_that_delivered_or_never_began_leaves_nothing(tmp_path: Path) -> None:
    await noted(made(tmp_path / "traces", Notes()), Delivered(evidence="ok"), Withheld(why="lease"))
    assert list(tmp_path.iterdir()) == []


async def test_doubt_that_comes_again_after_a_restart_keeps_the_first_trace(tmp_path: Path) -> None:
    doubt = Uncertain(why="silent", evidence="")
    await noted(made(tmp_path, Notes()), doubt)
    first = (tmp_path / "S1.trace").read_bytes()
    await noted(made(tmp_path, Notes()), doubt)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["S1-2.trace", "S1.trace"]
    assert (tmp_path / "S1.trace").read_bytes() == first


async def test_a_disk_that_refuses_costs_a_line_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "traces").write_text("a file stands in the way")
    notes = Notes()
    await noted(made(tmp_path / "traces", notes), Uncertain(why="silent", evidence=""))
    assert notes.lines == [("trace.not_written", {"sale": "S1", "why": "File exists"})]


def test_what_the_disk_cannot_take_in_time_is_dropped_and_told(tmp_path: Path) -> None:
    notes = Notes()
    recorder = made(tmp_path, notes)
    for _ in range(WAITING + 1):
        recorder.note(ORDER, Uncertain(why="silent", evidence=""))
    assert [event for event, _ in notes.lines] == ["trace.dropped"]


def test_the_oldest_files_make_room_and_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "traces"
    for number in range(FILES + 3):
        write(folder, Flight(sale_id=f"S{number:03}", head=HEAD, pieces=()))
    assert [min(folder.iterdir()).name, len(list(folder.iterdir()))] == ["S003.trace", FILES]
    assert write(folder, Flight(sale_id="../../up", head=HEAD, pieces=())) == "______up.trace"


@pytest.mark.parametrize("fault", ["jam", "no_drop"])
async def test_a_jam_can_be_replayed_to_the_driver_from_its_file(tmp_path: Path, fault: str) -> None:
    board = make_board("tcn", Cabinet.of((11, 12)), Wanted())
    settings = TcnSettings(port=Path("board"), lanes=(11, 12))
    recorder = made(tmp_path, Notes())
    outcomes: list[Outcome] = []

    def trade() -> None:
        shop = Shop(
            board,
            lambda clock, wire: recorder.beside(
                make_dispenser(settings, clock, port=wire, trace=recorder.trace)
            ),
        ).up()
        board.faults.set(fault, times=1)
        outcomes.append(shop.vend())

    await asyncio.to_thread(trade)
    assert isinstance(outcomes[0], NotDelivered | Uncertain)
    _, pieces = recorder.trace.pieces()
    name = write(tmp_path, Flight(sale_id="S1", head=HEAD, pieces=pieces))
    head, again = read((tmp_path / name).read_text().splitlines())
    moved: list[Piece] = list(again)
    assert (head.bus, moved) == ("tcn", list(pieces))
    told = await asyncio.to_thread(lambda: list(understood(settings, moved)))
    assert "BusUp" in {each.get("fact") for each in told}


async def test_doubt_after_a_restart_is_written_as_the_vend_itself_is(tmp_path: Path) -> None:
    settings = TcnSettings(port=Path("board"), lanes=(11, 12))
    recorder = made(tmp_path, Notes())

    def recover() -> Outcome:
        board = make_board("tcn", Cabinet.of((11, 12)), Wanted())
        shop = Shop(
            board,
            lambda clock, wire: recorder.beside(
                make_dispenser(settings, clock, port=wire, trace=recorder.trace)
            ),
        ).up()
        return shop.do(shop.dispenser.recover(shop.order()))

    assert isinstance(await asyncio.to_thread(recover), Uncertain)
    task = asyncio.create_task(recorder.run())
    async with asyncio.timeout(10):
        await recorder.written()
    task.cancel()
    assert [file.name for file in tmp_path.iterdir()] == ["S1.trace"]
