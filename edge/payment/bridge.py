"""The link to the bridge: verified messages in, numbered reports and answers out. Implements `Bridge`.

Nothing is sold before the bridge has answered this connection's birth: a broker that is there is not yet
a bridge that is there.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from edge.core.command import CommandAnswer, ReportCommand
from edge.core.model import Answer, ClearAlarm, RaiseAlarm, Sale, Session
from edge.payment import translate, translate_commands
from edge.payment.catalogue import ShelfAnswers
from edge.payment.outbox import WINDOW, Outbox
from edge.ports import (
    BridgeEvent,
    CatalogueReceived,
    Clock,
    Heading,
    Journal,
    LinkDown,
    LinkUp,
    OutboxRow,
    Report,
)
from wire.broker import LinkDown as NotConnected
from wire.broker import PublishResult
from wire.codec import address, decode, encode
from wire.command import Command
from wire.day import ROWS_LIMIT, JournalAsked
from wire.envelope import Envelope, Signer
from wire.gate import Gate
from wire.inbound import Inbound
from wire.lease import LaneCodes, LeaseRequest
from wire.messages import Ack, Catalogue, Challenge, OfASale, Up
from wire.topics import Branch, Topic

BIRTH_AGAIN_S: Final = 3.0
SILENT_AFTER: Final = 3


class Transport(Protocol):
    """What this room asks of `wire.link.Link`."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who speaks, and what each sale promises (`lease_s`, `start_s` in seconds)."""

    machine: str
    lease_s: int
    start_s: int
    software: str


