"""What is asked of the world around alarms that reach people, and what people may ask of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cloud_bridge.core.alarm import Ask, Care, Spell, Wants, Weight
from cloud_bridge.core.alert import Key
from cloud_bridge.core.digest import Digest
from cloud_bridge.ports_desk import DeskStore, DeskTx, Sink
from cloud_bridge.ports_people import AuditTx

T = TypeVar("T")


# ---------------------------------------------------------------- the books


class AlarmTx(DeskTx, AuditTx, Protocol):
    """A transaction that also sees how long alarms stood, and who looks after them."""

    def spells(self, over_since_wall_ms: int) -> tuple[Spell, ...]:
        """Those that stand, and those that were over since then; each alarm's oldest first."""

    def put_spell(self, each: Spell) -> None:
        """Insert or replace, by alarm and beginning."""

    def drop_spells(self, over_before_wall_ms: int) -> None:
        """Forget those that were over before then."""

    def cares(self) -> Mapping[Key, Care]:
        """What people said about alarms."""

    def put_care(self, each: Care) -> None:
        """Insert or replace, by alarm."""

    def drop_care(self, key: Key) -> None:
        """The alarm is over: what was said about it is, too."""

    def told_by(self) -> Mapping[Key, tuple[str, ...]]:
        """Who knows of which alarm."""

    def had_digest(self, sink: str, day: str) -> bool:
        """Whether somebody has had the digest of this day."""

    def put_digest(self, sink: str, day: str) -> None:
        """He has it now."""

    def last_sold(self, machine: str) -> int:
        """When the newest paid sale of a machine was opened, or 0."""

    def sold_since(self, machine: str, wall_ms: int, limit: int) -> tuple[int, ...]:
        """When paid sales of a machine were opened since then, the newest `limit` of them, oldest first."""


class AlarmStore(DeskStore, Protocol):
    """The books, as alarms need them."""

    async def on_alarms(self, work: Callable[[AlarmTx], T]) -> T:
        """As `run`."""

    async def look_at_alarms(self, work: Callable[[AlarmTx], T]) -> T:
        """Run `work`, which only reads, in one snapshot, keeping no writer waiting. Raises StoreFailed."""


# ---------------------------------------------------------------- who is told


class Listener(Sink, Protocol):
    """Somebody who says what he wants to be told."""

    @property
    def wants(self) -> Wants | None:
        """What of it; None: everything that stands, as it stands."""


class DigestReader(Protocol):
    """Somebody who gets a day in one message."""

    @property
    def name(self) -> str:
        """Its name in the settings."""

    async def digest(self, digest: Digest) -> str:
        """One message; empty, or why it was not taken."""


# ---------------------------------------------------------------- what people see


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmView:
    """A fault as a person sees it. `over_wall_ms` 0: it stands; `begun`: so often within the hour.

    `told` are the names of those who know of it.
    """

    machine: str
    name: str
    lane: int
    text: str
    since_wall_ms: int
    over_wall_ms: int
    weight: Weight
    begun: int
    acked_by: str
    acked_why: str
    acked_wall_ms: int
    snoozed_by: str
    snoozed_until_wall_ms: int
    told: tuple[str, ...]


class AlarmService(Protocol):
    """Alarms as web and the operator's door see them. Raises StoreFailed."""

    async def views(self) -> tuple[AlarmView, ...]:
        """What stands, the gravest first, then the oldest."""

    async def over(self) -> tuple[AlarmView, ...]:
        """What is over, the newest first; some of it."""

    async def ask(self, ask: Ask) -> str:
        """A person says something about an alarm: why not, or empty once it is durable."""
