"""The one way into either program: verify, then parse, and count what is refused.

A refusal is a security event: counted by reason and told in the log, at most `LOG_BURST` lines a minute
and never with payload or signature, because whoever floods us must not fill the disk.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from wire.codec import UnknownKind, decode
from wire.envelope import Keyring
from wire.inbound import Inbound, Refusal, Refused
from wire.log import Log
from wire.messages import BadMessage, Message
from wire.topics import Branch

LOG_BURST: Final = 10
LOG_PER_S: Final = LOG_BURST / 60


class TokenBucket:
    """At most `burst` at once and `per_s` in the long run, by a clock that is given (seconds, monotonic)."""

    def __init__(self, *, per_s: float, burst: int, clock: Callable[[], float]) -> None:
        self._per_s = per_s
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._filled_at_s = clock()

    def take(self) -> bool:
        """Take one token; False when there is none."""
        now_s = self._clock()
        self._tokens = min(self._burst, self._tokens + (now_s - self._filled_at_s) * self._per_s)
        self._filled_at_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Gate:
    """Turns what the broker gave into a message, or counts why not."""

    def __init__(
        self, keyring: Keyring, *, log: Log, clock: Callable[[], float], per_s: int | None = None
    ) -> None:
        """`per_s` bounds how many messages are looked at per second; None: as many as come.

        `unusable` hears of each setting that was truly said and cannot be used: it is never just passed over.
        """
        self._keyring = keyring
        self._log = log
        self._pace = TokenBucket(per_s=per_s, burst=per_s, clock=clock) if per_s is not None else None
        self._lines = TokenBucket(per_s=LOG_PER_S, burst=LOG_BURST, clock=clock)
        self._unlogged = 0
        self._refused: Counter[Refusal] = Counter()
        self.unusable: Callable[[bytes, str], None] = lambda payload, why: None

    @property
    def refused(self) -> Mapping[Refusal, int]:
        """How many messages were refused, by reason, since the start."""
        return MappingProxyType(self._refused)

    def take(self, inbound: Inbound) -> Message | None:
        """Give the message, or None when it was refused.

        Acknowledge a refused one too: a broker that kept it would offer it again for ever.
        """
        try:
            return self._open(inbound)
        except Refused as refused:
            self._refused[refused.reason] += 1
            self._tell(inbound, refused)
            return None

    def replace_keys(self, keyring: Keyring) -> None:
        """Believe other keys from now on: a machine was added, or a key rotated."""
        self._keyring = keyring

    def _open(self, inbound: Inbound) -> Message:
        if self._pace is not None and not self._pace.take():
            raise Refused(Refusal.TOO_MANY)
        verified = self._keyring.open_(inbound)
        try:
            return decode(verified.topic, verified.payload)
        except UnknownKind as error:
            raise Refused(Refusal.UNKNOWN_KIND, str(error)) from error
        except BadMessage as error:
            if verified.topic.branch is Branch.SET:
                self.unusable(verified.payload, str(error))
            raise Refused(Refusal.BAD_MESSAGE, str(error)) from error

    def _tell(self, inbound: Inbound, refused: Refused) -> None:
        if not self._lines.take():
            self._unlogged += 1
            return
        self._log.warning(
            "wire.refused",
            reason=str(refused.reason),
            topic=inbound.topic[:120],
            size=len(inbound.payload),
            detail=refused.detail,
            unlogged=self._unlogged,
        )
        self._unlogged = 0
