"""Golden bytes of the XY protocol's worked examples, and streams as a line delivers them."""

import pytest

from edge.drivers.xy.codec import ACK, Decoder, encode
from edge.drivers.xy.messages import (
    Ack,
    AskDelivery,
    AskStatus,
    CashTaken,
    Check,
    CheckAnswer,
    Command,
    Credit,
    DeliveryStatus,
    DisplayLine,
    Drive,
    KeyPress,
    LaneReport,
    MachineStatus,
    MenuAnswer,
    Message,
    Other,
    Poll,
    Sync,
    VendStatus,
    Version,
)
from tests.unit.drivers.xy_bench import STATUS_TEXT, frame

STATUS_OF_THE_DOCUMENT = MachineStatus(
    note_validator=0,
    coin_acceptor=1,
    card_reader=2,
    temperature_controller=0,
    temperature_c=5,
    door=1,
    note_change=0,
    coin_change=3000,
    machine_id="0000012345",
    cabinets_c=(5, None, None, None, None, None, None, None),
)

COMMANDS: list[tuple[str, int, Command]] = [
    ("FA FB 31 01 01 30", 1, Sync()),
    ("FA FB 01 03 01 00 0C 0E", 1, Check(12)),
    ("FA FB 06 05 02 01 00 00 0C 0D", 2, Drive(12, drop_sensor=True, lift=False)),
    ("FA FB 06 05 02 01 00 00 01 00", 2, Drive(1, drop_sensor=True, lift=False)),
    ("FA FB 12 07 03 00 0C 00 00 01 90 8A", 3, Other(0x12, bytes.fromhex("000c00000190"))),
    ("FA FB 16 02 04 05 14", 4, Other(0x16, b"\x05")),
    ("FA FB 27 06 05 05 00 00 01 5E 7F", 5, Other(0x27, bytes.fromhex("050000015e"))),
    ("FA FB 51 01 06 57", 6, AskStatus()),
    ("FA FB 70 06 08 38 01 01 00 0C 4B", 8, Other(0x70, bytes.fromhex("380101000c"))),
    ("FA FB 70 05 09 47 00 00 0C 36", 9, Other(0x70, bytes.fromhex("4700000c"))),
]

REPORTS: list[tuple[str, int, Message]] = [
    ("FA FB 41 00 40", 0, Poll()),
    ("FA FB 42 00 43", 0, Ack()),
    ("FA FB 02 04 07 01 00 0C 0D", 7, CheckAnswer(1, 12)),
    ("FA FB 02 04 08 02 01 05 09", 8, CheckAnswer(2, 261)),
    ("FA FB 04 04 09 01 00 0C 05", 9, VendStatus(1, 12)),
    ("FA FB 04 04 0A 02 00 0C 05", 10, VendStatus(2, 12)),
    ("FA FB 04 04 0A 03 00 0C 04", 10, VendStatus(3, 12)),
    ("FA FB 04 05 0A 24 00 0C 01 23", 10, VendStatus(0x24, 12, microwave=1)),
    ("FA FB 05 03 21 00 17 31", 0x21, KeyPress(23)),
    ("FA FB 05 03 22 00 00 25", 0x22, KeyPress(0)),
    (
        "FA FB 11 0C 30 00 0C 00 00 01 5E 05 08 03 E9 00 98",
        0x30,
        LaneReport(12, price=350, stock=5, capacity=8, goods=1001, status=0),
    ),
    ("FA FB 21 06 31 05 00 00 01 5E 4D", 0x31, CashTaken(5, 350)),
    ("FA FB 21 06 BF 01 00 1E 84 80 82", 0xBF, CashTaken(1, 2_000_000)),
    ("FA FB 23 05 32 00 00 00 00 15", 0x32, Credit(0)),
    (
        "FA FB 52 21 33 00 01 02 00 05 01 00 00 00 00 00 00 0B B8 30 30 30 30 30 31 32 33 34 35 "
        "05 AA AA AA AA AA AA AA 5B",
        0x33,
        STATUS_OF_THE_DOCUMENT,
    ),
    ("FA FB 71 04 35 38 01 00 78", 0x35, MenuAnswer(0x38, 1, b"\0")),
    ("FA FB 71 06 37 36 00 00 EE 00 99", 0x37, MenuAnswer(0x36, 0, bytes.fromhex("00ee00"))),
    (
        "FA FB 71 0B 36 47 00 00 00 00 2A 00 00 39 6C 75",
        0x36,
        MenuAnswer(0x47, 0, bytes.fromhex("0000002a0000396c")),
    ),
    ("FA FB 71 08 38 33 00 02 00 0C 00 17 6A", 0x38, MenuAnswer(0x33, 0, bytes.fromhex("02000c0017"))),
]


@pytest.mark.parametrize(("golden", "pack_no", "command"), COMMANDS)
def test_a_command_of_the_host_is_written_as_the_document_shows(
    golden: str, pack_no: int, command: Command
) -> None:
    assert encode(command, pack_no) == bytes.fromhex(golden)


