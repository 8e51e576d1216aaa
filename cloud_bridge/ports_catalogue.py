"""What is asked of the books about products, planograms, roll-outs and stock, and what people see of them.

The same rule as in `ports`: rooms meet in the engine.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from cloud_bridge.core.catalogue import Book, Change, Fault, Plan, Product, Slot, Wanted
from cloud_bridge.core.catalogue import Lane as Place
from cloud_bridge.core.model import Session
from cloud_bridge.core.pace import Level
from cloud_bridge.core.rollout import Rollout, Standing, Stop
from cloud_bridge.core.stock import Hand, Moved, Stock
from cloud_bridge.ports import Store
from cloud_bridge.ports_people import AuditTx

T = TypeVar("T")
SETTINGS: Final = "bridge.toml"  # who made an edition that the settings brought
PICTURE_BYTES: Final = 100_000


# ---------------------------------------------------------------- what machines say


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueTold:
    """A machine says which version it runs; and why it cannot use the one `offered`, when there are words."""

    machine: str
    session: Session
    version: int
    offered: int = 0
    why: str = ""


class CatalogueHearer(Protocol):
    """Who wants to know which catalogue machines run."""

    async def catalogue_told(self, told: CatalogueTold) -> None:
        """Take it; durable when this returns. Raises StoreFailed."""


# ---------------------------------------------------------------- the books


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One change of the catalogue: who made it, when and why. `agreed` is the second person, if any."""

    edition: int
    wall_ms: int
    by: str
    why: str
    agreed: str = ""
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What a machine was offered under a version; for ever, for the sales under it."""

    machine: str
    version: int
    wall_ms: int
    phone: str
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An edition that waits: for a second person while `daring` has words and nobody agreed, or for its hour.

    `state`: waiting | done | dropped | overtaken. `effective_wall_ms` 0: as soon as it may.
    """

    id: int
    by: str
    why: str
    wall_ms: int
    effective_wall_ms: int
    minutes: int
    at_once: bool
    daring: tuple[str, ...]
    changes: tuple[Change, ...]
    agreed: str = ""
    state: str = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An uploaded PNG, named by its SHA-256."""

    sha256: str
    name: str
    by: str
    wall_ms: int
    png: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSums:
    """A lane's sums, and what it sold within the window of its pace."""

    machine: str
    lane: int
    stock: Stock
    sold: int


class CatalogueTx(AuditTx, Protocol):
    """A transaction that also sees the catalogue and the stock. Synchronous; raises StoreFailed."""

    def book(self) -> Book:
        """Every entry."""

    def newest_edition(self) -> int:
        """The number of the newest edition, or 0."""

    def editions_after(self, edition: int) -> tuple[Edition, ...]:
        """Those that came later, the newest first, with their changes."""

    def put_edition(self, edition: Edition) -> None:
        """Append an edition, and change the entries as it says."""

    def bundles(self) -> Mapping[str, Bundle]:
        """The newest of each machine."""

    def bundle(self, machine: str, version: int) -> Bundle | None:
        """What a machine was offered under a version."""

    def bundle_versions(self) -> Mapping[str, int]:
        """The version of the newest of each machine."""

    def newest_bundle(self, machine: str) -> Bundle | None:
        """The newest of one machine."""

    def put_bundle(self, bundle: Bundle) -> None:
        """Append one."""

    def standings(self) -> Mapping[str, Standing]:
        """What each machine said last."""

    def standing(self, machine: str) -> Standing | None:
        """What this one said last."""

    def put_standing(self, standing: Standing) -> None:
        """Insert or replace."""

    def rollout(self) -> tuple[Rollout, tuple[Stop, ...]] | None:
        """The newest roll-out."""

    def put_rollout(self, rollout: Rollout, stops: Iterable[Stop]) -> None:
        """Insert or replace it and these of its machines."""

    def pending(self) -> tuple[Pending, ...]:
        """What waits, the oldest first."""

    def put_pending(self, pending: Pending) -> int:
        """Insert or replace; an id of 0 gets a new one, which is handed back."""

    def put_picture(self, picture: Picture) -> None:
        """Keep it, once."""

    def has_picture(self, sha256: str) -> bool:
        """Whether it was uploaded."""

    def put_moved(self, moved: Moved) -> bool:
        """Append an event of the stock; False when its key is known already."""

    def editions(self, *, before: int, limit: int) -> tuple[Edition, ...]:
        """The newest below `before` (0: of all) first, with their changes."""

    def picture(self, sha256: str) -> Picture | None:
        """One, with its bytes."""

    def pictures(self) -> tuple[Picture, ...]:
        """Every picture without its bytes, the newest first."""

    def lane_sums(self, machines: Sequence[str], since_wall_ms: int) -> tuple[LaneSums, ...]:
        """What these machines' lanes hold, and what they sold since then."""

    def first_sold(self, machines: Sequence[str], since_wall_ms: int) -> Mapping[str, int]:
        """When each of these machines sold something first since then."""

    def moves(self, *, machine: str, before: int, limit: int) -> tuple[tuple[int, Moved], ...]:
        """Events of the stock with their numbers, the newest below `before` (0: of all) first."""


