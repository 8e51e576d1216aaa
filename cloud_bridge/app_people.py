"""People, wired: who is let in, the pages for it, and what may be asked of it at the operator's door."""

import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Final

from cloud_bridge.config import BridgeSettings
from cloud_bridge.core.logins import MINUTE_MS
from cloud_bridge.engine_people import People, PeopleSettings
from cloud_bridge.engine_people_asked import managed_of
from cloud_bridge.matrix import matrix
from cloud_bridge.ports import Clock, Log
from cloud_bridge.ports_people import PeopleStore
from cloud_bridge.web.account import account_routes
from cloud_bridge.web.app import Room
from cloud_bridge.web.passwords import Argon2
from cloud_bridge.web.people import people_routes

Asked = Mapping[str, str]


class PeopleDesk:
    """Made before the daemon runs."""

    def __init__(self, settings: BridgeSettings, *, store: PeopleStore, clock: Clock, log: Log) -> None:
        web = settings.web
        self._store: Final = store
        self._clock: Final = clock
        self._address_header: Final = web.address_header
        self._merchant_of: Final = merchant_of(settings)
        self._passwords: Final = Argon2(memory_kib=web.password_memory_kib, rounds=web.password_rounds)
        self.people: Final = People(
            store=store,
            passwords=self._passwords,
            settings=PeopleSettings(
                login=web.login, idle_ms=web.idle_min * MINUTE_MS, merchant_of=self._merchant_of
            ),
            clock=clock,
            log=log,
            entropy=secrets.token_bytes,
        )

    def rooms(self) -> tuple[Room, ...]:
        """Login, one's own account, people, audit."""
        return (
            account_routes(self.people, picture=matrix, address_header=self._address_header),
            people_routes(self.people, self._store, self._clock),
        )

    def tasks(self) -> Mapping[str, Coroutine[None, None, None]]:
        """What runs as long as the daemon does, by name."""
        return {"people": self.people.keep()}

    def doors(self) -> Mapping[str, Callable[[Asked], Awaitable[tuple[str, str]]]]:
        """What people at this computer may ask for: why not, and what is said."""
        return {"people": self._managed}

    def close(self) -> None:
        """Finish what is under way."""
        self._passwords.close()

    async def _managed(self, asked: Asked) -> tuple[str, str]:
        try:
            act = managed_of(asked, self._merchant_of, self._clock.wall_ms())
        except ValueError as error:
            return str(error), ""
        return await self.people.managed(act), ""


def merchant_of(settings: BridgeSettings) -> Mapping[str, str]:
    """Each machine's merchant."""
    return {machine.id: machine.merchant for machine in settings.machines}
