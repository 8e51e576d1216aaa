"""What the page shows, kept up to date from what the programs say, and the page's wishes carried out."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

from hw_sim.demo.books import Books, disagreements, in_progress
from hw_sim.demo.children import ChildFailed, Line
from hw_sim.demo.eye import Eye
from hw_sim.demo.handset import Handset
from hw_sim.demo.scenarios import SCENARIOS, Scenario
from hw_sim.demo.scenery import MACHINE
from hw_sim.demo.shelf import SHELF, Goods
from hw_sim.demo.stage import Stage
from hw_sim.demo.web_call import CallFailed
from hw_sim.demo.window import now_ms

LOOK_EVERY_S: Final = 0.05
BOOKS_EVERY_S: Final = 1.0
TRAY: Final = 6
POWER: Final = "power"
_POWER_WORDS: Final = (
    "The machine's computer loses its power, in whatever it does. It never runs the motor again: when nobody "
    "can know whether the product came out, the money goes back."
)
WAITING: Final = 500
_SWITCHES: Final[Mapping[str, Scenario]] = {
    name: scenario for name, scenario in SCENARIOS.items() if scenario.switch
}
_GOODS: Final[Mapping[int, Goods]] = {goods.lane: goods for goods in SHELF}

News = tuple[str, Any]


class BadWish(ValueError):
    """The page asked for something that is not there: what was found, what is allowed."""


class Room:
    """Run `run` beside the stage. `listen` gives (event, value) for a page: state, fact, drop, screen."""

    def __init__(self, stage: Stage) -> None:
        self._stage: Final = stage
        self._opened_ms: Final = now_ms()
        self._eye: Final = Eye(stage.picture)
        self._phone: Final = Handset(stage)
        self._turning: Final[set[int]] = set()
        self._tray: list[Goods] = []
        self._armed: Final[set[str]] = set()
        self._dark = False
        self._books: Mapping[str, str] = {"words": "no sale yet", "tone": ""}
        self._told: Mapping[str, Any] = {}
        self._pages: Final[list[asyncio.Queue[News]]] = []
        stage.window.heard = self._hear
        stage.window.story.listener = lambda fact: self._publish("fact", asdict(fact))

    # ------------------------------------------------------------ to the page

    async def listen(self) -> AsyncGenerator[News, None]:
        """All that a page needs to begin with, then each change. A page that sleeps loses the oldest."""
        page: asyncio.Queue[News] = asyncio.Queue(WAITING)
        page.put_nowait(("state", self._state()))
        page.put_nowait(("screen", self._eye.version))
        for fact in self._stage.window.story.since(self._opened_ms)[-WAITING // 2 :]:
            page.put_nowait(("fact", asdict(fact)))
        self._pages.append(page)
        try:
            while True:
                yield await page.get()
        finally:
            self._pages.remove(page)

    def _publish(self, event: str, value: object) -> None:
        for page in self._pages:
            if page.full():
                page.get_nowait()
            page.put_nowait((event, value))

    def _changed(self) -> None:
        state = self._state()
        if state != self._told:
            self._told = state
            self._publish("state", state)

    def _state(self) -> Mapping[str, Any]:
        health = self._stage.window.states.get("health", {})
        online = self._stage.window.states.get("presence", {}).get("online", False)
        return {
            "machine": MACHINE,
            "selling": bool(online and health.get("selling")),
            "reason": health.get("reason", "") if online else "off",
            "lanes": [self._lane(goods) for goods in SHELF],
            "tray": [{"lane": each.lane} for each in self._tray],
            "phone": self._phone.shows(self._eye.code),
            "faults": [
                {"name": name, "label": each.switch, "words": each.words, "on": name in self._armed}
                for name, each in _SWITCHES.items()
            ]
            + [{"name": POWER, "label": "cut the power now", "words": _POWER_WORDS, "on": self._dark}],
            "books": dict(self._books),
        }

    def _lane(self, goods: Goods) -> Mapping[str, Any]:
        told = self._stage.window.states.get(f"lane/{goods.lane}", {})
        return asdict(goods) | {
            "stock": told.get("stock"),
            "reason": told.get("reason", ""),
            "turning": goods.lane in self._turning,
        }

    # ------------------------------------------------------------ from the programs

    async def run(self) -> None:
        """Hold the phone over the screen and compare the books, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hold_phone(), name="phone")
            group.create_task(self._compare_books(), name="books")

    def _hear(self, program: str, line: Line) -> None:
        match program, line.get("event"):
            case "board", "motor":
                (self._turning.add if line["running"] else self._turning.discard)(int(line["lane"]))
            case "board", "dropped":
                goods = _GOODS[int(line["lane"])]
                self._tray = [*self._tray, goods][-TRAY:]
                self._publish("drop", {"lane": goods.lane})
            case "wechat", _:
                self._phone.hear(line)
        self._changed()

    async def _hold_phone(self) -> None:
        while True:
            if await self._eye.look():
                self._publish("screen", self._eye.version)
                if self._eye.code:
                    await self._phone.read(self._eye.code)
                self._changed()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _compare_books(self) -> None:
        """Each witness is asked a moment after the other: only what is wrong twice in a row is wrong."""
        before: list[str] = []
        while True:
            with suppress(CallFailed, ChildFailed):  # a program that is being restarted is asked again
                books, _ = await self._stage.books()
                wrong = disagreements(books)
                self._books = _verdict(books, [line for line in wrong if line in before])
                before = wrong
                left = await self._stage.faults_left()
                self._armed.intersection_update(name for name in _SWITCHES if _fault(name) in left)
                self._changed()
            await asyncio.sleep(BOOKS_EVERY_S)

    # ------------------------------------------------------------ from the page

    async def do(self, wish: str, body: Mapping[str, Any]) -> None:
        """Carry out a wish. Raises BadWish, CallFailed."""
        match wish:
            case "choose":
                self._stage.choose(_member(body, "lane", int, _GOODS))
            case "cancel":
                self._stage.cancel()
            case "pay":
                await self._phone.pay()
            case "pay-late":
                await self._phone.pay_late()
            case "put-away":
                await self._phone.put_away()
            case "take":
                self._tray = []
            case "refill":
                self._stage.refill()
            case "fault" if body.get("name") == POWER:
                await self._cut_power()
            case "fault":
                await self._switch(_member(body, "name", str, _SWITCHES), on=bool(body.get("on")))
            case _:
                raise BadWish(
                    f"wish: found {wish!r}, allowed choose, cancel, pay, take and others of the page"
                )
        self._changed()

    async def _cut_power(self) -> None:
        if self._dark:
            return
        self._dark = True
        self._changed()
        try:
            await self._stage.cut_power()
        finally:
            self._dark = False

    async def _switch(self, name: str, *, on: bool) -> None:
        scenario = _SWITCHES[name]
        if scenario.board:
            self._stage.break_board(scenario.board, on=on)
        else:
            await self._stage.break_platform(scenario.platform, on=on)
        (self._armed.add if on else self._armed.discard)(name)


def _fault(name: str) -> str:
    return _SWITCHES[name].board or _SWITCHES[name].platform


def _member(body: Mapping[str, Any], name: str, kind: type, allowed: Mapping[Any, object]) -> Any:
    value = body.get(name)
    if type(value) is not kind or value not in allowed:
        raise BadWish(f"{name}: found {value!r}, allowed {', '.join(map(str, allowed))}")
    return value


def _verdict(books: Books, wrong: list[str]) -> Mapping[str, str]:
    """One line for the page: whether the four witnesses agree, and on what."""
    paid = sum(order.paid_fen for order in books.platform.values())
    back = sum(order.refunded_fen for order in books.platform.values())
    count = len(books.journal)
    sums = f"{_many(count, 'sale')} · ¥{paid / 100:.2f} paid · ¥{back / 100:.2f} refunded"
    words = f"{sums} · {_many(books.pieces_dropped, 'piece')} out"
    if in_progress(books):
        return {"words": f"a sale is under way · {words}", "tone": "wait"}
    if wrong:
        return {"words": wrong[0], "tone": "stop"}
    if not count:
        return {"words": "no sale yet", "tone": ""}
    return {"words": f"all four books agree · {words}", "tone": "go"}


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
