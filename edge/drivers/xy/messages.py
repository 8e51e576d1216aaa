"""What an XY board and its host can say to each other, as typed values (XY protocol V3.0, V3.2.11, V3.2.131).

Printed lengths differ between editions of the document, so each text is read field by field as far as it
goes: a field that a shorter frame leaves out is None. Opcodes stay below this file.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct
from types import MappingProxyType
from typing import Final

NOT_READ: Final = 0xAA  # the board writes this where a probe is absent


@dataclass(frozen=True, slots=True)
class Poll:
    """`41`: the board gives us the turn; the answer must begin within 100 ms."""


@dataclass(frozen=True, slots=True)
class Ack:
    """`42`: the exchange is complete."""


@dataclass(frozen=True, slots=True)
class Check:
    """`01`, ours: can this selection vend?"""

    lane: int


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """`02`: the answer; only status 01 can vend."""

    status: int
    lane: int


@dataclass(frozen=True, slots=True)
class VendStatus:
    """`04`: progress or result of a vend. For status 23 the lane field holds seconds."""

    status: int
    lane: int
    microwave: int | None = None


@dataclass(frozen=True, slots=True)
class KeyPress:
    """`05`: a selection was keyed; 0 means that it was cancelled."""

    lane: int


@dataclass(frozen=True, slots=True)
class Drive:
    """`06`, ours: run the motor of this selection. The only frame of this driver that moves something."""

    lane: int
    drop_sensor: bool
    lift: bool


@dataclass(frozen=True, slots=True)
class LaneReport:
    """`11`: one selection; `price` in the board's smallest unit, stock and capacity in pieces."""

    lane: int
    price: int | None = None
    stock: int | None = None
    capacity: int | None = None
    goods: int | None = None
    status: int | None = None
    cabinet: int | None = None
    door: int | None = None
    weight_g: int | None = None


@dataclass(frozen=True, slots=True)
class StockReport:
    """`13`: a selection's stock, in pieces."""

    lane: int
    stock: int


@dataclass(frozen=True, slots=True)
class CapacityReport:
    """`14`: how many pieces a selection holds."""

    lane: int
    capacity: int


@dataclass(frozen=True, slots=True)
class CashTaken:
    """`21`: a payment device took money, in the board's smallest unit. The card's number is not for logs."""

    mode: int
    amount: int
    card: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Credit:
    """`23`: credit now in the board."""

    amount: int


@dataclass(frozen=True, slots=True)
class DisplayLine:
    """`24`: a line for a display of the host's."""

    text: bytes
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Sync:
    """`31`: either side has started; from the host it asks for one `11` per selection."""


@dataclass(frozen=True, slots=True)
class Version:
    """`32`: software version."""

    text: str


@dataclass(frozen=True, slots=True)
class AskStatus:
    """`51`, ours: machine status, please."""


@dataclass(frozen=True, slots=True)
class MachineStatus:
    """`52`: peripherals raw, temperatures in degrees Celsius (None: not read), door byte raw."""

    note_validator: int
    coin_acceptor: int
    card_reader: int
    temperature_controller: int
    temperature_c: int | None
    door: int
    note_change: int | None = None
    coin_change: int | None = None
    machine_id: str = ""
    cabinets_c: tuple[int | None, ...] = ()
    humidity: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AskDelivery:
    """`53`, ours: delivery status, please."""


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """`54`: 0 normal, else what keeps the elevator or the delivery door busy."""

    status: int


@dataclass(frozen=True, slots=True)
class AskMenu:
    """`70` with operation 00, ours: read an entry of the service menu; `lane` where the entry is a lane's."""

    kind: int
    lane: int | None = None


@dataclass(frozen=True, slots=True)
class UseMenu:
    """`70`, ours: an entry of the service menu with its parameters; operation 00 reads, 01 sets or does."""

    kind: int
    operation: int
    parameters: bytes = b""


@dataclass(frozen=True, slots=True)
class MenuAnswer:
    """`71`: the answer to a `70`. It says which entry, and of a lane's entry not which lane."""

    kind: int
    operation: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Other:
    """A frame this driver has no words for, or one too short to mean anything."""

    cmd: int
    text: bytes


Command = Check | Drive | Sync | AskStatus | AskDelivery | AskMenu | UseMenu | Other
Message = (
    Command
    | Poll
    | Ack
    | CheckAnswer
    | VendStatus
    | KeyPress
    | LaneReport
    | StockReport
    | CapacityReport
    | CashTaken
    | Credit
    | DisplayLine
    | Version
    | MachineStatus
    | DeliveryStatus
    | MenuAnswer
)


