"""The stock on real books: counted once, all or none, and shown beside what the board sees."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud_bridge.core.catalogue import Kind, Lane, Plan, lane_key
from cloud_bridge.core.pace import Level
from cloud_bridge.core.stock import Hand
from cloud_bridge.ports_catalogue import Count, LaneStock
from cloud_bridge.web.stock import restock_csv
from tests.unit.goods.books import ONE, TWO, shelf
from tests.unit.goods.shop import Kiosk

DAY_MS = 24 * 3_600_000


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    with Kiosk(tmp_path, shelf(ONE), shelf(TWO)) as made:
        yield made


def put(
    count: int, key: str = "k", *, lane: int = 11, hand: Hand = Hand.REFILLED, machine: str = ONE
) -> Count:
    return Count(key=key, machine=machine, lane=lane, hand=hand, count=count, by="ann", why="tour")


async def lane(kiosk: Kiosk, number: int = 11) -> LaneStock:
    found = await kiosk.stocks.lanes(machines=[ONE])
    return next(each for each in found if each.lane == number)


async def test_what_is_put_in_less_what_came_out_lies_there(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    await kiosk.vended(ONE, 11, 3)
    assert ((await lane(kiosk)).pieces, (await lane(kiosk)).level) == (None, Level.UNKNOWN)
    assert await kiosk.stocks.note([put(10), put(10)]) == ""
    assert await kiosk.stocks.note([put(10)]) == ""
    assert (await lane(kiosk)).pieces == 7
    assert await kiosk.stocks.note([put(9, "count", hand=Hand.CORRECTED)]) == ""
    found = await lane(kiosk)
    assert (found.pieces, found.refilled, found.corrected, found.vended) == (9, 10, 2, 3)
    kiosk.clock.ms += 1
    await kiosk.vended(ONE, 11)
    assert await kiosk.stocks.note([put(9, "count", hand=Hand.CORRECTED)]) == ""
    assert (await lane(kiosk)).pieces == 8
    moves = [each for _, each in await kiosk.stocks.moves(machine=ONE)]
    assert [(each.hand, each.pieces, each.by, each.why) for each in moves] == [
        (Hand.CORRECTED, 2, "ann", "tour"),
        (Hand.REFILLED, 10, "ann", "tour"),
    ]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (put(0, "b"), "count: found 0"),
        (put(1, "b", lane=99), "lane: found 99"),
        (put(1, "b", machine="vm-9999"), "machine: found 'vm-9999'"),
        (put(-1, "b", hand=Hand.CORRECTED), "count: found -1, allowed 0 or more"),
    ],
)
async def test_of_several_counts_all_are_taken_or_none(kiosk: Kiosk, wrong: Count, words: str) -> None:
    await kiosk.catalogues.open()
    assert words in await kiosk.stocks.note([put(5, "a"), wrong])
    assert (await lane(kiosk)).pieces is None
    assert await kiosk.stocks.moves() == ()


async def test_a_refill_that_does_not_fit_asks_for_a_count_first(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    await kiosk.edit({lane_key(ONE, 11): Lane(product="cola", par=8, capacity=10)})
    assert await kiosk.stocks.note([put(8, "a")]) == ""
    assert "Try: count it first" in await kiosk.stocks.note([put(3, "b")])
    assert await kiosk.stocks.note([put(2, "c")]) == ""


async def test_what_a_board_counts_stands_beside_it_with_the_difference(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    await kiosk.stocks.note([put(6)])
    kiosk.board(ONE, [(11, 4)])
    found = await lane(kiosk)
    assert (found.pieces, found.told, found.differs) == (6, 4, -2)


async def test_a_lane_that_will_be_empty_within_a_day_at_its_own_pace_comes_first(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    await kiosk.vended(ONE, 12, 1)
    kiosk.clock.ms += 2 * DAY_MS
    await kiosk.vended(ONE, 11, 8)
    await kiosk.stocks.note([put(11, "a"), put(60, "b", lane=12)])
    first = (await kiosk.stocks.lanes(machines=[ONE]))[0]
    assert (first.lane, first.level, first.per_day) == (11, Level.LOW, 4.0)
    assert first.empty_wall_ms == kiosk.clock.ms + round(3 / 4 * DAY_MS)


async def test_a_tour_lists_what_its_machines_need_up_to_par(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    await kiosk.edit(
        {
            (Kind.MACHINE, ONE): Plan(route="north"),
            (Kind.MACHINE, TWO): Plan(route="south"),
            lane_key(ONE, 11): Lane(product="cola", par=8),
            lane_key(TWO, 11): Lane(product="cola", par=8),
        }
    )
    await kiosk.stocks.note([put(5)])
    lanes = await kiosk.stocks.lanes(route="north")
    assert {each.machine for each in lanes} == {ONE}
    rows = restock_csv([each for each in lanes if each.to_bring]).splitlines()
    assert rows[0].endswith("route,machine,lane,product,name_zh,name_en,pieces,par,bring,empty_at")
    assert rows[1:] == [f"north,{ONE},11,cola,可乐,Cola,5,8,3,"]
    assert await kiosk.stocks.routes([ONE, TWO]) == {ONE: "north", TWO: "south"}
