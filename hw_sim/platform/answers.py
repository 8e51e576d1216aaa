"""What goes in and out of the platform, as values: a call, its answer, and an error with WeChat's words.

Bytes on both sides, so the same platform answers HTTP and a simulation in virtual time.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any, Final

JsonObject = dict[str, Any]
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
BEIJING: Final = timezone(timedelta(hours=8))

# The last part of `Request-ID`, as far as the field has seen it.
_NUMBERS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "PARAM_ERROR": 268435461,
        "SIGN_ERROR": 268443699,
        "APPID_MCHID_NOT_MATCH": 268445527,
        "FREQUENCY_LIMITED": 268447840,
        "ORDER_CLOSED": 268447914,
        "ORDERPAID": 268449538,
        "ORDER_NOT_EXIST": 268512771,
    }
)
REENTRY_DIFFERS: Final = 268498688
_OUT_OF_RANGE: Final = 268435464


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `target` is path and query exactly as in the request line; header names lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, and what the line does to it.

    A delay, so many milliseconds a byte, a cut after `keep` bytes, or no answer at all; and how far its Date
    is ahead.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_ms: int = 0
    byte_ms: int = 0
    lost: bool = False
    keep: int | None = None
    date_off_ms: int = 0


class ApiError(Exception):
    """A refusal in the shape of the APIv3 error body. `number` ends the `Request-ID`."""

    def __init__(
        self, status: int, code: str, message: str, *, detail: Mapping[str, Any] = NOTHING, number: int = 0
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.number = number or _NUMBERS.get(code, _OUT_OF_RANGE)
        self._message = message
        self._detail = dict(detail)

    @property
    def body(self) -> JsonObject:
        """`detail` is there only when there is something to say."""
        body: JsonObject = {"code": self.code, "message": self._message}
        return body | {"detail": self._detail} if self._detail else body


def as_bytes(value: object) -> bytes:
    """Write JSON as the platform does: compact, raw UTF-8 and no `\\u` escapes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def rfc3339(at_ms: int) -> str:
    """Write an instant as the platform does, in Beijing time: `2018-06-08T10:34:56+08:00`."""
    return datetime.fromtimestamp(at_ms // 1000, BEIJING).isoformat()


def from_rfc3339(text: str) -> int:
    """Read an instant as milliseconds. Raises ValueError, also when the offset is missing."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"found {text}, allowed a time with its offset")
    return int(moment.timestamp() * 1000)
