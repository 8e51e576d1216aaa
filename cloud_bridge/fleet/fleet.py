"""Telling machines: signed, on their own topics, no longer kept than it is worth. Implements `Fleet`."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from cloud_bridge.core.model import ToMachine
from cloud_bridge.core.timings import Timings
from cloud_bridge.fleet import translate
from cloud_bridge.fleet.roster import Roster
from cloud_bridge.fleet.transport import Transport
from cloud_bridge.ports import CaseView, Log, Shelf
from wire.broker import LinkDown, PublishResult
from wire.codec import address, encode
from wire.envelope import Envelope, Signer
from wire.messages import BadMessage
from wire.topics import Branch, Outside, Topic

ANSWER_S: Final = 10.0
AGAIN_S: Final = 1.0
CASES_EVERY_S: Final = 5.0
CASES_TOPIC: Final = Topic("bridge", Branch.STATE, "cases")


class Fleet:
    """Give `connected` to the link as its state listener; run `show_catalogues` as a task."""

    def __init__(self, *, signer: Signer, roster: Roster, timings: Timings, log: Log) -> None:
        self._signer: Final = signer
        self._roster: Final = roster
        self._timings: Final = timings
        self._log: Final = log
        self._letters: Final[dict[str, tuple[Topic, bytes, Envelope]]] = {}
        self._owed: Final[dict[str, None]] = {}
        self._owing: Final = asyncio.Event()
        self._linked_once: Final = asyncio.Event()
        self._linkups = 0
        self._transport: Transport | None = None
        self.counts: Final[Counter[str]] = Counter()

    def attach(self, transport: Transport) -> None:
        """Name the link, once, before the tasks run."""
        self._transport = transport

    # ------------------------------------------------------------ what the engine asks

    @property
    def linked(self) -> bool:
        """The broker is there."""
        return self._link.connected

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
            self.counts["untellable"] += 1
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

    # ------------------------------------------------------------ catalogues

    def connected(self, up: bool, reason: str) -> None:
        """The link's state changed."""
        if up:
            self._linkups += 1
            self._owed.update(dict.fromkeys(self._letters))
            self._owing.set()
            self._linked_once.set()

    def offer(self, shelf: Shelf) -> None:
        """Have this stand from now on as what its machine is to sell."""
        self._letters[shelf.machine] = self._letter(shelf)
        self._owed[shelf.machine] = None
        if self._linkups:
            self._owing.set()

    async def show_catalogues(self, shelves: Iterable[Shelf] = ()) -> None:
        """Have each catalogue stand retained at the broker, anew at each link-up, until cancelled."""
        for shelf in shelves:
            self.offer(shelf)
        while True:
            await self._owing.wait()
            self._owing.clear()
            while self._owed:
                machine = next(iter(self._owed))
                del self._owed[machine]
                await self._have_it_stand(machine)

    # ------------------------------------------------------------ after a start

    async def greet(self, known: Callable[[], Awaitable[Iterable[tuple[str, ToMachine]]]]) -> None:
        """Say this once, when the link is up for the first time; an absent machine is born when it comes."""
        await self._linked_once.wait()
        for machine, message in await known():
            await self.tell(machine, message)

    # ------------------------------------------------------------ cases

    async def show_cases(self, cases: Callable[[], Awaitable[Sequence[CaseView]]]) -> None:
        """Have what waits for a person stand retained, for dashboards: unsigned, flat, until cancelled.

        The bridge shows its states as a machine does, under a name that no machine may have.
        """
        stood: tuple[int, bytes] | None = None
        while True:
            if self._link.connected:
                now = (self._linkups, translate.case_state(await cases()))
                if now != stood and await self.shown(CASES_TOPIC, now[1]):
                    stood = now
            await asyncio.sleep(CASES_EVERY_S)

    @property
    def linkups(self) -> int:
        """How often the link came up."""
        return self._linkups

    async def shown(self, topic: Topic | Outside, payload: bytes) -> bool:
        """Have a state of the bridge's own stand at the broker; True once the broker has it."""
        if not self._link.connected:
            return False
        try:
            result = await _answered(self._link.publish(topic, payload, retain=True))
        except LinkDown:
            return False
        return result is not None and result.accepted

    # ------------------------------------------------------------ helpers

    @property
    def _link(self) -> Transport:
        assert self._transport is not None, "attach comes first"
        return self._transport

    def _letter(self, shelf: Shelf) -> tuple[Topic, bytes, Envelope]:
        message = translate.catalogue(shelf)
        topic, payload = address(shelf.machine, message), encode(message)
        return topic, payload, self._signer.sign(topic, payload)

    async def _have_it_stand(self, machine: str) -> None:
        """Whatever is its newest: one that is offered meanwhile replaces the one that is tried."""
        while True:
            topic, payload, envelope = self._letters[machine]
            try:
                answer = self._link.publish(topic, payload, envelope=envelope, retain=True)
                result = await _answered(answer)
                if result is not None and result.accepted:
                    return
            except LinkDown:
                pass  # the next link-up will owe all of them again
            await asyncio.sleep(AGAIN_S)


async def _reached(answer: "asyncio.Future[PublishResult]") -> bool:
    result = await _answered(answer)
    return result is not None and result.accepted and not result.nobody


async def _answered(answer: "asyncio.Future[PublishResult]") -> PublishResult | None:
    try:
        async with asyncio.timeout(ANSWER_S):
            return await answer
    except TimeoutError:
        return None
