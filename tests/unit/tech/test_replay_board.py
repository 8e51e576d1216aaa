"""A trace's host played to a simulated board: what answers as then, what does not, and what really fell."""

import json
from pathlib import Path

import pytest

from edge.drivers.xy.codec import ACK, encode
from edge.drivers.xy.messages import Drive, Sync
from tests.unit.tech.test_tech import tech

HEAD = "# wxvend trace 1\n# bus: {bus}\n# baud: 9600\n# start: 2026-11-25T02:10:00.123Z\n"
DRIVE = encode(Drive(12, drop_sensor=True, lift=False), 2).hex()


def replayed(folder: Path, bus: str, lines: list[str]) -> tuple[int, list[dict[str, object]]]:
    file = folder / "t.trace"
    file.write_text(HEAD.format(bus=bus) + "\n".join(lines) + "\n")
    told = tech("replay", str(file), "--against", "board", "--lanes", "11,12", "--json")
    return told.exit_code, [json.loads(line) for line in told.output.splitlines()]


def test_each_answer_of_a_board_that_only_answers_is_compared(tmp_path: Path) -> None:
    code, told = replayed(
        tmp_path,
        "tcn",
        [
            "0.000 tx 00ffdf2055aa",
            "0.005 rx 005d01005e",
            "1.000 tx 00ff0bf4aa55",  # a vend, of which the model turns its own motor
            "2.200 rx 005d00aa07",
            "4.000 tx 00ff8c7355aa",  # lane 20 was there
            "4.005 rx 005d00005d",
        ],
    )
    assert code == 1
    assert told == [
        {"at_ms": 4000, "asked": "00ff8c7355aa", "then": ["done"], "now": ["fault"]},
        {"asked": 3, "answered_the_same": 2, "answered_otherwise": 1},
        {"motor_starts": 1, "pieces_dropped": 1},
    ]


def test_a_machine_that_leads_gets_its_answers_at_its_own_polls(tmp_path: Path) -> None:
    poll, lane = "fafb410040", "fafb110c30000c0000015e050803e90098"
    vend = ["fafb04040901000c05", "fafb04040a02000c05"]
    code, told = replayed(
        tmp_path,
        "xy",
        [
            f"0.000 rx {poll}",
            f"0.001 tx {encode(Sync(), 1).hex()}",
            *[f"0.{200 + number} rx {lane}" for number in range(3)],  # two, and one after the vend
            f"0.300 tx {ACK.hex()}",
            f"0.400 rx {poll}",
            f"0.401 tx {DRIVE}",
            *[f"1.{500 + number} rx {each}" for number, each in enumerate(vend)],
        ],
    )
    assert told[-1] == {"motor_starts": 1, "pieces_dropped": 1}
    assert (code, told[:-1]) == (0, [{"asked": 2, "reports_otherwise": 0}])


@pytest.mark.parametrize("bus", ["junpeng", "mdb-waferstar"])
def test_a_machine_whose_turns_cannot_be_said_again_is_named(tmp_path: Path, bus: str) -> None:
    file = tmp_path / "t.trace"
    file.write_text(HEAD.format(bus=bus) + "0.000 rx 00\n")
    told = tech("replay", str(file), "--against", "board")
    assert (told.exit_code, f"found a trace of {bus}" in told.output) == (2, True)
