"""Machines as a person sees them, from their unsigned `state/` topics: drawn, never decided from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneView:
    """A lane as the machine last showed it; None where its board cannot tell. `reason` empty: it sells.

    `fault` and `code`: what is wrong with it, as a common fault and a service code; empty where nothing is.
    """

    lane: int
    product_zh: str
    product_en: str
    price_fen: int
    stock: int | None
    capacity: int | None
    reason: str
    fault: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditView:
    """The newest audit file that a machine showed: which day, and paid vends of it and of all days.

    `came_wall_ms`: when it came; 0: it stood at the broker before this bridge did.
    """

    day: str
    day_count: int
    day_value_fen: int
    count: int
    value_fen: int
    came_wall_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineView:
    """A machine as a person sees it, from its unsigned `state/` topics: drawn, never decided from.

    `reason` is why it sells nothing; empty when it sells, or when it has not said. `boot` 0: never heard of.
    """

    machine: str
    online: bool
    boot: int
    seen_wall_ms: int
    selling: bool
    reason: str
    software: str
    catalogue_version: int
    temperature_c: int | None
    door_open: bool | None
    lanes: tuple[LaneView, ...]
    audit: AuditView | None = None
