"""Machines are heard in order and side by side, acknowledged when it is durable, told under a signature."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cloud_bridge.core.model import (
    Born,
    Requested,
    TellAck,
    TellCode,
    TellPaid,
    TellQuery,
    TellRefund,
    TellRefused,
    ToMachine,
)
from cloud_bridge.fleet.fleet import AGAIN_S, ANSWER_S, BURST, WAITING_LIMIT
from cloud_bridge.fleet.translate import ANSWER_EXPIRY_S
from cloud_bridge.ports import StoreFailed
from tests.unit.bridge.virtual import play
from tests.unit.fleet.side import (
    BRIDGE,
    HERE,
    JID,
    KEYS,
    NOBODY,
    SALE,
    SHELVES,
    TAKEN,
    THERE,
    TIMINGS,
    Side,
    birth,
    requested,
    settle,
)
from wire.broker import PublishResult
from wire.envelope import Keyring, key_id
from wire.inbound import Inbound
from wire.messages import Catalogue, SaleCode, SalePaid

PAID = TellPaid(sale_id=SALE, jid=JID, boot=3, lane=12, paid_fen=350, issued_wall_ms=1)


@asynccontextmanager
async def hearing(side: Side) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(side.fleet.receive())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


# ---------------------------------------------------------------- what machines say


async def test_a_message_is_acknowledged_only_when_it_is_durable() -> None:
    side = Side()
    side.engine.slow.add(HERE)
    async with hearing(side):
        mid = side.bring(HERE, birth())
        await settle()
        assert (len(side.engine.heard_of), side.wire.acked) == (1, [])
        side.engine.go.set()
        await settle()
    assert side.wire.acked == [mid]
    assert isinstance(side.engine.durable[0], Born)


async def test_a_slow_machine_holds_up_nobody_else() -> None:
    side = Side()
    side.engine.slow.add(HERE)
    async with hearing(side):
        slow, quick = side.bring(HERE, birth()), side.bring(THERE, birth())
        await settle()
        assert side.wire.acked == [quick]
        side.engine.go.set()
        await settle()
    assert side.wire.acked == [quick, slow]


async def test_the_messages_of_one_machine_are_taken_one_after_the_other() -> None:
    side = Side()
    side.engine.slow.add(HERE)
    async with hearing(side):
        for n in range(1, 9):
            side.bring(HERE, requested(n))
        await settle()
        assert len(side.engine.heard_of) == 1
        side.engine.go.set()
        await settle()
    assert [event.n for event in side.engine.durable if isinstance(event, Requested)] == list(range(1, 9))


async def test_a_machine_that_floods_loses_its_own_messages_and_nobody_elses() -> None:
    side = Side()
    side.engine.slow.add(HERE)
    async with hearing(side):
        mids = [side.bring(HERE, requested(n)) for n in range(1, WAITING_LIMIT + 11)]
        other = side.bring(THERE, birth())
        await settle()
        assert side.wire.acked == [*mids[WAITING_LIMIT:], other]
        side.engine.go.set()
        await settle()
    assert side.fleet.counts["too_many"] == 10
    assert len(side.engine.durable) == WAITING_LIMIT + 1


async def test_a_machine_that_never_stops_talking_is_not_listened_to_all_the_time() -> None:
    side = Side()
    async with hearing(side):
        for _ in range(BURST + 10):
            side.bring_raw(f"wxvend/v1/{HERE}/state/health", b"{}")
        spare = side.bring(THERE, birth())
        last = side.bring(HERE, birth())
        while not {spare, last} <= set(side.wire.acked):
            await asyncio.sleep(0)
        assert side.fleet.counts == {"too_fast": 11}
        assert [event.machine for event in side.engine.heard_of] == [THERE]
        side.clock.ms += 1000
        side.bring(HERE, birth())
        await settle()
        assert side.engine.heard_of[-1].machine == HERE


async def test_strangers_do_not_use_up_what_machines_may_say() -> None:
    side = Side()
    async with hearing(side):
        for number in range(BURST + 10):
            side.bring_raw(f"wxvend/v1/vm-{number:04}-x/state/health", b"{}")
        side.bring(HERE, birth())
        while not side.engine.durable:
            await asyncio.sleep(0)
    assert side.fleet.counts == {"too_fast": 10, "shown.foreign": BURST}


async def test_books_that_fail_end_the_task_and_acknowledge_nothing() -> None:
    side = Side()
    side.engine.broken = StoreFailed("the disk is gone")
    side.bring(HERE, birth())
    with pytest.raises(ExceptionGroup) as group:
        await side.fleet.receive()
    assert group.group_contains(StoreFailed)
    assert side.wire.acked == []


@pytest.mark.parametrize(
    ("topic", "retained", "reason"),
    [
        (f"wxvend/v1/{HERE}/up/birth", True, "retained"),
        (f"wxvend/v1/{THERE}/up/birth", False, "foreign"),
        (f"wxvend/v1/{HERE}/up/sale.closed", False, "bad_signature"),
        ("wxvend/v1/vm-0099/up/birth", False, "foreign"),
        (f"wxvend/v1/{HERE}/down/ack", False, "foreign"),
        ("something/else", False, "bad_topic"),
        ("", False, "bad_topic"),
    ],
)
async def test_what_is_not_believed_is_counted_by_its_reason_and_let_go(
    topic: str, retained: bool, reason: str
) -> None:
    side = Side()
    signed = Side()
    signed.bring(HERE, birth())
    good: Inbound = signed.wire.incoming.get_nowait()
    async with hearing(side):
        mid = side.bring_raw(topic, good.payload, good.user_properties, retained)
        await settle()
    assert side.wire.acked == [mid]
    assert side.engine.heard_of == []
    assert side.fleet.counts == {f"refused.{reason}": 1}


async def test_a_machine_cannot_speak_with_another_ones_key() -> None:
    side = Side()
    async with hearing(side):
        side.bring(HERE, birth(), key=KEYS[THERE])
        await settle()
    assert side.engine.heard_of == []
    assert side.fleet.counts == {"refused.foreign": 1}


async def test_a_refusal_names_no_payload() -> None:
    side = Side()
    async with hearing(side):
        side.bring_raw(f"wxvend/v1/{HERE}/up/birth", b"secret words")
        await settle()
    assert "secret" not in str(side.log.lines)
    assert side.log.lines[0][0] == "wire.refused"


async def test_states_are_shown_and_let_go_without_the_engine() -> None:
    side = Side()
    async with hearing(side):
        mid = side.bring_raw(f"wxvend/v1/{HERE}/state/health", b'{"selling":1,"reason":""}')
        await settle()
    assert (side.wire.acked, side.engine.heard_of) == ([mid], [])
    assert side.roster.machines()[0].selling


# ---------------------------------------------------------------- what machines are told


async def test_what_is_told_is_signed_for_that_machine_alone() -> None:
    side = Side()
    assert await side.fleet.tell(HERE, PAID)
    (said,) = side.wire.said
    assert str(said.topic) == f"wxvend/v1/{HERE}/down/sale.paid"
    assert said.message == SalePaid(sale_id=SALE, jid=JID, boot=3, lane=12, paid_fen=350, issued_ms=1)
    assert said.envelope is not None
    ring = Keyring.of_edge(HERE, {key_id(BRIDGE.public_key()): BRIDGE.public_key()})
    properties = said.envelope.user_properties
    ring.open_(Inbound(topic=str(said.topic), payload=said.payload, user_properties=properties))
    assert not said.retain


@pytest.mark.parametrize(
    ("message", "expiry_s"),
    [
        (TellCode(sale_id=SALE, code_url="weixin://x", pay_s=175, price_fen=350), 175),
        (PAID, 10),
        (TellQuery(sale_id=SALE), 60),
        (TellRefused(sale_id=SALE, why="unpaid"), ANSWER_EXPIRY_S),
        (TellRefund(sale_id=SALE, refund_fen=350, state="done"), ANSWER_EXPIRY_S),
        (TellAck(jid=JID, n=0, upto=4), ANSWER_EXPIRY_S),
    ],
)
async def test_a_broker_forgets_what_a_machine_could_no_longer_use(message: ToMachine, expiry_s: int) -> None:
    side = Side()
    assert await side.fleet.tell(HERE, message)
    assert side.wire.said[0].expiry_s == expiry_s
    assert (TIMINGS.authorise_cap_s, TIMINGS.ask_cap_s) == (10, 60)


@pytest.mark.parametrize(
    ("answer", "reached"),
    [
        (TAKEN, True),
        (NOBODY, False),
        (PublishResult(0x87, "not authorised"), False),
        (PublishResult(None, "lost"), False),
    ],
)
async def test_told_means_that_the_broker_had_somebody_to_give_it_to(
    answer: PublishResult, reached: bool
) -> None:
    side = Side()
    side.wire.answer = answer
    assert await side.fleet.tell(HERE, PAID) is reached


async def test_without_a_link_nothing_is_told() -> None:
    side = Side()
    side.wire.connected = False
    assert not await side.fleet.tell(HERE, PAID)


def test_a_broker_that_never_answers_is_not_waited_for_longer_than_its_time() -> None:
    async def scene() -> None:
        side = Side()
        side.wire.answer = None
        began_s = asyncio.get_running_loop().time()
        assert not await side.fleet.tell(HERE, PAID)
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(ANSWER_S)

    play(scene())


async def test_the_authorisation_leaves_before_anything_is_waited_for() -> None:
    side = Side()
    side.wire.answer = None
    telling = asyncio.create_task(side.fleet.tell(HERE, PAID))
    await asyncio.sleep(0)
    assert len(side.wire.said) == 1
    telling.cancel()


async def test_a_code_that_no_machine_would_take_is_named_and_never_quoted() -> None:
    side = Side()
    url = "weixin://wxpay/" + "x" * 600
    assert not await side.fleet.tell(HERE, TellCode(sale_id=SALE, code_url=url, pay_s=175, price_fen=350))
    assert side.wire.said == []
    assert side.fleet.counts == {"untellable": 1}
    ((event, fields),) = side.log.lines
    assert (event, fields["kind"]) == ("fleet.untellable", "TellCode")
    assert "weixin" not in str(fields)
    assert "allowed 1 to 512" in str(fields)


async def test_a_code_reaches_the_machine_as_it_was_given() -> None:
    side = Side()
    await side.fleet.tell(HERE, TellCode(sale_id=SALE, code_url="weixin://x", pay_s=175, price_fen=350))
    assert side.wire.said[0].message == SaleCode(
        sale_id=SALE, code_url="weixin://x", pay_s=175, price_fen=350
    )


# ---------------------------------------------------------------- catalogues


def test_catalogues_stand_retained_and_signed_anew_at_each_link_up() -> None:
    async def scene() -> None:
        side = Side()
        showing = asyncio.create_task(side.fleet.show_catalogues(SHELVES))
        await settle()
        assert side.wire.said == []
        for times in (1, 2):
            side.fleet.connected(True, "")
            await settle()
            assert [str(said.topic) for said in side.wire.said] == times * [
                f"wxvend/v1/{HERE}/set/catalogue",
                f"wxvend/v1/{THERE}/set/catalogue",
            ]
        assert all(said.retain and said.envelope and said.expiry_s is None for said in side.wire.said)
        message = side.wire.said[0].message
        assert isinstance(message, Catalogue)
        assert (message.version, message.phone, message.lanes[0].name_zh) == (7, "400", "可乐")
        showing.cancel()

    play(scene())


def test_a_catalogue_that_did_not_stand_is_said_again() -> None:
    async def scene() -> None:
        side = Side()
        side.wire.answer = PublishResult(0x97, "quota exceeded")
        showing = asyncio.create_task(side.fleet.show_catalogues(SHELVES))
        side.fleet.connected(True, "")
        await asyncio.sleep(2.5 * AGAIN_S)
        assert {str(said.topic) for said in side.wire.said} == {f"wxvend/v1/{HERE}/set/catalogue"}
        assert len(side.wire.said) == 3
        side.wire.answer = TAKEN
        await asyncio.sleep(AGAIN_S)
        assert str(side.wire.said[-1].topic) == f"wxvend/v1/{THERE}/set/catalogue"
        showing.cancel()

    play(scene())


# ---------------------------------------------------------------- a hint


async def test_a_machine_is_live_when_it_spoke_and_our_own_link_is_up() -> None:
    side = Side()
    assert not side.fleet.live(HERE)
    async with hearing(side):
        side.bring(HERE, birth())
        await settle()
    assert side.fleet.live(HERE)
    side.wire.connected = False
    assert not side.fleet.live(HERE)
