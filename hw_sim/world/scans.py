"""Codes of products in the world: phones scan them, the bridge is asked for an order, and answers or not.

The engine, both cores, the tokens and every message are the real ones. The platform's XML is not: it has
proofs of its own. An order's code stands in for the ticket that lets a phone in.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final

from cloud_bridge.core.model import OrderPlaced, Refused, Unclear
from cloud_bridge.engine_tokens import Token, Tokens, Use
from cloud_bridge.ports_scans import OrderRequest
from cloud_bridge.wechat.platform import WechatPlatform
from hw_sim.world.loop import WorldLoop
from hw_sim.world.payments import Payments

EDITION: Final = 1
AHEAD: Final = 2
WAITS_S: Final = 5.0
PRODUCT: Final = "weixin://wxpay/bizpayurl?product_id="
_KEY: Final = b"the world's tokens"
Answer = Callable[[bytes], None]


class WorldDesk:
    """Implements `ports_scans.OrderRequests` in plain words."""

    def code(self, token: str, made_s: int, *, merchant: str = "") -> str:
        """What a code holds."""
        return PRODUCT + token

    def read(self, body: bytes) -> OrderRequest:
        """`token payer`."""
        token, _, payer = body.decode().partition(" ")
        return OrderRequest(token=token, payer=payer)

    def granted(self, request: OrderRequest, ticket: str) -> bytes:
        """The ticket alone."""
        return ticket.encode()

    def refused(self, request: OrderRequest, words: str) -> bytes:
        """Nothing that lets anybody in."""
        return b""

    def rejected(self) -> bytes:
        """The same."""
        return b""


class TicketedPlatform(WechatPlatform):
    """The real calls; an order's code is its ticket, too."""

    async def place(self, sale_id: str, body: bytes) -> OrderPlaced | Refused | Unclear:
        """Place the order."""
        placed = await super().place(sale_id, body)
        return replace(placed, ticket=placed.code_url) if isinstance(placed, OrderPlaced) else placed


def tokens(machines: list[str]) -> Tokens:
    """The same for whoever prints and whoever answers."""
    return Tokens(_KEY, machines)


def printed(machine: str, lane: int) -> str:
    """What the label of a lane holds."""
    token = Token(use=Use.PRINTED, machine=machine, lane=lane, serial=EDITION)
    return PRODUCT + tokens([machine]).seal(token)


class Phones:
    """`ask` is the bridge's door for order requests: it answers, or nothing comes."""

    def __init__(
        self,
        loop: WorldLoop,
        payments: Payments,
        ask: Callable[[bytes, Answer], None],
        chance: Random,
    ) -> None:
        self._loop: Final = loop
        self._payments: Final = payments
        self._ask: Final = ask
        self._chance: Final = chance

    async def order_of(self, code: str, payer: str) -> str:
        """The code of the order that is made for a scan; empty when the phone shows a refusal."""
        if not code.startswith(PRODUCT):
            return code
        wires, chance = self._payments.wires, self._chance
        said: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def answered(words: bytes) -> None:
            if not said.done():
                said.set_result(words)

        def back(words: bytes) -> None:
            if not (wires.down or chance.random() < wires.unanswered):
                self._loop.on(self._loop.nature, wires.draw_s(chance), answered, words)

        body = f"{code.removeprefix(PRODUCT)} {payer}".encode()
        if not (wires.down or chance.random() < wires.lost):
            self._loop.on(self._loop.nature, wires.draw_s(chance), self._ask, body, back)
        try:
            async with asyncio.timeout(WAITS_S):
                return (await said).decode()
        except TimeoutError:
            return ""