class CatalogueBooks(Store, Protocol):
    """The books, as catalogue and stock see them."""

    async def on_catalogue(self, work: Callable[[CatalogueTx], T]) -> T:
        """As `run`."""

    async def read_catalogue(self, work: Callable[[CatalogueTx], T]) -> T:
        """Look only, beside whoever writes, at one moment."""


# ---------------------------------------------------------------- what people wish and see


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What somebody wants. `base` is the edition he looked at; `effective_wall_ms` 0: now. `program`: a token
    asks, which nobody agrees to: whoever has it may have a login, too.
    """

    wanted: Wanted
    base: int
    by: str
    why: str
    minutes: int
    at_once: bool = False
    effective_wall_ms: int = 0
    program: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of a wish. `why_not` has words, or `faults` says every mistake, and nothing is taken.

    `edition` is the new one; `pending` the number under which it waits, for the reasons in `daring`.
    """

    why_not: str = ""
    faults: tuple[Fault, ...] = ()
    edition: int = 0
    pending: int = 0
    daring: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Nothing was taken."""
        return bool(self.why_not or self.faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineOffer:
    """A machine of the catalogue page: what it is offered, what it runs, and why not. `state`:

    runs | offered | refused | waiting (for its wave) | silent (it never said).
    """

    machine: str
    plan: Plan
    version: int
    runs: int
    state: str
    why: str
    slots: tuple[Slot, ...]
    places: Mapping[int, Place]
    settings_differ: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueView:
    """Everything that the catalogue page shows, but the history."""

    edition: int
    products: Mapping[str, Product]
    templates: Mapping[str, Mapping[int, Place]]
    machines: tuple[MachineOffer, ...]
    rollout: Rollout | None
    stops: tuple[Stop, ...]
    pending: tuple[Pending, ...]


class CatalogueService(CatalogueHearer, Protocol):
    """The catalogue as page, commands and the operator's door see it. Raises StoreFailed."""

    async def view(self) -> CatalogueView:
        """What there is now."""

    async def history(self, *, before: int = 0, limit: int = 50) -> tuple[Edition, ...]:
        """Editions, the newest first."""

    async def take_tables(self, texts: Sequence[str], edit: Edit) -> tuple[Done, tuple[str, ...]]:
        """As `edit`, with what these tables want; and every mistake in them, by row and column."""

    async def tables(self) -> Mapping[str, str]:
        """The catalogue as tables, by name: products, lanes."""

    async def edit(self, edit: Edit) -> Done:
        """Make a new edition, now or later, or say why not."""

    async def undo(self, edition: int, by: str, why: str, *, program: bool = False) -> Done:
        """Make a new edition that is as that one was."""

    async def agree(self, pending: int, by: str) -> Done:
        """A second person agrees."""

    async def drop(self, pending: int, by: str) -> str:
        """What waits will not be; why not, or empty."""

    async def go_on(self, by: str) -> str:
        """A stopped roll-out goes on without those in trouble; why not, or empty."""

    async def upload(self, picture: Picture) -> str:
        """Keep a picture; why not, or empty."""

    async def picture(self, sha256: str) -> bytes:
        """A picture's bytes, or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneStock:
    """A lane of the stock page. `pieces` is from the books, `told` what the board says; None: not known."""

    machine: str
    route: str
    lane: int
    product: str
    product_zh: str
    product_en: str
    pieces: int | None
    told: int | None
    refilled: int
    corrected: int
    vended: int
    par: int
    capacity: int
    sold_out_at: int
    per_day: float
    empty_wall_ms: int
    level: Level

    @property
    def differs(self) -> int:
        """How many more the board sees than the books; 0 when one of them does not know."""
        return self.told - self.pieces if self.told is not None and self.pieces is not None else 0

    @property
    def to_bring(self) -> int:
        """Pieces up to par; a lane that nobody counted may need all of them."""
        return max(0, self.par - max(0, self.pieces or 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Somebody filled a lane with so many pieces, or counted so many in it. `key` names this act for ever."""

    key: str
    machine: str
    lane: int
    hand: Hand
    count: int
    by: str
    why: str


class StockService(Protocol):
    """The stock as page, commands and other rooms of the engine see it. Raises StoreFailed."""

    async def lanes(self, *, machines: Sequence[str] = (), route: str = "") -> tuple[LaneStock, ...]:
        """The lanes of these machines (none named: of all), those that need somebody first."""

    async def routes(self, machines: Sequence[str]) -> Mapping[str, str]:
        """Whose tour each of these machines is on; empty for nobody's."""

    async def note(self, counts: Sequence[Count]) -> str:
        """Take all of these or none; why not, or empty. One that is known already changes nothing."""

    async def moves(
        self, *, machine: str = "", before: int = 0, limit: int = 50
    ) -> tuple[tuple[int, Moved], ...]:
        """What people put in and corrected, the newest first."""
