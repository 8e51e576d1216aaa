"""A fleet's day as it is lived: shoppers one after another at each machine, mishaps, a driver who refills."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from hw_sim.demo.books import Books, disagreements, in_progress
from hw_sim.demo.fleet import STOCK, Fleet
from hw_sim.demo.fleet_day import Day, Manner, Mishap, Trouble, Visit
from hw_sim.demo.fleet_files import journal_of, name_of
from hw_sim.demo.fleet_window import FleetWindow
from hw_sim.demo.shelf import SHELF
from hw_sim.demo.web_call import CallFailed, get, post
from hw_sim.demo.witness import assemble, read_journal

CODE_WITHIN_S: Final = 10.0
ENDS_WITHIN_S: Final = 30.0
LOOKS_S: Final = 0.5
SETTLED_LOOKS: Final = 120
_SALES: Final = 500
_AGAIN_S: Final = 1.0


class Lived:
    """`counts`: how shoppers fared. Run `day` once, then ask `settled`."""

    def __init__(self, folder: Path, fleet: Fleet, window: FleetWindow) -> None:
        self.counts: Final[Counter[str]] = Counter()
        self._folder: Final = folder
        self._fleet: Final = fleet
        self._window: Final = window
        self._began_s = 0.0

    @property
    def at_s(self) -> float:
        """Seconds since the day began."""
        return asyncio.get_running_loop().time() - self._began_s

    async def day(self, day: Day) -> None:
        """Live through it. Raises ChildFailed when a machine does not come back."""
        self._began_s = asyncio.get_running_loop().time()
        queues: dict[int, list[Visit]] = defaultdict(list)
        for visit in day.visits:
            queues[visit.machine].append(visit)
        async with asyncio.TaskGroup() as group:
            for visits in queues.values():
                group.create_task(self._shoppers(visits))
            for trouble in day.troubles:
                group.create_task(self._trouble(trouble))
            group.create_task(self._driver(day.refills_s))
            group.create_task(self._until(day.length_s))

    async def settled(self) -> Books:
        """Everybody's books once nothing is under way, or as they are when that takes too long."""
        for _ in range(SETTLED_LOOKS):
            books = await self._books()
            if not in_progress(books):
                break
            await asyncio.sleep(_AGAIN_S)
        return books

    # ------------------------------------------------------------ people

    async def _shoppers(self, visits: Iterable[Visit]) -> None:
        """One machine serves one after another."""
        for visit in visits:
            await self._until(visit.at_s)
            if not self._window.lane_sells(name_of(visit.machine), visit.lane):
                self.counts["turned_away"] += 1
                continue
            try:
                self.counts[await self._visit(visit)] += 1
            except CallFailed:  # the platform said no, as it may: the order was closed
                self.counts["refused"] += 1

    async def _visit(self, visit: Visit) -> str:
        name = name_of(visit.machine)
        before = self._window.codes.get(name, {}).get("sale_id")
        self._fleet.tell_board(visit.machine, {"do": "key", "lane": visit.lane})

        def code() -> dict[str, Any] | None:
            letter = self._window.codes.get(name, {})
            return dict(letter) if letter and letter["sale_id"] != before else None

        letter = await self._window.until(code, CODE_WITHIN_S)
        if letter is None:
            return "no_code"
        await asyncio.sleep(LOOKS_S)
        if visit.manner is not Manner.PAYS:
            self._fleet.tell_board(visit.machine, {"do": "cancel"})
        if visit.manner is not Manner.LEAVES:
            wish = {"code_url": letter["code_url"], "race": visit.manner is Manner.PAYS_LATE}
            await post(f"{self._fleet.platform_url}/_sim/pay", wish)
        await self._window.until(
            lambda: True if letter["sale_id"] in self._window.ended else None, ENDS_WITHIN_S
        )
        return visit.manner

    async def _driver(self, moments_s: Iterable[float]) -> None:
        for moment in moments_s:
            await self._until(moment)
            for machine in range(self._fleet.machines):
                for goods in SHELF:
                    self._fleet.tell_board(machine, {"do": "stock", "lane": goods.lane, "pieces": STOCK})
            self.counts["refills"] += 1

    async def _trouble(self, trouble: Trouble) -> None:
        await self._until(trouble.at_s)
        self.counts[f"trouble_{trouble.mishap}"] += 1
        match trouble.mishap:
            case Mishap.JAM:
                self._fault(trouble.machine, "jam", 1)
            case Mishap.SILENT:
                self._fault(trouble.machine, "silent", -1)
                await asyncio.sleep(trouble.for_s)
                self._fault(trouble.machine, "silent", 0)
            case Mishap.POWER:
                await self._fleet.switch_off(trouble.machine)
                await asyncio.sleep(trouble.for_s)
                await self._fleet.switch_on(trouble.machine)

    def _fault(self, machine: int, name: str, times: int) -> None:
        self._fleet.tell_board(machine, {"do": "fault", "name": name, "times": times})

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - self.at_s))

    # ------------------------------------------------------------ witnesses

    async def _books(self) -> Books:
        names = [name_of(machine) for machine in range(self._fleet.machines)]
        sales: list[Any] = []
        for name in names:
            sales += await get(f"{self._fleet.bridge_url}/api/sales?machine={name}&limit={_SALES}")
        platform = await post(f"{self._fleet.platform_url}/_sim/books", {})
        journals: dict[str, str] = {}
        pieces = 0
        for machine in range(self._fleet.machines):
            journals |= await asyncio.to_thread(read_journal, journal_of(self._folder, machine))
            pieces += int((await self._fleet.board_books(machine))["pieces_dropped"])
        return assemble(journal=journals, bridge=sales, platform=platform["orders"], pieces_dropped=pieces)


def told(books: Books, counts: Counter[str], machines: int) -> dict[str, Any]:
    """The day's end as one object: everybody's money and goods, and each way in which they do not agree."""
    sales = books.bridge.values()
    wrong = disagreements(books)
    return {
        "ok": not wrong,
        "machines": machines,
        "shoppers": dict(sorted(counts.items())),
        "sales": len(books.bridge),
        "paid_fen": sum(sale.paid_fen for sale in sales),
        "vended_fen": sum(sale.paid_fen for sale in sales if sale.state == "vended"),
        "refunded_fen": sum(sale.refunded_fen for sale in sales),
        "cases": sum(sale.state == "case" for sale in sales),
        "pieces_dropped": books.pieces_dropped,
        "disagreements": wrong,
    }
