"""What is wrong with a machine from what is seen of it: gone, coming and going, door open, warm or cold.

Seen are unsigned states, so this draws attention and decides nothing. Instants are of the monotonic clock.
"""

from dataclasses import dataclass, replace
from typing import Final

OFFLINE, FLAPPING = "machine_offline", "link_flapping"
DOOR, TEMPERATURE, NO_SALE = "door_left_open", "temperature_range", "no_sale"
BROKER = "broker_lost"  # the bridge's own: whoever hears nobody knows of nobody that he is gone
ALARMS: Final = (OFFLINE, FLAPPING, DOOR, TEMPERATURE, NO_SALE, BROKER)
BROKER_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000
_MOST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """From when on it is worth a person's attention. `links`: so often within an hour."""

    offline_min: int = 5
    links: int = 6
    door_min: int = 10
    warm_min: int = 30
    lowest_c: int = -30
    highest_c: int = 45


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """A machine as it shows itself now; None: it does not say."""

    online: bool
    door_open: bool | None = None
    temperature_c: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen so far: since when it is gone, open or of a wrong temperature; when it came back."""

    gone_ms: int | None = None
    door_ms: int | None = None
    warm_ms: int | None = None
    backs: tuple[int, ...] = ()


def seen(before: Sight, now: Glance, terms: Terms, now_ms: int) -> Sight:
    """With this glance."""
    celsius = now.temperature_c
    wrong = celsius is not None and not terms.lowest_c <= celsius <= terms.highest_c
    backs = tuple(at for at in before.backs if now_ms - at < _HOUR_MS)
    if now.online and before.gone_ms is not None:
        backs = (*backs, now_ms)[-_MOST:]
    return replace(
        before,
        gone_ms=_since(before.gone_ms, not now.online, now_ms),
        door_ms=_since(before.door_ms, now.online and now.door_open is True, now_ms),
        warm_ms=_since(before.warm_ms, now.online and wrong, now_ms),
        backs=backs,
    )


def wanted(sight: Sight, now: Glance, terms: Terms, now_ms: int) -> dict[str, str]:
    """The alarms that should stand, by name, with their words."""
    found: dict[str, str] = {}
    if _lasts(sight.gone_ms, terms.offline_min, now_ms):
        found[OFFLINE] = f"nothing was heard of it for {terms.offline_min} min and more"
    if len(sight.backs) >= terms.links:
        found[FLAPPING] = f"its link came back {len(sight.backs)} times within an hour"
    if _lasts(sight.door_ms, terms.door_min, now_ms):
        found[DOOR] = f"its door is open for {terms.door_min} min and more"
    if _lasts(sight.warm_ms, terms.warm_min, now_ms):
        found[TEMPERATURE] = f"{now.temperature_c} °C, allowed {terms.lowest_c} to {terms.highest_c} °C"
    return found


def _since(before_ms: int | None, is_so: bool, now_ms: int) -> int | None:
    if not is_so:
        return None
    return now_ms if before_ms is None else before_ms


def _lasts(since_ms: int | None, minutes: int, now_ms: int) -> bool:
    return since_ms is not None and now_ms - since_ms >= minutes * 60_000
