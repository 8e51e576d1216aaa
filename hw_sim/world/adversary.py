"""Somebody who owns the broker: forges, alters, replays, reorders, retains and withholds as he likes.

He knows no key. Whatever he does, all that may follow is delay (I15). What he withholds comes in the end.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final

from hw_sim.world.broker import Packet
from hw_sim.world.pace import Pace

WITHHELD_S: Final = (2.0, 20.0, 90.0)
_FORGERIES: Final = (b'"sale_id"', b'"paid_fen"', b'"lane"', b'"state"', b'"outcome"', b'"boot"')


class Adversary:
    """Decides what becomes of each message that reaches the broker."""

    def __init__(self, pace: Pace) -> None:
        self._pace: Final = pace
        self._world: Final = pace.world
        self._chance: Final[Random] = pace.chance
        self._tricks: Final[tuple[Callable[[Packet], None], ...]] = (
            self._alter,
            self._forge,
            self._replay,
            self._elsewhere,
            self._retain,
            self._downgrade,
            self._unsign,
            self._strip,
            self._sign_twice,
            self._swell,
            self._flood,
            self._thief,
            self._old_will,
            self._old_births,
        )
        self._zeal: Final = self._chance.choice((0.02, 0.1, 0.3))
        self._slow: Final = self._chance.choice((0.0, 0.1, 0.4))

    def take(self, packet: Packet) -> None:
        """One message of somebody."""
        if self._chance.random() < self._zeal:
            self._chance.choice(self._tricks)(packet)
        if self._chance.random() < self._slow:
            if "/sale." in packet.topic:
                self._world.broker.hurt(packet, "withholds")
            self._later(self._chance.random() * self._chance.choice(WITHHELD_S), packet)
        else:
            self._world.broker.route(packet)

    def _later(self, delay_s: float, packet: Packet) -> None:
        broker = self._world.broker
        broker.at(self._world.loop.time() + delay_s, broker.route, packet)

    # ------------------------------------------------------------ tricks

    def _say(self, packet: Packet) -> None:
        self._later(self._chance.random() * self._chance.choice((0.1, 30.0, 300.0)), packet)

    def _alter(self, packet: Packet) -> None:
        """One byte of the payload is another, if it can be in a place that means something."""
        payload = bytearray(packet.payload)
        if not payload:
            return
        places = [payload.find(word) + len(word) + 1 for word in _FORGERIES if word in payload]
        at = self._chance.choice(places) if places else self._chance.randrange(len(payload))
        payload[min(at, len(payload) - 1)] ^= 1 << self._chance.randrange(7)
        self._say(replace(packet, payload=bytes(payload)))

    def _forge(self, packet: Packet) -> None:
        """Words of his own about a sale that he has heard of: it is paid; it is vended."""
        if not packet.topic.endswith("/up/sale.requested"):
            return
        said = json.loads(packet.payload)
        paid = {name: said[name] for name in ("sale_id", "jid", "boot", "lane")}
        amount = {"paid_fen": said["price_fen"], "issued_ms": 1_790_000_000_000}
        heading = {name: said[name] for name in ("jid", "boot", "bits", "n", "sale_id")}
        vended = {"outcome": "delivered", "why": "", "evidence": "", "row_hash": "0" * 64}
        for kind, forged in (
            ("down/sale.paid", {**paid, **amount}),
            ("up/sale.outcome", {**heading, **vended}),
        ):
            topic = packet.topic.replace("up/sale.requested", kind)
            self._say(replace(packet, topic=topic, payload=json.dumps(forged).encode()))

    def _replay(self, packet: Packet) -> None:
        """Anything that was ever said, as it was said."""
        for _ in range(self._chance.randrange(1, 6)):
            self._say(self._chance.choice(self._world.broker.said))

    def _elsewhere(self, packet: Packet) -> None:
        """A valid message on another machine's topic, or on another topic of the same."""
        parts = packet.topic.split("/")
        if self._chance.random() < 0.5:
            parts[2] = self._chance.choice(("vm-0001", "vm-0002", "vm-9999"))
        else:
            parts[-1] = self._chance.choice(
                ("sale.paid", "sale.closed", "sale.outcome", "sale.query", "sale.x", "sale.+")
            )
        self._say(replace(packet, topic="/".join(parts)))

    def _retain(self, packet: Packet) -> None:
        self._say(replace(packet, kept=True))

    def _downgrade(self, packet: Packet) -> None:
        self._say(replace(packet, topic=packet.topic.replace("/v1/", "/v0/")))

    def _unsign(self, packet: Packet) -> None:
        self._say(replace(packet, user_properties=()))

    def _strip(self, packet: Packet) -> None:
        """Signed by a key that nobody knows."""
        forged = tuple((name, "0" * len(value)) for name, value in packet.user_properties)
        self._say(replace(packet, user_properties=forged))

    def _sign_twice(self, packet: Packet) -> None:
        self._say(replace(packet, user_properties=packet.user_properties * 2))

    def _swell(self, packet: Packet) -> None:
        self._say(replace(packet, payload=packet.payload + b" " * 70_000))

    def _flood(self, packet: Packet) -> None:
        for _ in range(40):
            self._world.broker.route(packet)

    def _thief(self, packet: Packet) -> None:
        """Somebody connects under a client's name, who is thrown off."""
        name = self._chance.choice(["bridge", *(machine.name for machine in self._world.machines)])
        self._world.story.add(name, "cut off")
        self._world.broker.cut_name(name, "taken over")

    def _old_will(self, packet: Packet) -> None:
        """A machine is said to be gone, in the words of a will of its own."""
        wills = [said for said in self._world.broker.said if said.topic.endswith("/state/presence")]
        if wills:
            self._say(self._chance.choice(wills))

    def _old_births(self, packet: Packet) -> None:
        """Who lives now, asked and answered in the words of any earlier time."""
        words = ("/up/birth", "/down/challenge")
        kept = [said for said in self._world.broker.said if said.topic.endswith(words)]
        for _ in range(self._chance.randrange(1, 4)):
            if kept:
                self._say(self._chance.choice(kept))


async def adversary(pace: Pace) -> None:
    """The broker is in an enemy's hands."""
    pace.world.broker.adversary = Adversary(pace).take
    await asyncio.sleep(0)
