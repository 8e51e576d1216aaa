"""Sessions of a machine that sends its report, as a recorder on the wire has them. Own codec, own CRC."""

from collections.abc import Sequence

EXAMPLE = (
    (
        "DXS*WXP0000001*VA*V0/6*1\n"
        "ST*001*0001\n"
        "ID1*VM0001*SIM40*0100*LOBBY**A-17\n"
        "ID4*2*156*CNY\n"
        "VA1*1050*3*350*1\n"
        "CA2*0*0*0*0\n"
        "DA2*1050*3*350*1\n"
        "PA1*12*350*COLA****0\n"
        "PA2*2*700*1*350\n"
        "PA1*13*350*TEA****0\n"
        "PA2*1*350*0*0\n"
        "EA2*EGS*1*4**0\n"
        "EA2*EJB_12*0*1**0\n"
        "EA3*2*251123*1230*WXP0000001*251122*0900*WXP0000001**5*2\n"
        "EA7*0*3\n"
        "G85*AEE1\n"
        "SE*16*0001\n"
        "DXE*1*1\n"
    )
    .replace("\n", "\r\n")
    .encode()
)

FIRST_HANDSHAKE = bytes.fromhex("05 1030 1001") + b"XYZ1234567RR00L06" + bytes.fromhex("1003 7B06 1031 04")
SECOND_HANDSHAKE = bytes.fromhex("05 1030 1001") + b"00QRS7654321R00L06" + bytes.fromhex("1003 5311 1031 04")
START, STACK = bytes.fromhex("0506400000015C55"), bytes.fromhex("0507400606018234")
ACK, NACK = bytes.fromhex("0501400200014855"), bytes.fromhex("050242010001FDED")
READ = bytes.fromhex("77E200020100 0000 00")
FINISH = bytes.fromhex("810240050301A320 77FF67B0")


def crc(data: bytes) -> bytes:
    """CRC-16/ARC bit by bit, low byte first."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return bytes((value & 0xFF, value >> 8))


def pieces(text: bytes, size: int) -> list[bytes]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def dex_block(data: bytes, *, last: bool) -> bytes:
    end = b"\x03" if last else b"\x17"
    return b"\x10\x02" + data + b"\x10" + end + crc(data + end)


def dex_blocks(text: bytes, size: int = 100) -> list[bytes]:
    parts = pieces(text, size)
    return [dex_block(part, last=number == len(parts)) for number, part in enumerate(parts, 1)]


def dex_session(blocks: Sequence[bytes]) -> bytes:
    """Both sides: two handshakes, then each block with its answer."""
    answers = (b"\x10\x31", b"\x10\x30")
    told = b"".join(block + answers[number % 2] for number, block in enumerate(blocks))
    return FIRST_HANDSHAKE + SECOND_HANDSHAKE + b"\x05\x10\x30" + told + b"\x04"


def ddcmp_data(data: bytes, number: int, *, last: bool = False) -> bytes:
    header = bytes((0x81, len(data) & 0xFF, 0x40 | last << 7 | len(data) >> 8, 0, number & 0xFF, 1))
    return header + crc(header) + data + crc(data)


def ddcmp_blocks(text: bytes, size: int = 100) -> list[bytes]:
    parts = pieces(text, size)
    return [
        ddcmp_data(bytes((0x99, number & 0xFF)) + part, number + 3, last=number + 1 == len(parts))
        for number, part in enumerate(parts)
    ]


def ddcmp_session(blocks: Sequence[bytes]) -> bytes:
    """Both sides: start, READ of list 2 and its answer, each block with its ACK, FINISH."""
    asked = ddcmp_data(READ, 2) + ACK + ddcmp_data(bytes.fromhex("88E201FFFF"), 2) + ACK
    return START + STACK + asked + b"".join(block + ACK for block in blocks) + FINISH + ACK
