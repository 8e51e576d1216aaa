"""Bus traffic as text: written, read again, followed, played to a driver and given to Wireshark."""

import fcntl
import json
import os
import pty
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from cli import main
from edge.drivers.registry import BUSES, make_dispenser
from edge.drivers.trace import FIRST, BadTrace, Head, Piece, Ring, head_lines, line, read
from edge.tech.bench import TechClock
from edge.tech.choice import PortTaken
from edge.tech.listen import Tap, listen
from edge.tech.replay import understood
from edge.tech.watch import Wanted, Watch, pcap
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.pty import PtyBoard
from hw_sim.boards.shelf import Wanted as BoardWanted
from hw_sim.boards.shelf import make_board
from tests.unit.drivers.line import Shop

HEAD = Head(bus="xy", baud=57_600, start_wall_ms=1_764_036_600_123)
POLL, ACK = bytes.fromhex("fafb410040"), bytes.fromhex("fafb420043")
LINES = [FIRST, "# bus: xy", "# baud: 57600", "# start: 2025-11-25T02:10:00.123Z"]
MORE = {"tcn": {"lanes": (11, 12)}, "xy": {}, "m102": {"lanes": (11, 12)}, "junpeng": {"lanes": (11, 12)}}


def tech(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["tech", *arguments])


def piece(at_ms: int, direction: str, data: bytes) -> Piece:
    return Piece(at_ms=at_ms, direction=direction, data=data)


@pytest.fixture
def port() -> Iterator[tuple[int, str]]:
    """A port that somebody holds: the far end, and its path."""
    far, near = pty.openpty()
    tty.setraw(near)
    yield far, os.ttyname(near)
    os.close(far)
    os.close(near)


# ---------------------------------------------------------------- the text


def test_a_trace_is_the_lines_of_its_page() -> None:
    assert head_lines(HEAD) == LINES
    assert line(piece(61_007, "tx", ACK)) == "61.007 tx fafb420043"


@given(
    start=st.integers(0, 4_000_000_000_000),
    pieces=st.lists(
        st.builds(
            piece, st.integers(0, 10**9), st.sampled_from(["rx", "tx"]), st.binary(min_size=1, max_size=40)
        )
    ),
)
def test_what_was_written_is_read_again(start: int, pieces: list[Piece]) -> None:
    head = Head(bus="m102", baud=9600, start_wall_ms=start)
    found, read_again = read([*head_lines(head), *map(line, pieces)])
    assert (found, list(read_again)) == (head, pieces)


def test_a_person_may_write_one_by_hand() -> None:
    _, pieces = read([*LINES, "", "# the door was opened here", "1 RX FA FB 41 00 40", "1.5 tx fafb420043\n"])
    assert list(pieces) == [piece(1000, "rx", POLL), piece(1500, "tx", ACK)]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "line 1: found ''"),
        (["0.000 rx fafb"], "allowed '# wxvend trace 1'"),
        ([FIRST, "# bus: xy"], "found no baud, start"),
        ([FIRST, "# bus: xy", "# baud: fast", LINES[3]], "found baud 'fast'"),
        ([FIRST, "# bus: xy", "# baud: 1", "# start: 2025-11-25T02:10:00"], "2025-11-25T02:10:00'"),
        ([*LINES, "0.000 rx fafb", "0.001 xx 00"], "line 6: found '0.001 xx 00', allowed SECONDS rx|tx HEX"),
        ([*LINES, "0.000 rx faf"], "line 5: found '0.000 rx faf'"),
    ],
)
def test_what_is_no_trace_is_named_with_its_line(lines: list[str], words: str) -> None:
    with pytest.raises(BadTrace) as told:
        list(read(lines)[1])
    assert words in str(told.value)


@given(st.lists(st.text(max_size=30), max_size=8))
def test_any_text_is_read_or_refused_in_words(lines: list[str]) -> None:
    try:
        pieces = list(read([*LINES, *lines])[1])
    except BadTrace as error:
        pieces = []
        words = str(error)
    else:
        words = "found"
    assert "found" in words
    assert all(each.data for each in pieces)


def test_a_ring_keeps_the_newest_by_age_and_by_weight() -> None:
    ring = Ring(keep_ms=1000, limit=20)
    for at_ms in (0, 500, 1400, 1500):
        ring("rx", POLL, at_ms)
    assert ring.pieces() == (500, (piece(0, "rx", POLL), piece(900, "rx", POLL), piece(1000, "rx", POLL)))
    ring("tx", bytes(19), 1501)
    assert ring.pieces() == (1501, (piece(0, "tx", bytes(19)),))


