"""WeChat Pay in the world: the simulated platform, the wires to and from it, and its merchant's keys.

Every call and notification is signed and verified by the programs, with the keys of a world.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Any, Final

from cloud_bridge.wechat.exchange import Exchange, NoAnswer, Reply
from cloud_bridge.wechat.keys import Keys, PlatformKey
from cloud_bridge.wechat.signing import Request
from hw_sim.platform.answers import Answer, Call
from hw_sim.platform.api import Api
from hw_sim.platform.courier import Courier, Letter
from hw_sim.platform.events import Events
from hw_sim.platform.faults import Faults
from hw_sim.platform.ids import Ids
from hw_sim.platform.keys import Identity, Merchant
from hw_sim.platform.keys import Keys as PlatformKeys
from hw_sim.platform.model import Platform, Rules
from hw_sim.platform.notices import ANSWER_WITHIN_MS, Delivery
from hw_sim.platform.orders import Shop
from hw_sim.platform.payers import openid_of
from hw_sim.platform.signatures import KeyMode, Mode, Signer
from hw_sim.world.clocks import true_wall_ms
from hw_sim.world.keys import rsa_key
from hw_sim.world.loop import Host, WorldLoop
from hw_sim.world.story import Story

MCHID: Final = "1900000001"
APPID: Final = "wx0123456789abcdef"
NOTIFY_URL: Final = "http://127.0.0.1/wechat/notify"
CALL_TIMEOUT_S: Final = 15.0
_API_V3_KEY: Final = "0123456789abcdef0123456789abcdef"
_SERIAL: Final = "5" * 40
_PUBLIC_KEY_ID: Final = "PUB_KEY_ID_0119000000010001"
# Words that no program may say: links of codes, payers, the merchant's key.
SECRETS: Final = (
    "weixin:",
    _API_V3_KEY,
    *(openid_of(APPID, account) for account in ("somebody", "first", "second")),
)
_REFUNDS: Final = "/v3/refund/domestic/refunds"


@dataclass(slots=True, kw_only=True)
class Wires:
    """Chances a call or a notification: its way there fails, its way back fails; and seconds it takes."""

    latency_s: float = 0.08
    lost: float = 0.0
    unanswered: float = 0.0
    slow: float = 0.0
    slow_s: float = 30.0
    down: bool = False

    def draw_s(self, chance: Random) -> float:
        """How long one way takes."""
        if self.slow and chance.random() < self.slow:
            return chance.random() * self.slow_s
        return self.latency_s * (0.5 + chance.random())


class Payments:
    """The platform. `deliver` is where a notification arrives; its answer is a status code, or words."""

    def __init__(
        self, loop: WorldLoop, rules: Rules, story: Story, *, chance: Callable[[str], Random]
    ) -> None:
        ids_chance = chance("platform")
        self._story: Final = story
        self.faults: Final = Faults(chance("platform faults"))
        self.wires: Final = Wires()
        self.deliver: Callable[[Letter, Callable[[int | str], None]], None] = lambda letter, answer: answer(
            "none"
        )
        self._loop: Final = loop
        self._chance: Final = chance("wires")
        self._due_ms: int | None = None
        ids = Ids(ids_chance)
        events = Events(lambda entry: story.add("wechat", entry["fact"], **_told(entry)))
        keys = _platform_keys()
        signer = Signer(keys=keys, mode=KeyMode(Mode.PUBLIC_KEY), ids=ids)
        self.model: Final = Platform(
            shop=Shop(MCHID, APPID, "World"), rules=rules, faults=self.faults, events=events, rng=ids_chance
        )
        self._api: Final = Api(
            platform=self.model,
            merchant=keys.merchant,
            signer=signer,
            faults=self.faults,
            events=events,
            ids=ids,
        )
        self._courier: Final = Courier(signer=signer, faults=self.faults, ids=ids)

    # ------------------------------------------------------------ time

    def now_ms(self) -> int:
        """The platform's clock is right."""
        return true_wall_ms(self._loop)

    def look(self) -> None:
        """Send what is due, and come back when more is."""
        for delivery in self.model.due(self.now_ms()):
            self._send(delivery)
        next_ms = self.model.next_wakeup_ms()
        if next_ms is not None and (self._due_ms is None or next_ms < self._due_ms):
            self._due_ms = next_ms
            self._loop.on(
                self._loop.nature, max(0, next_ms - self.now_ms()) / 1000 + 0.001, self._ring, next_ms
            )

    def _ring(self, due_ms: int) -> None:
        if self._due_ms == due_ms:
            self._due_ms = None
        self.look()

    # ------------------------------------------------------------ notifications

    def _send(self, delivery: Delivery) -> None:
        letter, wires, chance = self._courier.write(delivery, self.now_ms()), self.wires, self._chance
        said = False

        def answered(verdict: int | str) -> None:
            nonlocal said
            if not said:
                said = True
                self.model.report(delivery, verdict, self.now_ms())
                self.look()

        def back(verdict: int | str) -> None:
            if not (wires.down or chance.random() < wires.unanswered):
                self._loop.on(self._loop.nature, wires.draw_s(chance), answered, verdict)

        self._loop.on(self._loop.nature, ANSWER_WITHIN_MS / 1000, answered, "no answer in time")
        if not (wires.down or chance.random() < wires.lost):
            self._loop.on(self._loop.nature, wires.draw_s(chance), self.deliver, letter, back)

    # ------------------------------------------------------------ calls

    def receive(self, call: Call, host: Host, answered: Callable[[Answer], None]) -> None:
        """A call leaves the bridge; `answered` runs at its host, if its answer comes back."""
        wires, chance = self.wires, self._chance
        life = host.life
        self._story.step(host.name, "wechat.call")
        if life != host.life:
            return
        if wires.down or chance.random() < wires.lost:
            return

        def arrive() -> None:
            now_ms = self.now_ms()
            answer = self._api.handle(call, now_ms=now_ms, wall_ms=now_ms)
            self._tell_refund(call)
            self.look()
            if answer.lost or wires.down or chance.random() < wires.unanswered or life != host.life:
                return  # or whoever asked is not there any more
            self._loop.on(host, wires.draw_s(chance) + answer.delay_ms / 1000, answered, answer)

        self._loop.on(self._loop.nature, wires.draw_s(chance), arrive)

    def _tell_refund(self, call: Call) -> None:
        """A refund was asked for; and where it stands, if the platform has it."""
        if call.method == "POST" and call.target == _REFUNDS:
            asked = json.loads(call.body)
            number, sale_id = asked["out_refund_no"], asked["out_trade_no"]
            refunds = self.model.books(self.now_ms())["refunds"]
            status = next((row["status"] for row in refunds if row["out_refund_no"] == number), "none")
            self._story.add(
                "wechat", "refund.asked", out_trade_no=sale_id, out_refund_no=number, status=status
            )

    def payable(self, sale_id: str) -> bool:
        """Somebody could still pay this order."""
        orders = self.model.books(self.now_ms())["orders"]
        states = [row["trade_state"] for row in orders if row["out_trade_no"] == sale_id]
        return states == ["NOTPAY"]


