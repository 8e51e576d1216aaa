"""An MDB cashless reader as the host has to be it: the machine asks for a vend, the host says yes or no.

One logic for every adapter. An adapter turns what its wire says into the facts below, and the wishes into
bytes. Approving is what starts the motor; what the machine says next is the outcome (MDB/ICP 4.2, section 7).
"""

from dataclasses import dataclass
from typing import Any, Final, Protocol

from edge.core.judge import Ending, Evidence, Recovery, Witness
from edge.core.model import Baseline, Outcome, Uncertain, VendOrder, Withheld
from edge.drivers.evidence import failed, judged
from edge.drivers.mdb.settings import MdbSettings
from edge.drivers.talk import Ask, Decoder, Pause, Say, Talk
from edge.ports import BusDown, BusEvent, CancelPressed, Capabilities, KeyPressed, LaneReported

VEND_S: Final = 60  # from the approval to success or failure
START_S: Final = 5
READY_MS: Final = 15_000


# ---------------------------------------------------------------- what the machine says


@dataclass(frozen=True, slots=True)
class Asked:
    """VEND REQUEST. `price` is in the machine's own units, `item` its own number."""

    price: int
    item: int


@dataclass(frozen=True, slots=True)
class Cancelled:
    """VEND CANCEL: the shopper, or the machine's patience, gave up."""


@dataclass(frozen=True, slots=True)
class Succeeded:
    """VEND SUCCESS."""


@dataclass(frozen=True, slots=True)
class Failed:
    """VEND FAILURE."""


@dataclass(frozen=True, slots=True)
class Completed:
    """SESSION COMPLETE."""


@dataclass(frozen=True, slots=True)
class Enabled:
    """The machine sells. `renewed`: a session may be begun now."""


@dataclass(frozen=True, slots=True)
class Disabled:
    """The machine does not sell."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """RESET, or the machine has stopped to talk."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The adapter's own word about a command; `ok` False: it was not taken."""

    ok: bool


Fact = Asked | Cancelled | Succeeded | Failed | Completed | Enabled | Disabled | Restarted | Answered


class Adapter(Protocol):
    """One way from a serial port to an MDB bus. `name` is the bus's in the settings.

    `starts_off`: the machine says that the reader is enabled each time after `start`.
    """

    name: str
    starts_off: bool

    def decoder(self) -> Decoder:
        """Finds facts in a stream."""

    def start(self) -> Talk[str | None]:
        """Switch the reader on; who the adapter is, None when it does not answer."""

    def is_there(self) -> Talk[bool]:
        """Whether the adapter still answers; True where it cannot be asked."""

    def begin(self) -> bytes:
        """Begin a session with funds that are not known."""

    def approve(self, price: int) -> bytes:
        """Yes."""

    def deny(self) -> bytes:
        """No."""

    def end(self) -> bytes:
        """The session is over; empty where the adapter says so itself."""


