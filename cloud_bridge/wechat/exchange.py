"""One call to the platform without its wire: what is sent, and what an answer is worth.

Only a verified 2xx is believed. 429 and every 5xx, and what is not in the platform's own words, mean the same
here: no answer (APIv3 "error body", retry rule).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from cloud_bridge.ports import Clock
from cloud_bridge.wechat import jsonio
from cloud_bridge.wechat.codes import error_name
from cloud_bridge.wechat.keys import Keys
from cloud_bridge.wechat.signing import NotVerified, Request, Stamp, authorization, verify

_LONGEST_WORDS: Final = 160


@dataclass(frozen=True, slots=True)
class Success:
    """A verified 2xx; `value` is empty for a 204, and for a picture, which is in `content`."""

    status: int
    value: jsonio.Json = field(default_factory=dict, repr=False)
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """A 4xx in the platform's own words. `why` is their name, `detail` a line for the log.

    It may be unsigned: good for control flow, never proof that nothing happened.
    """

    status: int
    why: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing that can be believed: the call may have taken effect. `why` is a name for counters."""

    why: str


Reply = Success | Failure | NoAnswer


class Caller(Protocol):
    """Makes calls, each with one try."""

    async def call(self, request: Request) -> Reply:
        """Make one call. Never raises for what the network or the platform does."""


class Exchange:
    """Signs as one merchant and judges answers. `nonce` gives at most 32 random letters and digits."""

    def __init__(self, keys: Keys, *, clock: Clock, nonce: Callable[[], str]) -> None:
        self._keys: Final = keys
        self._clock: Final = clock
        self._nonce: Final = nonce

    def headers(self, request: Request) -> dict[str, str]:
        """The headers of a request, signed now; `target` as it is transmitted."""
        stamp = Stamp(self._clock.wall_ms() // 1000, self._nonce())
        headers = {
            "Accept": "application/json",
            "User-Agent": "wxvend",
            "Authorization": authorization(self._keys, request, stamp),
        }
        if request.body:
            headers["Content-Type"] = request.content_type
        if named := request.sealed_for or self._keys.answer_with:
            headers["Wechatpay-Serial"] = named
        return headers

    def judge(self, status: int, headers: Mapping[str, str], content: bytes) -> Reply:
        """What an answer is worth."""
        if 200 <= status < 300:
            return self._believed(status, headers, content)
        if 400 <= status < 500 and status != 429:
            return _failure(status, headers, content)
        return NoAnswer("rate_limited" if status == 429 else f"http_{status}")

    def _believed(self, status: int, headers: Mapping[str, str], content: bytes) -> Reply:
        lower = {name.lower(): value for name, value in headers.items()}
        try:
            verify(self._keys, lower, content, now_s=self._clock.wall_ms() / 1000)
            if lower.get("content-type", "").startswith("image/"):
                return Success(status, content=content)
            return Success(status, jsonio.read(content) if content else {})
        except NotVerified as error:
            return NoAnswer(error.why)
        except jsonio.BadJson:
            return NoAnswer("bad_json")


def _failure(status: int, headers: Mapping[str, str], content: bytes) -> Failure | NoAnswer:
    """A 4xx that does not speak the platform's language is some proxy's, and no answer."""
    try:
        value = jsonio.read(content)
        code = jsonio.text(value, "code")
    except jsonio.BadJson:
        return NoAnswer(f"http_{status}")
    words = value.get("message")
    said = f"{code} {words if isinstance(words, str) else ''}"
    number = headers.get("Request-ID", "")  # what the platform's support asks for
    return Failure(status, error_name(code), f"{status} {_shown(said)} request_id={_shown(number)}")


def _shown(words: str) -> str:
    """Words of the platform as a piece of one log line."""
    clean = "".join(each if each.isprintable() else " " for each in words)
    return " ".join(clean.split())[:_LONGEST_WORDS]
