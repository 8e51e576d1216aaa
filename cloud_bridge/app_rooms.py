"""The rooms that people work in, wired together: each brings tasks, doors at this computer, and routes."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass

from cloud_bridge.app_bills import BillDesk
from cloud_bridge.app_catalogue import CatalogueDesk
from cloud_bridge.app_desk import Desk
from cloud_bridge.app_doing import DoingDesk
from cloud_bridge.app_merchants import Merchants
from cloud_bridge.app_people import PeopleDesk
from cloud_bridge.app_tools import Tools
from cloud_bridge.config import BridgeSettings
from cloud_bridge.engine import Engine
from cloud_bridge.fleet.fleet import Fleet
from cloud_bridge.fleet.roster import Roster
from cloud_bridge.ports import Clock, Log
from cloud_bridge.store.books import SqlStore
from cloud_bridge.web.doing import Room
from cloud_bridge.web.operator import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """Complaints and alarms, bills, catalogue and stock, and what people do to machines and about money."""

    desk: Desk
    bills: BillDesk
    goods: CatalogueDesk
    doing: DoingDesk
    tools: Tools
    people: PeopleDesk

    def tasks(self) -> Mapping[str, Coroutine[None, None, None]]:
        """What runs as long as the daemon does, by name."""
        rooms = (self.desk, self.bills, self.goods, self.tools, self.people)
        return {name: work for room in rooms for name, work in room.tasks().items()}

    def doors(self) -> Mapping[str, Door]:
        """What people at this computer may ask for."""
        rooms = (self.desk, self.bills, self.goods, self.doing, self.people)
        return {name: door for room in rooms for name, door in room.doors().items()}

    def routes(self) -> tuple[Room, ...]:
        """What the page and programs may ask for."""
        of_one = (self.doing.routes(), self.tools.routes())
        return (*self.desk.rooms(), *self.goods.rooms(), *of_one, *self.people.rooms())


def make_rooms(
    settings: BridgeSettings,
    *,
    store: SqlStore,
    engine: Engine,
    merchants: Merchants,
    fleet: Fleet,
    roster: Roster,
    clock: Clock,
    log: Log,
) -> Rooms:
    """All of them. The catalogue has still to be opened before anything is sold."""
    desk = Desk(
        settings,
        store=store,
        engine=engine,
        merchants=merchants,
        fleet=fleet,
        roster=roster,
        clock=clock,
        log=log,
    )
    bills = BillDesk(
        settings, books=store, engine=engine, merchants=merchants, fleet=fleet, clock=clock, log=log
    )
    goods = CatalogueDesk(
        settings, books=store, engine=engine, fleet=fleet, roster=roster, clock=clock, log=log
    )
    doing = DoingDesk(
        settings, store=store, engine=engine, fleet=fleet, filled=goods.stocks.note, clock=clock, log=log
    )
    tools = Tools(settings, engine=engine, fleet=fleet, roster=roster)
    people = PeopleDesk(settings, store=store, clock=clock, log=log)
    return Rooms(desk=desk, bills=bills, goods=goods, doing=doing, people=people, tools=tools)
