"""What is seen of a whole fleet on the broker: states, the code on each screen, and sales as they end."""

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from wire.inbound import Inbound
from wire.topics import BadTopic, Branch, parse

T = TypeVar("T")
_ENDS: Final = frozenset({"sale.outcome", "sale.closed"})


class FleetWindow:
    """`states`: by machine and topic. `codes`: the newest letter with a code. `ended`: sales of machines."""

    def __init__(self) -> None:
        self.states: Final[dict[str, dict[str, Mapping[str, Any]]]] = defaultdict(dict)
        self.codes: Final[dict[str, Mapping[str, Any]]] = {}
        self.ended: Final[set[str]] = set()
        self._news: Final = asyncio.Event()

    def take(self, inbound: Inbound, _t_ms: float) -> None:
        """A message came by."""
        with contextlib.suppress(BadTopic, ValueError, KeyError):
            topic = parse(inbound.topic)
            payload = json.loads(inbound.payload)
            if topic.branch is Branch.STATE:
                self.states[topic.machine][topic.kind] = payload
            elif topic.branch is Branch.DOWN and topic.kind == "sale.code":
                self.codes[topic.machine] = payload
            elif topic.branch is Branch.UP and topic.kind in _ENDS:
                self.ended.add(str(payload["sale_id"]))
        self._news.set()

    def selling(self, machine: str) -> bool:
        """It says that it sells."""
        states = self.states[machine]
        return bool(states.get("presence", {}).get("online") and states.get("health", {}).get("selling"))

    def lane_sells(self, machine: str, lane: int) -> bool:
        """The machine sells, and so does this lane."""
        return self.selling(machine) and self.states[machine].get(f"lane/{lane}", {}).get("reason") == ""

    async def until(self, look: Callable[[], T | None], timeout_s: float) -> T | None:
        """Look after each piece of news until there is something; None when there is nothing in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while (found := look()) is None:
                    self._news.clear()
                    await self._news.wait()
                return found
        return None
