"""What a machine sells, and what the bridge knows of it from its own settings."""

from dataclasses import dataclass

from cloud_bridge.core.model import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfProduct:
    """A lane of a machine as the bridge's own catalogue has it."""

    lane: int
    name_zh: str
    name_en: str
    price_fen: int
    picture: str = ""
    sold_out_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The catalogue of one machine; `version` grows with each change. `merchant` gets its money, by name.

    `printed_codes` is the edition of its labels that is good, `codes_ahead` how many it holds for a lane;
    0: none.
    """

    machine: str
    version: int
    phone: str
    products: tuple[ShelfProduct, ...]
    merchant: str = ""
    place: Place | None = None
    printed_codes: int = 0
    codes_ahead: int = 0
