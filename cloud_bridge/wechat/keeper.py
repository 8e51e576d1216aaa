"""Looks after one merchant's keys and clock while the bridge runs: fetches certificates, says what will end.

Certificates are fetched at the start, every six hours, and when a key is named that nobody knows; a merchant
who has none any more is told to leave the list alone. An alarm stands until what it says is over.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from cloud_bridge.ports import Clock, Log
from cloud_bridge.wechat.exchange import Failure, Reply, Success
from cloud_bridge.wechat.keys import Keys
from cloud_bridge.wechat.watch import Watch

LOOK_S: Final = 10.0
REFRESH_S: Final = 6 * 3600.0  # the platform wants it every twelve hours at least
AGAIN_FIRST_S: Final = 60.0
AGAIN_MOST_S: Final = 3600.0
ASKED_FOR_S: Final = 600.0  # a stranger may name keys as often as he likes
ENDS_SOON_S: Final = 60 * 24 * 3600.0
CLOCK_OFF_S: Final = 60.0
QUIET_S: Final = 3600.0  # a key that was not known and is not named any more
GONE: Final = frozenset({"resource_not_exists", "not_found"})
Fetch = Callable[[], Awaitable[Reply]]
Say = Callable[[str, str], Awaitable[None]]


class Keeper:
    """One merchant's. `fetch` makes one call for the list, None where it must not be called.

    `say` raises an alarm by its name, or clears it with an empty text; `name` is the merchant's.
    """

    def __init__(
        self, *, name: str, keys: Keys, watch: Watch, fetch: Fetch | None, say: Say, clock: Clock, log: Log
    ) -> None:
        self._name: Final = name
        self._keys: Final = keys
        self._watch: Final = watch
        self._fetch = fetch
        self._say: Final = say
        self._clock: Final = clock
        self._log: Final = log
        self._said: Final[dict[str, bool]] = {}
        self._due_ms, self._last_ms, self._failed = 0, -math.inf, 0

    @property
    def task(self) -> str:
        """What its task is called."""
        return f"keys {self._name}".rstrip()

    async def run(self) -> None:
        """Look again and again until cancelled. Raises what `say` raises."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Fetch what is due and say what there is to say."""
        if self._fetch is not None and self._is_due():
            await self._refresh(self._fetch)
        now_s = self._clock.wall_ms() / 1000
        await self._tell("keys_own_end", _ends(self._keys.own_until_s, now_s, _OWN))
        ends_s = max((key.until_s for key in self._keys.platform.values()), default=math.inf)
        await self._tell("keys_platform_end", _ends(ends_s, now_s, _PLATFORM))
        unknown = self._clock.now_ms() - self._watch.answer_unknown_ms < QUIET_S * 1000
        await self._tell("keys_platform_unknown", _UNKNOWN if unknown else "")
        offset_s = self._watch.offset_s
        await self._tell("clock_off", _clock(offset_s) if abs(offset_s) > CLOCK_OFF_S else "")

    def _is_due(self) -> bool:
        now_ms, watch = self._clock.now_ms(), self._watch
        named = max(watch.answer_unknown_ms, watch.notice_unknown_ms) > self._last_ms
        return now_ms >= self._due_ms or (named and now_ms - self._last_ms >= ASKED_FOR_S * 1000)

    async def _refresh(self, fetch: Fetch) -> None:
        self._last_ms = self._clock.now_ms()
        reply = await fetch()
        match reply:
            case Success():
                self._failed = 0
                self._watch.answer_unknown_ms = -math.inf
                self._log.info("certificates.held", merchant=self._name, serials=len(self._keys.platform))
            case Failure(why=why) if why in GONE:
                self._fetch = None  # for good: this merchant has none
                self._log.warning("certificates.gone", merchant=self._name)
            case Failure(why=why, detail=detail):
                self._failed += 1
                self._log.warning("certificates.refused", merchant=self._name, why=why, detail=detail)
            case _:
                self._failed += 1
                self._log.warning("certificates.unclear", merchant=self._name, why=reply.why)
        await self._tell("keys_platform_gone", _GONE if self._fetch is None else "")
        again_s = min(AGAIN_MOST_S, AGAIN_FIRST_S * 2 ** min(self._failed - 1, 10))
        self._due_ms = self._clock.now_ms() + round((again_s if self._failed else REFRESH_S) * 1000)

    async def _tell(self, name: str, text: str) -> None:
        """Say it when it begins and when it is over; at the start, that it is not so any more."""
        if self._said.get(name) == bool(text):
            return
        self._said[name] = bool(text)
        of = f" (merchant {self._name})" if self._name else ""
        await self._say(f"{name}_{self._name}" if self._name else name, text and text + of)


_OWN: Final = (
    "the merchant's certificate",
    "a new one from the console; both may be used",
)
_PLATFORM: Final = (
    "the last certificate of the platform",
    "the public key from the merchant console (platform_public_keys), or download_certificates = true",
)
_UNKNOWN: Final = (
    "the platform signs with a key that is not held here. "
    "Try: wxvend bridge check-config --echo, and platform_public_keys from the merchant console"
)
_GONE: Final = (
    "the platform has no certificates for this merchant. "
    "Try: platform_public_keys from the merchant console, and download_certificates = false"
)


def _ends(until_s: float, now_s: float, words: tuple[str, str]) -> str:
    """What ends and when, if it is soon; then what to do."""
    if until_s - now_s >= ENDS_SOON_S:
        return ""
    day = datetime.fromtimestamp(until_s, UTC).date().isoformat()
    return f"{words[0]} {'ended' if until_s < now_s else 'ends'} on {day}. Try: {words[1]}"


def _clock(offset_s: float) -> str:
    where = "ahead of" if offset_s > 0 else "behind"
    return f"this computer's clock is {abs(offset_s):.0f} s {where} the platform's. Try: timedatectl, chrony"
