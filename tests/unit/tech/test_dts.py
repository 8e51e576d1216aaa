"""Audit reports: what is written can be read, and what is damaged is named with its place."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.tech.dts import LIMIT_BYTES, BadReport, Report, Segment, g85, write
from edge.tech.dts_dump import read_any
from edge.tech.dts_names import kind_of
from edge.tech.dts_reader import BARE, SWAPPED, read
from tests.unit.tech.dts_link import EXAMPLE, crc

TEXT = st.text(max_size=12)
OTHER = st.builds(
    Segment,
    st.from_regex(r"(MA|TA|PC|HA|LE)[0-9]{1,3}", fullmatch=True),
    st.lists(TEXT, max_size=5).map(tuple),
)
NUMBERS = st.lists(st.integers(0, 10**18 - 1).map(str) | st.just(""), max_size=4).map(tuple)
COUNTED = st.builds(Segment, st.sampled_from(["VA1", "CA2", "DA2", "DB2", "PA2", "EA7"]), NUMBERS)
REPORTS = st.builds(
    Report,
    application=st.tuples(TEXT, TEXT, TEXT, st.integers(1, 9999).map(str)),
    segments=st.lists(OTHER | COUNTED, max_size=8).map(tuple),
    control=st.integers(1, 9999).map(lambda number: f"{number:04d}"),
)


def changed(old: bytes, new: bytes) -> bytes:
    """The example with something exchanged and its check made good again."""
    assert old in EXAMPLE
    text = EXAMPLE.replace(old, new)
    start, check = text.index(b"ST*"), text.index(b"G85*")
    return text[:check] + b"G85*" + crc(text[start:check])[::-1].hex().encode() + text[check + 8 :]


def refusal(data: bytes) -> str:
    with pytest.raises(BadReport) as caught:
        read(data)
    return str(caught.value)


def test_the_example_is_read_and_written_again_byte_for_byte() -> None:
    found = read(EXAMPLE)
    assert found.notes == ()
    assert write(found.report) == EXAMPLE
    assert found.report.application == ("WXP0000001", "VA", "V0/6", "1")
    assert found.report.segments[0] == Segment("ID1", ("VM0001", "SIM40", "0100", "LOBBY", "", "A-17"))
    assert [each.name for each in found.report.segments].count("PA1") == 2


def test_the_check_of_the_example_is_that_of_the_bit_by_bit_definition() -> None:
    covered = EXAMPLE[EXAMPLE.index(b"ST*") : EXAMPLE.index(b"G85*")]
    assert f"{g85(covered):04X}" == "AEE1" == crc(covered)[::-1].hex().upper()


@given(REPORTS)
@settings(max_examples=80, deadline=None)
def test_what_is_written_is_read_as_it_was(report: Report) -> None:
    data = write(report)
    assert read(data).report == report
    assert write(read(data).report) == data


@given(st.binary(max_size=300))
@example(b"")
@example(b"DXS")
@example(b"\x10\x02" * 40)
@example(b"\x81\x00\x40" * 40)
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_or_refused_by_name(data: bytes) -> None:
    try:
        found = read_any(data)
    except BadReport:
        return
    assert read(write(found.report)).report == found.report


@given(st.integers(0, len(EXAMPLE) - 1), st.integers(1, 255))
@settings(max_examples=150, deadline=None)
def test_no_change_of_one_byte_is_read_as_another_report(at: int, flip: int) -> None:
    damaged = EXAMPLE[:at] + bytes([EXAMPLE[at] ^ flip]) + EXAMPLE[at + 1 :]
    try:
        found = read_any(damaged)
    except BadReport:
        return
    # Outside what G85 covers stand only the header, the case of its digits, leading zeros and line ends.
    assert found.report.segments == read(EXAMPLE).report.segments


@pytest.mark.parametrize("lines", range(1, 18))
def test_a_report_that_was_cut_is_refused(lines: int) -> None:
    whole = EXAMPLE.splitlines(keepends=True)
    assert "cut" in refusal(b"".join(whole[:lines]))


@pytest.mark.parametrize("gone", range(2, 15))
def test_a_report_without_one_of_its_lines_is_refused(gone: int) -> None:
    whole = EXAMPLE.splitlines(keepends=True)
    assert "line 15: G85, element 1: found AEE1" in refusal(b"".join(whole[:gone] + whole[gone + 1 :]))


def test_a_missing_line_under_a_good_check_is_seen_by_the_count() -> None:
    told = refusal(changed(b"EA7*0*3\r\n", b""))
    assert told.startswith("line 16: SE, element 1: found '16', allowed '15'")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            b"VA1*1050",
            b"VA1*10x0",
            "line 5: VA1, element 1 (value_init): found '10x0', allowed 1 to 18 digits",
        ),
        (b"*251123*", b"*25-11-23*", "line 14: EA3, element 2 (date): found '25-11-23', allowed digits"),
        (b"COLA", b"COL\xe4", "line 8, element 3: found byte E4h, allowed 20h to 7Eh; another is ^E4^"),
        (b"COLA", b"CO^LA", "line 8, element 3: found ^ by itself, allowed ^hh^"),
        (b"CA2*", b"ca2*", "line 6: found 'ca2', allowed a segment such as PA1"),
        (b"EA7*0*3", b"ST*001*0002", "line 15: found ST, allowed one set"),
        (b"SE*16*0001", b"SE*16*0002", "line 17: SE, element 2: found '0002', allowed '0001'"),
        (b"DXE*1*1", b"DXE*2*1", "line 18: DXE, element 1: found '2', allowed '1'"),
        (b"DXE*1*1", b"DXE*1", "line 18: DXE: found 1 elements, allowed 2"),
        (b"*VA*V0/6*1", b"*VA", "line 1: DXS: found 2 elements, allowed communication id"),
        (b"DXS*", b"DXX*", "line 1: found DXX, allowed DXS"),
    ],
)
def test_a_mistake_is_named_with_line_and_element(old: bytes, new: bytes, told: str) -> None:
    assert told in refusal(changed(old, new))


def test_a_check_that_is_none_is_named() -> None:
    assert "line 16: G85, element 1: found 'AEEZ'" in refusal(EXAMPLE.replace(b"AEE1", b"AEEZ"))
    assert "line 16: G85, element 1: found AEE2, allowed AEE1" in refusal(EXAMPLE.replace(b"AEE1", b"AEE2"))


def test_the_check_of_an_older_device_may_have_its_bytes_swapped() -> None:
    found = read(EXAMPLE.replace(b"AEE1", b"E1AE"))
    assert (found.notes, found.report) == ((SWAPPED,), read(EXAMPLE).report)


def test_a_file_that_lost_its_carriage_returns_on_the_way_is_read_and_told_of() -> None:
    found = read(EXAMPLE.replace(b"\r\n", b"\n"))
    assert (found.notes, write(found.report)) == ((BARE,), EXAMPLE)


def test_segments_that_nobody_knows_are_kept_as_they_came() -> None:
    data = changed(b"EA7*0*3", b"XY99*a*^C3^^A9^**")
    found = read(data)
    assert found.report.segments[-1] == Segment("XY99", ("a", "é", "", ""))
    assert write(found.report).upper() == data.upper()


def test_bytes_that_are_no_text_stay_what_they_are() -> None:
    data = changed(b"COLA", b"^FF^^41^")
    assert b"*^FF^A*" in write(read(data).report)


@pytest.mark.parametrize(
    ("report", "told"),
    [
        (Report(application=("A",), segments=()), "DXS: found 1 elements"),
        (Report(application=tuple("ABC1"), segments=(Segment("G85"),)), "segment 1: found 'G85'"),
        (Report(application=tuple("ABC1"), segments=(Segment("pa1"),)), "segment 1: found 'pa1'"),
        (
            Report(application=tuple("ABC1"), segments=(Segment("VA1", ("1.5",)),)),
            "VA1, element 1 (value_init)",
        ),
        (Report(application=tuple("ABC1"), segments=(Segment("MA5", ("\ud800",)),)), "allowed Unicode text"),
    ],
)
def test_nothing_is_written_that_no_reader_would_take(report: Report, told: str) -> None:
    with pytest.raises(BadReport) as caught:
        write(report)
    assert told in str(caught.value)


def test_a_file_that_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(BadReport, match=f"more than {LIMIT_BYTES} bytes"):
        read_any(b"D" * (LIMIT_BYTES + 1))


def test_names_of_elements_say_which_are_numbers() -> None:
    assert [kind_of("PA1", number) for number in range(1, 11)] == [
        *["", "number"],
        *[""] * 5,
        "number",
        "number",
        "",
    ]
    assert (kind_of("EA3", 2), kind_of("XX1", 1)) == ("time", "")
