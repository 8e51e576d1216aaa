"""What watches the shop and reports on it, wired: alarms about machines, the digest, and both pages."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Final

from cloud_bridge.config import BridgeSettings
from cloud_bridge.core.alarm import Ask
from cloud_bridge.engine_care import CareDesk
from cloud_bridge.engine_digest import Digests, DigestSettings
from cloud_bridge.engine_lookout import Lookout
from cloud_bridge.engine_reports import Reports
from cloud_bridge.fleet.roster import Roster
from cloud_bridge.ports import Clock, Log
from cloud_bridge.ports_alarms import DigestReader
from cloud_bridge.store.books import SqlStore
from cloud_bridge.web.alarms import Routes as Routes
from cloud_bridge.web.alarms import alarm_routes
from cloud_bridge.web.reports import report_routes


class Watching:
    """Made before the daemon runs."""

    def __init__(
        self,
        settings: BridgeSettings,
        *,
        books: SqlStore,
        roster: Roster,
        linked: Callable[[], bool],
        readers: Sequence[DigestReader],
        clock: Clock,
        log: Log,
    ) -> None:
        self._care: Final = CareDesk(store=books, clock=clock)
        self._reports: Final = Reports(books.reports)
        self._lookout: Final = Lookout(
            store=books,
            roster=roster,
            clock=clock,
            terms=settings.alerts.machines.terms,
            linked=linked,
        )
        self._digests: Final = Digests(
            store=books,
            reports=self._reports,
            readers=readers,
            settings=DigestSettings(
                hour=settings.alerts.digest_hour,
                machines=frozenset(machine.id for machine in settings.machines),
            ),
            clock=clock,
            log=log,
        )

    def tasks(self) -> Mapping[str, Coroutine[None, None, None]]:
        """What runs as long as the daemon does, by name."""
        return {
            "lookout": self._lookout.run(),
            "digests": self._digests.run(),
            "old alarms": self._care.run(),
        }

    def rooms(self) -> Sequence[Routes]:
        """Alarms and reports, for the page and for programs."""
        return alarm_routes(self._care), report_routes(self._reports)

    async def care_for(self, asked: Mapping[str, str]) -> tuple[str, str]:
        """A person at this computer says something about an alarm: why not."""
        try:
            ask = Ask(
                machine=asked["machine"],
                name=asked["name"],
                lane=int(asked["lane"]),
                by=asked["by"],
                why=asked["why"],
                snooze_min=int(asked["snooze_min"]),
                wake=asked["wake"] == "yes",
            )
        except ValueError as error:
            return str(error), ""
        return await self._care.ask(ask), ""
