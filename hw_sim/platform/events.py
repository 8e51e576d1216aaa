"""The platform's diary: calls, payments, refunds and notification attempts, for a timeline or a test.

No secrets, no QR links and no payer ids are written into it.
"""

from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

KEPT: Final = 10_000
WHO: Final = "wechat"
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "call.answered": "{operation} answered: {status}",
        "call.refused": "{operation} refused: {status} {code}",
        "code.scanned": "a phone scanned the code",
        "order.asked": "a phone scanned a product's code: the merchant is asked for an order",
        "order.told": "the merchant answered: {verdict}",
        "payment.made": "a payer paid {amount_fen} fen",
        "payment.cancelled": "a payer put the phone away",
        "notice.sent": "notification {event_type} sent, attempt {attempt}",
        "notice.answered": "notification {event_type} answered: {verdict}",
        "notice.lost": "notification {event_type} lost",
        "notice.given_up": "notification {event_type} given up",
        "refund.ended": "refund of {amount_fen} fen: {status}",
    }
)
_OPERATIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "create": "order",
        "query": "query of an order",
        "close": "closing of an order",
        "refund": "refund",
        "query_refund": "query of a refund",
        "certificates": "list of certificates",
        "refund_abnormal": "refund to a bank card",
        "echo": "self-test",
        "short_url": "short link",
        "reverse": "reversal of an order",
        "complaint_list": "list of complaints",
        "complaint_detail": "a complaint",
        "complaint_history": "a complaint's history",
        "complaint_response": "answer to a complaint",
        "complaint_complete": "end of a complaint",
        "complaint_progress": "word on a complaint's refund",
        "complaint_address": "address for complaints",
        "violation_address": "address for violations",
        "image_upload": "picture sent",
        "image_download": "picture asked for",
    }
)


class Events:
    """Keeps the last 10,000 entries; each has its number in `n`. `tell` hears every entry at once."""

    def __init__(self, tell: Callable[[dict[str, Any]], None] | None = None) -> None:
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._tell = tell
        self._count = 0

    def add(self, now_ms: int, fact: str, **facts: str | int | bool) -> None:
        """Write one entry: `{event, n, t_ms, who, what, fact, ...facts}`; `what` has it in words."""
        self._count += 1
        operation = _OPERATIONS.get(str(facts.get("operation")), "unknown call")
        entry = {
            "event": "http",
            "n": self._count,
            "t_ms": now_ms,
            "who": WHO,
            "what": _WORDS[fact].format_map({**facts, "operation": operation}),
            "fact": fact,
            **facts,
        }
        self._kept.append(entry)
        if self._tell is not None:
            self._tell(entry)

    def since(self, number: int) -> list[dict[str, Any]]:
        """Give the kept entries after entry `number`, oldest first."""
        first = self._count - len(self._kept)
        return list(islice(self._kept, max(0, number - first), None))
