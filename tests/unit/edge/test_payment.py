"""The machine's side of the wire: births, numbered reports, answers, and what becomes of each message."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from edge.core import pocket
from edge.core.model import (
    Answer,
    ClearAlarm,
    CodeOffered,
    CodeRefused,
    GrantLease,
    PaymentConfirmed,
    Queried,
    RaiseAlarm,
    RefundTold,
    ReportClosed,
    RequestCode,
    Sale,
    SaleEvent,
)
from edge.core.pocket import CodesHeld, LeaseAsked
from edge.journal import Fresh, SqliteJournal, open_journal
from edge.payment.bridge import BIRTH_AGAIN_S, BridgeLink, Identity
from edge.payment.outbox import AGAIN_MS, WINDOW, Outbox
from edge.ports import (
    BridgeEvent,
    CatalogueReceived,
    Change,
    Heading,
    LinkDown,
    LinkUp,
    OutboxRow,
    Report,
    SaleMessage,
)
from tests.unit.edge.world import HandClock, Quiet
from wire.broker import LinkDown as NotConnected
from wire.broker import PublishResult
from wire.codec import address, decode, encode
from wire.envelope import Envelope, Keyring, Signer, generate, key_id
from wire.gate import Gate
from wire.inbound import Inbound
from wire.lease import HeldCode, LaneCodes, LeaseGranted, LeaseRefused, LeaseRequest, SaleOffered
from wire.messages import (
    Ack,
    Alarm,
    Birth,
    Catalogue,
    CatalogueLane,
    Challenge,
    Message,
    SaleClosed,
    SaleCode,
    SalePaid,
    SaleQuery,
    SaleRefund,
    SaleRefused,
    SaleRequested,
    SaleStatus,
)
from wire.topics import Branch, Topic

MACHINE = "vm-0001"
SALE = "a" * 26
OWN, BRIDGE = generate(), generate()
BRIDGE_VOICE = Signer(key_id(BRIDGE.public_key()), BRIDGE)


@dataclass(slots=True)
class Wire:
    """A transport that keeps what was said, and brings what the test puts in."""

    up: bool = False
    said: list[tuple[Topic, bytes, Envelope | None, bool]] = field(default_factory=list)
    acked: list[int] = field(default_factory=list)
    incoming: "asyncio.Queue[Inbound]" = field(default_factory=asyncio.Queue)

    def publish(
        self,
        topic: Topic,
        payload: bytes,
        *,
        envelope: Envelope | None = None,
        retain: bool = False,
        expiry_s: int | None = None,
    ) -> "asyncio.Future[PublishResult]":
        if not self.up:
            raise NotConnected("not connected")
        self.said.append((topic, payload, envelope, retain))
        answer: asyncio.Future[PublishResult] = asyncio.get_running_loop().create_future()
        answer.set_result(PublishResult(0, "success"))
        return answer

    async def receive(self) -> Inbound:
        return await self.incoming.get()

    def ack(self, inbound: Inbound) -> None:
        self.acked.append(inbound.mid)

    def messages(self, *kinds: type[Message]) -> list[Message]:
        every = [decode(topic, payload) for topic, payload, _, _ in self.said if topic.branch is Branch.UP]
        return [message for message in every if not kinds or isinstance(message, kinds)]


class Side:
    """A bridge link on a real journal; `events` is what reached the engine."""

    def __init__(self, path: Path) -> None:
        fresh = Fresh(jid="j" * 26, bits="0123456789abcdef", wall_ms=0)
        self.journal: SqliteJournal = open_journal(path, fresh, confirm_new=True)
        self.clock, self.wire, self._mids = HandClock(), Wire(), count(1)
        self.events: list[BridgeEvent] = []
        self.dones: list[Callable[[], None] | None] = []
        self.full = False
        bridge_keys = {BRIDGE_VOICE.key_id: BRIDGE.public_key()}
        self.link = BridgeLink(
            Identity(machine=MACHINE, lease_s=240, start_s=5, software="1.0"),
            journal=self.journal,
            signer=Signer(key_id(OWN.public_key()), OWN),
            gate=Gate(Keyring.of_edge(MACHINE, bridge_keys), log=Quiet(), clock=lambda: 0.0),
            clock=self.clock,
        )
        self.link.attach(self.wire, self._post)
        self._tasks: list[asyncio.Task[None]] = []

    def _post(self, event: BridgeEvent, done: Callable[[], None] | None) -> None:
        if self.full:
            raise asyncio.QueueFull
        self.events.append(event)
        self.dones.append(done)

    def run(self) -> None:
        self._tasks = [asyncio.ensure_future(work) for work in (self.link.receive(), self.link.pump())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.journal.close()

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not true():
                await asyncio.sleep(0)

    def hear(self, message: Message, *, voice: Signer = BRIDGE_VOICE, retained: bool = False) -> int:
        """Let the bridge say something; the number by which it would be acknowledged."""
        topic, payload, mid = address(MACHINE, message), encode(message), next(self._mids)
        properties = voice.sign(topic, payload).user_properties
        self.wire.incoming.put_nowait(
            Inbound(topic=str(topic), payload=payload, retained=retained, user_properties=properties, mid=mid)
        )
        return mid

    def connect(self) -> None:
        self.wire.up = True
        self.link.connected(True, "connected")

    async def born(self, upto: int = 0) -> None:
        """Connected, and the bridge answered the birth."""
        self.connect()
        self.hear(Ack(jid="j" * 26, n=0, upto=upto))
        await self.until(lambda: LinkUp() in self.events)

    def report(self, report: Report, *, n: int, request_id: str = "") -> OutboxRow:
        sale = Sale(
            sale_id=SALE,
            lane=12,
            price_fen=350,
            catalogue_version=7,
            session=self.journal.session,
            opened_wall_ms=0,
            request_id=request_id,
        )
        heading = Heading(session=self.journal.session, n=n, row_hash="h")
        return self.link.compose(heading, sale, report)

    async def store(self, *numbers: int) -> None:
        """Make reports durable and kick, as the engine does."""
        rows = tuple(self.report(ReportClosed(why="lease"), n=n) for n in numbers)
        await self.journal.commit(Change(rows=rows))
        self.link.kick()

    def sent(self) -> list[int]:
        return [message.n for message in self.wire.messages(SaleClosed) if isinstance(message, SaleClosed)]


@pytest.fixture
async def side(tmp_path: Path) -> AsyncIterator[Side]:
    side = Side(tmp_path / "edge.db")
    side.run()
    yield side
    await side.stop()


# ---------------------------------------------------------------- birth


async def test_nothing_is_sold_before_the_bridge_answered_the_birth(side: Side) -> None:
    side.connect()
    await side.until(lambda: side.wire.messages(Birth))
    assert side.events == []
    side.hear(Ack(jid="j" * 26, n=0, upto=0))
    await side.until(lambda: side.events)
    assert side.events == [LinkUp()]


async def test_a_birth_names_session_highest_report_and_catalogue(side: Side) -> None:
    await side.store(1, 2)
    side.connect()
    await side.until(lambda: side.wire.messages(Birth))
    assert side.wire.messages(Birth)[0] == Birth(
        jid="j" * 26,
        boot=1,
        bits="0123456789abcdef",
        n=2,
        catalogue_version=0,
        software="1.0",
        challenge="",
    )


async def test_a_challenge_is_answered_at_once_by_a_birth_that_repeats_it(side: Side) -> None:
    await side.born()
    before = len(side.wire.messages(Birth))
    mid = side.hear(Challenge(challenge="0f" * 16))
    await side.until(lambda: mid in side.wire.acked)
    births = [message for message in side.wire.messages(Birth)[before:] if isinstance(message, Birth)]
    assert [birth.challenge for birth in births] == ["0f" * 16]
    assert side.events == [LinkUp()]


async def test_a_challenge_without_a_link_is_let_go_because_the_bridge_asks_again(side: Side) -> None:
    mid = side.hear(Challenge(challenge="0f" * 16))
    await side.until(lambda: mid in side.wire.acked)
    assert side.wire.messages(Birth) == []


async def test_a_lost_link_is_told_at_once_and_a_new_one_is_born_again(side: Side) -> None:
    await side.born()
    side.wire.up = False
    side.link.connected(False, "gone")
    assert side.events[-1] == LinkDown(why="link_down")
    before = len(side.wire.messages(Birth))
    side.connect()
    await side.until(lambda: len(side.wire.messages(Birth)) > before)
    assert side.events[-1] == LinkDown(why="link_down")


async def test_the_answer_to_another_journals_birth_is_none_to_ours(side: Side) -> None:
    side.connect()
    mid = side.hear(Ack(jid="k" * 26, n=0, upto=0))
    await side.until(lambda: mid in side.wire.acked)
    assert side.events == []


def test_a_birth_is_repeated_often_enough_for_a_shopper_to_wait() -> None:
    assert BIRTH_AGAIN_S <= 5


# ---------------------------------------------------------------- reports


async def test_reports_go_out_in_order_signed_and_never_retained(side: Side) -> None:
    await side.born()
    await side.store(1, 2, 3)
    await side.until(lambda: len(side.sent()) == 3)
    assert side.sent() == [1, 2, 3]
    keyring = Keyring.of_bridge({MACHINE: (key_id(OWN.public_key()), OWN.public_key())})
    for topic, payload, envelope, retain in side.wire.said:
        assert envelope is not None
        assert not retain
        keyring.open_(Inbound(topic=str(topic), payload=payload, user_properties=envelope.user_properties))


async def test_no_report_goes_out_before_the_birth_is_answered(side: Side) -> None:
    await side.store(1)
    side.connect()
    await side.until(lambda: side.wire.messages(Birth))
    assert side.sent() == []


async def test_after_a_birth_reports_repeat_from_where_the_bridge_is_acknowledged_or_not(side: Side) -> None:
    await side.store(1, 2, 3)
    side.journal.acknowledged(3, 3)
    await side.born(upto=1)
    await side.until(lambda: len(side.sent()) == 2)
    assert side.sent() == [2, 3]


async def test_every_repeat_is_the_same_bytes(side: Side) -> None:
    await side.born()
    await side.store(1)
    await side.until(lambda: side.sent() == [1])
    side.clock.at_ms += AGAIN_MS
    side.link.kick()
    await side.until(lambda: side.sent() == [1, 1])
    payloads = {payload for topic, payload, _, _ in side.wire.said if topic.kind == "sale.closed"}
    assert len(payloads) == 1


async def test_an_acknowledged_report_is_not_repeated(side: Side) -> None:
    await side.born()
    await side.store(1, 2)
    await side.until(lambda: side.sent() == [1, 2])
    mid = side.hear(Ack(jid="j" * 26, n=1, upto=1))
    await side.until(lambda: mid in side.wire.acked)
    side.clock.at_ms += AGAIN_MS
    side.link.kick()
    await side.until(lambda: side.sent() == [1, 2, 2])


async def test_a_bridge_that_claims_reports_never_given_is_held_to_what_was_given(side: Side) -> None:
    await side.born(upto=99)
    await side.store(1)
    await side.until(lambda: side.sent() == [1])


async def test_a_request_carries_the_terms_of_the_lease(side: Side) -> None:
    row = side.report(RequestCode(), n=1)
    message = decode(Topic(MACHINE, Branch.UP, row.kind), row.payload)
    assert isinstance(message, SaleRequested)
    assert (message.lane, message.price_fen, message.catalogue_version) == (12, 350, 7)
    assert (message.lease_s, message.start_s, message.n) == (240, 5, 1)


async def test_a_granted_lease_names_its_scan_and_the_terms(side: Side) -> None:
    row = side.report(GrantLease(), n=1, request_id="r" * 26)
    message = decode(Topic(MACHINE, Branch.UP, row.kind), row.payload)
    assert isinstance(message, LeaseGranted)
    assert (message.request_id, message.sale_id, message.lane) == ("r" * 26, SALE, 12)
    assert (message.price_fen, message.lease_s, message.start_s, message.n) == (350, 240, 5, 1)


async def test_a_refused_lease_is_an_answer_without_a_number(side: Side) -> None:
    side.wire.up = True
    side.link.refuse("r" * 26, "sold_out")
    (message,) = side.wire.messages(LeaseRefused)
    assert isinstance(message, LeaseRefused)
    assert (message.request_id, message.why, message.n) == ("r" * 26, "sold_out", 0)


async def test_an_alarm_may_be_of_no_sale_at_all(side: Side) -> None:
    heading = Heading(session=side.journal.session, n=1, row_hash="")
    row = side.link.compose(heading, None, RaiseAlarm(name="journal_new", text="x"))
    message = decode(Topic(MACHINE, Branch.UP, row.kind), row.payload)
    assert isinstance(message, Alarm)
    assert (message.name, message.lane, message.n, row.sale_id) == ("journal_new", 0, 1, "")
    assert message.raised
    of_a_lane = side.link.compose(heading, None, RaiseAlarm(name="lane_jam", text="x", lane=11))
    message = decode(Topic(MACHINE, Branch.UP, of_a_lane.kind), of_a_lane.payload)
    assert isinstance(message, Alarm)
    assert message.lane == 11
    over = side.link.compose(heading, None, ClearAlarm(name="vend_uncertain", lane=12))
    message = decode(Topic(MACHINE, Branch.UP, over.kind), over.payload)
    assert isinstance(message, Alarm)
    assert (message.name, message.lane, message.raised) == ("vend_uncertain", 12, False)


def test_the_outbox_has_a_window_and_waits_before_it_repeats() -> None:
    rows = [OutboxRow(n=n, kind="sale.closed", sale_id=SALE, payload=b"") for n in range(1, WINDOW + 10)]
    outbox = Outbox()
    due = list(outbox.due(tuple(rows[:WINDOW]), 1_000))
    for row in due:
        outbox.sent(row.n, 1_000)
    assert len(due) == WINDOW
    assert list(outbox.due(tuple(rows[:WINDOW]), 1_001)) == []
    assert len(list(outbox.due(tuple(rows[:WINDOW]), 1_000 + AGAIN_MS))) == WINDOW


# ---------------------------------------------------------------- what comes in


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (
            SaleCode(sale_id=SALE, code_url="weixin://x", pay_s=175, price_fen=350),
            CodeOffered(code_url="weixin://x", pay_s=175, price_fen=350),
        ),
        (
            SaleOffered(sale_id=SALE, pay_s=175, price_fen=350),
            CodeOffered(code_url="", pay_s=175, price_fen=350),
        ),
        (SaleRefused(sale_id=SALE, why="price"), CodeRefused(why="price")),
        (SaleRefund(sale_id=SALE, refund_fen=350, state="done"), RefundTold(state="done")),
        (SaleQuery(sale_id=SALE), Queried()),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_each_message_becomes_its_fact(side: Side, message: Message, event: SaleEvent) -> None:
    side.hear(message)
    await side.until(lambda: side.events)
    assert side.events == [SaleMessage(sale_id=SALE, event=event)]


async def test_a_scan_becomes_a_fact_with_its_bytes_acknowledged_when_it_is_durable(side: Side) -> None:
    side.hear(LeaseRequest(request_id="r" * 26, jid="j" * 26, boot=1, lane=12, token="t-1", replaces=SALE))
    await side.until(lambda: side.events)
    assert side.events == [
        LeaseAsked(
            request_id="r" * 26, session_jid="j" * 26, session_boot=1, lane=12, token="t-1", replaces=SALE
        )
    ]
    assert side.wire.acked == []


async def test_codes_made_ahead_reach_the_engine_as_they_are(side: Side) -> None:
    code = HeldCode(token="t-1", code_url="weixin://1")
    side.hear(LaneCodes(jid="j" * 26, boot=1, version=3, lane=12, codes=(code,)))
    await side.until(lambda: side.events)
    assert side.events == [
        CodesHeld(
            session_jid="j" * 26,
            session_boot=1,
            version=3,
            lane=12,
            codes=(pocket.HeldCode(token="t-1", code_url="weixin://1"),),
        )
    ]


async def test_an_authorisation_carries_session_lane_amount_and_the_hash_of_its_bytes(side: Side) -> None:
    side.hear(SalePaid(sale_id=SALE, jid="j" * 26, boot=1, lane=12, paid_fen=350, issued_ms=5))
    await side.until(lambda: side.events)
    (told,) = side.events
    assert isinstance(told, SaleMessage)
    assert isinstance(told.event, PaymentConfirmed)
    assert (told.event.session_boot, told.event.lane, told.event.paid_fen) == (1, 12, 350)
    assert len(told.event.paid_hash) == 64


async def test_a_message_is_acknowledged_only_when_all_it_caused_is_durable(side: Side) -> None:
    mid = side.hear(SaleQuery(sale_id=SALE))
    await side.until(lambda: side.events)
    assert side.wire.acked == []
    done = side.dones[0]
    assert done is not None
    done()
    assert side.wire.acked == [mid]


async def test_a_forged_message_reaches_nobody_and_is_counted(side: Side) -> None:
    thief = generate()
    forged = side.hear(SaleQuery(sale_id=SALE), voice=Signer(BRIDGE_VOICE.key_id, thief))
    await side.until(lambda: forged in side.wire.acked)
    assert side.events == []
    assert side.link.refused == {"bad_signature": 1}


async def test_a_retained_command_is_refused(side: Side) -> None:
    mid = side.hear(SaleQuery(sale_id=SALE), retained=True)
    await side.until(lambda: mid in side.wire.acked)
    assert side.link.refused == {"retained": 1}


async def test_when_the_engine_is_behind_a_message_stays_with_the_broker(side: Side) -> None:
    side.full = True
    side.hear(SaleQuery(sale_id=SALE))
    await side.until(lambda: side.wire.incoming.empty())
    side.full = False
    mid = side.hear(SaleRefused(sale_id=SALE, why="price"))
    await side.until(lambda: side.events)
    assert side.wire.acked == []
    assert mid == 2


async def test_a_catalogue_is_read_with_the_bytes_it_came_in(side: Side) -> None:
    lane = CatalogueLane(lane=12, name_zh="可乐", name_en="Cola", price_fen=350)
    message = Catalogue(version=3, phone="400", lanes=(lane,))
    side.hear(message, retained=True)
    await side.until(lambda: side.events)
    (told,) = side.events
    assert isinstance(told, CatalogueReceived)
    assert (told.version, told.phone, told.products[0].name_zh) == (3, "400", "可乐")
    assert side.link.catalogue(told.raw) == told


# ---------------------------------------------------------------- answers and states


async def test_an_answer_carries_the_session_and_no_number(side: Side) -> None:
    await side.born()
    side.link.answer(SALE, Answer(state="closed", why="lease"))
    assert side.wire.messages(SaleStatus) == [
        SaleStatus(
            jid="j" * 26, boot=1, bits="0123456789abcdef", n=0, sale_id=SALE, state="closed", why="lease"
        )
    ]


async def test_states_are_retained_flat_and_said_again_after_a_reconnect(side: Side) -> None:
    side.link.publish("lane/12", {"lane": 12, "stock": 4})
    side.link.publish("lane/12", {"lane": 12, "stock": 3})
    assert side.wire.said == []
    side.connect()
    ((topic, payload, envelope, retain),) = [
        each for each in side.wire.said if each[0].branch is Branch.STATE
    ]
    assert (str(topic), retain, envelope) == ("wxvend/v1/vm-0001/state/lane/12", True, None)
    assert json.loads(payload) == {"lane": 12, "stock": 3}
