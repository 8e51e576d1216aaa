"""What a page says, in one language: words, causes, lines of the books, money and times."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, Protocol

from cloud_bridge.ports import SaleView
from cloud_bridge.web.saying import about, alarm_name, cause_in, following, said
from cloud_bridge.web.words import table

# Until the page knows its reader's zone, times are those of the platform's bills.
ZONE: Final = timezone(timedelta(hours=8))
_MINUTE_MS: Final = 60_000


class Goods(Protocol):
    """Something that has a product's two names."""

    @property
    def product_zh(self) -> str:
        """In Chinese."""

    @property
    def product_en(self) -> str:
        """In English; may be empty."""


class Speaker:
    """One language at one moment. `names` are what templates may call."""

    def __init__(self, language: str, now_ms: int) -> None:
        self._language: Final = language
        self._words: Final = table(language)
        self._now_ms: Final = now_ms

    @property
    def names(self) -> Mapping[str, Callable[..., Any]]:
        """By the name that a template calls."""
        return {
            "say": self.say,
            "known": self.known,
            "named": self.named,
            "cause": self.cause,
            "told": self.told,
            "about": about,
            "alarm_name": self.alarm_name,
            "following": self.following,
            "product": self.product,
            "yuan": yuan,
            "money": money,
            "age": self.age,
            "stamp": self.stamp,
            "situation": situation,
        }

    def say(self, key: str) -> str:
        """A word of the pages. Raises KeyError for one that is in no table."""
        return self._words[key]

    def known(self, group: str, name: str) -> str:
        """A name of the outside in words, or empty."""
        return self._words.get(f"{group}.{name}", "")

    def named(self, group: str, name: str) -> str:
        """A name of the outside in words; as it is when it has none."""
        return self.known(group, name) or name.replace("_", " ")

    def cause(self, words: str) -> str:
        """Why a sale went as it did."""
        return cause_in(words, self._language)

    def told(self, words: str) -> str:
        """A line of a timeline or an alarm."""
        return said(words, self._language)

    def alarm_name(self, name: str) -> str:
        """An alarm in words."""
        return alarm_name(name, self._language)

    def following(self, name: str) -> str:
        """What to do about an alarm, or empty."""
        return following(name, self._language)

    def product(self, row: Goods) -> str:
        """The name of what is sold."""
        return (row.product_en if self._language == "en" else "") or row.product_zh or row.product_en

    def age(self, since_ms: int) -> str:
        """How long ago, in the largest unit that still tells something."""
        minutes = max(0, (self._now_ms - since_ms) // _MINUTE_MS)
        if minutes < 60:
            return f"{minutes} {self.say('minutes')}"
        if minutes < 48 * 60:
            return f"{minutes // 60} {self.say('hours')}"
        return f"{minutes // 1440} {self.say('days')}"

    def stamp(self, wall_ms: int) -> Mapping[str, str]:
        """A time for a `time` element: `utc`, `shown` and, with the offset, `whole`."""
        at = datetime.fromtimestamp(wall_ms / 1000, ZONE)
        today = at.date() == datetime.fromtimestamp(self._now_ms / 1000, ZONE).date()
        return {
            "utc": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "shown": f"{at:%H:%M:%S}" if today else f"{at:%Y-%m-%d %H:%M:%S}",
            "whole": f"{at:%Y-%m-%d %H:%M:%S} +08:00",
        }


def situation(sale: SaleView) -> str:
    """What a sale is at. One that is to vend has no cause of its own: one that is there means doubt."""
    if sale.state != "paid":
        return sale.state
    if sale.decision == "refund":
        return "refunding"
    return "unclear" if sale.why else "paid"


def yuan(fen: int) -> str:
    """Money as people write it."""
    sign = "-" if fen < 0 else ""
    return f"{sign}¥{abs(fen) // 100}.{abs(fen) % 100:02d}"


def money(fen: int) -> str:
    """As `yuan`; nothing for nothing."""
    return yuan(fen) if fen else ""
