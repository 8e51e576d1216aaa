"""Junpeng and Easivend controllers, `E5` frames: the machine polls, and gives the turn with each poll.

A command goes out as the answer to a poll, under the poll's number. The result of a vend comes by itself
later, up to three times, and is acknowledged; if nobody was there to hear it, the machine's counters are all
that is left (Junpeng protocol, part B).
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from edge.core.judge import Counts, Ending, Evidence, Recovery, Witness
from edge.core.model import Baseline, Outcome, Uncertain, VendOrder, Withheld
from edge.drivers.checks import crc16_xmodem
from edge.drivers.evidence import failed, judged, rejected
from edge.drivers.limits import LineSettings, expect_range
from edge.drivers.stream import MORE, NO_START, Scanner
from edge.drivers.talk import Ask, Say, Talk
from edge.ports import (
    BusDown,
    BusEvent,
    CancelPressed,
    Capabilities,
    CashReported,
    KeyPressed,
    LaneReported,
    VendProgress,
)

TURN_MS: Final = 3_000  # a poll comes several times a second; three tries of 1.5 s mark us offline
ANSWER_MS: Final = 3_000
RESENT_MS: Final = 6_000  # three sendings, 1.5 s apart
START_S: Final = 3
CHANNELS: Final = 80
_HEAD, _ASKED, _UNASKED = 0xE5, 0x41, 0x40
_ACK, _NAK, _POLL, _SETUP, _PAYIN, _VENDED, _ACTION, _BUTTON, _STATUS, _CHANNELS, _INFO = (
    *(0x01, 0x02, 0x03, 0x05, 0x06, 0x08, 0x0B, 0x0C, 0x0D, 0x0E, 0x11),
)
_HOST_ACK, _VENDOUT, _CONTROL, _GET_STATUS, _GET_CHANNELS, _GET_INFO, _GET_SETUP = (
    *(0x80, 0x83, 0x85, 0x86, 0x8A, 0x8C, 0x90),
)
_DECIMALS, _READY = 18, 19
_SALES: Final = 6
_BY_CHANNEL, _NOT_CASH = 2, 1
_KEYPAD, _GOODS, _LEVER = 1, 2, 4
_RESTARTED: Final = 7
_LANE_FAULTS: Final = {0: "", 1: "lane_fault", 2: "no_such_lane", 3: "paused"}
_PAID_IN: Final = {0: "coin", 1: "note"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JunpengSettings(LineSettings):
    """One cabinet, counted from 1; a lane less `lane_offset` is its channel. Prices have `decimal_places`."""

    bus: ClassVar[str] = "junpeng"

    cabinet: int = 1
    decimal_places: int = 2
    drop_sensor: bool = True
    motor_s: int = 60

    def __post_init__(self) -> None:
        LineSettings.__post_init__(self)
        expect_range("cabinet", self.cabinet, low=1, high=16)
        expect_range("decimal_places", self.decimal_places, low=0, high=2)
        expect_range("motor_s", self.motor_s, low=5, high=300)
        self.expect_numbers(low=1, high=CHANNELS)


@dataclass(frozen=True, slots=True)
class Frame:
    """One good frame of the machine. `asked`: it wants to be acknowledged."""

    number: int
    asked: bool
    message: int
    data: bytes


def frame(number: int, message: int, data: bytes = b"", *, asked: bool = True) -> bytes:
    """The bytes of a frame; `number` is that of the poll or message that it answers."""
    body = bytes((_HEAD, 5 + len(data), number, _ASKED if asked else _UNASKED, message)) + data
    return body + crc16_xmodem(body)


def _measure(held: bytes, _: bytes) -> int:
    if held[0] != _HEAD:
        return NO_START
    if len(held) < 2:
        return MORE
    return held[1] + 2 if 5 <= held[1] <= 0xF0 else NO_START


def _parse(raw: bytes) -> Frame | None:
    if crc16_xmodem(raw[:-2]) != raw[-2:]:
        return None
    return Frame(raw[2], bool(raw[3] & 1), raw[4], raw[5:-2])


class Junpeng:
    """Implements `edge.drivers.talk.Bus`."""

    quiet = False
    gap_ms = 0
    settle_ms = 1_000
    idle_ms = 3_000

    def __init__(self, settings: JunpengSettings) -> None:
        self._settings: Final = settings
        self._witness: Final = Witness(
            recovery=Recovery.COUNTERS,
            drop_sensor=settings.drop_sensor,
            counts=Counts.ENDS,
            counter_bits=32,
        )

    @property
    def capabilities(self) -> Capabilities:
        """What a machine does with a repeated start is not documented: none is ever repeated."""
        return Capabilities(
            bus="junpeng",
            witness=self._witness,
            repeat_is_harmless=False,
            seq_bits=8,
            start_s=START_S,
            motor_s=self._settings.motor_s,
            keypad=True,
        )

    def decoder(self) -> Scanner:
        """A new one, for one opening of the port."""
        return Scanner(_measure, _parse)

    def reply(self, frame_in: Any) -> bytes:
        """A poll without a command, and everything that wants it, is acknowledged under its own number."""
        wanted = frame_in.message == _POLL or (frame_in.asked and frame_in.message not in (_ACK, _NAK))
        return frame(frame_in.number, _HOST_ACK, asked=False) if wanted else b""

    def stray(self, frame_in: Any) -> tuple[BusEvent, ...]:
        """Keys, money and restarts come by themselves."""
        data = frame_in.data
        match frame_in.message:
            case 0x0C if len(data) >= 2 and data[0] in (_KEYPAD, _GOODS) and data[1]:
                return (KeyPressed(lane=data[1] + self._settings.lane_offset),)
            case 0x0C if len(data) >= 1 and data[0] == _LEVER:
                return (CancelPressed(),)
            case 0x06 if len(data) >= 3:
                unit = 10 ** (2 - self._settings.decimal_places)
                amount = unit * int.from_bytes(data[1:3], "big")
                return (CashReported(mode=_PAID_IN.get(data[0], "escrow"), amount_fen=amount),)
            case 0x0E:
                return self._lanes(data)
            case 0x0B if data[:1] == bytes((_RESTARTED,)):
                return (BusDown(why="board_restarted"),)
        return ()

    def dismiss(self, lane: int) -> bytes:
        """The machine asked for nothing."""
        return b""

    def alike(self, frame: bytes) -> bool:
        """Both sides' frames differ."""
        return False

    # ------------------------------------------------------------ scripts

    def identify(self) -> Talk[str | None]:
        """The start-up as the machine expects it, then the channels with their stock."""
        setup = yield self._ask(_GET_SETUP, b"", _SETUP)
        if setup.frame is None:
            return None
        yield self._ask(_CONTROL, bytes((_READY, 0)), _ACK)
        yield self._ask(_GET_STATUS, b"", _STATUS)
        yield self._ask(_CONTROL, bytes((_DECIMALS, self._settings.decimal_places)), _ACK)
        channels = yield from self._channels()
        if channels is None:
            return None
        for event in self._lanes(channels):
            yield Say(event)
        model = setup.frame.data[2] if len(setup.frame.data) > 2 else 0
        return f"Junpeng model {model}"

    def look(self) -> Talk[bool]:
        """Whether it still polls."""
        heard = yield Ask(wait_ms=TURN_MS, answers=lambda seen: seen.message == _POLL)
        return heard.frame is not None

    def check(self, lane: int) -> Talk[str]:
        """The channel's state and stock."""
        if lane not in self._settings.lanes:
            return "no_such_lane"
        channels = yield from self._channels()
        if channels is None:
            return "no_answer"
        seen = channels[1 + lane - self._settings.lane_offset - 1]
        return _LANE_FAULTS[seen >> 6] or ("" if seen & 0x3F else "sold_out")

    def baseline(self, lane: int) -> Talk[Baseline | None]:
        """The lane's stock, and how often the whole machine has sold."""
        channels = yield from self._channels()
        sold = yield from self._sold()
        if channels is None:
            return None
        return Baseline(stock=channels[lane - self._settings.lane_offset] & 0x3F, count=sold)

    def vend(self, order: VendOrder) -> Talk[Outcome]:
        """One command in one turn; its acknowledgement says that it was heard, the result comes later."""
        channel = order.lane - self._settings.lane_offset
        data = bytes((self._settings.cabinet, _BY_CHANNEL, channel, _NOT_CASH, 0, 0))
        command = _Command(_VENDOUT, data)
        heard = yield Ask(
            turn=command.in_turn,
            wait_ms=TURN_MS,
            answers=lambda seen: command.answered(seen) or self._is_news(seen, channel),
            start_before_ms=order.start_before_ms,
        )
        if heard.withheld:
            return Withheld(why=heard.withheld)
        if heard.frame is not None and heard.frame.message == _NAK:
            return rejected("refused", "the machine did not take the command")
        if heard.frame is None or heard.frame.message == _ACK:
            if heard.frame is not None:
                yield Say(VendProgress(sale_id=order.sale_id, step="dispensing"))
            heard = yield Ask(
                wait_ms=1000 * self._settings.motor_s,
                answers=lambda seen: self._is_news(seen, channel),
            )
        if heard.frame is None:
            return judged(self._witness, order, Evidence(answered=False))
        if _restarted(heard.frame):
            return Uncertain(why="board_restarted", evidence="the machine restarted meanwhile")
        return self._concluded(order, heard.frame)

    def recover(self, order: VendOrder) -> Talk[Outcome]:
        """Hear a result that is still repeated; else compare stock and counter, which must agree."""
        channel = order.lane - self._settings.lane_offset
        heard = yield Ask(wait_ms=RESENT_MS, answers=lambda seen: self._is_result(seen, channel))
        if heard.frame is not None:
            return self._concluded(order, heard.frame)
        channels = yield from self._channels()
        sold = yield from self._sold()
        if channels is None:
            return judged(self._witness, order, Evidence(answered=False))
        stock = channels[channel] & 0x3F
        words = f"stock {order.baseline.stock} to {stock}, sales {order.baseline.count} to {sold}"
        # The counter is the whole machine's: only with the lane's own stock is a sale this lane's.
        agree = order.baseline.stock is not None and order.baseline.stock - stock == 1
        return judged(self._witness, order, Evidence(count=sold if agree else None, kept=True, words=words))

    # ------------------------------------------------------------ helpers

    def _concluded(self, order: VendOrder, result: Frame) -> Outcome:
        words = f"cabinet {result.data[0]}, channel {result.data[2]}: status {result.data[1]}"
        if result.data[1]:
            return failed("no_drop" if self._settings.drop_sensor else "motor_fault", words)
        ending = Ending.DROPPED if self._settings.drop_sensor else Ending.RAN
        return judged(self._witness, order, Evidence(repeated=ending, words=words))

    def _is_news(self, seen: Frame, channel: int) -> bool:
        return self._is_result(seen, channel) or _restarted(seen)

    def _is_result(self, seen: Frame, channel: int) -> bool:
        found = seen.message == _VENDED and len(seen.data) >= 9
        return found and (seen.data[0], seen.data[2]) == (self._settings.cabinet, channel)

    def _channels(self) -> Talk[bytes | None]:
        """Cabinet, then a byte for each channel: state and stock."""
        heard = yield self._ask(_GET_CHANNELS, bytes((self._settings.cabinet,)), _CHANNELS)
        if heard.frame is None or len(heard.frame.data) < 1 + CHANNELS:
            return None
        data: bytes = heard.frame.data
        return data

    def _sold(self) -> Talk[int | None]:
        """How often the machine has sold; None where it does not say."""
        heard = yield self._ask(_GET_INFO, bytes((_SALES,)), _INFO)
        if heard.frame is None or heard.frame.data[:1] != bytes((_SALES,)) or len(heard.frame.data) < 5:
            return None
        return int.from_bytes(heard.frame.data[1:5], "big")

    def _lanes(self, data: bytes) -> tuple[BusEvent, ...]:
        """The channels that are lanes of this machine."""
        if len(data) < 1 + CHANNELS or data[0] != self._settings.cabinet:
            return ()
        seen = {lane: data[lane - self._settings.lane_offset] for lane in self._settings.lanes}
        return tuple(
            LaneReported(lane=lane, stock=byte & 0x3F, capacity=None, fault=_LANE_FAULTS[byte >> 6])
            for lane, byte in seen.items()
        )

    def _ask(self, message: int, data: bytes, answer: int) -> Ask:
        return Ask(
            turn=_Command(message, data).in_turn,
            wait_ms=ANSWER_MS,
            answers=lambda seen: seen.message == answer,
        )


class _Command:
    """A command on its way: it goes out as the answer to a poll, and its answer bears the same number."""

    def __init__(self, message: int, data: bytes) -> None:
        self._message: Final = message
        self._data: Final = data
        self._number: int | None = None

    def in_turn(self, seen: Frame) -> bytes | None:
        """Its bytes, when this frame gives the turn."""
        if seen.message != _POLL:
            return None
        self._number = seen.number
        return frame(seen.number, self._message, self._data)

    def answered(self, seen: Frame) -> bool:
        """Taken, or refused."""
        return seen.message in (_ACK, _NAK) and seen.number == self._number


def _restarted(seen: Frame) -> bool:
    return seen.message == _ACTION and seen.data[:1] == bytes((_RESTARTED,))
