"""What the bridge's engine asks of the world around it, and what the world may ask of the engine.

Rooms never know each other: `wechat`, `store`, `fleet` and `web` meet in the engine through these.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from cloud_bridge.core.case import Case, Said
from cloud_bridge.core.ledger import Post
from cloud_bridge.core.model import (
    AlreadyPaid,
    FromMachine,
    NoSuchOrder,
    OrderClosed,
    OrderDraft,
    OrderPlaced,
    Payment,
    RefundDraft,
    RefundHinted,
    RefundStatus,
    Refused,
    ToMachine,
    Unclear,
    Unpaid,
)
from cloud_bridge.core.sale import Sale
from cloud_bridge.core.timings import Counts
from cloud_bridge.core.trail import Change
from cloud_bridge.ports_machines import AuditView as AuditView
from cloud_bridge.ports_machines import LaneView as LaneView
from cloud_bridge.ports_machines import MachineView as MachineView
from cloud_bridge.ports_shelf import Shelf as Shelf
from cloud_bridge.ports_shelf import ShelfProduct as ShelfProduct

T = TypeVar("T")


class Clock(Protocol):
    """A clock for decisions and one for people and the platform's fields."""

    def now_ms(self) -> int:
        """Monotonic milliseconds."""

    def wall_ms(self) -> int:
        """Unix milliseconds."""


class Log(Protocol):
    """The daemon's log: one line `area.fact key=value` a call; no secrets, codes or payer ids."""

    def info(self, event: str, /, **fields: object) -> object:
        """A fact that an operator may want to know."""

    def warning(self, event: str, /, **fields: object) -> object:
        """A fact that should not have happened."""


class Platform(Protocol):
    """The payment platform's calls. They never raise for what the network or the platform does."""

    def compose(self, order: OrderDraft) -> bytes:
        """The exact request body of an order, made before the row is committed. Pure."""

    async def place(self, sale_id: str, body: bytes) -> OrderPlaced | Refused | Unclear:
        """Place the order with exactly these bytes; repeating it is harmless."""

    async def query(self, sale_id: str) -> Payment | Unpaid | NoSuchOrder | Unclear:
        """What the platform knows of an order."""

    async def close(self, sale_id: str) -> OrderClosed | AlreadyPaid | Unclear:
        """Close an unpaid order."""

    async def refund(self, refund: RefundDraft) -> RefundStatus | Refused | Unclear:
        """Ask for a refund; accepted (PROCESSING) is not refunded."""

    async def refund_status(self, sale_id: str, refund_no: str) -> RefundStatus | Unclear:
        """What became of a refund number; state ABSENT when the platform never accepted it."""


class NoticeRejected(Exception):
    """A notification that must not be believed. `why` is a name for counters; nothing is stored."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherNotice:
    """A verified notification about something else; answered with success and counted."""

    event_type: str
    merchant: str = ""


class Notices(Protocol):
    """The platform's notifications: raw bytes in, verified facts out."""

    def open(
        self, headers: Mapping[str, str], body: bytes, now_s: float
    ) -> Payment | RefundStatus | RefundHinted | OtherNotice:
        """Verify over the raw bytes, decrypt, parse. `headers` are lower-case. Raises NoticeRejected."""


class Fleet(Protocol):
    """The machines, over the link."""

    def live(self, machine: str) -> bool:
        """The machine's link is up as far as anyone can tell; a hint, never a proof."""

    async def tell(self, machine: str, message: ToMachine) -> bool:
        """Publish one message; True when the broker took it and had somebody to give it to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of a timeline. `who`: edge | bridge | wechat | operator. `what` is words, no secrets."""

    wall_ms: int
    machine: str
    sale_id: str
    who: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleView:
    """A sale as a person sees it."""

    sale_id: str
    machine: str
    lane: int
    product_zh: str
    product_en: str
    price_fen: int
    paid_fen: int
    refunded_fen: int
    state: str
    decision: str
    why: str
    opened_wall_ms: int
    changed_wall_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView(Case):
    """A case as a person sees it, with what it is about and what to do next."""

    lane: int
    product_zh: str
    product_en: str
    paid_fen: int
    state: str
    advice: str


class Service(Protocol):
    """The engine as fleet and web see it."""

    async def heard(self, event: FromMachine) -> None:
        """Take one verified message of a machine; durable when this returns, so it may be acknowledged."""

    async def notice(self, headers: Mapping[str, str], body: bytes) -> None:
        """Take one notification; durable when this returns. Raises NoticeRejected."""

    def shelves(self) -> tuple[Shelf, ...]:
        """Every machine's catalogue."""

    async def sales(self, *, machine: str = "", limit: int = 50) -> tuple[SaleView, ...]:
        """The newest sales first."""

    async def sale(self, sale_id: str) -> tuple[SaleView, tuple[Fact, ...]] | None:
        """One sale with its timeline, oldest fact first."""

    async def totals(self) -> Mapping[str, int]:
        """Money and counts over all sales, as the store names them (`Store.totals`)."""

    async def alarms(self) -> "tuple[StandingAlarm, ...]":
        """Every alarm that stands."""

    async def cases(self, *, everything: bool = False) -> "tuple[CaseView, ...]":
        """Open cases, the oldest first; `everything`: then those that are resolved, the newest first."""

    def facts(self) -> AsyncIterator[Fact]:
        """Facts as they happen, from now on; a slow reader loses the oldest and never slows the engine."""


