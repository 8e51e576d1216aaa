"""Other people's tools, wired: figures for Prometheus, and machines that introduce themselves."""

from collections import Counter
from collections.abc import Coroutine, Mapping
from typing import Final

from cloud_bridge.config import BridgeSettings
from cloud_bridge.engine import Engine
from cloud_bridge.fleet.fleet import Fleet
from cloud_bridge.fleet.home_assistant import introduce
from cloud_bridge.fleet.roster import Roster
from cloud_bridge.web.doing import Room
from cloud_bridge.web.metrics import metric_routes


class Tools:
    """Nothing here decides anything: all of it is for looking."""

    def __init__(self, settings: BridgeSettings, *, engine: Engine, fleet: Fleet, roster: Roster) -> None:
        self._prefix: Final = settings.home_assistant.discovery_prefix
        self._engine: Final = engine
        self._fleet: Final = fleet
        self._roster: Final = roster

    def tasks(self) -> Mapping[str, Coroutine[None, None, None]]:
        """What runs as long as the daemon does, by name."""
        if not self._prefix:
            return {}
        return {"home_assistant": introduce(self._fleet, self._roster, self._prefix)}

    def routes(self) -> Room:
        """`/metrics`."""
        return metric_routes(self._engine, self._roster, self._counts)

    def _counts(self) -> Mapping[str, int]:
        return Counter(self._engine.counts) + Counter(self._fleet.counts)
