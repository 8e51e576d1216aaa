"""The machines over the link: what they say goes to the engine, what it says to them. Implements `Fleet`.

A message is acknowledged when what it caused is durable. Machines do not wait for each other; the messages
of one are taken in the order in which they came.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from cloud_bridge.core.model import FromMachine, ToMachine
from cloud_bridge.core.timings import Timings
from cloud_bridge.fleet import translate
from cloud_bridge.fleet.roster import Roster
from cloud_bridge.ports import Clock, Log, Service, Shelf
from wire.broker import LinkDown, PublishResult
from wire.codec import address, encode
from wire.envelope import Envelope, Signer
from wire.gate import Gate, TokenBucket
from wire.inbound import Inbound
from wire.messages import Alarm, BadMessage, Birth, SaleClosed, SaleOutcome, SaleRequested, SaleStatus
from wire.topics import BadTopic, Branch, Topic, parse

# Of one machine; what it repeats until it is answered may be dropped meanwhile.
WAITING_LIMIT: Final = 32
# What one machine may send: all that it shows at a link-up, then a few words a second.
BURST: Final = 500
MESSAGES_PER_S: Final = 50
# Of all machines.
IN_HAND_LIMIT: Final = 256
ANSWER_S: Final = 10.0
AGAIN_S: Final = 1.0


class Transport(Protocol):
    """What this room asks of `wire.link.Link`."""

    @property
    def connected(self) -> bool:
        """The link is up."""

    def publish(
        self,
        topic: Topic,
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


class Fleet:
    """Give `connected` to the link as its state listener; run `receive` and `show_catalogues` as tasks."""

    def __init__(
        self, *, signer: Signer, gate: Gate, roster: Roster, timings: Timings, clock: Clock, log: Log
    ) -> None:
        self._signer: Final = signer
        self._gate: Final = gate
        self._roster: Final = roster
        self._timings: Final = timings
        self._clock: Final = clock
        self._log: Final = log
        self._paces: Final[dict[str, TokenBucket]] = {}
        self._linked: Final = asyncio.Event()
        self._in_hand: Final = asyncio.Semaphore(IN_HAND_LIMIT)
        self._waiting: Final[dict[str, deque[tuple[FromMachine, Inbound]]]] = {}
        self._counts: Final[Counter[str]] = Counter()
        self._transport: Transport | None = None
        self._service: Service | None = None

    def attach(self, transport: Transport, service: Service) -> None:
        """Name the link and the engine, once, before the tasks run."""
        self._transport, self._service = transport, service

    @property
    def counts(self) -> Mapping[str, int]:
        """Messages that were not taken, by reason, since the start."""
        refused = {f"refused.{reason}": count for reason, count in self._gate.refused.items()}
        shown = {f"shown.{reason}": count for reason, count in self._roster.refused.items()}
        return {**self._counts, **refused, **shown}

    # ------------------------------------------------------------ what the engine asks

    def live(self, machine: str) -> bool:
        """The machine's link is up as far as anyone can tell."""
        return self._link.connected and self._roster.live(machine)

    async def tell(self, machine: str, message: ToMachine) -> bool:
        """Publish one message; True when the broker took it and had somebody to give it to.

        It has left, or has failed to, before this waits for anything.
        """
        try:
            said = translate.to_wire(message)
        except BadMessage as error:  # no machine would take it: the sale's own timers see it to an end
            self._counts["untellable"] += 1
            self._log.warning(
                "fleet.untellable", machine=machine, kind=type(message).__name__, why=str(error)
            )
            return False
        topic, payload = address(machine, said), encode(said)
        try:
            answer = self._link.publish(
                topic,
                payload,
                envelope=self._signer.sign(topic, payload),
                expiry_s=translate.expiry_s(message, self._timings),
            )
        except LinkDown:
            return False
        return await _reached(answer)

    # ------------------------------------------------------------ tasks

    def connected(self, up: bool, reason: str) -> None:
        """The link's state changed."""
        if up:
            self._linked.set()

    async def receive(self) -> None:
        """Take messages until cancelled. Raises what the engine raises (in a group): nothing is kept then."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._in_hand.acquire()
                inbound = await self._link.receive()
                event = self._take(inbound)
                if event is None:
                    self._let_go(inbound)
                    continue
                waiting = self._waiting.get(event.machine)
                if waiting is None:
                    self._waiting[event.machine] = deque([(event, inbound)])
                    tasks.create_task(self._serve(event.machine), name=f"hear {event.machine}")
                elif len(waiting) < WAITING_LIMIT:
                    waiting.append((event, inbound))
                else:
                    self._counts["too_many"] += 1
                    self._let_go(inbound)

    async def show_catalogues(self, shelves: Iterable[Shelf]) -> None:
        """Have each catalogue stand retained at the broker, anew at each link-up, until cancelled."""
        letters = [self._letter(shelf) for shelf in shelves]
        while True:
            await self._linked.wait()
            self._linked.clear()
            for topic, payload, envelope in letters:
                await self._have_it_stand(topic, payload, envelope)

    # ------------------------------------------------------------ helpers

    @property
    def _link(self) -> Transport:
        assert self._transport is not None, "attach comes first"
        return self._transport

    def _take(self, inbound: Inbound) -> FromMachine | None:
        """What the engine has to hear of it, if anything."""
        topic = _topic(inbound)
        if not self._pace(topic).take():
            self._counts["too_fast"] += 1
            return None
        if topic is not None and topic.branch is Branch.STATE:
            self._roster.take(topic, inbound.payload, retained=inbound.retained)
            return None
        match self._gate.take(inbound):
            case (
                Birth() | SaleRequested() | SaleClosed() | SaleOutcome() | SaleStatus() | Alarm()
            ) as message:
                event = translate.from_wire(inbound.machine, message)
                self._roster.heard(event)
                return event
            case _:
                return None

    def _pace(self, topic: Topic | None) -> TokenBucket:
        """One for each machine, so that none is heard at another's cost; strangers share one."""
        name = topic.machine if topic is not None and self._roster.knows(topic.machine) else ""
        pace = self._paces.get(name)
        if pace is None:
            clock = self._clock
            pace = TokenBucket(per_s=MESSAGES_PER_S, burst=BURST, clock=lambda: clock.now_ms() / 1000)
            self._paces[name] = pace
        return pace

    async def _serve(self, machine: str) -> None:
        """One machine's messages, one after the other."""
        assert self._service is not None
        waiting = self._waiting[machine]
        while waiting:
            event, inbound = waiting[0]
            await self._service.heard(event)
            waiting.popleft()
            self._let_go(inbound)
        del self._waiting[machine]

    def _let_go(self, inbound: Inbound) -> None:
        """Also of what was refused: a broker that kept it would offer it for ever."""
        self._link.ack(inbound)
        self._in_hand.release()

    def _letter(self, shelf: Shelf) -> tuple[Topic, bytes, Envelope]:
        message = translate.catalogue(shelf)
        topic, payload = address(shelf.machine, message), encode(message)
        return topic, payload, self._signer.sign(topic, payload)

    async def _have_it_stand(self, topic: Topic, payload: bytes, envelope: Envelope) -> None:
        while True:
            try:
                answer = self._link.publish(topic, payload, envelope=envelope, retain=True)
                result = await _answered(answer)
                if result is not None and result.accepted:
                    return
            except LinkDown:
                pass  # the next link-up will begin at the first of them
            await asyncio.sleep(AGAIN_S)


def _topic(inbound: Inbound) -> Topic | None:
    try:
        return parse(inbound.topic)
    except BadTopic:
        return None  # the gate counts it


async def _reached(answer: "asyncio.Future[PublishResult]") -> bool:
    result = await _answered(answer)
    return result is not None and result.accepted and not result.nobody


async def _answered(answer: "asyncio.Future[PublishResult]") -> PublishResult | None:
    try:
        async with asyncio.timeout(ANSWER_S):
            return await answer
    except TimeoutError:
        return None
