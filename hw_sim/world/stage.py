"""A world in which somebody arranges what happens next: one machine, one shopper, one play at a time.

Nothing is told to the programs that a broker, a platform, a disk or a person could not tell them: words are
held back and said again, answers get lost, books come back from a copy, money goes back by hand.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from cloud_bridge.core.case import Resolution, Wish
from cloud_bridge.core.model import Payment
from cloud_bridge.core.sale import Sale, situation
from cloud_bridge.core.timings import Limits, Timings
from edge.core.screen import Code, Idle
from edge.ports import Terms
from hw_sim.platform.courier import Letter
from hw_sim.platform.faults import Armed, Fault
from hw_sim.world.books import Tables
from hw_sim.world.broker import Packet
from hw_sim.world.disks import Speed
from hw_sim.world.payments import NOTIFY_URL
from hw_sim.world.story import Entry
from hw_sim.world.world import Rig, World

LANE: Final = 11
RIG: Final = Rig(
    poll_ms=200,
    terms=Terms(machine="", lease_s=90, grace_s=8, vends_a_day=100_000),
    timings=Timings(pay_s=60, order_min_s=30, doubt_s=60.0, gone_s=120.0, look_again_s=20.0),
)
# The next automatic refund on a machine's word waits for a person.
BRAKED: Final = Limits(lane=1000, machine=1000, fleet=0)
_LOOK_S: Final = 0.02
_SOON_S: Final = 60.0
GONE_S: Final = 900.0  # until a machine that is silent is given up, waited out and all
PAYMENTS: Final = "TRANSACTION."
REFUNDS: Final = "REFUND."
_MOTOR_ENDED: Final = frozenset({"delivered", "not_delivered", "uncertain"})
Answered = Callable[[int | str], None]


class NotAsWritten(Exception):
    """What a play waits for did not come."""


@dataclass(slots=True)
class SteadySpeed(Speed):
    """A disk whose every flush takes the same time."""

    def draw(self, chance: object) -> float:
        """As long as it says."""
        return self.flush_s


@dataclass(slots=True)
class Post:
    """The way of notifications. Of the kinds in `held` nothing arrives; `deaf`: no answer gets back.

    What the platform gets no answer to it sends again, freshly signed, for many hours.
    """

    held: set[str] = field(default_factory=set)
    deaf: bool = False
    arrived: int = 0


class Stage:
    """What a play may do and see. `sale_id` is the sale that was opened last."""

    def __init__(self, world: World) -> None:
        self.world: Final = world
        self.machine: Final = world.machines[0]
        self.office: Final = world.office
        self.post: Final = Post()
        self.press: Callable[[int], None] = self.machine.press
        self.sale_id = ""
        self.code = ""
        self._copies: Final[dict[str, Tables]] = {}
        self._door: Final = world.payments.deliver
        world.payments.deliver = self._deliver
        world.story.watch(self._seen)

    # ------------------------------------------------------------ waiting

    async def until(self, holds: Callable[[], bool], what: str, within_s: float = _SOON_S) -> None:
        """Wait for it. Raises NotAsWritten."""
        loop = self.world.loop
        until_s = loop.time() + within_s
        while not holds():
            if loop.time() > until_s:
                raise NotAsWritten(f"{what}: not within {within_s} s; {self._stands()}")
            await asyncio.sleep(_LOOK_S)

    async def becomes(self, where: str, within_s: float = _SOON_S) -> None:
        """Wait until the bridge's row stands there."""
        await self.until(lambda: self.where == where, f"the sale is {where}", within_s)

    async def ends(self, how: str, within_s: float = _SOON_S) -> None:
        """Wait until the machine's row stands there."""
        await self.until(lambda: self.machine_row == how, f"the machine's row is {how}", within_s)

    async def case(self, reason: str, within_s: float = _SOON_S) -> None:
        """Wait until a case of this reason is open."""
        await self.until(lambda: reason in self.cases, f"a case of {reason}", within_s)

    @property
    def row(self) -> Sale | None:
        """The bridge's row of the sale, as its disk has it."""
        return self.office.disk.tables.sales.get(self.sale_id)

    @property
    def where(self) -> str:
        """The situation of the bridge's row."""
        return situation(self.row).value

    @property
    def cases(self) -> tuple[str, ...]:
        """The reasons that are open."""
        return tuple(self.row.case.split()) if self.row is not None else ()

    @property
    def machine_row(self) -> str:
        """The state of the machine's row, as its disk has it."""
        return self.machine.disk.rows.get(self.sale_id, "")

    def _stands(self) -> str:
        return (
            f"{self.where} at the bridge, {self.machine_row or 'no row'} at the machine, cases {self.cases}"
        )

    # ------------------------------------------------------------ a shopper

    async def choose(self, *, shown: bool = True) -> None:
        """Press the lane's number; with `shown`, wait for the code."""
        await self.until(lambda: self.sells, "the machine sells", GONE_S)
        before = self.sale_id
        self.press(LANE)
        await self.until(lambda: self.sale_id != before, "a sale is opened")
        if shown:
            await self.until(self._shows, "the code is shown")
            await self.becomes("offered")

    def pay(self) -> None:
        """With the code that is or was on the screen."""
        payments = self.world.payments
        payments.model.pay(self.code, payments.now_ms())
        payments.look()

    async def buy(self, ends: str, *, fault: str = "") -> None:
        """A whole sale, until the machine knows how its motor run ended and has said so."""
        if fault:
            self.machine.stumble(fault, times=1)
        await self.choose()
        self.pay()
        await self.ends(ends, 200.0)
        await self.until(lambda: self.said("up/sale.outcome") is not None, "the outcome is told")

    async def vend(self) -> None:
        """A whole sale with its goods, until everybody has his acknowledgement."""
        await self.buy("delivered")
        await self.becomes("vended")
        await asyncio.sleep(1)

    async def known(self) -> Tables:
        """The books as they are once the machine is known, before any sale."""
        await self.until(lambda: bool(self.books.journals), "the machine is known")
        return self.books

    async def goods_known(self) -> None:
        """Wait until the bridge has heard of the goods."""
        await self.until(lambda: self.row is not None and self.row.goods, "the goods are known", GONE_S)

    @property
    def sells(self) -> bool:
        """The screen offers something."""
        screen = self.machine.screen
        view = screen.view if screen is not None else None
        return isinstance(view, Idle) and any(not tile.reason for tile in view.tiles)

    def _shows(self) -> bool:
        screen = self.machine.screen
        if screen is None or not isinstance(screen.view, Code):
            return False
        self.code = screen.view.code_url
        return True

    # ------------------------------------------------------------ lines, words and answers

    def cut_off(self) -> None:
        """The machine has no network any more."""
        world, name = self.world, self.machine.name
        world.story.add(name, "cut off")
        world.cut_off.add(name)
        world.broker.cut_name(name, "keep-alive")

    def link_again(self) -> None:
        """The machine has a network."""
        self.world.cut_off.discard(self.machine.name)

    def said(self, kind: str) -> Packet | None:
        """The newest word of this kind about the sale, such as `up/sale.outcome`."""
        for packet in reversed(self.world.broker.said):
            if packet.topic.endswith(f"/{kind}") and json.loads(packet.payload)["sale_id"] == self.sale_id:
                return packet
        return None

    def say_again(self, packet: Packet | None) -> None:
        """The broker hands out once more what it was told."""
        assert packet is not None, "it was said before"
        self.world.broker.route(packet)

    def no_answers(self, *, lost: bool = True) -> None:
        """Calls to the platform take effect, and their answers get lost; or they arrive again."""
        self.world.payments.wires.unanswered = 1.0 if lost else 0.0

    def arm(self, fault: Fault) -> None:
        """The platform does something odd once."""
        self.world.payments.faults.arm(Armed(fault, times=1))

    def _deliver(self, letter: Letter, answer: Answered) -> None:
        if any(kind.encode() in letter.body for kind in self.post.held):
            answer("connection refused")
            return
        self.post.arrived += 1
        self._door(letter, (lambda verdict: None) if self.post.deaf else answer)

    async def another_letter(self) -> None:
        """Wait until the platform repeats itself."""
        before = self.post.arrived
        await self.until(lambda: self.post.arrived > before, "a notification comes again", 4000.0)
        await asyncio.sleep(1)

    # ------------------------------------------------------------ books

    @property
    def books(self) -> Tables:
        """A copy of the books as they are."""
        return self.office.disk.tables

    def copy_at(self, state: str) -> Tables:
        """The copy that was made when the newest sale came to this state."""
        return self._copies[state]

    async def put_back(self, books: Tables, *, catalogue: bool = False) -> None:
        """An older copy of the books is restored, with `catalogue` beside a new version of it."""
        self.office.crash()
        self.office.restore_books(books, self.world.chance("put back").randbytes(16).hex())
        if catalogue:
            self.office.change_catalogue(drop=99)  # nothing but the version
        await asyncio.sleep(1)
        self.office.start()
        await self.until(lambda: self.office.engine is not None, "the bridge is up")
        assert self.office.engine is not None, "just seen"
        await self.office.engine.ready()
        await asyncio.sleep(1)  # until it has its lines

    def _seen(self, entry: Entry) -> None:
        fields: dict[str, Any] = dict(entry.fields)
        if entry.what == "sale.open":
            self.sale_id = fields["sale_id"]
        elif entry.what == "row" and fields["state"] != fields["was"]:
            self._copies[fields["state"]] = self.office.disk.tables

    # ------------------------------------------------------------ people

    async def resolve(self, how: Resolution, *, reason: str = "") -> None:
        """An operator decides. Raises NotAsWritten where he is refused."""
        assert self.office.engine is not None, "the bridge runs"
        self.world.story.add("operator", f"decides: {how.value}", sale_id=self.sale_id)
        wish = Wish(sale_id=self.sale_id, resolution=how, by="operator", why="seen", reason=reason)
        refused = await self._at_the_bridge(self.office.engine.resolve(wish))
        if refused:
            raise NotAsWritten(f"{how.value} is refused: {refused}; {self._stands()}")

    async def give_back_by_hand(self) -> None:
        """Somebody refunds all of it in the merchant's portal, and the platform has done it."""
        payments, story, number = self.world.payments, self.world.story, f"H{self.sale_id}"
        now_ms = payments.now_ms()
        order = payments.model.paid_order(self.sale_id, now_ms)
        assert order is not None, "an order that is paid"
        story.add("operator", "gives back by hand", out_trade_no=self.sale_id, out_refund_no=number)
        amount = {"refund": order.total_fen, "total": order.total_fen, "currency": "CNY"}
        request = {"out_trade_no": self.sale_id, "out_refund_no": number, "notify_url": NOTIFY_URL}
        payments.model.refund({**request, "amount": amount}, now_ms)
        payments.look()
        await asyncio.sleep(5)

    async def pay_twice(self) -> None:
        """The platform took another payment for the same order: its bill says so."""
        row, engine = self.row, self.office.engine
        assert row is not None, "a sale of the books"
        assert engine is not None, "of a bridge that runs"
        self.world.story.add("wechat", "second payment", out_trade_no=row.sale_id, amount_fen=row.price_fen)
        second = Payment(
            sale_id=row.sale_id,
            transaction_id="4200009999202611250000000001",
            paid_fen=row.price_fen,
            machine=row.machine,
            merchant_ok=True,
            source="bill",
            paid_at="",
        )
        await self._at_the_bridge(engine.learnt(second))

    async def return_the_second(self) -> None:
        """The second payment goes back in the portal, and whoever did that says so."""
        self.world.story.add("wechat", "second payment returned", out_trade_no=self.sale_id)
        await self.resolve(Resolution.CLOSED, reason="second_payment")

    async def _at_the_bridge(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Its answer is looked for, not awaited: whoever awaits a task goes on where that one ran."""
        task = self.world.loop.spawn(self.office.host, work, "operator")
        await self.until(task.done, "the bridge has taken it")
        return task.result()