@pytest.mark.parametrize(("golden", "pack_no", "message"), [*COMMANDS, *REPORTS])
def test_a_frame_of_either_side_is_understood(golden: str, pack_no: int, message: Message) -> None:
    (found,) = Decoder().feed(bytes.fromhex(golden))
    assert (found.pack_no, found.message) == (pack_no, message)


@pytest.mark.parametrize(
    ("cmd", "text", "message"),
    [
        (0x04, "020c", VendStatus(2, 12)),  # the edition that prints LEN 3
        (0x04, "23005a01", VendStatus(0x23, 90, microwave=1)),
        (0x11, "000c", LaneReport(12)),
        (0x11, "000c0000015e0508", LaneReport(12, price=350, stock=5, capacity=8)),
        (
            "11",
            "000c0000015e050803e901020100fa",
            LaneReport(
                12, price=350, stock=5, capacity=8, goods=1001, status=1, cabinet=2, door=1, weight_g=250
            ),
        ),
        (0x21, "030000012c39393939", CashTaken(3, 300, b"9999")),
        (0x24, "48656c6c6f2020202020202020202020 00 02", DisplayLine(b"Hello           ", 2)),
        (0x24, "48", DisplayLine(b"H")),
        (0x32, "56332e322e313100000000000000 00", Version("V3.2.11")),
        (0x53, "", AskDelivery()),
        (0x54, "01", DeliveryStatus(1)),
        (0x02, "01", Other(0x02, b"\x01")),  # too short to name a selection
        (0x52, "0001", Other(0x52, b"\x00\x01")),
        (0x99, "0102", Other(0x99, b"\x01\x02")),
    ],
)
def test_the_length_of_a_frame_decides_which_fields_it_has(
    cmd: int | str, text: str, message: Message
) -> None:
    opcode = int(cmd, 16) if isinstance(cmd, str) else cmd
    (found,) = Decoder().feed(frame(opcode, 9, bytes.fromhex(text)))
    assert found.message == message


def test_a_long_status_has_humidity_and_signed_temperatures() -> None:
    cold = bytearray(STATUS_TEXT + bytes(range(8)))
    cold[4], cold[24] = 0xEE, 0xEE
    (found,) = Decoder().feed(frame(0x52, 1, bytes(cold)))
    assert isinstance(found.message, MachineStatus)
    assert found.message.temperature_c == -18
    assert found.message.cabinets_c[:2] == (-18, None)
    assert found.message.humidity == tuple(range(8))


def test_a_temperature_that_was_not_read_is_none() -> None:
    (found,) = Decoder().feed(frame(0x52, 1, bytes((0, 0, 0, 0, 0xAA, 1))))
    assert isinstance(found.message, MachineStatus)
    assert found.message.temperature_c is None
    assert found.message.machine_id == ""


def test_a_card_number_is_not_shown() -> None:
    assert "9999" not in repr(CashTaken(3, 300, b"9999"))


# A blank is where the read was cut.
@pytest.mark.parametrize(
    ("reads", "pack_nos"),
    [
        ("fafb0404 0a02000c05", [10]),  # one frame, two reads
        ("fa fb 04 04 0a 02 00 0c 05", [10]),  # byte by byte
        ("fafb04040a02000c05fafb04040b02000c04", [10, 11]),  # two frames share a read
        ("fafb04040a02000c05fafb04 040b02000c04", [10, 11]),
        ("00ff13fafb04040a02000c05", [10]),  # noise first
        ("fafafb04040a02000c05", [10]),  # a doubled start byte
        ("fafbfafb04040a02000c05" + "00" * 300, [10]),  # half a frame first
        ("fafb04040a02000cff fafb04040b02000c04", [11]),  # wrong check, then good
        ("fafb04040a02000c04", []),  # one bit of the check
        ("fafb0404fafb04040b02000c04", [11]),  # a frame that was cut off
        ("fafb0405fafafb01000c", []),  # a start inside, no end
        ("fafb060502010000 01 00", [2]),  # a check byte of zero is a check byte
        ("fafb2405 05fafb4100 65", [5]),  # a POLL's bytes inside a text are text
    ],
)
def test_frames_survive_any_chunking(reads: str, pack_nos: list[int]) -> None:
    decoder = Decoder()
    found = [each for part in reads.split() for each in decoder.feed(bytes.fromhex(part))]
    assert [each.pack_no for each in found] == pack_nos


def test_a_decoder_counts_what_it_found_and_what_it_skipped() -> None:
    decoder = Decoder()
    decoder.feed(bytes.fromhex("0000fafb410041fafb410040"))
    assert (decoder.frames, decoder.bad_checks, decoder.skipped_bytes) == (1, 1, 7)


def test_a_frame_that_was_begun_before_a_silence_does_not_swallow_the_next() -> None:
    decoder = Decoder()
    assert decoder.feed(bytes.fromhex("fafb52ff")) == []
    decoder.forget()
    assert [each.message for each in decoder.feed(bytes.fromhex("fafb410040"))] == [Poll()]


def test_the_host_acknowledges_as_the_document_shows() -> None:
    assert bytes.fromhex("fafb420043") == ACK


def test_pack_number_zero_is_never_written() -> None:
    with pytest.raises(AssertionError):
        encode(Sync(), 0)
