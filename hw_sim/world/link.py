"""A program's end of the simulated broker, with the face of `wire.link.Link`. Keeps nothing over a break."""

import asyncio
from collections.abc import Callable
from typing import Final

from hw_sim.world.broker import Broker, Line, Packet
from hw_sim.world.loop import Host
from wire.broker import Backoff, BrokerSettings, Letter, LinkDown, PublishResult
from wire.envelope import Envelope
from wire.inbound import Inbound
from wire.topics import Outside, Topic

ANSWER_S: Final = 10.0


class WorldLink:
    """Keeps a line to the broker for as long as `run` runs."""

    def __init__(
        self,
        settings: BrokerSettings,
        broker: Broker,
        host: Host,
        *,
        on_state: Callable[[bool, str], None],
        random: Callable[[], float],
    ) -> None:
        self._settings: Final = settings
        self._broker: Final = broker
        self._host: Final = host
        self._on_state: Final = on_state
        self._backoff: Final = Backoff(settings.reconnect_min_s, settings.reconnect_max_s, random)
        self._inbox: Final[asyncio.Queue[Inbound]] = asyncio.Queue()
        self._gone: Final = asyncio.Event()
        self._line: Line | None = None
        self._lines = 0
        self._unanswered: dict[int, asyncio.Future[PublishResult]] = {}
        self._published = 0
        self.reason = "not tried yet"
        self.overflowed = 0

    @property
    def connected(self) -> bool:
        """True until the line is known to be lost."""
        return self._line is not None

    async def run(self) -> None:
        """Connect, and again whenever the line is lost."""
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            if await self._connect():
                await self._gone.wait()
                self._forget()
                self._on_state(False, self.reason)
            await asyncio.sleep(self._backoff.next_s(lasted_s=loop.time() - began_s))

    async def receive(self) -> Inbound:
        """Wait for the next message."""
        return await self._inbox.get()

    def ack(self, inbound: Inbound) -> None:
        """Tell the broker that it is ours now; without effect when its line is gone."""
        if self._line is not None and inbound.connection == self._lines:
            self._broker.acknowledge(self._line, inbound.mid)

    def publish(
        self,
        topic: Topic | Outside,
        payload: bytes,
        *,
        envelope: Envelope | None = None,
        retain: bool = False,
        expiry_s: int | None = None,
    ) -> "asyncio.Future[PublishResult]":
        """Hand a message to the broker. Raises LinkDown."""
        if self._line is None or len(self._unanswered) >= self._settings.queue:
            raise LinkDown(self.reason)
        signed = envelope.user_properties if envelope is not None else ()
        return self._send(
            self._line, Packet(topic=str(topic), payload=payload, user_properties=signed, retain=retain)
        )

    async def close(self) -> None:
        """Say good-bye."""
        if self._line is not None:
            if self._settings.will is not None:
                self._send(self._line, _packet(self._settings.will))
            self._broker.leave(self._line)

    # ------------------------------------------------------------ one line

    async def _connect(self) -> bool:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._broker.soon_s() - loop.time()))
        number = self._lines + 1
        line = Line(
            self._broker,
            self._settings.client_id,
            self._host,
            arrive=lambda mid, packet: self._arrive(number, mid, packet),
            lost=lambda why: self._lost(number, why),
        )
        will = _packet(self._settings.will) if self._settings.will is not None else None
        if not self._broker.connect(line, self._settings.filters, will, resume=self._lines > 0):
            self.reason = "cannot connect"
            return False
        self._lines, self._line, self.reason = number, line, "connected"
        self._gone.clear()
        self._on_state(True, self.reason)
        if self._settings.birth is not None:
            self._send(line, _packet(self._settings.birth))
        return True

    def _send(self, line: Line, packet: Packet) -> "asyncio.Future[PublishResult]":
        self._published += 1
        number = self._published
        answer: asyncio.Future[PublishResult] = asyncio.get_running_loop().create_future()
        self._unanswered[number] = answer
        self._broker.publish(line, packet, lambda code: self._answered(number, code))
        return answer

    def _answered(self, number: int, code: int) -> None:
        answer = self._unanswered.pop(number, None)
        if answer is not None and not answer.done():
            answer.set_result(PublishResult(code, str(code)))

    def _arrive(self, number: int, mid: int, packet: Packet) -> None:
        if number != self._lines:
            return
        self._inbox.put_nowait(
            Inbound(
                topic=packet.topic,
                payload=packet.payload,
                retained=packet.kept,
                user_properties=packet.user_properties,
                mid=mid,
                connection=number,
            )
        )

    def _lost(self, number: int, why: str) -> None:
        if number == self._lines:
            self.reason = why
            self._gone.set()

    def _forget(self) -> None:
        self._line = None
        for answer in self._unanswered.values():
            if not answer.done():
                answer.set_result(PublishResult(None, "lost"))
        self._unanswered.clear()


def _packet(letter: Letter) -> Packet:
    return Packet(topic=str(letter.topic), payload=letter.payload, retain=letter.retain)