# ---------------------------------------------------------------- following


def test_turn_round_times_and_repeats_are_told() -> None:
    watch = Watch("xy")
    moved = [(0, "rx", POLL), (4, "tx", ACK), (200, "rx", POLL[:3]), (201, "rx", POLL[3:]), (400, "rx", POLL)]
    seen = [each for move in moved for each in watch.feed(piece(*move))]
    assert [(each.at_ms, each.turn_ms) for each in seen] == [(0, None), (4, 4), (201, 197), (400, None)]
    counters = watch.counters
    assert (counters.frames, counters.repeats, counters.unanswered) == (4, 1, 1)
    assert (counters.longest_tx_ms, counters.longest_rx_ms) == (4, 197)


def test_noise_is_counted_and_can_be_asked_for_alone() -> None:
    watch = Watch("xy")
    seen = [*watch.feed(piece(0, "rx", b"\x01" + POLL[:-1] + b"\x41")), *watch.end(9), *watch.end(9)]
    seen += watch.feed(piece(10, "rx", POLL))
    assert (watch.counters.frames, watch.counters.bad_checks, watch.counters.noise_bytes) == (1, 1, 6)
    assert [each.frame.valid for each in seen if Wanted(only_bad=True).shows(each)] == [False]
    assert [each.frame.name for each in seen if Wanted(names=frozenset({"poll"})).shows(each)] == ["Poll"]
    assert [each.frame.name for each in seen if Wanted(hidden=frozenset({"poll"})).shows(each)] == [""]
    assert not any(Wanted(direction="tx").shows(each) for each in seen)


def test_wireshark_is_given_user0_with_sixteen_bytes_before_each_packet() -> None:
    blocks = list(pcap(HEAD, [piece(0, "rx", POLL), piece(900, "tx", ACK)]))
    assert [block.hex() for block in blocks] == [
        "d4c3b2a1020004000000000000000000ffff000093000000",
        "f80f256978e00100060000000600000000fafb410040",
        "f90f2569d8590000060000000600000001fafb420043",
    ]


# ---------------------------------------------------------------- a port


async def test_a_tap_hears_without_a_word_and_a_driver_talks() -> None:
    heard: dict[bool, list[tuple[str, bytes]]] = {False: [], True: []}
    for drive, moved in heard.items():
        async with PtyBoard(make_board("xy", Cabinet.of((11,)), BoardWanted(poll_ms=20))) as board:
            settings = BUSES["xy"]().settings(port=Path(board.path))
            await listen(
                settings,
                TechClock(),
                lambda way, data, at_ms, moved=moved: moved.append((way, data)),  # type: ignore[misc]
                drive=drive,
                seconds=0.15,
            )
    assert {way for way, _ in heard[False]} == {"rx"}
    assert b"".join(data for _, data in heard[False]).startswith(b"\xfa\xfb")
    assert ("tx", ACK) in heard[True]


async def test_a_port_that_goes_ends_the_trace_with_a_word(port: tuple[int, str]) -> None:
    tap = Tap(TechClock(), lambda way, data, at_ms: None)
    with pytest.raises(PortTaken, match="the port is gone: unplugged"):
        tap.on_lost("unplugged")


def test_what_another_program_holds_is_refused_with_the_words_that_help(
    tmp_path: Path, port: tuple[int, str]
) -> None:
    held = os.open(port[1], os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(held, fcntl.LOCK_EX)
    told = tech("monitor", "--bus", "xy", "--port", port[1], "--seconds", "0.1")
    os.close(held)
    assert told.exit_code == 1
    assert "systemctl stop wxvend-edge" in told.output


def test_a_recording_ends_with_code_1_when_nothing_moved(tmp_path: Path, port: tuple[int, str]) -> None:
    file = tmp_path / "t.trace"
    told = tech("record", str(file), "--bus", "tcn", "--port", port[1], "--seconds", "0.1")
    assert (told.exit_code, file.read_text().splitlines()[:3]) == (1, [FIRST, "# bus: tcn", "# baud: 9600"])
    again = tech("record", str(file), "--bus", "tcn", "--port", port[1], "--seconds", "0.1")
    assert (again.exit_code, "allowed is a new file" in again.output) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--bus", "xy", "--port", "/nowhere"), 1, "wxvend tech ports"),
        (("--bus", "xy", "--port", "/etc/hostname"), 1, "no serial port"),
        (("--bus", "xy"), 2, "--bus NAME --port PATH"),
        (("--bus", "xy", "--port", "/dev/null", "--set", "baud=3"), 2, "allowed 1200 to 921600"),
        (("--bus", "tcn", "--port", "/dev/null", "--drive"), 2, "Try: --lanes 11,12"),
        (("--bus", "xy", "--port", "/dev/null", "--drive", "--set", "nonsense=1"), 2, "nonsense"),
        (("--config", "/nowhere.toml"), 2, "wxvend edge check-config"),
    ],
)
def test_what_cannot_be_listened_to_is_named(arguments: tuple[str, ...], code: int, words: str) -> None:
    told = tech("monitor", "--seconds", "0.1", *arguments)
    assert (told.exit_code, words in told.output) == (code, True), told.output


