"""What APIv2 remembers beside the orders: which `prepay_id` and which short link stands for what."""

from typing import Final

from hw_sim.platform.answers import rfc3339
from hw_sim.platform.ids import Ids

PREPAY_LIFE_MS: Final = 2 * 3_600_000
_SHORT: Final = "weixin://wxpay/s/"


class Book:
    """Kept in memory for the run."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._codes: dict[str, tuple[str, int]] = {}
        self._long: dict[str, str] = {}

    def prepay_id(self, code_url: str, now_ms: int) -> str:
        """A name for an order's code, good for two hours."""
        stamp = "".join(filter(str.isdigit, rfc3339(now_ms)))[:14]
        prepay_id = f"wx{stamp}{self._ids.nonce(20)}"
        self._codes[prepay_id] = code_url, now_ms
        return prepay_id

    def code_of(self, prepay_id: str, now_ms: int) -> str | None:
        """The code that a `prepay_id` stands for; None when it never did, or does no more."""
        code_url, made_ms = self._codes.get(prepay_id, ("", now_ms))
        return code_url if code_url and now_ms - made_ms < PREPAY_LIFE_MS else None

    def short(self, long_url: str) -> str:
        """A short link; the same one for the same long one."""
        known = next((short for short, long in self._long.items() if long == long_url), None)
        short = known or _SHORT + self._ids.nonce(7)
        self._long[short] = long_url
        return short

    def long(self, code: str) -> str:
        """What a code says once a short link is followed."""
        return self._long.get(code, code)