class BridgeLink:
    """Give `connected` to the link as its state listener; run `receive` and `pump` as tasks."""

    def __init__(
        self, identity: Identity, *, journal: Journal, signer: Signer, gate: Gate, clock: Clock
    ) -> None:
        self._identity: Final = identity
        self._journal: Final = journal
        self._signer: Final = signer
        self._gate: Final = gate
        self._clock: Final = clock
        self._outbox: Final = Outbox()
        self._states: Final[dict[str, bytes]] = {}
        self._kicked: Final = asyncio.Event()
        self._transport: Transport | None = None
        self._post: Callable[[BridgeEvent, Callable[[], None] | None], None] = lambda event, done: None
        self._born = False
        self._births = 0
        self._shelf: Final = ShelfAnswers(journal, self._in_use)
        gate.unusable = self._unusable

    def attach(
        self, transport: Transport, post: Callable[[BridgeEvent, Callable[[], None] | None], None]
    ) -> None:
        """Name the transport and the engine's mailbox, once, before the tasks run."""
        self._transport, self._post = transport, post

    @property
    def refused(self) -> Mapping[str, int]:
        """Messages that were not believed, by reason, since the start."""
        return {str(reason): count for reason, count in self._gate.refused.items()}

    # ------------------------------------------------------------ what the engine asks

    def compose(self, heading: Heading, sale: Sale | None, report: Report) -> OutboxRow:
        """A numbered report as the bytes that every repeat will send."""
        assert sale is not None or isinstance(report, RaiseAlarm | ClearAlarm | ReportCommand)
        message = translate.to_wire(
            heading, _subject(sale, heading.session), report, self._identity.start_s, self._identity.lease_s
        )
        kind = address(self._identity.machine, message).kind
        sale_id = sale.sale_id if sale is not None else ""
        return OutboxRow(n=heading.n, kind=kind, sale_id=sale_id, payload=encode(message))

    def catalogue(self, raw: bytes) -> CatalogueReceived:
        """Read a catalogue that the journal kept; it was verified when it came."""
        message = decode(Topic(self._identity.machine, Branch.SET, "catalogue"), raw)
        assert isinstance(message, Catalogue)
        return translate.catalogue(message, raw)

    def kick(self) -> None:
        """New reports are durable."""
        self._kicked.set()

    def answer(self, sale_id: str, answer: Answer) -> None:
        """Say once what a row says; when it is lost, the bridge asks again."""
        self._say(translate.status(self._journal.session, sale_id, answer))

    def refuse(self, request_id: str, why: str) -> None:
        """Say once that no sale is opened for a scan; the bridge does not wait long for it."""
        self._say(translate.refused(self._journal.session, request_id, why))

    def reply(self, answer: CommandAnswer) -> None:
        """Give a ticket or say why not; when it is lost, nothing was done."""
        self._say(translate_commands.answer(self._journal.session, answer))

    @property
    def waiting(self) -> bool:
        """A report was sent that nobody holds yet."""
        return self._outbox.waiting

    def publish(self, name: str, values: Mapping[str, object]) -> None:
        """Keep the newest value of a `state/` topic and send it when the link allows."""
        self._states[name] = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
        self._show(name)

    # ------------------------------------------------------------ the link's side

    def connected(self, up: bool, reason: str) -> None:
        """The link's state changed."""
        self._born, self._births = False, 0
        if not up:
            self._post(LinkDown(why="link_down"), None)
            return
        self._kicked.set()
        for name in self._states:
            self._show(name)

    async def receive(self) -> None:
        """Take messages until cancelled. Acknowledged once the engine has made durable what they cause."""
        assert self._transport is not None
        while True:
            inbound = await self._transport.receive()
            self._take(inbound)

    async def pump(self) -> None:
        """Send births and reports until cancelled: at a kick at once, and again until the bridge answers."""
        while True:
            self._kicked.clear()
            self._send_birth() if not self._born else self._send_reports()
            idle = self._born and not self._outbox.waiting
            try:
                async with asyncio.timeout(None if idle else BIRTH_AGAIN_S):
                    await self._kicked.wait()
            except TimeoutError:
                continue

    # ------------------------------------------------------------ in

    def _take(self, inbound: Inbound) -> None:
        assert self._transport is not None
        transport, message = self._transport, self._gate.take(inbound)

        def done() -> None:
            transport.ack(inbound)

        try:
            match message:
                case Ack():
                    self._acknowledged(message)
                    done()
                case Challenge(challenge=challenge):
                    self._say_birth(challenge)
                    done()
                case Catalogue():
                    self._kicked.set()  # the bridge may have come just now: it hears our birth at once
                    self._take_catalogue(message, inbound.payload, done)
                case LeaseRequest():
                    self._post(translate.lease(message), done)
                case JournalAsked():
                    self._tell_a_day(message)
                    done()
                case Command():
                    self._post(translate_commands.asked(message), done)
                case LaneCodes():
                    self._post(translate.codes(message), done)
                case _ if isinstance(message, OfASale):
                    digest = hashlib.sha256(inbound.payload).hexdigest()
                    self._post(translate.from_wire(message, digest), done)
                case _:
                    done()  # refused and counted: a broker that kept it would offer it for ever
        except asyncio.QueueFull:
            return  # not acknowledged: it comes again

    def _take_catalogue(self, message: Catalogue, raw: bytes, done: Callable[[], None]) -> None:
        """Once it is durable the bridge hears which version is in use; an older one that came is not."""

        def taken() -> None:
            done()
            self._say(self._shelf.answer(message.version))

        if (over := self._shelf.usable()) is not None:
            self._post(over, None)
        self._post(translate.catalogue(message, raw), taken)

    def _unusable(self, payload: bytes, why: str) -> None:
        """A setting that the bridge truly said and that cannot be used: it and whoever looks hear why."""
        with suppress(asyncio.QueueFull):  # a retained message comes again with the next link
            self._post(self._shelf.unusable(payload, why), None)
        self._say(self._shelf.answer(*self._shelf.last))

    def _in_use(self) -> int:
        """The version of the catalogue that is in use, 0 before the first."""
        return self.catalogue(self._journal.catalogue).version if self._journal.catalogue is not None else 0

    def _tell_a_day(self, asked: JournalAsked) -> None:
        """Said once, from the journal alone; when it is lost, the bridge asks again."""
        rows = self._journal.opened_between(asked.from_ms, asked.until_ms, asked.after, ROWS_LIMIT + 1)
        self._say(translate.a_day(self._journal.session, asked, rows))

    def _acknowledged(self, ack: Ack) -> None:
        if ack.jid != self._journal.session.jid:
            return
        if ack.n == 0:
            self._outbox.reset(min(ack.upto, self._journal.last_n))
            if not self._born:
                self._born = True
                self._post(LinkUp(), None)
        else:
            self._outbox.held(ack.n, ack.upto)
            self._journal.acknowledged(ack.n, ack.upto)
        self._kicked.set()

    # ------------------------------------------------------------ out

    def _say_birth(self, challenge: str = "") -> bool:
        """Who lives here now. Whose challenge it was matters to the bridge alone: a replayed one is old."""
        session, version = self._journal.session, self._in_use()
        last_n, software = self._journal.last_n, self._identity.software
        return self._say(translate.birth(session, last_n, version, software, challenge))

    def _send_birth(self) -> None:
        if not self._say_birth():
            return
        self._births += 1
        if self._births > SILENT_AFTER:
            self._post(LinkDown(why="bridge_silent"), None)

    def _send_reports(self) -> None:
        now = self._clock.now_ms()
        for row in self._outbox.due(self._journal.reports_after(self._outbox.upto, WINDOW), now):
            topic = Topic(self._identity.machine, Branch.UP, row.kind)
            if not self._send(topic, row.payload):
                return
            self._outbox.sent(row.n, now)

    def _say(self, message: Up) -> bool:
        return self._send(address(self._identity.machine, message), encode(message))

    def _send(self, topic: Topic, payload: bytes) -> bool:
        assert self._transport is not None
        try:
            self._transport.publish(topic, payload, envelope=self._signer.sign(topic, payload))
        except NotConnected:
            return False
        return True

    def _show(self, name: str) -> None:
        if self._transport is None:
            return
        try:
            topic = Topic(self._identity.machine, Branch.STATE, name)
            self._transport.publish(topic, self._states[name], retain=True)
        except NotConnected:
            return


def _subject(sale: Sale | None, session: Session) -> Sale:
    """An alarm of no sale still needs a lane, and 0 says that it has none."""
    return sale or Sale(
        sale_id="", lane=0, price_fen=0, catalogue_version=0, session=session, opened_wall_ms=0
    )