# ---------------------------------------------------------------- again


def recorded(bus: str) -> list[Piece]:
    """Half a minute of a driver with its board, in virtual time."""
    moved: list[Piece] = []
    board = make_board(bus, Cabinet.of((11, 12)), BoardWanted())
    settings = BUSES[bus]().settings(port=Path("board"), **MORE[bus])

    def keep(direction: str, data: bytes, now_ms: int) -> None:
        moved.append(piece(now_ms, direction, data))

    shop = Shop(board, lambda clock, wire: make_dispenser(settings, clock, port=wire, trace=keep))
    shop.wait(30)
    began = moved[0].at_ms
    return [piece(each.at_ms - began, each.direction, each.data) for each in moved]


@pytest.mark.parametrize("bus", sorted(MORE))
def test_a_driver_understands_its_own_trace_and_says_the_same_again(bus: str) -> None:
    settings = BUSES[bus]().settings(port=Path("board"), **MORE[bus])
    told = list(understood(settings, recorded(bus)))
    facts = {str(each.get("fact")): each for each in told}
    assert facts["BusUp"]["count"] == 1
    assert told[-1]["never_said"] == 0
    assert told[-1]["said_the_same"] > 2


def test_a_driver_that_would_have_said_something_else_says_so() -> None:
    moved = recorded("xy")
    at = next(number for number, each in enumerate(moved) if each.data == ACK)
    moved[at] = piece(moved[at].at_ms, "tx", b"\xfa\xfb\x43\x00\x42")
    told = list(understood(BUSES["xy"]().settings(port=Path("board")), moved))[-1]
    assert told["never_said"] == 1
    assert told["said_otherwise"] > 0


def test_a_driver_that_hears_another_bus_does_not_come_up() -> None:
    settings = BUSES["tcn"]().settings(port=Path("board"), lanes=(11,))
    told = list(understood(settings, recorded("xy")))
    assert "BusUp" not in {each.get("fact") for each in told}
    assert told[-1]["said_the_same"] == 0


def test_a_trace_is_replayed_and_exported_by_command(tmp_path: Path) -> None:
    file, capture = tmp_path / "x.trace", tmp_path / "x.pcap"
    file.write_text("\n".join([*LINES, *map(line, recorded("xy"))]) + "\n")
    shown = tech("replay", str(file), "--only", "Poll", "--json")
    told = [json.loads(each) for each in shown.output.splitlines()]
    assert {each["name"] for each in told[:-1]} == {"Poll"}
    assert told[-1]["counters"]["bad_checks"] == 0
    assert "said_otherwise=0" in tech("replay", str(file), "--against", "driver").output
    assert tech("export", str(file), "--pcap", str(capture)).exit_code == 0
    assert capture.read_bytes()[:4].hex() == "d4c3b2a1"
    assert "allowed is a new file" in tech("export", str(file), "--pcap", str(capture)).output


@pytest.mark.parametrize(
    "text", ["", "\n".join([FIRST, "# bus: nobus", *LINES[2:]]), "\n".join([*LINES, "x"])]
)
def test_a_file_that_is_no_trace_leaves_nothing_behind(tmp_path: Path, text: str) -> None:
    file, capture = tmp_path / "x.trace", tmp_path / "x.pcap"
    file.write_text(text)
    told = tech("export", str(file), "--pcap", str(capture))
    assert (told.exit_code, capture.exists()) == (2, False)
    assert "found" in told.output
