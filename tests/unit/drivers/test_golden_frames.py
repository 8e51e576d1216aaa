"""Frames of every asking bus, byte by byte as the protocols' worked examples print them."""

import pytest

from edge.drivers import easivend, jinma, junpeng, lock8a, m102, modbus, tcn, tcn_lifter, zdm8, ziman
from edge.drivers.checks import crc16_modbus, crc16_xmodem, sum8, xor8
from edge.drivers.stream import Scanner
from edge.drivers.talk import Decoder

COUNTS = {"zdm8": frozenset({2, 4}), "relay": frozenset(range(1, 9))}


def test_check_sums_over_the_nine_digits() -> None:
    digits = b"123456789"
    assert (xor8(digits), sum8(digits)) == (0x31, 0xDD)
    assert crc16_modbus(digits) == bytes.fromhex("374b")  # low byte first
    assert crc16_modbus(digits, start=0) == bytes.fromhex("3dbb")
    assert crc16_xmodem(digits) == bytes.fromhex("31c3")


@pytest.mark.parametrize(
    ("made", "printed"),
    [
        (ziman.request(0x05, 17, b"\x02\x05"), "a80805110205cdfe"),
        (ziman.request(0x08, 19, b"\x01\x01"), "a80808130101cdfe"),
        (ziman.request(0x04, 20, b"\x02\x02"), "a80804140202ccfe"),
        (easivend.request(0x70, 12, seq=1, confirm=True), "ed0801700c000199"),
        (easivend.request(0x73, 12, seq=2), "ed0802730c000098"),
        (easivend.request(0x71, 12), "ed0800710c000098"),
        (m102.request(1, 0x03), "0103" + 32 * "0" + "d0e8"),
        (m102.request(1, 0x03, check=m102.Check.SALTED), "0103" + 32 * "0" + "ead1"),
        (m102.request(1, 0x05, b"\x0c\x02\x01"), "01050c0201" + 26 * "0" + "b48c"),
        (m102.request(1, 0x05, b"\x0c\x02\x01", check=m102.Check.SALTED), "01050c0201" + 26 * "0" + "438b"),
        (m102.request(1, 0x04, b"\x0c"), "01040c" + 30 * "0" + "67dc"),
        (m102.request(2, 0x01), "0201" + 32 * "0" + "81cc"),
        (zdm8.read(1, 0x0001, 2), "01030001000295cb"),
        (zdm8.read(1, 0x0003, 1), "010300030001740a"),
        (zdm8.read(1, 0x0008, 1), "01030008000105c8"),
        (modbus.request(1, 0x10, bytes.fromhex("2001000204000101 00")), "01102001000204000101 00fbf2"),
        (modbus.request(1, 0x10, bytes.fromhex("20010002040c0101 00")), "011020010002040c010100f8a2"),
        (modbus.request(1, 0x06, bytes.fromhex("10010101")), "0106100101011c9a"),
        (tcn.request(0, 5, tcn.ON), "00ff05faaa55"),
        (tcn.request(0, 5, tcn.OFF), "00ff05fa55aa"),
        (tcn.request(0, 0x64, tcn.ON), "00ff649baa55"),
        (tcn.request(0, 0x82, tcn.OFF), "00ff827d55aa"),
        (tcn.request(0, 0xDC, tcn.OFF), "00ffdc2355aa"),
        (tcn.request(0, 0xCE, 6), "00ffce3106f9"),
        (tcn_lifter.request(0x01, 0), "02030100000303"),
        (tcn_lifter.request(0x02, 0, b"\x0c\x00\x00"), "020602000c00000c0305"),
        (tcn_lifter.request(0x03, 0, b"\x01"), "0204030001010306"),
        (tcn_lifter.request(0x50, 0), "02035000000352"),
        (tcn_lifter.request(0x82, 0, b"\x04\x03\xe8"), "020682000403e8ef0385"),
        (jinma.request(0x00), "01010001"[:6] + "01"),
        (jinma.request(0x03, bytes.fromhex("0113010000015e01")), "010903011301000001 5e0147"),
        (jinma.request(0x05), "01010504"),
        (jinma.request(0x10, b"\x01"), "0102100113"),
        (junpeng.frame(0x10, 0x80, asked=False), "e5051040807b39"),
        (junpeng.frame(0x11, 0x83, bytes.fromhex("01020c010000")), "e50b11418301020c010000160b"),
        (junpeng.frame(0x14, 0x86, asked=False), "e505144086c73f"),
        (junpeng.frame(0x17, 0x85, b"\x12\x02"), "e5071741851202475a"),
        (lock8a.request(0x8A, 1, 3, 0x11), "8a01031199"),
        (lock8a.request(0x80, 1, 3, 0x33), "80010333b1"),
        (modbus.request(1, 0x05, modbus.words(0x0200, 7)), "0105020000078db0"),
        (modbus.request(1, 0x01, modbus.words(0, 8)), "0101000000083dcc"),
    ],
)
def test_a_request_is_what_the_protocol_prints(made: bytes, printed: str) -> None:
    assert made == bytes.fromhex(printed)


