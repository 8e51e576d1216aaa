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
from edge.tech.decode import HexReader, XyFrames

WXVEND = str(Path(sys.executable).with_name("wxvend"))


def tech(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(main, ["tech", *arguments], input=stdin)


def test_a_frame_is_told_in_words() -> None:
    told = tech("decode", "FA FB 41 00 40")
    assert (told.exit_code, told.output.split()[0]) == (0, "Poll")


def test_bytes_may_come_from_a_pipe_in_any_notation() -> None:
    told = tech("decode", "--json", stdin="0xfa,0xfb:41 00\n40 fafb420043")
    names = [json.loads(line)["frame"] for line in told.output.splitlines()]
    assert names == ["Poll", "Ack"]


def test_noise_before_a_frame_and_an_unfinished_one_are_both_told() -> None:
    frames = XyFrames()
    found = [*frames.feed(bytes.fromhex("0102 fafb410040 fafb41")), *frames.end()]
    assert [(each.name, each.noise_bytes) for each in found] == [("Poll", 2), ("", 3)]


def test_bytes_that_hold_no_frame_end_with_a_failed_check() -> None:
    told = tech("decode", "010203")
    assert told.exit_code == 1
    assert "no whole frame" in told.output


def test_what_is_not_hex_is_named_with_its_place_and_decoding_goes_on() -> None:
    told = tech("decode", stdin="fafb410040\nreceived: 41x0\nfa fb 42 00 43\n")
    assert told.exit_code == 0
    assert [line.split(":")[0].split()[0] for line in told.output.splitlines()] == [
        "Poll",
        "line",
        "line",
        "Ack",
    ]
    assert "line 2, word 2: found '41x0', allowed pairs of 0-9 a-f" in told.output
    nothing = tech("decode", "--json", "hello")
    (line,) = nothing.output.splitlines()
    assert nothing.exit_code == 1
    assert json.loads(line) == {"frame": "", "noise_bytes": 0, "text": "hello", "line": 1, "word": 1}


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
                assert (await child.stdout.readline()).split()[0] == answer
        child.stdin.close()
        assert await child.wait() == 0


@given(st.binary(max_size=300), st.integers(1, 7))
def test_any_bytes_can_be_looked_at_in_any_pieces(stream: bytes, size: int) -> None:
    reader, text = HexReader(), stream.hex(" ")
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    words = [word for piece in pieces for word in reader.feed(piece)] + list(reader.end())
    assert b"".join(word for word in words if isinstance(word, bytes)) == stream
    frames = XyFrames()
    assert all(found.noise_bytes >= 0 for found in [*frames.feed(stream), *frames.end()])


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


def test_ports_are_named_by_the_socket_they_hang_on(tmp_path: Path) -> None:
    for port in ports():
        (tmp_path / "pci-usb-1").symlink_to(port.device)
        assert any(found.stable == str(tmp_path / "pci-usb-1") for found in ports(tmp_path))
        break
    assert all(port.device.startswith("/dev/") for port in ports())


def test_help_teaches_with_examples() -> None:
    assert "wxvend tech explain E21" in tech("--help").output
