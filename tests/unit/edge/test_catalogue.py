"""A machine follows a catalogue as a whole or says what it cannot; a threshold keeps the last pieces in."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.core.alarms import alarms
from edge.core.machine import Lane, Machine, lane_reason
from edge.core.model import ClearAlarm, RaiseAlarm
from edge.core.screen import Product
from edge.ports import CatalogueReceived, Change, LaneReported, TroubleTold
from tests.unit.edge.test_payment import BRIDGE_VOICE, MACHINE, Side
from tests.unit.edge.world import Machine as Running
from tests.unit.edge.world import catalogue
from wire.catalogue import Catalogue, CatalogueLane, CatalogueStatus
from wire.inbound import Inbound
from wire.topics import Branch, Topic

COLA = Product(lane=12, name_zh="可乐", name_en="Cola", price_fen=350, sold_out_at=2)
READY = Machine(machine=MACHINE, products={12: COLA}, lanes={12: Lane(stock=3)})
GOOD = Catalogue(
    version=3,
    phone="400",
    lanes=(CatalogueLane(lane=12, name_zh="可乐", name_en="Cola", price_fen=350, sold_out_at=2),),
)
BAD = b'{"version":4,"phone":"","lanes":[{"lane":12,"name_zh":"a","name_en":"b","price_fen":350,"glow":9}]}'
WHY = "lanes[0].glow of lane 12: found glow = 9"


@pytest.fixture
async def side(tmp_path: Path) -> AsyncIterator[Side]:
    made = Side(tmp_path / "edge.db")
    made.run()
    yield made
    await made.stop()


def hear(side: Side, payload: bytes) -> None:
    topic = Topic(MACHINE, Branch.SET, "catalogue")
    properties = BRIDGE_VOICE.sign(topic, payload).user_properties
    side.wire.incoming.put_nowait(
        Inbound(topic=str(topic), payload=payload, retained=True, user_properties=properties, mid=99)
    )


def answers(side: Side) -> list[tuple[int, int, str]]:
    said = side.wire.messages(CatalogueStatus)
    return [(each.version, each.offered, each.why) for each in said if isinstance(each, CatalogueStatus)]


async def take(side: Side) -> None:
    """The engine takes what came last, and makes it durable."""
    event, done = side.events[-1], side.dones[-1]
    assert isinstance(event, CatalogueReceived)
    await side.journal.commit(Change(catalogue=event.raw))
    assert done is not None
    done()


async def test_a_catalogue_is_answered_with_the_version_in_use_once_it_is_durable(side: Side) -> None:
    await side.born()
    side.hear(GOOD, retained=True)
    await side.until(lambda: isinstance(side.events[-1], CatalogueReceived))
    assert answers(side) == []
    await take(side)
    assert answers(side) == [(3, 3, "")]
    received = side.events[-1]
    assert isinstance(received, CatalogueReceived)
    assert received.products[0].sold_out_at == 2


async def test_a_setting_that_is_not_understood_is_told_and_raised_as_a_trouble(
    side: Side,
) -> None:
    await side.born()
    side.hear(GOOD, retained=True)
    await side.until(lambda: isinstance(side.events[-1], CatalogueReceived))
    await take(side)
    hear(side, BAD)
    await side.until(lambda: 99 in side.wire.acked)
    version, offered, why = answers(side)[-1]
    assert (version, offered) == (3, 4)
    assert why.startswith(WHY)
    trouble = side.events[-1]
    assert isinstance(trouble, TroubleTold)
    assert (trouble.name, trouble.text[: 11 + len(WHY)]) == ("catalogue_refused", f"version 4: {WHY}")


async def test_the_trouble_is_over_with_the_next_catalogue_that_can_be_used(side: Side) -> None:
    await side.born()
    hear(side, BAD)
    side.hear(replace(GOOD, version=5), retained=True)
    await side.until(lambda: isinstance(side.events[-1], CatalogueReceived))
    assert side.events[-2] == TroubleTold(name="catalogue_refused", text="")


async def test_a_catalogue_that_the_bridge_did_not_sign_is_answered_by_nothing(side: Side) -> None:
    await side.born()
    side.wire.incoming.put_nowait(
        Inbound(
            topic=f"wxvend/v1/{MACHINE}/set/catalogue", payload=BAD, retained=True, user_properties=(), mid=99
        )
    )
    await side.until(lambda: 99 in side.wire.acked)
    assert answers(side) == []
    assert not any(isinstance(event, TroubleTold) for event in side.events)


@pytest.mark.parametrize(("stock", "reason"), [(3, ""), (2, "sold_out"), (0, "sold_out"), (None, "")])
def test_a_lane_sells_until_its_threshold(stock: int | None, reason: str) -> None:
    assert lane_reason(replace(READY, lanes={12: Lane(stock=stock)}), 12) == reason


def test_a_threshold_that_no_board_can_keep_is_an_alarm_until_one_can() -> None:
    blind = replace(READY, lanes={12: Lane(stock=None)})
    (raised,) = alarms(replace(READY, lanes={}), blind)
    assert isinstance(raised, RaiseAlarm)
    assert (raised.name, raised.lane) == ("catalogue_unsupported", 12)
    assert "sold_out_at: found 2, allowed 0" in raised.text
    assert alarms(blind, blind) == ()
    assert alarms(blind, READY) == (ClearAlarm(name="catalogue_unsupported", lane=12),)


async def test_a_catalogue_with_such_a_threshold_raises_the_alarm_when_it_comes(tmp_path: Path) -> None:
    async with Running(tmp_path / "edge.db") as running:
        await running.ready()
        await running.done(LaneReported(lane=12, stock=None, capacity=None))
        held = tuple(replace(each, sold_out_at=1) for each in catalogue(2).products)
        await running.done(replace(catalogue(2), products=held))
        raised = [told for _, _, told in running.cloud.reports if isinstance(told, RaiseAlarm)]
        assert [(each.name, each.lane) for each in raised] == [("catalogue_unsupported", 12)]