class WorldCaller:
    """Implements `cloud_bridge.wechat.exchange.Caller` on the world's wires."""

    def __init__(self, payments: Payments, host: Host, exchange: Exchange) -> None:
        self._payments: Final = payments
        self._host: Final = host
        self._exchange: Final = exchange

    async def call(self, request: Request) -> Reply:
        """Make one call."""
        headers = {name.lower(): value for name, value in self._exchange.headers(request).items()}
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def answered(found: Answer) -> None:
            if not answer.done():
                answer.set_result(found)

        call = Call(request.method, request.target, headers, request.body)
        self._payments.receive(call, self._host, answered)
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                found = await answer
        except TimeoutError:
            return NoAnswer("timeout")
        if found.keep is not None:
            return NoAnswer("connection")
        return self._exchange.judge(found.status, found.headers, found.body)


def _platform_keys() -> PlatformKeys:
    merchant = Merchant(MCHID, APPID, _SERIAL, _API_V3_KEY, rsa_key("merchant").public_key())
    identity = Identity(_PUBLIC_KEY_ID, rsa_key("platform"))
    return PlatformKeys(merchant, identity, identity, identity)


def merchant_keys() -> Keys:
    """What the bridge holds."""
    return Keys(
        mchid=MCHID,
        merchant_serial=_SERIAL,
        private_key=rsa_key("merchant"),
        api_v3_key=_API_V3_KEY.encode(),
        platform=MappingProxyType({_PUBLIC_KEY_ID: PlatformKey(key=rsa_key("platform").public_key())}),
        answer_with=_PUBLIC_KEY_ID,
    )


def _told(entry: dict[str, Any]) -> dict[str, Any]:
    kept = ("out_trade_no", "amount_fen", "status", "code", "operation", "verdict", "out_refund_no")
    return {name: entry[name] for name in kept if name in entry}
