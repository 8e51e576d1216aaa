"""What answers and notifications show by the way: how far clocks are apart, and keys that nobody knows."""

import math
from collections import deque
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from cloud_bridge.core.model import Payment, RefundHinted, RefundStatus
from cloud_bridge.ports import Clock, NoticeRejected, Notices, OtherNotice
from cloud_bridge.wechat.exchange import Exchange, NoAnswer, Reply
from cloud_bridge.wechat.signing import Request

_UNKNOWN: Final = "unknown_serial"
_TOGETHER: Final = 3


class Watch:
    """One merchant's. Written by the threads that call, read by whoever looks after keys and clock.

    `*_unknown_ms` is when a key that nobody knows was named last, on the monotonic clock. An answer came over
    TLS; a notification may be anybody's.
    """

    def __init__(self) -> None:
        self._offsets_s: Final[deque[float]] = deque(maxlen=_TOGETHER)
        self.answer_unknown_ms = -math.inf
        self.notice_unknown_ms = -math.inf

    def dated(self, offset_s: float) -> None:
        """An answer's Date was so much behind our clock."""
        self._offsets_s.append(offset_s)

    @property
    def offset_s(self) -> float:
        """How far our clock is ahead, by the answers of late: the least of them, as an answer may be slow."""
        if len(self._offsets_s) < _TOGETHER:
            return 0.0
        return min(tuple(self._offsets_s), key=abs)


class WatchedExchange:
    """As an `Exchange`, and the watch sees what comes back."""

    def __init__(self, exchange: Exchange, watch: Watch, clock: Clock) -> None:
        self._exchange: Final = exchange
        self._watch: Final = watch
        self._clock: Final = clock

    def headers(self, request: Request) -> dict[str, str]:
        """The headers of a request, signed now."""
        return self._exchange.headers(request)

    def judge(self, status: int, headers: Mapping[str, str], content: bytes) -> Reply:
        """What an answer is worth."""
        at_s = _date_s(next((each for name, each in headers.items() if name.lower() == "date"), ""))
        if at_s is not None:
            self._watch.dated(self._clock.wall_ms() / 1000 - at_s)
        reply = self._exchange.judge(status, headers, content)
        if isinstance(reply, NoAnswer) and reply.why == _UNKNOWN:
            self._watch.answer_unknown_ms = self._clock.now_ms()
        return reply


class WatchedNotices:
    """As other `ports.Notices`, and the watch sees what is refused."""

    def __init__(self, notices: Notices, watch: Watch, clock: Clock) -> None:
        self._notices: Final = notices
        self._watch: Final = watch
        self._clock: Final = clock

    def open(
        self, headers: Mapping[str, str], body: bytes, now_s: float
    ) -> Payment | RefundStatus | RefundHinted | OtherNotice:
        """What a notification tells. Raises NoticeRejected."""
        try:
            return self._notices.open(headers, body, now_s)
        except NoticeRejected as rejected:
            if rejected.why == _UNKNOWN:
                self._watch.notice_unknown_ms = self._clock.now_ms()
            raise


def _date_s(text: str) -> float | None:
    """HTTP's date as Unix seconds; None for what is none."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
