"""Recorded sessions: link bytes are checked and left out, and what the link lost is not made up."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.tech.dts import BadReport
from edge.tech.dts_dump import read_any
from edge.tech.dts_reader import read
from tests.unit.tech import dts_link as link
from tests.unit.tech.dts_link import EXAMPLE

REPORT = read(EXAMPLE).report


def spoilt(block: bytes) -> bytes:
    return block[:12] + bytes([block[12] ^ 1]) + block[13:]


def refusal(data: bytes) -> str:
    with pytest.raises(BadReport) as caught:
        read_any(data)
    return str(caught.value)


def test_the_golden_check_sums_of_both_links_are_those_of_the_definition() -> None:
    assert link.crc(b"XYZ1234567RR00L06\x03").hex() == "7b06"
    assert link.crc(b"00QRS7654321R00L06\x03").hex() == "5311"
    for frame in (link.START, link.STACK, link.ACK, link.NACK):
        assert link.crc(frame[:6]) == frame[6:]
    assert link.crc(link.READ).hex() == "f041"
    assert link.ddcmp_data(b"\x77\xff", 3)[6:] != link.FINISH[6:8]  # its header names another answer
    assert link.ddcmp_data(b"\x77\xff", 3)[8:] == link.FINISH[8:]


@given(st.integers(1, 243))
@settings(max_examples=25, deadline=None)
def test_a_dex_session_gives_its_report_however_lines_are_cut(size: int) -> None:
    assert read_any(link.dex_session(link.dex_blocks(EXAMPLE, size))).report == REPORT


def test_the_machine_alone_is_enough_of_a_dex_session() -> None:
    blocks = link.dex_blocks(EXAMPLE)
    assert read_any(b"\x05" + b"".join([blocks[0], *blocks]) + b"\x04").report == REPORT


def test_a_block_like_the_one_before_it_is_new_when_the_other_ack_answers_it() -> None:
    twins = [link.dex_block(part, last=False) for part in link.pieces(EXAMPLE, 1)]
    at = EXAMPLE.index(b"00")
    assert twins[at] == twins[at + 1]
    assert read_any(link.dex_session(link.dex_blocks(EXAMPLE, 1))).report == REPORT


@given(st.integers(1, 400), st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_ddcmp_session_gives_its_report_however_lines_are_cut(size: int, alone: bool) -> None:
    blocks = link.ddcmp_blocks(EXAMPLE, size)
    found = read_any(b"".join(blocks) if alone else link.ddcmp_session(blocks))
    assert found.report == REPORT


def test_padding_and_noise_between_dex_bytes_change_nothing() -> None:
    padded = [
        block[:30] + b"\x10\x16" + block[30:60] + b"\x10\x16\x10\x16" + block[60:]
        for block in link.dex_blocks(EXAMPLE)
    ]
    found = read_any(b"\xff\x00" + link.dex_session([b"\x00\x10" + block for block in padded]) + b"\xff")
    assert (found.report, found.notes) == (REPORT, ())


def test_noise_between_ddcmp_messages_changes_nothing() -> None:
    blocks = [b"\x05\x01\x81" + block for block in link.ddcmp_blocks(EXAMPLE)]
    found = read_any(b"\x81" + link.ddcmp_session(blocks) + b"\x05")
    assert (found.report, found.notes) == (REPORT, ())


def test_a_block_that_was_repeated_counts_once() -> None:
    dex = link.dex_blocks(EXAMPLE)
    ddcmp = link.ddcmp_blocks(EXAMPLE)
    assert read_any(link.dex_session([dex[0] + b"\x10\x31" + dex[0], *dex[1:]]) + dex[-1]).report == REPORT
    assert read_any(link.ddcmp_session([ddcmp[0], ddcmp[0], *ddcmp[1:], ddcmp[-1]])).report == REPORT


def test_a_spoilt_block_is_left_out_for_its_repetition_and_told() -> None:
    dex, ddcmp = link.dex_blocks(EXAMPLE), link.ddcmp_blocks(EXAMPLE)
    found = read_any(link.dex_session([dex[0], spoilt(dex[1]) + b"\x15" + dex[1], *dex[2:]]))
    (note,) = found.notes
    assert found.report == REPORT
    assert note.startswith("DEX block at byte ")
    found = read_any(link.ddcmp_session([ddcmp[0], spoilt(ddcmp[1]), *ddcmp[1:]]))
    (note,) = found.notes
    assert found.report == REPORT
    assert note.startswith("DDCMP data at byte ")


def test_a_spoilt_block_without_a_repetition_is_a_report_that_is_refused() -> None:
    dex, ddcmp = link.dex_blocks(EXAMPLE), link.ddcmp_blocks(EXAMPLE)
    told = refusal(link.dex_session([dex[0], spoilt(dex[1]), *dex[2:]]))
    assert "DEX block at byte" in told
    assert "found a wrong CRC and no repetition" in refusal(link.dex_session([*dex[:-1], spoilt(dex[-1])]))
    assert "found block 2, allowed 1" in refusal(link.ddcmp_session([ddcmp[0], spoilt(ddcmp[1]), *ddcmp[2:]]))


def test_a_recording_that_is_damaged_all_over_is_given_up_soon() -> None:
    block = spoilt(link.dex_blocks(EXAMPLE)[0])
    assert "and more than 64 in all" in refusal(block * 2000)
    header = bytes.fromhex("81FF7F000101")  # announces 16383 bytes that never are what it says
    assert "and more than 64 in all" in refusal((header + link.crc(header)) * 5000)


def test_a_session_that_was_cut_is_refused() -> None:
    dex, ddcmp = link.dex_blocks(EXAMPLE), link.ddcmp_blocks(EXAMPLE)
    assert "no last block (ETX): it was cut" in refusal(link.dex_session(dex[:-1]))
    assert f"{len(ddcmp) - 1} blocks and no last one: it was cut" in refusal(link.ddcmp_session(ddcmp[:-1]))
    assert "0 blocks" in refusal(link.START + link.STACK)


def test_two_reports_in_one_file_are_refused() -> None:
    assert "second report" in refusal(link.dex_session(link.dex_blocks(EXAMPLE)) * 2)
    assert "second report" in refusal(link.ddcmp_session(link.ddcmp_blocks(EXAMPLE)) * 2)


@pytest.mark.parametrize("body", [b"04QRS7654321R00L06", b"QRS765432104R00L06"])
def test_a_machine_that_sends_nothing_says_why_in_either_order(body: bytes) -> None:
    handshake = b"\x05\x10\x30\x10\x01" + body + b"\x10\x03" + link.crc(body + b"\x03")
    assert "the machine's answer 04: nothing to send" in refusal(link.FIRST_HANDSHAKE + handshake)


def test_a_ddcmp_command_that_was_not_taken_is_named() -> None:
    told = refusal(link.START + link.STACK + link.ddcmp_data(b"\x88\xe2\x00", 1))
    assert "a refused READ" in told


def test_more_blocks_than_one_byte_counts_are_followed() -> None:
    assert read_any(link.ddcmp_session(link.ddcmp_blocks(EXAMPLE, 1))).report == REPORT
    assert len(EXAMPLE) > 256


def test_bytes_of_no_kind_are_refused_with_what_is_allowed() -> None:
    assert "allowed DXS, or a DEX or DDCMP session" in refusal(b"GIF89a")


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_damaged_session_is_refused_or_gives_the_same_report(data: st.DataObject) -> None:
    whole = data.draw(
        st.sampled_from(
            [link.dex_session(link.dex_blocks(EXAMPLE)), link.ddcmp_session(link.ddcmp_blocks(EXAMPLE))]
        )
    )
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:at] + data.draw(st.binary(max_size=3)) + whole[at + data.draw(st.integers(0, 3)) :]
    try:
        found = read_any(damaged)
    except BadReport:
        return
    assert found.report == REPORT
