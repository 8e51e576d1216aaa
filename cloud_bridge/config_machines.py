"""The `[[machines]]` tables: who may speak, and what lies in which lane at which price."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

from cloud_bridge.config_areas import County
from cloud_bridge.core.model import Place
from cloud_bridge.ports import Shelf, ShelfProduct
from wire.settings import File, Pattern, Range
from wire.topics import LIMIT_BYTES, Branch

LANES_LIMIT: Final = 200
BRIDGE: Final = "bridge"
CATALOGUE_BYTES: Final = LIMIT_BYTES[Branch.SET]


def _text(least: int, most: int) -> Pattern:
    return Pattern(rf"[^\x00-\x1f\x7f]{{{least},{most}}}", f"{least} to {most} characters on one line")


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneTable:
    """What lies in a lane and costs what."""

    lane: Annotated[int, Range(1, 9999)]
    name_zh: Annotated[str, _text(1, 40)]
    name_en: Annotated[str, _text(1, 60)]
    price_fen: Annotated[int, Range(1, 10_000_000, "fen")]
    picture: Annotated[str, _text(0, 120)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bytes:
    """A rule for text that the platform counts in bytes: a Chinese character is three."""

    most: int

    def __str__(self) -> str:
        return f"1 to {self.most} bytes on one line, three for a Chinese character"

    def allows(self, value: str) -> bool:
        """Whether it fits."""
        return value.isprintable() and 1 <= len(value.encode()) <= self.most


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceTable:
    """The store a machine stands in, for its orders: all of it, or no `place` at all."""

    store_id: Annotated[str, Bytes(most=32)]
    store_name: Annotated[str, Bytes(most=256)]
    area_code: Annotated[str, County()]
    address: Annotated[str, Bytes(most=512)]

    @property
    def place(self) -> Place:
        """As orders say it."""
        return Place(**asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineTable:
    """A machine that may speak, and its catalogue: until somebody edits that in the books, which is for good.
    Raise `catalogue_version` with each change of it here.

    `printed_codes` is the edition of the labels that are good; raise it to make those printed before void.
    `codes_ahead` is how many codes the machine holds for each lane. 0: none of that kind.

    `merchant` names one of `[[merchants]]`; without it the money is that of `[wechat]`.
    """

    id: Annotated[str, Pattern(r"[a-z0-9-]{4,32}", "4 to 32 of a-z 0-9 -")]
    public_key_file: Annotated[Path, File()]
    catalogue_version: Annotated[int, Range(1, 2**31)]
    lanes: tuple[LaneTable, ...]
    phone: Annotated[str, _text(0, 40)] = ""
    merchant: str = ""
    printed_codes: Annotated[int, Range(0, 2**31)] = 0
    codes_ahead: Annotated[int, Range(0, 8)] = 0
    place: PlaceTable | None = None

    def __post_init__(self) -> None:
        if self.id == BRIDGE:
            raise ValueError(f"the name {BRIDGE}, under which the bridge shows its own states")
        if not 1 <= len(self.lanes) <= LANES_LIMIT:
            raise ValueError(f"{len(self.lanes)} lanes; 1 to {LANES_LIMIT} are allowed")
        if twice := first_twice([lane.lane for lane in self.lanes]):
            raise ValueError(f"lane {twice} twice")
        size = len(json.dumps(asdict(self), default=str, ensure_ascii=False).encode())
        if size > CATALOGUE_BYTES:
            raise ValueError(f"a catalogue of {size} bytes; {CATALOGUE_BYTES} are allowed")

    @property
    def shelf(self) -> Shelf:
        """The catalogue as the engine knows it."""
        products = tuple(
            ShelfProduct(
                lane=lane.lane,
                name_zh=lane.name_zh,
                name_en=lane.name_en,
                price_fen=lane.price_fen,
                picture=lane.picture,
            )
            for lane in self.lanes
        )
        return Shelf(
            machine=self.id,
            version=self.catalogue_version,
            phone=self.phone,
            products=products,
            merchant=self.merchant,
            printed_codes=self.printed_codes,
            codes_ahead=self.codes_ahead,
            place=self.place.place if self.place is not None else None,
        )


def first_twice(names: Sequence[str | int]) -> str:
    """The first of `names` that was there before, or empty."""
    seen: set[str | int] = set()
    for name in names:
        if name in seen:
            return str(name)
        seen.add(name)
    return ""