@pytest.mark.parametrize(
    ("decoder", "asked", "raw", "frame"),
    [
        ("ziman", "", "a80a051102051701e7fe", ziman.Frame(0x05, 17, bytes.fromhex("02051701"))),
        ("ziman", "", "a80904140608 01d8fe", ziman.Frame(0x04, 20, bytes.fromhex("060801"))),
        ("easivend", "", "ee0801700c00009b", easivend.Frame(1, 0x70, 12, 0)),
        ("easivend", "", "ee0801700c2100ba", easivend.Frame(1, 0x70, 12, 0x21)),
        (
            "m102",
            "0103",
            "0103020c00019000dc0bb823" + 12 * "0" + "333a",
            m102.Frame(3, bytes.fromhex("020c00019000dc0bb823" + 12 * "0")),
        ),
        (
            "m102",
            "0103",
            "0103020c00019000dc0bb823" + 12 * "0" + "1735",
            m102.Frame(3, bytes.fromhex("020c00019000dc0bb823" + 12 * "0")),
        ),
        ("zdm8", "0103", "01030200 00b844", modbus.Frame(3, b"\0\0")),
        ("zdm8", "0103", "0103020306 38b6", modbus.Frame(3, b"\x03\x06")),
        ("zdm8", "0103", "01030420020a0ad694", modbus.Frame(3, bytes.fromhex("20020a0a"))),
        ("zdm8", "0110", "0110200100021bc8", modbus.Frame(0x10, bytes.fromhex("20010002"))),
        ("zdm8", "0110", "019006cc02", modbus.Frame(0x10, b"", exception=6)),
        ("tcn", "00ff", "005d00aa07", tcn.Frame(True, 0, 0xAA)),
        ("tcn", "00ff", "005c40009c", tcn.Frame(False, 0x40, 0)),
        ("tcn", "00ff", "005d06eb4e", tcn.Frame(True, 6, 0xEB)),
        ("tcn_lifter", "", "0205010004242803 0d", tcn_lifter.Frame(1, b"\x04\x24")),
        ("tcn_lifter", "", "020501000100010305", tcn_lifter.Frame(1, b"\x01\x00")),
        ("jinma", "", "0102000103", jinma.Frame(0, b"\x01")),
        ("jinma", "", "010503011300 0216", jinma.Frame(3, bytes.fromhex("01130002"))),
        ("jinma", "", "01030503fffa", jinma.Frame(5, b"\x03\xff")),
        ("jinma", "", "01090503000200000000010c", jinma.Frame(5, bytes.fromhex("0300020000000001"))),
        (
            "jinma",
            "",
            "010b1000020006050002010000 19",
            jinma.Frame(0x10, bytes.fromhex("00020006050002010000")),
        ),
        ("junpeng", "", "e50510 4103e9e3", junpeng.Frame(0x10, True, 3, b"")),
        ("junpeng", "", "e505114001cda0", junpeng.Frame(0x11, False, 1, b"")),
        (
            "junpeng",
            "",
            "e50e1241080100 0c01000000 0004b8fa",
            junpeng.Frame(0x12, True, 8, bytes.fromhex("01000c010000000004")),
        ),
        ("lock8a", "8a01", "8a01030088", lock8a.Frame(0x8A, 3, 0)),
        ("relay", "0101", "0101014191b8", modbus.Frame(1, b"\x41")),
    ],
)
def test_an_answer_is_found_whole_in_pieces_behind_noise_and_before_the_next(
    decoder: str, asked: str, raw: str, frame: object
) -> None:
    good = bytes.fromhex(raw)
    spoiled = good[:-1] + bytes((good[-1] ^ 0x55,))
    for reads in ([good], [bytes((byte,)) for byte in good], [b"\x7f\x7e" + good], [good + good[:1]]):
        finder = new(decoder)
        finder.expect(bytes.fromhex(asked))
        assert [each for read in reads for each in finder.feed(read)] == [frame], reads
    finder = new(decoder)
    finder.expect(bytes.fromhex(asked))
    assert finder.feed(spoiled) == []
    finder.forget()  # as a driver does before it asks again
    assert finder.feed(good) == [frame]
    assert finder.skipped_bytes == len(spoiled)


def new(name: str) -> Decoder:
    """A decoder as the bus of this name makes it."""
    modules = {
        "ziman": ziman,
        "easivend": easivend,
        "m102": m102,
        "tcn": tcn,
        "tcn_lifter": tcn_lifter,
        "jinma": jinma,
        "junpeng": junpeng,
        "lock8a": lock8a,
    }
    if name in COUNTS:
        return Scanner(modbus.measure(COUNTS[name]), modbus.parse)
    module = modules[name]
    return Scanner(module._measure, module._parse)
