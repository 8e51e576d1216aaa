"""What the engine asks of the world around it. Adapters implement these; the engine knows no adapter.

The dispenser has two shapes behind one port: it is told to vend (`vend`), and it reports facts by itself
(the `post` callback given to `run`). Every method runs on the daemon's one event loop.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from edge.core.command import CommandAnswer, CommandAsked, ReportCommand
from edge.core.judge import Witness
from edge.core.lanes import LaneTested
from edge.core.model import (
    Answer,
    Baseline,
    ClearAlarm,
    GrantLease,
    Outcome,
    RaiseAlarm,
    ReportClosed,
    ReportOutcome,
    RequestCode,
    Sale,
    SaleEvent,
    Session,
    VendOrder,
)
from edge.core.pocket import CodesHeld, LeaseAsked
from edge.core.screen import Product, Screen
from edge.ports_host import Clock as Clock
from edge.ports_host import Notes as Notes

# ---------------------------------------------------------------- the dispenser


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a bus can do and prove. `start_s` is T_start, `motor_s` T_motor, `seq_bits` the width of `seq`.

    `proves_delivery` False: a command that was acknowledged counts as delivered, nothing looks at it.
    `asks`: a sale begins with the machine's own request, and a vend is the answer to it.
    """

    bus: str
    witness: Witness
    repeat_is_harmless: bool
    seq_bits: int
    start_s: int
    motor_s: int
    keypad: bool
    proves_delivery: bool = True
    asks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BusUp:
    """The board is identified and idle; its lanes are known."""

    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BusDown:
    """The board does not answer, or is not believed.

    `why`: silent | port | no_ack | board_restarted | identifying | doubt. The newest word replaces those
    before it; doubt stands beside it until the board is up.
    """

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPressed:
    """A shopper keyed a selection on the machine's own keypad.

    `price_fen` is what a machine asks that knows prices itself; `lane` 0: its item is not known here.
    """

    lane: int
    price_fen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPressed:
    """A shopper cancelled on the machine's own keypad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneReported:
    """A lane as the board sees it. `stock` and `capacity` are pieces; None where the board cannot tell."""

    lane: int
    stock: int | None
    capacity: int | None
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClimateReported:
    """Cabinet temperature in degrees Celsius, None where it was not read; door as the board says it."""

    temperature_c: int | None
    door_open: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CashReported:
    """The machine's own payment devices took money; display and audit only."""

    mode: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VendProgress:
    """The board tells how far an operation is; `step` is a name such as `dispensing`."""

    sale_id: str
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleTold:
    """A lasting trouble that stops no sale, by its service code's name; `text` is empty when it is over."""

    name: str
    text: str