class Cashless:
    """Implements `edge.drivers.talk.Bus` over an adapter."""

    gap_ms = 0
    settle_ms = 1_000
    idle_ms = 5_000

    def __init__(self, settings: MdbSettings, adapter: Adapter) -> None:
        self._settings: Final = settings
        self._adapter: Final = adapter
        self.quiet = not adapter.starts_off
        self._witness: Final = Witness(recovery=Recovery.NONE, drop_sensor=True)
        self._asked: Asked | None = None
        self._approved = False
        self._off = False  # the machine said that it does not sell

    @property
    def capabilities(self) -> Capabilities:
        """A machine that was approved keeps nothing; a second approval could be another vend."""
        return Capabilities(
            bus=self._adapter.name,
            witness=self._witness,
            repeat_is_harmless=False,
            seq_bits=8,
            start_s=START_S,
            motor_s=VEND_S,
            keypad=True,
            asks=True,
        )

    def decoder(self) -> Decoder:
        """A new one, for one opening of the port."""
        return self._adapter.decoder()

    def reply(self, frame: Any) -> bytes:
        """What the standard wants to be answered at once."""
        match frame:
            case Completed():
                session = self._adapter.begin() if self._settings.sessions else b""
                return self._adapter.end() + session
            case Enabled() if self._settings.sessions:
                return self._adapter.begin()
        return b""

    def stray(self, frame: Any) -> tuple[BusEvent, ...]:
        """The machine speaks first on this bus."""
        match frame:
            case Asked():
                return self._ask_for(frame)
            case Cancelled() if self._asked is not None and not self._approved:
                self._asked = None
                return (CancelPressed(),)
            case Restarted():
                self._asked = None
                return (CancelPressed(), BusDown(why="board_restarted"))
            case Disabled():
                self._off = True
                return (BusDown(why="silent"),)
            case Enabled():
                self._off = False
        return ()

    def dismiss(self, lane: int) -> bytes:
        """The sale of this lane ended without a vend: the machine is told no."""
        if self._approved or (self._asked is not None and self._lane(self._asked) not in (lane, None)):
            return b""
        self._asked = None
        return self._adapter.deny()

    def alike(self, frame: bytes) -> bool:
        """Both sides' words differ."""
        return False

    # ------------------------------------------------------------ scripts

    def identify(self) -> Talk[str | None]:
        """Switch the reader on. The lanes are those of the table from items to lanes."""
        self._asked, self._approved = None, False
        self._off = self._adapter.starts_off
        identity = yield from self._adapter.start()
        if identity is not None and self._off:
            heard = yield Ask(wait_ms=READY_MS, answers=lambda fact: isinstance(fact, Enabled))
            self._off = heard.frame is None
        if identity is None or self._off:
            return None
        for lane in self._settings.lanes:
            yield Say(LaneReported(lane=lane, stock=None, capacity=None))
        return identity

    def look(self) -> Talk[bool]:
        """Whether the adapter is there."""
        return (yield from self._adapter.is_there())

    def check(self, lane: int) -> Talk[str]:
        """The machine has asked for this lane, and still does."""
        yield Pause(0)
        if lane not in self._settings.lanes:
            return "no_such_lane"
        return "" if self._asked is not None and self._lane(self._asked) == lane else "no_request"

    def baseline(self, lane: int) -> Talk[Baseline | None]:
        """Nothing that could be compared; the machine must still be asking."""
        reason = yield from self.check(lane)
        return None if reason else Baseline()

    def vend(self, order: VendOrder) -> Talk[Outcome]:
        """Approve, once; then what the machine says is the outcome."""
        asked = self._asked
        if asked is None or self._lane(asked) != order.lane:
            yield Pause(0)
            return Withheld(why="cancelled")
        self._approved = True
        try:
            heard = yield Ask(
                frame=self._adapter.approve(asked.price),
                wait_ms=1000 * VEND_S,
                answers=_ends_a_vend,
                start_before_ms=order.start_before_ms,
            )
        finally:
            self._asked, self._approved = None, False
        if heard.withheld:
            self._asked = asked
            return Withheld(why=heard.withheld)
        match heard.frame:
            case Succeeded():
                evidence = Evidence(repeated=Ending.DROPPED, words="VEND SUCCESS")
                return judged(self._witness, order, evidence)
            case Failed():
                return failed("vend_failure", "VEND FAILURE")
            case Restarted():
                return Uncertain(why="board_restarted", evidence="RESET between approval and result")
        return judged(self._witness, order, Evidence(answered=False))

    def recover(self, order: VendOrder) -> Talk[Outcome]:
        """There is no question for the last vend. The standard calls it a success; for us it is doubt."""
        heard = yield Ask(wait_ms=self.settle_ms, answers=lambda frame: isinstance(frame, Succeeded))
        if heard.frame is not None:
            return judged(self._witness, order, Evidence(repeated=Ending.DROPPED, words="VEND SUCCESS"))
        return judged(self._witness, order, Evidence())

    # ------------------------------------------------------------ helpers

    def _ask_for(self, asked: Asked) -> tuple[BusEvent, ...]:
        """A request is a key pressed; the same again while it is undecided is a repeat."""
        if asked == self._asked:
            return ()
        self._asked = asked
        lane = self._lane(asked)
        if lane is None:
            return (KeyPressed(lane=0, price_fen=self._settings.fen(asked.price)),)
        return (KeyPressed(lane=lane, price_fen=self._settings.fen(asked.price)),)

    def _lane(self, asked: Asked) -> int | None:
        return self._settings.lane_of(asked.item)


def _ends_a_vend(fact: Any) -> bool:
    return isinstance(fact, Succeeded | Failed | Restarted)
