"""How fast a lane sells, from its own last weeks, and when it will be empty at that pace."""

import enum
from dataclasses import dataclass
from typing import Final

HOUR_MS: Final = 3_600_000
WEEKS: Final = 4
WINDOW_MS: Final = WEEKS * 7 * 24 * HOUR_MS
SOON_MS: Final = 24 * HOUR_MS
# A machine that sells for an hour only says little of a week: nothing is foretold from less than a day.
_LEAST_MS: Final = 24 * HOUR_MS


class Level(enum.StrEnum):
    """What a person should know of a lane."""

    UNKNOWN = "unknown"
    FINE = "fine"
    LOW = "low"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """Pieces that a lane sold since `since_wall_ms`, no longer ago than the window."""

    pieces: int
    since_wall_ms: int


def per_hour(sold: Sold, wall_ms: int) -> float:
    """Pieces an hour: over the window, or since the machine's first sale within it, a day at least."""
    watched_ms = max(_LEAST_MS, min(WINDOW_MS, wall_ms - sold.since_wall_ms))
    return sold.pieces * HOUR_MS / watched_ms


def empty_wall_ms(pieces: int | None, sold_out_at: int, pace: float, wall_ms: int) -> int:
    """When the lane sells no more at this pace; 0 when it does not move, or nobody knows what lies in it."""
    if pieces is None or pace <= 0:
        return 0
    return wall_ms + round(max(0, pieces - sold_out_at) / pace * HOUR_MS)


def level(pieces: int | None, sold_out_at: int, empty_ms: int, wall_ms: int) -> Level:
    """Empty at its threshold; low with one piece above it, or when it will be empty within a day."""
    if pieces is None:
        return Level.UNKNOWN
    if pieces <= sold_out_at:
        return Level.EMPTY
    soon = 0 < empty_ms <= wall_ms + SOON_MS
    return Level.LOW if soon or pieces == sold_out_at + 1 else Level.FINE
