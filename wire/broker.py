"""What a program says about its broker, and the waits between two attempts to reach it. Pure values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from wire.topics import Outside, Topic

NO_MATCHING_SUBSCRIBERS: Final = 0x10
_FIRST_FAILURE: Final = 0x80


class LinkDown(Exception):
    """The broker cannot be reached, or takes no more for now. Nothing was sent and nothing is kept."""


@dataclass(frozen=True, slots=True)
class PublishResult:
    """What the broker said of a published message. `reason_code` is None when it was lost before it spoke.

    Lost means unknown: the broker may have the message or not.
    """

    reason_code: int | None
    reason: str

    @property
    def accepted(self) -> bool:
        """True when the broker has the message, whether or not anybody was there to get it."""
        return self.reason_code is not None and self.reason_code < _FIRST_FAILURE

    @property
    def nobody(self) -> bool:
        """True when the broker said that no one is subscribed (MQTT 5 §3.4.2.1); not each broker says so."""
        return self.reason_code == NO_MATCHING_SUBSCRIBERS


@dataclass(frozen=True, slots=True)
class Letter:
    """A message whose words are known beforehand: will and birth."""

    topic: Topic | Outside
    payload: bytes = field(repr=False)
    retain: bool = True


@dataclass(frozen=True, slots=True)
class Login:
    """A user name, and the file that holds its password."""

    username: str
    password_file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Who may be the broker, and with which certificate we show ourselves. PEM files."""

    ca_file: Path
    certificate_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """How to reach the broker and what to ask of it. `inflight` and `queue` count messages.

    `inflight` bounds both directions; `queue` what waits on our side, in each direction.
    """

    host: str
    port: int
    client_id: str
    filters: tuple[str, ...] = ()
    will: Letter | None = None
    birth: Letter | None = None
    login: Login | None = None
    tls: Tls | None = None
    keepalive_s: int = 15
    connect_timeout_s: float = 10.0
    session_expiry_s: int = 24 * 3600
    reconnect_min_s: float = 0.5
    reconnect_max_s: float = 30.0
    inflight: int = 20
    queue: int = 256
    max_packet_bytes: int = 72 * 1024

    def __post_init__(self) -> None:
        assert 0 < self.reconnect_min_s <= self.reconnect_max_s
        assert 0 < self.inflight <= self.queue


class Backoff:
    """Growing waits with full jitter, so that a fleet does not come back all at once."""

    def __init__(self, min_s: float, max_s: float, random: Callable[[], float]) -> None:
        self._min_s = min_s
        self._max_s = max_s
        self._random = random
        # Twice the shortest wait: the first one must differ between machines, too.
        self._first_s = min(max_s, 2 * min_s)
        self._ceiling_s = self._first_s

    def next_s(self, *, lasted_s: float) -> float:
        """Give the wait after a connection (or an attempt) that lasted `lasted_s`.

        Only one that outlived the longest wait starts over: two clients that throw each other off by taking
        the same client id must slow down.
        """
        if lasted_s > self._max_s:
            self._ceiling_s = self._first_s
        wait_s = self._min_s + self._random() * (self._ceiling_s - self._min_s)
        self._ceiling_s = min(self._max_s, self._ceiling_s * 2)
        return wait_s
