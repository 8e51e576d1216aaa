"""Machines are heard in order and side by side, and acknowledged when what they said is durable."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cloud_bridge.core.bill import MachineRow
from cloud_bridge.core.model import Born, Requested
from cloud_bridge.fleet.hearing import BURST, WAITING_LIMIT, Hearing
from cloud_bridge.ports import StoreFailed
from cloud_bridge.ports_bills import JournalAnswer
from tests.unit.fleet.side import BITS, HERE, JID, KEYS, THERE, Side, birth, requested, settle
from wire.day import JournalRow, JournalRows
from wire.inbound import Inbound


@asynccontextmanager
async def hearing(side: Side) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(side.hearing.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


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
    assert side.hearing.counts["too_many"] == 10
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
        assert side.hearing.counts == {"too_fast": 11}
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
    assert side.hearing.counts == {"too_fast": 10, "shown.foreign": BURST}


async def test_books_that_fail_end_the_task_and_acknowledge_nothing() -> None:
    side = Side()
    side.engine.broken = StoreFailed("the disk is gone")
    side.bring(HERE, birth())
    with pytest.raises(ExceptionGroup) as group:
        await side.hearing.run()
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
    assert side.hearing.counts == {f"refused.{reason}": 1}


async def test_a_machine_cannot_speak_with_another_ones_key() -> None:
    side = Side()
    async with hearing(side):
        side.bring(HERE, birth(), key=KEYS[THERE])
        await settle()
    assert side.engine.heard_of == []
    assert side.hearing.counts == {"refused.foreign": 1}


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


async def test_a_machines_own_journal_goes_to_whoever_asked_and_not_into_the_books() -> None:
    side, told = Side(), list[JournalAnswer]()

    class Asker:
        async def journal_told(self, answer: JournalAnswer) -> None:
            told.append(answer)

    side.hearing = Hearing(
        transport=side.wire,
        service=side.engine,
        gate=side.gate,
        roster=side.roster,
        clock=side.clock,
        journals=Asker(),
    )
    row = JournalRow(sale_id="m" * 26, state="delivered", lane=12, price_fen=350)
    rows = JournalRows(jid=JID, boot=1, bits=BITS, n=0, ask="f" * 16, rows=(row,), more=True)
    async with hearing(side):
        mid = side.bring(HERE, rows)
        await settle()
    assert side.wire.acked == [mid]
    assert side.engine.heard_of == []
    (answer,) = told
    assert (answer.machine, answer.ask, answer.more) == (HERE, "f" * 16, True)
    assert answer.rows == (MachineRow("m" * 26, HERE, "delivered", 350, ""),)


async def test_a_journal_that_nobody_asked_for_is_let_go() -> None:
    side = Side()
    rows = JournalRows(jid=JID, boot=1, bits=BITS, n=0, ask="f" * 16, rows=(), more=False)
    async with hearing(side):
        mid = side.bring(HERE, rows)
        await settle()
    assert (side.wire.acked, side.engine.heard_of) == ([mid], [])
