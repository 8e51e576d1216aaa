"""People at a machine: they choose, look at the screen, pay in time, late, never, twice, or choose again."""

import asyncio
import enum
from dataclasses import dataclass, field
from random import Random
from typing import Final

from edge.core.screen import Code, Idle
from hw_sim.platform.payers import PayerRefused
from hw_sim.world.machine import Machine
from hw_sim.world.payments import Payments
from hw_sim.world.scans import Phones, printed
from hw_sim.world.story import Story

LOOK_EVERY_S: Final = 0.5
PATIENCE_S: Final = 15.0
COMES_BACK_S: Final = 5.0  # until he looks again whether the machine sells
GIVES_UP_S: Final = 600.0
LABEL: Final = 0.4  # the chance that somebody scans a label and touches nothing
SCANS_AGAIN: Final = 0.15
BLIND: Final = 0.1  # the chance that somebody presses numbers whatever the screen says
VISITS: Final = 3  # for each sale that is to be opened, at most
OVERTAKES_S: Final = 10.0


class Habit(enum.StrEnum):
    """What a shopper does with a code."""

    PAYS = "pays"
    PAYS_LATE = "pays_late"  # begun in time, completed when it suits
    PAYS_TWICE = "pays_twice"
    TWO_PHONES = "two_phones"
    CANCELS = "cancels"
    CANCELS_AND_PAYS = "cancels_and_pays"
    CHOOSES_AGAIN = "chooses_again"  # and pays the first code, the second, or both
    LEAVES = "leaves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How people of a world are: how often they come, in seconds, and the weight of each habit."""

    every_s: float = 60.0
    weights: dict[Habit, float] = field(default_factory=lambda: {Habit.PAYS: 1.0})


class Shoppers:
    """Everybody who comes to one machine, one after the other."""

    def __init__(
        self,
        machine: Machine,
        payments: Payments,
        story: Story,
        manners: Manners,
        chance: Random,
        *,
        phones: Phones | None = None,
    ) -> None:
        """`phones` where there are codes of products, on the screen and on labels."""
        self._machine: Final = machine
        self._payments: Final = payments
        self._story: Final = story
        self._manners: Final = manners
        self._chance: Final = chance
        self._phones: Final = phones

    async def come(self, count: int) -> None:
        """Until so many sales were opened here, unless the machine sells next to nothing."""
        habits, weights = list(self._manners.weights), list(self._manners.weights.values())
        for _ in range(VISITS * count):
            if self._machine.opened >= count:
                return
            await asyncio.sleep(self._chance.random() * 2 * self._manners.every_s)
            if self._chance.random() >= BLIND:
                await self._until_it_sells()
            (habit,) = self._chance.choices(habits, weights)
            await self._shop(habit)

    async def _until_it_sells(self) -> None:
        """Come back now and then, and give up some time."""
        for _ in range(int(GIVES_UP_S / COMES_BACK_S)):
            screen = self._machine.screen
            view = screen.view if screen is not None else None
            if isinstance(view, Idle) and any(not tile.reason for tile in view.tiles):
                return
            await asyncio.sleep(COMES_BACK_S)

    async def _shop(self, habit: Habit) -> None:
        lane, other = self._chance.sample(self._machine.plan.lanes, 2)
        self._story.add("shopper", "chooses", machine=self._machine.name, lane=lane, habit=habit)
        code = await self._chosen(lane)
        if not code:
            return
        self._story.mark(f"shopper.{habit}")
        await asyncio.sleep(self._chance.random() * 20)
        match habit:
            case Habit.PAYS:
                self._pay(code)
            case Habit.PAYS_LATE:
                await self._complete(code)
            case Habit.PAYS_TWICE:
                self._pay(code)
                self._pay(code)
            case Habit.TWO_PHONES:
                self._pay(code, account="first")
                self._pay(code, account="second")
            case Habit.CANCELS:
                self._machine.press(0)
            case Habit.CANCELS_AND_PAYS:
                self._machine.press(0)
                await self._complete(code)
            case Habit.CHOOSES_AGAIN:
                await self._choose_again(code, other)
            case Habit.LEAVES:
                return

    async def _chosen(self, lane: int) -> str:
        """The code of an order: from the screen, or made after a scan, of the screen or of a label."""
        if self._phones is None:
            self._machine.press(lane)
            return await self._code("")
        if self._chance.random() < LABEL:
            code = printed(self._machine.name, lane)
        else:
            self._machine.press(lane)
            code = await self._code("")
        if not code:
            return ""
        others = [f"payer {self._chance.randrange(5)}" for _ in range(self._chance.choice((0, 0, 0, 3)))]
        scans = [self._phones.order_of(code, payer) for payer in ("somebody", *others)]
        orders = [order for order in await asyncio.gather(*scans) if order]
        self._story.mark(f"scan.{'order' if orders else 'refused'}")
        if orders and self._chance.random() < SCANS_AGAIN:
            return await self._phones.order_of(code, "somebody") or orders[0]
        return orders[0] if orders else ""

    async def _choose_again(self, first: str, lane: int) -> None:
        self._machine.press(lane)
        second = await self._code(first)
        which = self._chance.randrange(3)
        if which != 1:
            await self._complete(first)
        if which != 0 and second:
            self._pay(second)

    async def _complete(self, code: str) -> None:
        """A payment begun now goes through at a moment of its own.

        Soon, it goes through even past the order's end; later only while the order lives. What the platform
        lets through long after it said "closed" is found by the daily bill.
        """
        after_s = self._chance.choice((0.2, 5.0, 60.0, 200.0, 400.0)) * self._chance.random()
        await asyncio.sleep(after_s)
        self._pay(code, race=after_s < OVERTAKES_S)

    async def _code(self, but: str) -> str:
        """What the screen's code says once there is another one than `but`; empty when none comes."""
        for _ in range(int(PATIENCE_S / LOOK_EVERY_S)):
            await asyncio.sleep(LOOK_EVERY_S)
            screen = self._machine.screen
            if screen is not None and isinstance(screen.view, Code) and screen.view.code_url != but:
                return screen.view.code_url
        return ""

    def _pay(self, code: str, *, account: str = "somebody", race: bool = False) -> None:
        try:
            self._payments.model.pay(code, self._payments.now_ms(), account=account, race=race)
        except PayerRefused as refused:
            self._story.add("shopper", "cannot pay", why=refused.reason.value)
        self._payments.look()
