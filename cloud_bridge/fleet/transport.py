"""What this room asks of the link, so that a test may bring another."""

import asyncio
from typing import Protocol

from wire.broker import PublishResult
from wire.envelope import Envelope
from wire.inbound import Inbound
from wire.topics import Outside, Topic


class Transport(Protocol):
    """The part of `wire.link.Link` that machines are heard and told through."""

    @property
    def connected(self) -> bool:
        """The link is up."""

    def publish(
        self,
        topic: Topic | Outside,
        payload: bytes,
        *,
        envelope: Envelope | None = None,
        retain: bool = False,
        expiry_s: int | None = None,
    ) -> "asyncio.Future[PublishResult]":
        """Hand a message to the broker. Raises wire.broker.LinkDown."""

    async def receive(self) -> Inbound:
        """Wait for the next message."""

    def ack(self, inbound: Inbound) -> None:
        """Tell the broker that it is ours now."""