def build(command: Command) -> tuple[int, bytes]:
    """Opcode and text of a command of ours."""
    match command:
        case Check(lane):
            return 0x01, lane.to_bytes(2, "big")
        case Drive(lane, drop_sensor, lift):
            return 0x06, bytes((drop_sensor, lift)) + lane.to_bytes(2, "big")
        case Sync():
            return 0x31, b""
        case AskStatus():
            return 0x51, b""
        case AskDelivery():
            return 0x53, b""
        case AskMenu(kind, lane):
            return 0x70, bytes((kind, 0)) + (b"" if lane is None else lane.to_bytes(2, "big"))
        case UseMenu(kind, operation, parameters):
            return 0x70, bytes((kind, operation)) + parameters
        case Other(cmd, text):
            return cmd, text


def parse(cmd: int, text: bytes) -> Message:
    """The meaning of a frame from either side; `Other` for what has none."""
    least, read = _READERS.get(cmd, (0, None))
    return Other(cmd, text) if read is None or len(text) < least else read(text)


_LANE: Final = Struct(">HIBBHB")


def _number(text: bytes, at: int, width: int) -> int | None:
    """A big-endian field, or None where the frame ends before it does."""
    return int.from_bytes(text[at : at + width], "big") if len(text) >= at + width else None


def _celsius(byte: int) -> int | None:
    return None if byte == NOT_READ else int.from_bytes((byte,), "big", signed=True)


def _ascii(text: bytes) -> str:
    """Printable characters only: what a board sends ends up in logs and on pages."""
    return "".join(chr(byte) for byte in text if 0x20 <= byte < 0x7F).strip()


def _vend_status(text: bytes) -> VendStatus:
    # One edition prints LEN 3 for simple machines: then the selection is the single byte that is left.
    return VendStatus(text[0], int.from_bytes(text[1:3], "big"), _number(text, 3, 1))


def _drive(text: bytes) -> Drive:
    return Drive(int.from_bytes(text[2:4], "big"), drop_sensor=text[0] == 1, lift=text[1] == 1)


def _lane_report(text: bytes) -> LaneReport:
    if len(text) == _LANE.size:  # as nearly every machine sends it
        return LaneReport(*_LANE.unpack(text))
    widths = ((2, 4), (6, 1), (7, 1), (8, 2), (10, 1), (11, 1), (12, 1), (13, 2))
    return LaneReport(int.from_bytes(text[:2], "big"), *(_number(text, at, width) for at, width in widths))


def _machine_status(text: bytes) -> MachineStatus:
    return MachineStatus(
        note_validator=text[0],
        coin_acceptor=text[1],
        card_reader=text[2],
        temperature_controller=text[3],
        temperature_c=_celsius(text[4]),
        door=text[5],
        note_change=_number(text, 6, 4),
        coin_change=_number(text, 10, 4),
        machine_id=_ascii(text[14:24]),
        cabinets_c=tuple(_celsius(byte) for byte in text[24:32]),
        humidity=tuple(text[32:40]),
    )


# Opcode -> (the shortest text that means something, its reader).
_READERS: Final = MappingProxyType[int, tuple[int, Callable[[bytes], Message]]](
    {
        0x01: (2, lambda text: Check(int.from_bytes(text[:2], "big"))),
        0x02: (3, lambda text: CheckAnswer(text[0], int.from_bytes(text[1:3], "big"))),
        0x04: (2, _vend_status),
        0x05: (2, lambda text: KeyPress(int.from_bytes(text[:2], "big"))),
        0x06: (4, _drive),
        0x11: (2, _lane_report),
        0x13: (3, lambda text: StockReport(int.from_bytes(text[:2], "big"), text[2])),
        0x14: (3, lambda text: CapacityReport(int.from_bytes(text[:2], "big"), text[2])),
        0x21: (5, lambda text: CashTaken(text[0], int.from_bytes(text[1:5], "big"), text[5:])),
        0x23: (4, lambda text: Credit(int.from_bytes(text[:4], "big"))),
        0x24: (1, lambda text: DisplayLine(text[:16], _number(text, 17, 1))),
        0x31: (0, lambda text: Sync()),
        0x32: (1, lambda text: Version(_ascii(text))),
        0x41: (0, lambda text: Poll()),
        0x42: (0, lambda text: Ack()),
        0x51: (0, lambda text: AskStatus()),
        0x52: (6, _machine_status),
        0x53: (0, lambda text: AskDelivery()),
        0x54: (1, lambda text: DeliveryStatus(text[0])),
        0x71: (2, lambda text: MenuAnswer(text[0], text[1], text[2:])),
    }
)
