"""The daily match of one run: wired from the settings, run as a task, and asked for by people."""

import asyncio
import json
import secrets
from collections.abc import Coroutine, Mapping
from typing import Final

from cloud_bridge.app_merchants import Merchants
from cloud_bridge.config import BridgeSettings
from cloud_bridge.engine import Engine
from cloud_bridge.engine_bills import Progress, Reckoner, Tools, explain_in, tell_open_days
from cloud_bridge.engine_bills_acts import Hands
from cloud_bridge.engine_bills_match import Desk
from cloud_bridge.engine_journals import Journals
from cloud_bridge.fleet.fleet import Fleet
from cloud_bridge.ports import Clock, Log
from cloud_bridge.ports_bills import BillBooks, Cause, Kept, bounds_ms
from cloud_bridge.store.bills import sorted_by_sale
from cloud_bridge.web.operator import Asked, Door

_PATIENCE_S: Final = 1.0


def desks(settings: BridgeSettings, merchants: Merchants, books: BillBooks) -> dict[str, Desk]:
    """What each merchant's days are matched with."""
    own = {machine.id: machine.merchant for machine in settings.machines}
    return {
        name: Desk(
            bills=bills,
            books=books,
            sort=sorted_by_sale,
            own=frozenset(machine for machine, merchant in own.items() if merchant == name),
        )
        for name, bills in merchants.bills.items()
    }


async def reconcile_alone(
    settings: BridgeSettings,
    merchants: Merchants,
    books: BillBooks,
    *,
    where: tuple[str, str],
    told: Progress,
    clock: Clock,
    log: Log,
) -> Kept:
    """Match a (merchant, day) while no daemon runs: nothing is asked of machines, and nobody acts."""
    tools = Tools(
        desks=desks(settings, merchants, books),
        books=books,
        folder=settings.bills_folder,
        clock=clock,
        log=log,
    )
    merchant, day = where
    return await Reckoner(tools).reconcile(day, merchant=merchant, told=told)


class BillDesk:
    """Made before the daemon runs."""

    def __init__(
        self,
        settings: BridgeSettings,
        *,
        books: BillBooks,
        engine: Engine,
        merchants: Merchants,
        fleet: Fleet,
        clock: Clock,
        log: Log,
    ) -> None:
        self._books: Final = books
        self._clock: Final = clock
        self._daily: Final = settings.bills.daily
        self._desks: Final = desks(settings, merchants, books)
        self.journals: Final = Journals(fleet=fleet, books=books, ask=lambda: secrets.token_hex(8), log=log)
        hands = Hands(
            engine=engine,
            fleet=fleet,
            platforms=merchants.platforms,
            machines=frozenset(machine.id for machine in settings.machines),
        )
        self._reckoner: Final = Reckoner(
            Tools(
                desks=self._desks,
                books=books,
                folder=settings.bills_folder,
                clock=clock,
                log=log,
                hands=hands,
                journals=self.journals,
            )
        )
        self._asked: Final[dict[tuple[str, str], asyncio.Task[Kept]]] = {}
        self._here: Final[dict[tuple[str, str], tuple[str, int, int]]] = {}

    def tasks(self) -> Mapping[str, Coroutine[None, None, None]]:
        """What runs as long as the daemon does."""
        return {"bills": self._reckoner.run()} if self._daily else {}

    def doors(self) -> Mapping[str, Door]:
        """What people at this computer may ask for."""
        return {"reconcile": self._reconcile, "explain": self._explain}

    async def _reconcile(self, asked: Asked) -> tuple[str, str]:
        """Begin to match a day, or say how far that is; asked again and again until it is done."""
        where = asked["merchant"], asked["day"]
        if why_not := wrong_day(*where, self._desks):
            return why_not, ""
        task = self._asked.get(where)
        if task is None:
            work = self._reckoner.reconcile(where[1], merchant=where[0], told=self._told(where))
            task = self._asked[where] = asyncio.create_task(work, name=f"reconcile {where[1]}")
        await asyncio.wait([task], timeout=_PATIENCE_S)
        if not task.done():
            what, here, whole = self._here.get(where, ("asked", 0, 0))
            return "", json.dumps({"done": False, "what": what, "here": here, "whole": whole})
        del self._asked[where]
        self._here.pop(where, None)
        task.result()
        return "", json.dumps({"done": True})

    def _told(self, where: tuple[str, str]) -> Progress:
        def told(what: str, here: int, whole: int) -> None:
            self._here[where] = (what, here, whole)

        return told

    async def _explain(self, asked: Asked) -> tuple[str, str]:
        cause = Cause(name="person", why=asked["why"], by=asked["by"])
        why_not = await explain_in(self._books, (asked["merchant"], asked["day"]), asked["key"], cause)
        if not why_not:
            await tell_open_days(self._books, self._clock.wall_ms())
        return why_not, ""


def wrong_day(merchant: str, day: str, known: Mapping[str, object]) -> str:
    """What is wrong with a (merchant, day), or empty."""
    if merchant not in known:
        names = ", ".join(repr(name) for name in known)
        return f"merchant: found {merchant!r}, allowed {names}"
    try:
        bounds_ms(day)
    except ValueError:
        return f"date: found {day[:20]!r}, allowed a day such as 2026-01-31"
    return ""