BusEvent = (
    BusUp
    | BusDown
    | KeyPressed
    | CancelPressed
    | LaneReported
    | ClimateReported
    | CashReported
    | VendProgress
    | TroubleTold
    | LaneTested
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusHealth:
    """Counters since the start, and the slowest answer to the machine in milliseconds."""

    frames: int = 0
    bad_checks: int = 0
    repeats: int = 0
    polls: int = 0
    slowest_answer_ms: float = 0.0
    facts: dict[str, int] = field(default_factory=dict)


class Dispenser(Protocol):
    """One machine bus. Raises nothing from `run` but a broken set-up; faults arrive as events."""

    @property
    def capabilities(self) -> Capabilities:
        """What this bus can do and prove."""

    async def run(self, post: Callable[[BusEvent], None]) -> None:
        """Open the port and serve the bus until cancelled; reopen it when it fails."""

    async def check(self, lane: int) -> str:
        """Ask whether the lane can vend now; "" when it can, else a reason's name. Never moves anything."""

    async def baseline(self, lane: int) -> Baseline:
        """The board's evidence for a lane. Raises edge.core.errors.BusError when it cannot be had."""

    async def vend(self, order: VendOrder) -> Outcome:
        """Run the motor once and watch until the outcome, at most `motor_s` seconds. Never raises."""

    async def recover(self, order: VendOrder) -> Outcome:
        """Flush, settle, then learn what became of an interrupted order. Never moves anything."""

    async def resync(self) -> None:
        """After doubt: flush, settle, identify the board again; BusUp follows when it is idle."""

    def dismiss(self, lane: int) -> None:
        """A sale of this lane ended without a vend: tell a machine that asked for it. Returns at once."""

    def health(self) -> BusHealth:
        """Counters for dashboards and technicians."""


# ---------------------------------------------------------------- the screen


class Display(Protocol):
    """Where the shopper looks. Drawing happens off the loop; the newest screen wins."""

    def show(self, screen: Screen) -> None:
        """Ask for this screen; returns at once. Screens asked for while one is being drawn are skipped."""


# ---------------------------------------------------------------- the journal


class JournalFailed(Exception):
    """The journal cannot be written: this process must start no motor and report nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One numbered report as the exact bytes that every repeat sends."""

    n: int
    kind: str
    sale_id: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes durable together, in one transaction and one flush.

    A sale that opens for a scan is found by its request from then on; a second one for it is refused.
    `kept`: words by name that hold over a restart, empty where one is to be forgotten.
    """

    sale: Sale | None = None
    rows: tuple[OutboxRow, ...] = ()
    seq: int | None = None
    catalogue: bytes | None = None
    kept: Mapping[str, str] = field(default_factory=dict)


class Journal(Protocol):
    """Sales, reports and what survives a restart. One writer; reads see every finished commit."""

    @property
    def session(self) -> Session:
        """The session that this opening of the journal began."""

    @property
    def confirmed(self) -> bool:
        """False while the journal is new and nobody has said that this is meant."""

    @property
    def last_n(self) -> int:
        """The highest report number given so far."""

    @property
    def last_seq(self) -> int:
        """The last board sequence number given, 0 before the first."""

    @property
    def catalogue(self) -> bytes | None:
        """The catalogue in use, as it was received."""

    @property
    def kept(self) -> Mapping[str, str]:
        """Words that hold over a restart, by name."""

    def sale(self, sale_id: str) -> Sale | None:
        """A row, of any session. Raises JournalFailed."""

    def requested(self, request_id: str) -> str:
        """The sale that was opened for this scan, in any session, or empty. Raises JournalFailed."""

    def unfinished(self) -> tuple[Sale, ...]:
        """Rows in OPEN or INTENT, oldest first. Raises JournalFailed."""

    def opened_between(self, from_ms: int, until_ms: int, after: str, limit: int) -> tuple[Sale, ...]:
        """Rows of any session that were opened then, with ids above `after`, by id. Raises JournalFailed."""

    def reports_after(self, n: int, limit: int) -> tuple[OutboxRow, ...]:
        """Numbered reports above `n`, in order, acknowledged or not. Raises JournalFailed."""

    def row_hash(self, sale: Sale) -> str:
        """SHA-256 of the durable part of a row, in hex; a report carries it."""

    def acknowledged(self, n: int, upto: int) -> None:
        """Note what the bridge holds; written with the next commit, never a flush of its own."""

    async def commit(self, change: Change) -> None:
        """Make `change` durable; only then return. Raises JournalFailed, after which only exit helps."""

    async def told_to_leave(self) -> None:
        """Note that somebody ended this session, no power cut. Raises JournalFailed."""

    async def rest(self) -> None:
        """Nothing is going on: fold the write-ahead log back, so that no sale pays for it."""


# ---------------------------------------------------------------- the bridge


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkUp:
    """The link is live and the bridge answered this session's birth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDown:
    """No live link, or no answer to the birth. `why` is a name."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleMessage:
    """A verified message of the bridge about one sale."""

    sale_id: str
    event: SaleEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueReceived:
    """Verified desired state: what this machine sells, for how much."""

    version: int
    phone: str
    products: tuple[Product, ...]
    raw: bytes


_FromBridge = LinkUp | LinkDown | SaleMessage | LeaseAsked | CodesHeld | CatalogueReceived | CommandAsked
BridgeEvent = _FromBridge | TroubleTold
Report = RequestCode | GrantLease | ReportClosed | ReportOutcome | RaiseAlarm | ClearAlarm | ReportCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What a report begins with, and the hash that ties it to the journal's row."""

    session: Session
    n: int
    row_hash: str


class Bridge(Protocol):
    """The other side. Nothing here waits for it."""

    def compose(self, heading: Heading, sale: Sale | None, report: Report) -> OutboxRow:
        """A numbered report as the bytes that every repeat will send. Pure."""

    def catalogue(self, raw: bytes) -> CatalogueReceived:
        """Read a catalogue that the journal kept. Pure."""

    def kick(self) -> None:
        """New numbered reports are durable: send them when the link allows."""

    def answer(self, sale_id: str, answer: Answer) -> None:
        """Send what a row says, once; lost is harmless, the bridge asks again."""

    def refuse(self, request_id: str, why: str) -> None:
        """Say that no sale is opened for this scan; lost is harmless, the bridge does not wait long."""

    def reply(self, answer: CommandAnswer) -> None:
        """Give a command its ticket or say why not, once; lost is harmless, nothing was done."""

    def publish(self, name: str, values: Mapping[str, object]) -> None:
        """Set a retained `state/` topic, flat, for dashboards; the newest wins."""


# ---------------------------------------------------------------- what the engine is given


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The world, as the engine sees it."""

    journal: Journal
    dispenser: Dispenser
    display: Display
    bridge: Bridge
    clock: Clock
    notes: Notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a sale promises: lease, grace for the last payer, and the longest wait for a code, in seconds.

    `vends_a_minute` and `vends_a_day` are the machine's own caps on motor runs.
    """

    machine: str
    lease_s: int = 240
    grace_s: int = 8
    answer_s: float = 8.0
    vends_a_minute: int = 20
    vends_a_day: int = 400
