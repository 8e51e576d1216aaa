"""What a technician types and sees."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from cli import main
from edge.display.codes import TABLE
from edge.drivers.ports import ports
from edge.drivers.registry import BUSES
from edge.tech.decode import BAD_CHECK, CUT_SHORT, NO_FRAME, Frames, HexReader
from edge.tech.shapes import SHAPES

WXVEND = str(Path(sys.executable).with_name("wxvend"))


def tech(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(main, ["tech", *arguments], input=stdin)


def test_a_frame_is_told_in_words() -> None:
    told = tech("decode", "FA FB 41 00 40")
    assert (told.exit_code, told.output.split()[:2]) == (0, ["0", "Poll"])


def test_bytes_may_come_from_a_pipe_in_any_notation() -> None:
    told = tech("decode", "--json", stdin="0xfa,0xfb:41 00\n40 fafb420043")
    names = [json.loads(line)["name"] for line in told.output.splitlines()]
    assert names == ["Poll", "Ack"]


def test_noise_before_a_frame_and_an_unfinished_one_are_both_told() -> None:
    frames = Frames(SHAPES["xy"])
    found = [*frames.feed(bytes.fromhex("0102 fafb410040 fafb410041 fafb41")), *frames.end()]
    assert [(each.offset, each.raw.hex(), each.name, each.reason) for each in found] == [
        (0, "0102", "", NO_FRAME),
        (2, "fafb410040", "Poll", ""),
        (7, "fafb410041fafb41", "", BAD_CHECK),
    ]
    cut = Frames(SHAPES["xy"])
    (rest,) = [*cut.feed(b"\xfa\xfb\x41"), *cut.end()]
    assert (rest.valid, rest.reason) == (False, CUT_SHORT)


def test_bytes_that_hold_no_frame_end_with_a_failed_check() -> None:
    told = tech("decode", "010203")
    assert told.exit_code == 1
    assert "no frame begins here" in told.output


def test_what_is_not_hex_is_named_with_its_place_and_decoding_goes_on() -> None:
    told = tech("decode", stdin="fafb410040\nreceived: 41x0\nfa fb 42 00 43\n")
    assert told.exit_code == 0
    assert [line.split()[0] for line in told.output.splitlines()] == ["0", "line", "line", "5"]
    assert "line 2, word 2: found '41x0', allowed pairs of 0-9 a-f" in told.output
    nothing = tech("decode", "--json", "hello")
    (line,) = nothing.output.splitlines()
    assert nothing.exit_code == 1
    assert json.loads(line) == {
        "valid": False,
        "reason": "no hex digits",
        "text": "hello",
        "line": 1,
        "word": 1,
    }


async def test_a_live_logger_is_answered_frame_by_frame() -> None:
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(WXVEND, "tech", "decode", "-", stdin=pipe, stdout=pipe)
    assert child.stdin is not None
    assert child.stdout is not None
    async with asyncio.timeout(30):
        for wish, answer in ((b"fafb410040\n", b"Poll"), (b"FA FB 42 00", b""), (b" 43", b"Ack")):
            child.stdin.write(wish)
            await child.stdin.drain()
            if answer:
                assert (await child.stdout.readline()).split()[1] == answer
        child.stdin.close()
        assert await child.wait() == 0


@given(st.binary(max_size=300), st.integers(1, 7))
def test_any_bytes_can_be_looked_at_in_any_pieces(stream: bytes, size: int) -> None:
    reader, text = HexReader(), stream.hex(" ")
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    words = [word for piece in pieces for word in reader.feed(piece)] + list(reader.end())
    assert b"".join(word for word in words if isinstance(word, bytes)) == stream
    for shapes in SHAPES.values():
        whole, parts = Frames(shapes), Frames(shapes)
        told = [*whole.feed(stream), *whole.end()]
        assert b"".join(each.raw for each in told) == stream
        assert [each.offset for each in told] == [
            sum(len(before.raw) for before in told[:at]) for at in range(len(told))
        ]
        pieces_told = [each for byte in stream for each in parts.feed(bytes((byte,)))] + [*parts.end()]
        assert [each for each in pieces_told if each.valid] == [each for each in told if each.valid]


@pytest.mark.parametrize(
    ("bus", "hexed", "told"),
    [
        ("adh814", "01a50c5b55", ("to board", "run")),
        ("adh814", "00a3020c00019000dc1e0660c8", ("to host", "poll")),
        ("easivend", "ee0801700c2100ba", ("to host", "dispense")),
        ("ziman", "a80805110205cdfe", ("", "rotate")),
        ("m102", "01050c0201" + 26 * "0" + "438b", ("", "run")),
        ("zdm8", "01102001000204000101 00fbf2", ("to board", "write registers")),
        ("zdm8", "019006cc02", ("to host", "write registers refused")),
        ("relay", "0105020000078db0", ("", "write coil")),
        ("tcn", "00ff05faaa55", ("to board", "dispense")),
        ("tcn", "005c40009c", ("to host", "fault")),
        ("tcn-lifter", "020602000c00000c0305", ("", "deliver")),
        ("jinma", "01090503000200000000010c", ("", "result")),
        ("junpeng", "e5051041 03e9e3", ("", "poll")),
        ("lock8a", "8a01031199", ("", "open")),
        ("mdb-waferstar", "1300015e000c7e", ("to host", "vend request")),
        ("mdb-waferstar", "05015e64", ("to board", "approved")),
        ("mdb-qibixx", b"c,STATUS,VEND,3.50,12\n".hex(), ("", "c,STATUS,VEND,3.50,12")),
    ],
)
def test_a_frame_of_every_bus_is_told_by_name_between_noise(
    bus: str, hexed: str, told: tuple[str, str]
) -> None:
    raw = bytes.fromhex(hexed)
    frames = Frames(SHAPES[bus])
    found = [each for each in [*frames.feed(b"\xf0" + raw + b"\xf0"), *frames.end()] if each.valid]
    assert [(each.direction, each.name, each.raw, each.offset) for each in found] == [(*told, raw, 1)]


def test_every_bus_that_can_be_driven_can_be_decoded() -> None:
    assert set(SHAPES) == set(BUSES)


@given(st.text(max_size=300))
def test_any_text_is_bytes_or_named_with_its_place(text: str) -> None:
    reader = HexReader()
    for word in [*reader.feed(text), *reader.end()]:
        assert isinstance(word, bytes) or (word.text and word.line >= 1 and word.word >= 1)


@pytest.mark.parametrize("row", TABLE.values(), ids=lambda row: str(row.code))
def test_every_code_is_explained_with_a_next_step(row: object) -> None:
    code = str(getattr(row, "code", ""))
    told = tech("explain", code.lower())
    assert told.exit_code == 0
    assert code in told.output
    assert "Next: " in told.output


def test_a_code_that_does_not_exist_is_answered_with_those_that_do() -> None:
    told = tech("explain", "E00")
    assert told.exit_code == 2
    assert "found E00, allowed E1" in told.stderr


def test_without_a_code_all_are_told_as_json_too() -> None:
    told = tech("explain", "--json")
    assert {json.loads(line)["name"] for line in told.output.splitlines()} == set(TABLE)


def test_the_page_of_codes_is_what_the_table_says() -> None:
    page = Path(__file__).parents[3] / "docs" / "codes.md"
    assert page.read_text() == tech("explain", "--markdown").output


def test_the_page_of_faults_is_what_the_table_and_the_drivers_say() -> None:
    page = Path(__file__).parents[3] / "docs" / "faults.md"
    assert page.read_text() == tech("explain", "--faults", "--markdown").output


def test_a_fault_says_whether_anything_moved_and_what_each_board_calls_it() -> None:
    told = tech("explain", "E28").output
    assert "Did anything move: no. Money: back at once." in told
    assert "EVA-DTS event: EJB" in told
    assert "tcn: 5C 40" in told
    faults = [json.loads(line)["code"] for line in tech("explain", "--faults", "--json").output.splitlines()]
    assert {"E20", "E26", "E42"} <= set(faults)
    assert "E51" not in faults


def test_ports_are_named_by_the_socket_they_hang_on(tmp_path: Path) -> None:
    for port in ports():
        (tmp_path / "pci-usb-1").symlink_to(port.device)
        assert any(found.stable == str(tmp_path / "pci-usb-1") for found in ports(tmp_path))
        break
    assert all(port.device.startswith("/dev/") for port in ports())


def test_help_teaches_with_examples() -> None:
    assert "wxvend tech explain E21" in tech("--help").output
