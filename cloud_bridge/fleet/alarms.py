"""Alarms that stand, retained at the broker under the bridge's own name, for dashboards: a `Listener`.

`wxvend/v1/bridge/state/alarm/{machine}/{name}/{lane}`: flat JSON, `raised` 1 or 0; the bridge's own alarms
are those of the machine `bridge`. Unsigned, like every state: drawn, never decided from.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from cloud_bridge.core.alert import News
from wire.topics import Branch, Topic

OWNER: Final = "bridge"
_MOST: Final = 500
_FORBIDDEN: Final = str.maketrans({"+": "_", "#": "_", "/": "_", "\0": "_"})


class AlarmStates:
    """`show` has one state stand at the broker; `linkups` counts how often the link came up."""

    name: Final = "mqtt"
    most: Final = _MOST
    alarming: Final = False  # the link has a status of its own
    wants: Final = None  # a board shows what stands, as it stands

    def __init__(self, show: Callable[[Topic, bytes], Awaitable[bool]], linkups: Callable[[], int]) -> None:
        self._show: Final = show
        self._linkups: Final = linkups
        self._seen = 0

    def anew(self) -> bool:
        """A broker may have lost what was retained whenever the link comes up."""
        before, self._seen = self._seen, self._linkups()
        return self._seen != before

    async def send(self, news: Sequence[News], left_out: int) -> str:
        """Each on its topic; empty, or why not."""
        for each in news:
            if not await self._show(topic(each), payload(each)):
                self._seen = -1  # as many were shown as were: all of them again
                return "no link"
        return ""


def topic(each: News) -> Topic:
    """Where an alarm stands."""
    name = each.name.translate(_FORBIDDEN)
    return Topic(OWNER, Branch.STATE, f"alarm/{each.machine or OWNER}/{name}/{each.lane}")


def payload(each: News) -> bytes:
    """What stands there."""
    values = {
        "raised": int(not each.over),
        "machine": each.machine,
        "name": each.name,
        "lane": each.lane,
        "text": each.text,
        "since_wall_ms": 0 if each.over else each.since_wall_ms,
    }
    return json.dumps(values, separators=(",", ":")).encode()
