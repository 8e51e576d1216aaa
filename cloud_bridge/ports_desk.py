"""What is asked of the world around complaints, deliveries and alarms that are told on, and what it may ask.

The same rule as in `ports`: rooms meet in the engine. Nothing here moves money: that is the sale's table's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from cloud_bridge.core.alert import Key, News
from cloud_bridge.core.complaint import Complaint, Doing, Told
from cloud_bridge.core.delivery import Delivery
from cloud_bridge.core.model import Refused, Unclear
from cloud_bridge.core.sale import Sale
from cloud_bridge.ports import Fact, OtherNotice, StandingAlarm, Store, Tx

T = TypeVar("T")


# ---------------------------------------------------------------- the platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of complaints; `total` is how many there are on all pages."""

    complaints: tuple[Told, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of what was said about a complaint. `action` is the platform's own word, in lower case."""

    wall_ms: int
    by: str
    action: str
    words: str = field(repr=False)


class ComplaintCalls(Protocol):
    """One merchant's calls about complaints. They never raise for what the network or the platform does.

    A None is success. Repeating an answer would say it twice: after an Unclear, `history` tells.
    """

    async def address(self) -> str | Unclear:
        """Where notifications of complaints go; empty when nowhere."""

    async def set_address(self, url: str, *, first: bool) -> Refused | Unclear | None:
        """Have them sent there; `first` when there was no address before."""

    async def drop_address(self) -> Refused | Unclear | None:
        """Have them sent nowhere."""

    async def list(self, begin: str, end: str, offset: int) -> Page | Refused | Unclear:
        """Those made on the days from `begin` to `end` (`2026-01-31`), at most 30 of them."""

    async def detail(self, complaint_id: str) -> Told | Refused | Unclear:
        """One complaint as it stands now."""

    async def history(self, complaint_id: str) -> tuple[Line, ...] | Refused | Unclear:
        """What was said, the newest line first."""

    async def answer(
        self, complaint_id: str, words: str, pictures: tuple[str, ...] = ()
    ) -> Refused | Unclear | None:
        """Say this to the payer, with pictures that were sent before."""

    async def approve(self, complaint_id: str) -> Refused | Unclear | None:
        """Say that the money goes back today. That moves no money."""

    async def reject(self, complaint_id: str, why: str) -> Refused | Unclear | None:
        """Say that no money goes back, and why."""

    async def complete(self, complaint_id: str) -> Refused | Unclear | None:
        """Say that it is settled."""

    async def send_picture(self, name: str, picture: bytes) -> str | Refused | Unclear:
        """Upload a picture; its id for an answer."""

    async def picture(self, path: str) -> bytes | Refused | Unclear:
        """A picture of the payer's."""

    def phone(self, sealed: str) -> str:
        """The payer's number, for a person who may see it; empty when it cannot be opened. Never log it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintHint(OtherNotice):
    """A verified notification that a complaint is new or changed: the detail says how."""

    complaint_id: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation(OtherNotice):
    """A verified notification about a sub-merchant; service providers get them. `kind`: punish | ..."""

    record_id: str
    sub_mchid: str
    kind: str
    plan: str
    risk: str


# ---------------------------------------------------------------- the books


class DeskTx(Tx, Protocol):
    """A transaction that also sees what people work with. Synchronous; raises StoreFailed."""

    def delivery(self, sale_id: str) -> Delivery | None:
        """The delivery of a paid sale."""

    def put_delivery(self, delivery: Delivery) -> None:
        """Insert or replace the row."""

    def overdue(self, wall_ms: int) -> tuple[Delivery, ...]:
        """Deliveries whose outcome should be known by now, the longest waiting first."""

    def failed_since(self, wall_ms: int) -> tuple[Delivery, ...]:
        """Deliveries that failed since then, the oldest first."""

    def last_delivered(self, machine: str, lane: int) -> int:
        """When goods came out of this lane last, or 0."""

    def unreported(self, since_wall_ms: int, limit: int) -> tuple[Delivery, ...]:
        """Goods that came out since then and that nobody thought of reporting, the oldest first."""

    def to_report(self, wall_ms: int, limit: int) -> tuple[Delivery, ...]:
        """Deliveries that the mini-program platform is to be told of now."""

    def complaint(self, complaint_id: str) -> Complaint | None:
        """The row."""

    def put_complaint(self, complaint: Complaint) -> None:
        """Insert or replace the row."""

    def open_complaints(self) -> tuple[Complaint, ...]:
        """Those that are not settled, the oldest first."""

    def acts(self, complaint_id: str) -> tuple[Doing, ...]:
        """What was done and is to be done about a complaint, the oldest first."""

    def put_act(self, act: Doing) -> None:
        """Insert or replace one act, by complaint and key."""

    def due_acts(self) -> tuple[Doing, ...]:
        """Acts without an outcome, the oldest first."""

    def standing(self) -> tuple[StandingAlarm, ...]:
        """Every alarm that stands, the oldest first."""

    def told(self, sink: str) -> Mapping[Key, int]:
        """What a sink was told of and not told the end of: since when each has stood."""

    def put_told(self, sink: str, key: Key, since_wall_ms: int) -> None:
        """A sink was told that this alarm stands."""

    def drop_told(self, sink: str, key: Key) -> None:
        """A sink was told that this alarm is over."""


class DeskStore(Store, Protocol):
    """The books, as people's work sees them."""

    async def on_desk(self, work: Callable[[DeskTx], T]) -> T:
        """As `run`."""

    async def complaints(
        self, *, settled: int = 0
    ) -> tuple[tuple[Complaint, tuple[Doing, ...], Sale | None], ...]:
        """Open ones with their acts and sales, the longest waiting first; then so many settled ones."""


# ---------------------------------------------------------------- what is told to people


class Sink(Protocol):
    """Somebody who wants to know of alarms: a chat's robot."""

    @property
    def name(self) -> str:
        """Its name in the settings."""

    @property
    def most(self) -> int:
        """So many alarms fit into one message."""

    @property
    def alarming(self) -> bool:
        """That he cannot be told is itself an alarm."""

    def anew(self) -> bool:
        """Whether he forgot what he was told since this was asked last."""

    async def send(self, news: tuple[News, ...], left_out: int) -> str:
        """One message about all of them and `left_out` more; empty, or why it was not taken."""


class Poster(Protocol):
    """A host that takes JSON and answers in JSON, without signatures."""

    async def post(self, target: str, body: Mapping[str, Any]) -> Mapping[str, Any] | str:
        """One try: the answer, or why there is none that can be read. `target` may be secret."""

    async def get(self, target: str) -> Mapping[str, Any] | str:
        """As `post`."""


class ShippingCalls(Protocol):
    """The mini-program platform's report of deliveries. Never raises for what the network does."""

    async def report(self, sale: Sale, wall_ms: int) -> str:
        """Tell it: `done`, `again` (not known there yet, or unclear), or why it refuses for good."""


# ---------------------------------------------------------------- what people see


@dataclass(frozen=True, slots=True, kw_only=True)
class ActView:
    """What somebody did or is doing about a complaint. `outcome` empty: it is on its way."""

    kind: str
    words: str
    by: str
    wall_ms: int
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintView:
    """A complaint as a person sees it; no phone. `next` is the one right thing to do:

    wait | send_prepared | answer | resolve | complete | nothing.
    """

    complaint_id: str
    sale_id: str
    machine: str
    lane: int
    product_zh: str
    product_en: str
    amount_fen: int
    refunded_fen: int
    standing: str
    verdict: str
    problem: str
    words: str
    times: int
    made_wall_ms: int
    waits_since_wall_ms: int
    overdue: bool
    next: str
    prepared: str
    pictures: int
    acts: tuple[ActView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintStory(ComplaintView):
    """A complaint with what happened in its sale, oldest fact first."""

    timeline: tuple[Fact, ...]


class ComplaintService(Protocol):
    """Complaints as web, commands and the operator's door see them. Raises StoreFailed."""

    async def hint(self, hint: ComplaintHint) -> None:
        """Take a notification; durable when this returns."""

    async def views(self, *, everything: bool = False) -> tuple[ComplaintView, ...]:
        """Open ones, the longest waiting first; `everything`: then those that are settled."""

    async def story(self, complaint_id: str) -> ComplaintStory | None:
        """One complaint with its sale's timeline."""

    async def answer(self, complaint_id: str, words: str, by: str) -> str:
        """A person answers; `words` empty: with the prepared answer. Why not, or empty once it is durable."""

    async def complete(self, complaint_id: str, by: str) -> str:
        """A person says that it is settled. Why not, or empty."""

    async def phone(self, complaint_id: str, by: str) -> str:
        """The payer's number for a person who may see it; that he saw it is noted. Empty: there is none."""
