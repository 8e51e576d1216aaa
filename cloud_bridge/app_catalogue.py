"""The catalogue and the stock of one run: wired from the settings, run as a task, and asked for by people."""

from collections.abc import Coroutine, Mapping
from typing import Final

from cloud_bridge.app_catalogue_doors import GoodsDoors
from cloud_bridge.config import BridgeSettings
from cloud_bridge.engine import Engine
from cloud_bridge.engine_catalogue import Catalogues
from cloud_bridge.engine_catalogue_rides import Shop
from cloud_bridge.engine_stock import Stocks
from cloud_bridge.fleet.fleet import Fleet
from cloud_bridge.ports import Clock, Log, Roster, Shelf
from cloud_bridge.ports_catalogue import CatalogueBooks
from cloud_bridge.web.catalogue import Routes, catalogue_routes
from cloud_bridge.web.catalogue_pages import catalogue_pages
from cloud_bridge.web.operator import Door
from cloud_bridge.web.stock import stock_routes


class CatalogueDesk:
    """Made before the daemon runs; `open` before anything is sold."""

    def __init__(
        self,
        settings: BridgeSettings,
        *,
        books: CatalogueBooks,
        engine: Engine,
        fleet: Fleet,
        roster: Roster,
        clock: Clock,
        log: Log,
    ) -> None:
        def sell_from(shelf: Shelf) -> None:
            engine.shelf_of[shelf.machine] = shelf

        shelves = {shelf.machine: shelf for shelf in settings.shelves}
        shop = Shop(
            books=books,
            shelves=shelves,
            sell_from=sell_from,
            offer=fleet.offer,
            live=fleet.live,
            clock=clock,
            log=log,
        )
        self._clock: Final = clock
        self._roster: Final = roster
        self.catalogues: Final = Catalogues(shop)
        self.stocks: Final = Stocks(
            books=books, known=shelves, machines=roster.machines, clock=clock, log=log
        )

    def rooms(self) -> tuple[Routes, ...]:
        """What the page and programs may ask for."""
        return (
            catalogue_pages(self.catalogues),
            catalogue_routes(self.catalogues, self._clock),
            stock_routes(self.stocks, self._roster, self._clock),
        )

    def tasks(self) -> Mapping[str, Coroutine[None, None, None]]:
        """What runs as long as the daemon does, by name."""
        return {"catalogue": self.catalogues.run()}

    def doors(self) -> Mapping[str, Door]:
        """What people at this computer may ask for."""
        return GoodsDoors(self.catalogues, self.stocks).doors()
