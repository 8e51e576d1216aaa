"""When faults that come and go by the minute are worth a person's attention: counts within a window."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

ALARMS: Final = ("notices_missing", "notices_forged", "order_api", "merchant_restricted")
_HOUR_MS: Final = 3_600_000
_TEN_MIN_MS: Final = 600_000
_GRACE_MS: Final = 90_000
_MOST: Final = 10_000

# What the platform answers to an order when keys, rights or pace are wrong: one is enough.
TOLD_OFF: Final = frozenset({"sign_error", "no_auth", "http_401", "http_403"})
TOO_FAST: Final = frozenset(
    {"rate_limited", "frequency_limited", "frequency_limit_exceed", "ratelimit_exceeded"}
)
# Nobody can pay this merchant as long as it lasts.
RESTRICTED: Final = frozenset({"rule_limit", "account_error", "request_blocked", "trade_error"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From how many on; the platform's own probes are never counted."""

    missing: int = 3
    forged: int = 10
    orders: int = 10
    share: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen lately: instants of the monotonic clock in ms, the oldest first.

    `unannounced` are payments that a query brought and no notification yet, with when; `missed` those for
    which none came in time.
    """

    unannounced: tuple[tuple[str, int], ...] = ()
    missed: tuple[int, ...] = ()
    forged: tuple[int, ...] = ()
    placed: tuple[int, ...] = ()
    failed: tuple[tuple[int, str], ...] = ()
    restricted: str = ""


# ---------------------------------------------------------------- what happens


def queried(seen: Seen, sale_id: str, now_ms: int) -> Seen:
    """A query brought a payment."""
    if any(name == sale_id for name, _ in seen.unannounced):
        return seen
    return replace(seen, unannounced=(*seen.unannounced, (sale_id, now_ms))[-_MOST:])


def announced(seen: Seen, sale_id: str) -> Seen:
    """A notification brought a payment."""
    return replace(seen, unannounced=tuple(each for each in seen.unannounced if each[0] != sale_id))


def disbelieved(seen: Seen, why: str, now_ms: int) -> Seen:
    """A notification was not believed. A probe wants to be refused."""
    return seen if why == "probe" else replace(seen, forged=(*seen.forged, now_ms)[-_MOST:])


def ordered(seen: Seen, why: str, now_ms: int) -> Seen:
    """An order was placed (`why` empty), or not."""
    if not why:
        return replace(seen, placed=(*seen.placed, now_ms)[-_MOST:], restricted="")
    restricted = why if why in RESTRICTED else seen.restricted
    return replace(seen, failed=(*seen.failed, (now_ms, why))[-_MOST:], restricted=restricted)


# ---------------------------------------------------------------- what it means


def passed(seen: Seen, now_ms: int) -> Seen:
    """As time goes by: what is too old is forgotten, and who waited too long for a notification missed it."""
    late = [at for _, at in seen.unannounced if now_ms - at >= _GRACE_MS]
    return replace(
        seen,
        unannounced=tuple(each for each in seen.unannounced if now_ms - each[1] < _GRACE_MS),
        missed=(*_within(seen.missed, now_ms, _HOUR_MS), *late)[-_MOST:],
        forged=_within(seen.forged, now_ms, _TEN_MIN_MS),
        placed=_within(seen.placed, now_ms, _TEN_MIN_MS),
        failed=tuple(each for each in seen.failed if now_ms - each[0] < _TEN_MIN_MS),
    )


def wanted(seen: Seen, thresholds: Thresholds) -> dict[str, str]:
    """The alarms that should stand, by name, with their words."""
    found: dict[str, str] = {}
    if len(seen.missed) >= thresholds.missing:
        found["notices_missing"] = f"{len(seen.missed)} payments in an hour came without a notification"
    if len(seen.forged) >= thresholds.forged:
        found["notices_forged"] = f"{len(seen.forged)} notifications in ten minutes were not believed"
    if why := _orders(seen, thresholds):
        found["order_api"] = f"orders fail: {why}"
    if seen.restricted:
        found["merchant_restricted"] = f"nobody can pay this merchant: {seen.restricted}"
    return found


def _orders(seen: Seen, thresholds: Thresholds) -> str:
    whys = [why for _, why in seen.failed]
    for names in (TOLD_OFF, TOO_FAST):
        if hit := [why for why in whys if why in names]:
            return hit[-1]
    count = len(seen.placed) + len(whys)
    if count < thresholds.orders or len(whys) < thresholds.share * count:
        return ""
    return whys[-1]


def _within(instants: Iterable[int], now_ms: int, span_ms: int) -> tuple[int, ...]:
    return tuple(at for at in instants if now_ms - at < span_ms)


@dataclass(slots=True)
class Watch:
    """Holds what was seen; `Engine` tells it, `Monitors` asks it. Time is an argument."""

    seen: Seen = field(default_factory=Seen)

    def queried(self, sale_id: str, now_ms: int) -> None:
        """A query brought a payment."""
        self.seen = queried(self.seen, sale_id, now_ms)

    def announced(self, sale_id: str) -> None:
        """A notification brought a payment."""
        self.seen = announced(self.seen, sale_id)

    def disbelieved(self, why: str, now_ms: int) -> None:
        """A notification was not believed."""
        self.seen = disbelieved(self.seen, why, now_ms)

    def ordered(self, why: str, now_ms: int) -> None:
        """An order was placed, or why not."""
        self.seen = ordered(self.seen, why, now_ms)
