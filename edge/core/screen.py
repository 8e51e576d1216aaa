"""What the shopper sees, as a value: a function of the machine's state, drawn by the display room.

Prices are fen, times left are whole seconds. A screen carries no words but names; both languages of every
sentence live in the display room's table.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product in a lane as the catalogue names it. `picture` is a file name or empty; with `sold_out_at`
    pieces left, or fewer, it sells no more.
    """

    lane: int
    name_zh: str
    name_en: str
    price_fen: int
    picture: str = ""
    sold_out_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One product on the idle screen. `reason` is empty when it can be bought, else `sold_out`, `fault`...

    `code`: the service code of a lane's fault, small, for the technician.
    """

    product: Product
    reason: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Choose a product. `notice` names why the last selection went nowhere (`sold_out`, `no_answer`)."""

    tiles: tuple[Tile, ...]
    notice: str = ""
    notice_lane: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One moment: the order is being placed."""

    product: Product


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Scan and pay. `left_s` of `span_s` seconds remain."""

    product: Product
    code_url: str = field(repr=False)
    left_s: int
    span_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """Somebody scanned a code of this product: the order is on the phone."""

    product: Product


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """The window is over or the link is away; the platform's word is awaited."""

    product: Product


@dataclass(frozen=True, slots=True, kw_only=True)
class Vending:
    """Paid; the product is on its way. `step` only if the board tells it."""

    product: Product
    step: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Take your product."""

    product: Product


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """It did not come out and the money is on its way back. `state`: started | done | held."""

    product: Product
    reference: str
    state: str = "started"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Nobody can tell yet whether the product came out."""

    product: Product
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfOrder:
    """The machine sells nothing. `reason` is a name of the service-code table."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A technician is at work; lanes with their states."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identify:
    """Somebody asked which machine this is: its name, as large as it goes."""


Service = OutOfOrder | Maintenance | Identify
View = Idle | Asking | Code | Scanned | Checking | Vending | Done | Refund | Doubt | Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """A view with the small print at the foot."""

    view: View
    machine: str
    phone: str