class Changes(Protocol):
    """Ids of machines, one after the other, as long as anybody asks."""

    def __aiter__(self) -> AsyncIterator[str]:
        """Itself."""

    async def __anext__(self) -> str:
        """The next; waits for it."""

    def rest(self) -> tuple[str, ...]:
        """All that can be told now without waiting; they are told by this."""


class Roster(Protocol):
    """The machines as a page shows them."""

    def machines(self) -> tuple[MachineView, ...]:
        """Every machine of the settings, in the order of their ids, heard of or not."""

    def machine(self, machine: str) -> MachineView | None:
        """One of them, or None."""

    def changes(self) -> Changes:
        """Ids of machines as what is shown of them changes; a slow reader may miss repeats, not machines."""


# ---------------------------------------------------------------- the books


class StoreFailed(Exception):
    """The books could not be read or written; nothing of this transaction is durable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """What is remembered of one journal of a machine: its newest session, and why its words are doubted.

    `upto` is the highest report number below which none is missing; `current` marks the journal in use.
    """

    machine: str
    jid: str
    boot: int
    bits: str
    upto: int
    doubt: str = ""
    current: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingAlarm:
    """A fault that a machine or the bridge raised and nobody cleared. `lane` 0: the whole machine."""

    machine: str
    name: str
    lane: int
    code: str
    text: str
    since_wall_ms: int


class Tx(Protocol):
    """One transaction, seen by the function that decides in it. Synchronous; raises StoreFailed."""

    def sale(self, sale_id: str) -> Sale | None:
        """The row, as this transaction sees it."""

    def put(self, sale: Sale) -> None:
        """Insert or replace the row."""

    def unfinished(self, machine: str = "") -> tuple[Sale, ...]:
        """Rows of a machine (or of all) that still wait for something: neither ended nor quietly closed."""

    def open_rows(self, machine: str) -> int:
        """How many rows of a machine are QUOTED or OFFERED."""

    def owner_of(self, transaction_id: str) -> str:
        """The sale that this payment belongs to, or empty."""

    def counts(self, *, machine: str, lane: int, since_wall_ms: int, but: str) -> Counts:
        """Automatic refunds on machine evidence since then, sale `but` not among them."""

    def post(self, sale_id: str, entry: Post, wall_ms: int) -> None:
        """Append one entry to the ledger."""

    def record(self, sale: Sale, change: Change) -> None:
        """Append one line to the trail of decisions: the row, as it was just put, and why it changed."""

    def open_case(self, case: Case) -> None:
        """A row for a reason that opened; nothing happens while the sale has an open one of this reason."""

    def end_case(self, sale_id: str, reason: str, said: Said, wall_ms: int) -> None:
        """The open case of this reason is over; nothing happens when there is none."""

    def own_cases(self, sale_id: str, owner: str) -> int:
        """Put a sale's open cases into somebody's hands; how many there are."""

    def open_cases(self, machine: str, reason: str) -> int:
        """How many cases of this reason are open on a machine."""

    def note(self, fact: Fact) -> None:
        """Append one line to the timeline."""

    def journal(self, jid: str) -> JournalRow | None:
        """What is remembered of a journal."""

    def journals(self, machine: str) -> tuple[JournalRow, ...]:
        """Every journal ever seen of a machine, the current one first."""

    def put_journal(self, row: JournalRow) -> None:
        """Insert or replace; a `current` one takes the mark from the machine's other journals.

        The bits with which a boot is put first are remembered for `bits_of`, older boots included.
        """

    def bits_of(self, jid: str, boot: int) -> str:
        """The bits with which this boot of a journal was first put, or empty: a replay or a clone?"""

    def reported(self, jid: str, n: int) -> int:
        """Remember that report `n` is taken; the journal's new `upto`."""

    def set_alarm(self, alarm: StandingAlarm) -> None:
        """Raise, or renew the words of, an alarm; it stands since it was first raised."""

    def clear_alarm(self, *, machine: str, name: str, lane: int) -> None:
        """Clear an alarm; nothing happens when it does not stand."""


class Store(Protocol):
    """The books. One writer; concurrent callers share a commit."""

    @property
    def incarnation(self) -> str:
        """128 random bits of these books, made anew when a backup is restored."""

    async def run(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in a transaction, away from the loop; durable when this returns.

        An exception of `work` undoes its own writes and nobody else's, and is raised here.
        """

    async def sales(self, *, machine: str, limit: int) -> tuple[Sale, ...]:
        """The newest sales first; `machine` empty: of all."""

    async def sale(self, sale_id: str) -> tuple[Sale, tuple[Fact, ...]] | None:
        """One sale with its timeline, oldest fact first."""

    async def alarms(self) -> tuple[StandingAlarm, ...]:
        """Every alarm that stands."""

    async def cases(self, *, resolved: int = 0) -> tuple[tuple[Case, Sale], ...]:
        """Open cases with their sales, oldest first; then `resolved` of those that are over, newest first."""

    async def totals(self) -> Mapping[str, int]:
        """Over all sales: `sales`, `paid_fen`, `vended_fen`, `refunded_fen`, `cases` that a person can see,
        `waiting_for_a_person` of them that only he moves on, and `{account}_balance_fen`, debit less credit.
        """


# ---------------------------------------------------------------- all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgePorts:
    """What the engine is given. `merchants` are the platforms of those beside the first, by name."""

    store: Store
    platform: Platform
    merchants: Mapping[str, Platform] = field(default_factory=dict)
    notices: Notices
    fleet: Fleet
    clock: Clock
    log: Log
