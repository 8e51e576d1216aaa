"""Machines are told under the bridge's signature, and their catalogues stand at the broker."""

import asyncio
import json
from dataclasses import replace

import pytest

from cloud_bridge.core.model import (
    TellAck,
    TellChallenge,
    TellCode,
    TellPaid,
    TellQuery,
    TellRefund,
    TellRefused,
    ToMachine,
)
from cloud_bridge.fleet.fleet import AGAIN_S, ANSWER_S, CASES_EVERY_S
from cloud_bridge.fleet.translate import ANSWER_EXPIRY_S
from cloud_bridge.ports import CaseView
from tests.unit.bridge.virtual import play
from tests.unit.fleet.side import (
    BRIDGE,
    HERE,
    JID,
    NOBODY,
    SALE,
    SHELVES,
    TAKEN,
    THERE,
    TIMINGS,
    Side,
    presence,
    settle,
)
from tests.unit.web.bridge import CASE
from wire.broker import PublishResult
from wire.envelope import Keyring, key_id
from wire.inbound import Inbound
from wire.messages import Ack, Catalogue, SaleCode, SalePaid

PAID = TellPaid(sale_id=SALE, jid=JID, boot=3, lane=12, paid_fen=350, issued_wall_ms=1)


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
        (TellChallenge(challenge="0f" * 16), ANSWER_EXPIRY_S),
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


# ---------------------------------------------------------------- after a start


def test_each_machine_hears_once_and_at_the_first_link_up_how_far_it_is_known() -> None:
    async def known() -> tuple[tuple[str, ToMachine], ...]:
        return (HERE, TellAck(jid=JID, n=0, upto=7)), (THERE, TellAck(jid="b" * 26, n=0, upto=0))

    async def scene() -> None:
        side = Side()
        greeting = asyncio.create_task(side.fleet.greet(known))
        await settle()
        assert side.wire.said == []
        for _ in range(2):
            side.fleet.connected(True, "")
            await settle()
            told = [(str(said.topic), said.message) for said in side.wire.said]
            assert told == [
                (f"wxvend/v1/{HERE}/down/ack", Ack(jid=JID, n=0, upto=7)),
                (f"wxvend/v1/{THERE}/down/ack", Ack(jid="b" * 26, n=0, upto=0)),
            ]
        await greeting

    play(scene())


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


# ---------------------------------------------------------------- cases


def test_what_waits_for_a_person_stands_retained_and_flat_and_anew_at_each_link_up() -> None:
    async def scene() -> None:
        side, found = Side(), [CASE, replace(CASE, reason="second_payment"), replace(CASE, sale_id="t" * 26)]

        async def cases() -> list[CaseView]:
            return found

        showing = asyncio.create_task(side.fleet.show_cases(cases))
        side.fleet.connected(True, "")
        await asyncio.sleep(3.5 * CASES_EVERY_S)
        (said,) = side.wire.said
        assert (str(said.topic), said.retain, said.envelope) == ("wxvend/v1/bridge/state/cases", True, None)
        assert json.loads(said.payload) == {
            "open": 3,
            "paid_fen": 700,
            "oldest_wall_ms": CASE.opened_wall_ms,
            "oldest_sale_id": CASE.sale_id,
            "oldest_machine": CASE.machine,
            "oldest_reason": "brakes",
            "advice": CASE.advice,
        }
        found.clear()
        await asyncio.sleep(CASES_EVERY_S)
        assert json.loads(side.wire.said[-1].payload)["open"] == 0
        side.fleet.connected(True, "")
        await asyncio.sleep(CASES_EVERY_S)
        assert len(side.wire.said) == 3
        side.wire.answer = PublishResult(0x97, "quota exceeded")
        side.fleet.connected(True, "")
        await asyncio.sleep(2 * CASES_EVERY_S)
        assert len(side.wire.said) == 5
        side.wire.connected = False
        await asyncio.sleep(2 * CASES_EVERY_S)
        assert len(side.wire.said) == 5
        showing.cancel()

    play(scene())


# ---------------------------------------------------------------- a hint


async def test_a_machine_is_live_when_it_is_there_and_our_own_link_is_up() -> None:
    side = Side()
    assert not side.fleet.live(HERE)
    side.show("presence", presence(True))
    assert side.fleet.live(HERE)
    side.wire.connected = False
    assert not side.fleet.live(HERE)
