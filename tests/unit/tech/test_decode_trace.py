"""A trace of any length in words, and how far the reading of it is."""

import json
import subprocess
from pathlib import Path

from edge.tech.progress import Progress, counted
from tests.unit.tech.test_tech import WXVEND, tech

TRACE = """# wxvend trace 1
# bus: xy
# baud: 57600
# start: 2026-11-25T02:10:00.123Z

0.000 rx fafb4100
0.001 rx 40
0.012 tx fafb420043
0.100 rx 00
0.200 tx fafb
"""


def test_a_trace_is_decoded_by_its_own_bus_and_each_side_for_itself() -> None:
    told = tech("decode", "--json", stdin=TRACE)
    found = [json.loads(line) for line in told.output.splitlines()]
    assert told.exit_code == 0
    assert [
        (each.get("name", each.get("reason")), each["offset"], each.get("direction")) for each in found
    ] == [
        ("Poll", 0, "to host"),
        ("Ack", 0, "to board"),
        ("no frame begins here", 5, None),
        ("the frame is not whole", 5, None),
    ]


def test_a_trace_in_a_file_is_told_in_the_same_words(tmp_path: Path) -> None:
    file = tmp_path / "t.trace"
    file.write_text(TRACE)
    with file.open() as lines:
        done = subprocess.run(
            [WXVEND, "tech", "decode"], stdin=lines, capture_output=True, text=True, check=True
        )
    assert done.stdout == tech("decode", stdin=TRACE).output
    assert done.stderr == ""


def test_a_line_that_is_none_ends_the_decoding_of_a_trace_in_words() -> None:
    told = tech("decode", stdin=TRACE + "0.300 xx 00\n")
    assert (told.exit_code, "stdin: line 11: found '0.300 xx 00'" in told.output) == (2, True)
    other = tech("decode", stdin=TRACE.replace("bus: xy", "bus: none"))
    assert (other.exit_code, "found bus 'none', allowed adh814" in other.output) == (2, True)


class Clock:
    """Moves when the test says so."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_long_work_says_each_ten_seconds_how_far_it_is_and_short_work_nothing() -> None:
    clock, said = Clock(), list[str]()
    progress = Progress(100_000_000, clock, said.append, live=False)
    for _ in counted(["x" * 1_000_000] * 3, progress):
        clock.now_s += 4.0
    assert said == ["3 %, 0.2 MB/s, 6:28 left\n"] * 2
    short = list[str]()
    for _ in counted(["x"], Progress(1, clock, short.append, live=False)):
        clock.now_s += 9.0
    assert short == []


def test_on_a_terminal_the_same_line_is_written_over() -> None:
    clock, said = Clock(), list[str]()
    progress = Progress(2_000_000, clock, said.append, live=True)
    clock.now_s += 0.5
    progress.step(1_000_000)
    clock.now_s += 0.1
    progress.step(500_000)
    progress.end()
    assert said == ["\r50 %, 2.0 MB/s, 0:00 left   ", "\r75 %, 2.5 MB/s, 0:00 left   \n"]
