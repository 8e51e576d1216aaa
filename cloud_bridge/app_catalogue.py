"""The catalogue and the stock of one run: wired from the settings, run as a task, and asked for by people."""

import json
from collections.abc import Coroutine, Mapping
from typing import Final

from cloud_bridge.config import BridgeSettings
from cloud_bridge.core.rollout import MINUTES
from cloud_bridge.core.stock import Hand
from cloud_bridge.engine import Engine
from cloud_bridge.engine_catalogue import Catalogues
from cloud_bridge.engine_catalogue_parts import spread
from cloud_bridge.engine_catalogue_rides import Shop
from cloud_bridge.engine_stock import Stocks
from cloud_bridge.fleet.fleet import Fleet
from cloud_bridge.ports import Clock, Log, Roster, Shelf
from cloud_bridge.ports_catalogue import CatalogueBooks, Count, Done, Edit
from cloud_bridge.web.catalogue import Routes, catalogue_routes
from cloud_bridge.web.catalogue_pages import catalogue_pages
from cloud_bridge.web.operator import Asked, Door
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
        return {
            "catalogue_import": self._import,
            "catalogue_export": self._export,
            "catalogue_undo": self._undo,
            "catalogue_agree": self._agree,
            "catalogue_drop": self._drop,
            "catalogue_go_on": self._go_on,
            "stock_note": self._note,
        }

    async def _import(self, asked: Asked) -> tuple[str, str]:
        texts = json.loads(asked["texts"])
        edit = Edit(
            wanted={},
            base=0,
            by=asked["by"],
            why=asked["why"],
            minutes=number(asked["minutes"]) or MINUTES,
            at_once=asked["at_once"] == "yes",
            effective_wall_ms=number(asked["effective_wall_ms"]),
        )
        done, mistakes = await self.catalogues.take_tables([str(text) for text in texts], edit)
        return "\n".join([*mistakes, done.why_not]) if done.refused else "", said(done)

    async def _export(self, asked: Asked) -> tuple[str, str]:
        return "", json.dumps(await self.catalogues.tables(), ensure_ascii=False)

    async def _undo(self, asked: Asked) -> tuple[str, str]:
        done = await self.catalogues.undo(number(asked["edition"]), asked["by"], asked["why"])
        return refusal(done), said(done)

    async def _agree(self, asked: Asked) -> tuple[str, str]:
        done = await self.catalogues.agree(number(asked["pending"]), asked["by"])
        return refusal(done), said(done)

    async def _drop(self, asked: Asked) -> tuple[str, str]:
        return await self.catalogues.drop(number(asked["pending"]), asked["by"]), ""

    async def _go_on(self, asked: Asked) -> tuple[str, str]:
        return await self.catalogues.go_on(asked["by"]), ""

    async def _note(self, asked: Asked) -> tuple[str, str]:
        count = Count(
            key=asked["key"],
            machine=asked["machine"],
            lane=number(asked["lane"]),
            hand=Hand(asked["hand"]),
            count=number(asked["count"]),
            by=asked["by"],
            why=asked["why"],
        )
        return await self.stocks.note((count,)), ""


def number(text: str) -> int:
    """A number that a person wrote; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else 0


def refusal(done: Done) -> str:
    """Why a wish was not taken, or empty."""
    return "\n".join([*map(str, done.faults), done.why_not] if done.refused else [])


def said(done: Done) -> str:
    """What became of a wish."""
    if done.refused:
        return ""
    if done.pending:
        why = "; ".join(done.daring)
        until = f"until somebody else agrees: {why}" if why else "until its hour"
        return f"change {done.pending} waits {until}"
    return f"version {done.edition} goes to {spread(done.machines) or 'no machine'}"
