"""A running demo as a shopper, a visitor and a judge meet it: keys, phone, faults, and everybody's books."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from hw_sim.demo.books import Books
from hw_sim.demo.intruder import Letter, intrude
from hw_sim.demo.scenery import journal, screen
from hw_sim.demo.shelf import SHELF
from hw_sim.demo.story import Fact
from hw_sim.demo.troupe import STOCK, Troupe
from hw_sim.demo.web_call import get, post
from hw_sim.demo.window import Window, now_ms
from hw_sim.demo.witness import assemble, read_journal

_SALES: Final = 500  # as many as the bridge lists at once
_SECOND_NOTICE_MS: Final = 300


class Stage:
    """What can be done while the troupe plays. Waiting calls raise CallFailed or ChildFailed."""

    def __init__(self, folder: Path, troupe: Troupe, window: Window) -> None:
        self.picture: Final = screen(folder)
        self.window: Final = window
        self._journal: Final = journal(folder)
        self._troupe: Final = troupe

    # ------------------------------------------------------------ at the machine

    def choose(self, lane: int) -> None:
        """Press a lane's number."""
        self._tell(f"chooses lane {lane} at the machine")
        self._troupe.board.tell({"do": "key", "lane": lane})

    def cancel(self) -> None:
        """Press the cancel key."""
        self._tell("presses cancel at the machine")
        self._troupe.board.tell({"do": "cancel"})

    def refill(self) -> None:
        """Put as many pieces into each lane as at the beginning."""
        self._tell("watches the machine being filled up")
        for goods in SHELF:
            self._troupe.board.tell({"do": "stock", "lane": goods.lane, "pieces": STOCK})

    async def cut_power(self) -> None:
        """Take the power from the machine's computer, in whatever it does, and give it back."""
        self._tell("pulls the plug of the machine's computer for a moment")
        await self._troupe.cut_power()

    async def cut_all_power(self) -> None:
        """The same for the whole machine, the board with it."""
        self._tell("pulls the plug of the whole machine for a moment")
        self._troupe.board.tell({"do": "power", "on": False})
        await self._troupe.cut_power()
        self._troupe.board.tell({"do": "power", "on": True})

    # ------------------------------------------------------------ on the phone

    async def scan(self, code: str) -> Mapping[str, Any]:
        """What the phone shows for a code: merchant, description, amount."""
        page: Mapping[str, Any] = await self._desk("scan", {"code_url": code})
        return page

    async def read(self, code: str) -> str:
        """Scan a code: what pays its order, which may only have been made now."""
        return str((await self.scan(code)).get("code_url", code))

    async def pay(self, code: str, *, race: bool = False) -> None:
        """Pay; with `race` it was begun before the order was closed and completes now."""
        self._tell("pays a moment too late" if race else "pays on the phone")
        await self._desk("pay", {"code_url": code, "race": race})

    async def put_away(self, code: str) -> None:
        """Leave the payment page without paying."""
        self._tell("puts the phone away")
        await self._desk("cancel", {"code_url": code})

    # ------------------------------------------------------------ what goes wrong

    def break_board(self, fault: str, *, on: bool = True) -> None:
        """Switch a fault of the board on for the next motor run, or off."""
        self._troupe.board.tell({"do": "fault", "name": fault, "times": 1 if on else 0})

    async def break_platform(self, fault: str, *, on: bool = True) -> None:
        """Switch a fault of the platform on for the next payment, or off."""
        times = {"times": 1 if on else 0, "delay_ms": _SECOND_NOTICE_MS}
        await self._desk("fault", {"name": fault, "only": "transaction", **times})

    async def crash(self, program: str) -> None:
        """Kill the bridge or the broker, and start it again at once."""
        name = {"broker": self._troupe.broker}.get(program, program)
        await self._troupe.kill(name)
        self._tell(f"the {program} is killed and starts again", who=program)
        await self._troupe.start_again(name)

    def pull_cable(self) -> None:
        """The machine has no network any more."""
        self._troupe.cable.pull()
        self._tell("the machine's network is gone", who="mqtt")

    def mend_cable(self) -> None:
        """The machine has its network again."""
        self._tell("the machine's network is back", who="mqtt")
        self._troupe.cable.mend()

    async def lose_journal(self) -> None:
        """Switch the machine's computer off, delete its journal, and switch it on."""
        await self._troupe.kill("edge")
        for part in self._journal.parent.glob(f"{self._journal.name}*"):
            part.unlink()
        self._tell("the machine's journal is deleted", who="edge")
        await self._troupe.start_again("edge")

    async def intrude(self, letters: Sequence[Letter]) -> None:
        """Say it to the machine with all the rights that there are at the broker."""
        self._tell(f"an intruder sends {len(letters)} messages to the machine", who="mqtt")
        await intrude(self._troupe.scenery.onlooker, letters)

    async def faults_left(self) -> set[str]:
        """The switched-on faults of board and platform that have not struck yet."""
        board, platform = await asyncio.gather(
            self._troupe.board.ask({"do": "books"}, "books"), self._desk("faults", {})
        )
        return {*board["faults"], *(each["name"] for each in platform["armed"])}

    # ------------------------------------------------------------ what is known

    async def books(self) -> tuple[Books, Mapping[str, int]]:
        """What the four witnesses have in their books, and how often each order's payment was notified."""
        sales, platform, board = await asyncio.gather(
            get(f"{self._troupe.scenery.bridge_url}/api/sales?limit={_SALES}"),
            self._desk("books", {}),
            self._troupe.board.ask({"do": "books"}, "books"),
        )
        told = {
            notice["out_trade_no"]: len(notice["attempts"])
            for notice in platform["notices"]
            if notice["event_type"] == "TRANSACTION.SUCCESS"
        }
        books = assemble(
            journal=await asyncio.to_thread(read_journal, self._journal),
            bridge=sales,
            platform=platform["orders"],
            pieces_dropped=board["pieces_dropped"],
        )
        return books, MappingProxyType(told)

    def _tell(self, what: str, who: str = "shopper") -> None:
        self.window.story.tell(Fact(t_ms=now_ms(), who=who, what=what))

    async def _desk(self, wish: str, body: Mapping[str, object]) -> Any:
        return await post(f"{self._troupe.scenery.platform_url}/_sim/{wish}", body)
