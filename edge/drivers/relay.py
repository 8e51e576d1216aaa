"""Plain Modbus relay boards: a contact that closes for a while, and no word about what came of it.

A relay proves no delivery. Only boards that time the pulse themselves are driven ("flash on", from address
0200): a host that dies in between must not leave a lock energised (Modbus board protocols, part B).
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from edge.core.judge import Ending, Evidence, Recovery, Witness
from edge.core.model import Baseline, Outcome, VendOrder, Withheld
from edge.drivers import modbus
from edge.drivers.evidence import rejected
from edge.drivers.limits import LineSettings, expect_range
from edge.drivers.modbus import READ_COILS, WRITE_COIL
from edge.drivers.talk import Ask, OnlyAnswers, Pause, Say, Talk
from edge.ports import Capabilities, LaneReported

REPLY_MS: Final = 500
START_S: Final = 1
_FLASH_ON: Final = 0x0200
_COUNTS: Final = frozenset(range(1, 9))  # bytes of contacts in one answer


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings(LineSettings):
    """One board. A lane less `lane_offset` is its relay, counted from 1; `relays`: how many it has.

    `pulse_ms`: how long a contact closes, in steps of 100. `accept_without_proof` must be true: with it the
    owner says that a closed contact counts as delivered, because nothing on this bus can tell.
    """

    bus: ClassVar[str] = "relay"

    address: int = 1
    relays: int = 8
    pulse_ms: int = 700
    accept_without_proof: bool = False

    def __post_init__(self) -> None:
        LineSettings.__post_init__(self)
        expect_range("address", self.address, low=1, high=247)
        expect_range("relays", self.relays, low=1, high=64)
        expect_range("pulse_ms", self.pulse_ms, low=100, high=30_000)
        if self.pulse_ms % 100:
            raise ValueError(f"pulse_ms: found {self.pulse_ms}; allowed is steps of 100")
        if not self.accept_without_proof:
            raise ValueError(
                "accept_without_proof: found false; allowed is true, once the owner knows that a relay "
                "proves no delivery and every pulse that was acknowledged counts as one"
            )
        self.expect_numbers(low=1, high=self.relays)


class Relay(OnlyAnswers):
    """Implements `edge.drivers.talk.Bus`."""

    gap_ms = 20
    settle_ms = 1_000
    idle_ms = 3_000

    def __init__(self, settings: RelaySettings) -> None:
        self._settings: Final = settings
        # A second pulse opens again: none is ever repeated.
        can = Capabilities(
            bus="relay",
            witness=Witness(recovery=Recovery.NONE),
            repeat_is_harmless=False,
            seq_bits=8,
            start_s=START_S,
            motor_s=settings.pulse_ms // 1000 + START_S,
            keypad=False,
            proves_delivery=False,
        )
        super().__init__(can, modbus.measure(_COUNTS), modbus.parse)

    def alike(self, frame: bytes) -> bool:
        """A pulse is acknowledged with the bytes that asked for it."""
        return frame[1] == WRITE_COIL

    # ------------------------------------------------------------ scripts

    def identify(self) -> Talk[str | None]:
        """All contacts are open."""
        coils = yield from self._coils()
        if coils is None or coils:
            return None
        for lane in self._settings.lanes:
            yield Say(LaneReported(lane=lane, stock=None, capacity=None))
        return f"relay board {self._settings.address}"

    def look(self) -> Talk[bool]:
        """Whether it is there."""
        return (yield from self._coils()) is not None

    def check(self, lane: int) -> Talk[str]:
        """The contact is open."""
        if lane not in self._settings.lanes:
            return "no_such_lane"
        coils = yield from self._coils()
        if coils is None:
            return "no_answer"
        return "busy" if coils else ""

    def baseline(self, lane: int) -> Talk[Baseline | None]:
        """Nothing that could be compared; it must be there."""
        return Baseline() if (yield from self._coils()) is not None else None

    def vend(self, order: VendOrder) -> Talk[Outcome]:
        """One pulse that the board times. Acknowledged, it counts as delivered: the owner accepts that."""
        settings = self._settings
        relay = order.lane - settings.lane_offset - 1
        frame = modbus.request(
            settings.address, WRITE_COIL, modbus.words(_FLASH_ON + relay, settings.pulse_ms // 100)
        )
        heard = yield Ask(
            frame=frame,
            wait_ms=REPLY_MS,
            answers=modbus.answers(WRITE_COIL, lambda data: data == frame[2:6]),
            start_before_ms=order.start_before_ms,
        )
        if heard.withheld:
            return Withheld(why=heard.withheld)
        if heard.frame is None:
            return self.judged(order, Evidence(answered=False))
        if heard.frame.exception:
            return rejected("refused", f"exception {heard.frame.exception:02X}")
        yield Pause(settings.pulse_ms)
        return self.judged(order, Evidence(repeated=Ending.RAN, words="pulse acknowledged"))

    def recover(self, order: VendOrder) -> Talk[Outcome]:
        """Nothing can be asked."""
        yield Pause(0)
        return self.judged(order, Evidence())

    # ------------------------------------------------------------ helpers

    def _coils(self) -> Talk[int | None]:
        """The contacts that are closed, as bits; None: no answer."""
        heard = yield Ask(
            frame=modbus.request(self._settings.address, READ_COILS, modbus.words(0, self._settings.relays)),
            wait_ms=REPLY_MS,
            answers=modbus.answers(READ_COILS, lambda _: True),
        )
        return int.from_bytes(heard.frame.data, "little") if heard.frame is not None else None
