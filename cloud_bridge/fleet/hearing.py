"""Hearing machines: verified, in order, side by side. Acknowledged when what a message caused is durable."""

import asyncio
from collections import Counter, deque
from collections.abc import Mapping
from typing import Final

from cloud_bridge.core.command import CommandAnswered
from cloud_bridge.core.model import Born, FromMachine
from cloud_bridge.fleet import translate
from cloud_bridge.fleet.roster import Roster
from cloud_bridge.fleet.transport import Transport
from cloud_bridge.ports import Clock, Service
from cloud_bridge.ports_bills import JournalAnswer, JournalHearer
from cloud_bridge.ports_catalogue import CatalogueHearer, CatalogueTold
from cloud_bridge.ports_doing import CommandHearer
from wire.catalogue import CatalogueStatus
from wire.day import JournalRows
from wire.gate import Gate, TokenBucket
from wire.inbound import Inbound
from wire.messages import Spoken
from wire.topics import BadTopic, Branch, Topic, parse

# Of one machine; what it repeats until it is answered may be dropped meanwhile.
WAITING_LIMIT: Final = 32
# What one machine may send: all that it shows at a link-up, then a few words a second.
BURST: Final = 500
MESSAGES_PER_S: Final = 20
Heard = FromMachine | JournalAnswer | CatalogueTold
# Of all machines.
IN_HAND_LIMIT: Final = 256


class Hearing:
    """Machines do not wait for each other; the messages of one are taken in the order in which they came."""

    def __init__(
        self,
        *,
        transport: Transport,
        service: Service,
        gate: Gate,
        roster: Roster,
        clock: Clock,
        journals: JournalHearer | None = None,
        commands: CommandHearer | None = None,
        catalogues: CatalogueHearer | None = None,
    ) -> None:
        self._journals: Final = journals
        self._catalogues: Final = catalogues
        self._commands: Final = commands
        self._transport: Final = transport
        self._service: Final = service
        self._gate: Final = gate
        self._roster: Final = roster
        self._clock: Final = clock
        self._in_hand: Final = asyncio.Semaphore(IN_HAND_LIMIT)
        self._waiting: Final[dict[str, deque[tuple[Heard, Inbound]]]] = {}
        self._paces: Final[dict[str, TokenBucket]] = {}
        self._counts: Final[Counter[str]] = Counter()

    @property
    def counts(self) -> Mapping[str, int]:
        """Messages that were not taken, by reason, since the start."""
        refused = {f"refused.{reason}": count for reason, count in self._gate.refused.items()}
        shown = {f"shown.{reason}": count for reason, count in self._roster.refused.items()}
        return {**self._counts, **refused, **shown}

    async def run(self) -> None:
        """Take messages until cancelled. Raises what the engine raises (in a group): nothing is kept then."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._in_hand.acquire()
                inbound = await self._transport.receive()
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

    # ------------------------------------------------------------ helpers

    def _take(self, inbound: Inbound) -> Heard | None:
        """What the engine has to hear of it, if anything."""
        topic = _topic(inbound)
        if not self._pace(topic).take():
            self._counts["too_fast"] += 1
            return None
        if topic is not None and topic.branch is Branch.STATE:
            self._roster.take(topic, inbound.payload, retained=inbound.retained)
            return None
        match self._gate.take(inbound):
            case message if isinstance(message, Spoken):
                event = translate.from_wire(inbound.machine, message)
                self._roster.heard(event)
                return event
            case JournalRows() as message:
                return translate.from_journal(inbound.machine, message)
            case CatalogueStatus() as message:
                return translate.from_catalogue(inbound.machine, message)
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
        waiting = self._waiting[machine]
        while waiting:
            event, inbound = waiting[0]
            await self._hear(event)
            waiting.popleft()
            self._let_go(inbound)
        del self._waiting[machine]

    async def _hear(self, event: Heard) -> None:
        match event:
            case CommandAnswered() if self._commands is not None:
                await self._commands.command_told(event)
            case JournalAnswer():
                if self._journals is not None:
                    await self._journals.journal_told(event)
            case CatalogueTold():
                if self._catalogues is not None:
                    await self._catalogues.catalogue_told(event)
            case _:
                await self._service.heard(event)
                if isinstance(event, Born) and self._catalogues is not None:
                    await self._catalogues.catalogue_told(translate.running(event))

    def _let_go(self, inbound: Inbound) -> None:
        """Also of what was refused: a broker that kept it would offer it for ever."""
        self._transport.ack(inbound)
        self._in_hand.release()


def _topic(inbound: Inbound) -> Topic | None:
    try:
        return parse(inbound.topic)
    except BadTopic:
        return None  # the gate counts it
