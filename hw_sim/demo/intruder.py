"""Somebody with all rights at the broker, the bridge's name among them, and none of the keys that sign."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from hw_sim.demo.onlooker import Silence
from wire.broker import BrokerSettings, Tls
from wire.envelope import Envelope
from wire.link import Link
from wire.topics import Topic

NAME: Final = "intruder"
_CONNECT_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as the intruder makes it up; `envelope` None: without a signature."""

    topic: Topic
    payload: bytes
    envelope: Envelope | None


async def intrude(onlooker: BrokerSettings, letters: Sequence[Letter]) -> None:
    """Publish them, at the broker where the onlooker listens. Raises TimeoutError when it lets nobody in."""
    there = asyncio.Event()

    def changed(up: bool, _why: str) -> None:
        if up:
            there.set()

    settings = replace(onlooker, client_id=NAME, filters=(), tls=_as_the_bridge(onlooker.tls))
    link = Link(settings, log=Silence(), on_state=changed, random=random.random)
    running = asyncio.create_task(link.run(), name=NAME)
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            await there.wait()
            for letter in letters:
                await link.publish(letter.topic, letter.payload, envelope=letter.envelope)
    finally:
        await link.close()
        await running


def _as_the_bridge(tls: Tls | None) -> Tls | None:
    if tls is None:
        return None
    certs = tls.ca_file.parent
    return replace(tls, certificate_file=certs / "bridge.crt", key_file=certs / "bridge.key")
