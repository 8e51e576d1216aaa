"""Robots of group chats that are told of alarms: WeCom, DingTalk and Feishu, each in its own words.

A robot's address holds its key, so it is a secret like the signing one; neither is ever logged. Signatures
as the three publish them: DingTalk signs in the query, Feishu in the body, WeCom not at all.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus

from cloud_bridge.core.alarm import Wants
from cloud_bridge.core.alert import News
from cloud_bridge.core.digest import Digest
from cloud_bridge.ports import Clock
from cloud_bridge.ports_desk import Poster
from cloud_bridge.web.alert_text import MOST, TEST, cut, digest_text, message

KINDS: Final = ("wecom", "dingtalk", "feishu")
_TEXT_BYTES: Final = 2000  # WeCom takes 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotSettings:
    """One robot. `target` is path and query of its address; `languages` are those of its messages."""

    name: str
    kind: str
    target: str = field(repr=False)
    secret: str = field(default="", repr=False)
    languages: tuple[str, ...] = ("zh",)
    wants: Wants = field(default_factory=Wants)


class Robot:
    """Implements `ports_alarms.Listener` and `DigestReader`."""

    most: Final = MOST
    alarming: Final = True

    def __init__(self, settings: RobotSettings, host: Poster, clock: Clock) -> None:
        self._settings: Final = settings
        self._host: Final = host
        self._clock: Final = clock

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self._settings.name

    @property
    def wants(self) -> Wants:
        """What of it."""
        return self._settings.wants

    def anew(self) -> bool:
        """A chat forgets nothing."""
        return False

    async def send(self, news: Sequence[News], left_out: int) -> str:
        """One message; empty, or why it was not taken."""
        return await self._say(message(news, left_out, self._settings.languages))

    async def digest(self, digest: Digest) -> str:
        """One message about a day; empty, or why it was not taken."""
        return await self._say(digest_text(digest, self._settings.languages))

    async def test(self) -> str:
        """A message that means nothing; empty, or why it was not taken."""
        return await self._say("\n".join(TEST[language] for language in self._settings.languages))

    async def _say(self, text: str) -> str:
        target, body = letter(self._settings, cut(text, _TEXT_BYTES), self._clock.wall_ms())
        answer = await self._host.post(target, body)
        return answer if isinstance(answer, str) else verdict(answer)


def letter(robot: RobotSettings, text: str, wall_ms: int) -> tuple[str, Mapping[str, Any]]:
    """Where a text goes and what is posted there, signed now where the robot asks for that."""
    if robot.kind == "feishu":
        said_now: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
        if robot.secret:
            stamp = str(wall_ms // 1000)
            said_now = {"timestamp": stamp, "sign": signed(f"{stamp}\n{robot.secret}", ""), **said_now}
        return robot.target, said_now
    target = robot.target
    if robot.kind == "dingtalk" and robot.secret:
        sign = signed(robot.secret, f"{wall_ms}\n{robot.secret}")
        target = f"{target}&timestamp={wall_ms}&sign={quote_plus(sign)}"
    return target, {"msgtype": "text", "text": {"content": text}}


def signed(key: str, words: str) -> str:
    """HMAC-SHA256 in base64."""
    digest = hmac.new(key.encode(), words.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def verdict(answer: Mapping[str, Any]) -> str:
    """What a robot says: empty, or its number for why not. Its words are for no log: they may quote us."""
    for name in ("errcode", "code", "StatusCode"):
        if name in answer:
            return "" if answer[name] == 0 else f"{name} {str(answer[name])[:12]}"
    return "another answer than a robot's"
