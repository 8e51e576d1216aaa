"""Alarms and days for other programs: JSON to an address of the operator's, with a signature in a header.

`kind` is `alarms`, `digest` or `test`. A message whose answer was lost comes again with the same content: an
alarm is known by machine, name, lane and since when it stands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from cloud_bridge.core.alarm import Wants, rule
from cloud_bridge.core.alert import News
from cloud_bridge.core.digest import Digest
from cloud_bridge.ports import Clock
from cloud_bridge.ports_desk import Poster

MOST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSettings:
    """One program. `target` is path and query of its address."""

    name: str
    target: str = field(repr=False)
    wants: Wants = field(default_factory=Wants)


class Hook:
    """Implements `ports_alarms.Listener` and `DigestReader`. `host` signs what it posts."""

    most: Final = MOST
    alarming: Final = True

    def __init__(self, settings: HookSettings, host: Poster, clock: Clock) -> None:
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
        """It was told, and is to remember it."""
        return False

    async def send(self, news: Sequence[News], left_out: int) -> str:
        """One message; empty, or why it was not taken."""
        return await self._post("alarms", {"alarms": [shown(each) for each in news], "left_out": left_out})

    async def digest(self, digest: Digest) -> str:
        """One message about a day; empty, or why it was not taken."""
        return await self._post("digest", {"digest": asdict(digest)})

    async def test(self) -> str:
        """A message that means nothing; empty, or why it was not taken."""
        return await self._post("test", {})

    async def _post(self, kind: str, values: Mapping[str, Any]) -> str:
        body = {"kind": kind, "sent_wall_ms": self._clock.wall_ms(), **values}
        answer = await self._host.post(self._settings.target, body)
        return answer if isinstance(answer, str) else ""


def shown(each: News) -> dict[str, Any]:
    """An alarm as others read it."""
    return {
        "machine": each.machine,
        "name": each.name,
        "lane": each.lane,
        "raised": not each.over,
        "since_wall_ms": each.since_wall_ms,
        "weight": rule(each.name).weight.name.lower(),
        "begun_within_an_hour": each.begun,
        "text": each.text,
    }
