"""What a host on an MDB bus has to be told: the machine's numbers, its money, and how the reader behaves."""

from dataclasses import dataclass
from typing import ClassVar

from edge.drivers.limits import LineSettings, expect_range

PATIENCE_MIN_S = 90  # the platform's shortest pay window is 60 s, and the lease outlives it


@dataclass(frozen=True, slots=True, kw_only=True)
class MdbSettings(LineSettings):
    """One machine.

    items: the machine's own number for each lane of `lanes`, in the same order. What a machine sends as its
        item is its maker's affair: fill the table from real requests, never by guessing.
    scale, decimal_places: real price = price x scale / 10^decimal_places yuan.
    patience_s: Z7, how long the machine is told to wait for a decision; a sale's lease ends 5 s before it.
    sessions: the machine cannot be always idle: a session with unknown funds is begun whenever it may be.
    """

    items: tuple[int, ...]
    scale: int = 1
    decimal_places: int = 2
    patience_s: int = 245
    sessions: bool = False

    def __post_init__(self) -> None:
        LineSettings.__post_init__(self)
        expect_range("scale", self.scale, low=1, high=100)
        expect_range("decimal_places", self.decimal_places, low=0, high=3)
        expect_range("patience_s", self.patience_s, low=PATIENCE_MIN_S, high=255)
        if len(self.items) != len(self.lanes) or len(set(self.items)) != len(self.items):
            raise ValueError(
                f"items: found {len(self.items)} for {len(self.lanes)} lanes; allowed is one for each, once"
            )
        for item in self.items:
            expect_range("items", item, low=0, high=0xFFFE)

    def lane_of(self, item: int) -> int | None:
        """The lane that a machine's item is; None for one that is not in the table."""
        return self.lanes[self.items.index(item)] if item in self.items else None

    def fen(self, price: int) -> int | None:
        """A price of the machine's in fen; None when it is no whole number of them."""
        fen, rest = divmod(price * self.scale * 100, 10**self.decimal_places)
        return fen if rest == 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class QibixxSettings(MdbSettings):
    """An adapter of the Qibixx kind. `address` 0x10: the first reader on the bus, 0x60: the second."""

    bus: ClassVar[str] = "mdb-qibixx"

    baud: int = 115_200
    address: int = 0x10
    currency: int = 0x1156  # ISO 4217 number of the yuan behind a leading 1

    def __post_init__(self) -> None:
        MdbSettings.__post_init__(self)
        if self.address not in (0x10, 0x60):
            raise ValueError(f"address: found {self.address}; allowed is 16 (0x10) or 96 (0x60)")
        expect_range("currency", self.currency, low=0, high=0xFFFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaferstarSettings(MdbSettings):
    """An adapter that hands blocks through. `level`: the lower one of the machine's and the adapter's.

    `expanded`: the machine enabled 32-bit money, so that prices have four bytes.
    """

    bus: ClassVar[str] = "mdb-waferstar"

    level: int = 1
    expanded: bool = False

    def __post_init__(self) -> None:
        MdbSettings.__post_init__(self)
        expect_range("level", self.level, low=1, high=3)
