"""What the page is told, from what the programs say; no program runs here, only their lines."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hw_sim.demo.room import TRAY, WAITING, BadWish, News, Room
from hw_sim.demo.scenery import Terms
from hw_sim.demo.shelf import SHELF
from hw_sim.demo.stage import Stage
from hw_sim.demo.story import Fact
from hw_sim.demo.troupe import Troupe
from hw_sim.demo.window import Window, now_ms


@pytest.fixture
async def stage(tmp_path: Path) -> Stage:
    window = Window()
    return Stage(tmp_path, Troupe(tmp_path, window, terms=Terms(), mosquitto=False), window)


def fact(number: int) -> Fact:
    return Fact(t_ms=now_ms(), who="edge", what=str(number))


async def take(page: AsyncIterator[News], count: int) -> list[News]:
    return [await anext(page) for _ in range(count)]


async def newest_state(room: Room) -> dict[str, Any]:
    (name, state), _ = await take(room.listen(), 2)
    assert name == "state"
    return dict(state)


def lane(state: dict[str, Any], number: int) -> dict[str, Any]:
    (found,) = [each for each in state["lanes"] if each["lane"] == number]
    return dict(found)


async def test_a_page_begins_with_the_state_and_what_was_told_and_hears_each_fact_once(stage: Stage) -> None:
    room = Room(stage)
    stage.window.story.tell(fact(1))
    page = room.listen()
    assert [name for name, _ in await take(page, 3)] == ["state", "screen", "fact"]
    stage.window.story.tell(fact(2))
    ((name, told),) = await take(page, 1)
    assert (name, told["what"]) == ("fact", "2")


async def test_what_happened_before_the_machine_was_shown_is_not_told(stage: Stage) -> None:
    stage.window.story.tell(Fact(t_ms=now_ms() - 1000, who="edge", what="starting"))
    page = Room(stage).listen()
    assert [name for name, _ in await take(page, 2)] == ["state", "screen"]
    stage.window.story.tell(fact(1))
    ((_, told),) = await take(page, 1)
    assert told["what"] == "1"


async def test_a_page_that_sleeps_loses_the_oldest_and_stops_nobody(stage: Stage) -> None:
    page = Room(stage).listen()
    await take(page, 2)
    for number in range(WAITING + 5):
        stage.window.story.tell(fact(number))
    ((_, told),) = await take(page, 1)
    assert told["what"] == "5"


async def test_a_page_that_is_gone_is_forgotten(stage: Stage) -> None:
    room = Room(stage)
    page = room.listen()
    await take(page, 1)
    await page.aclose()
    stage.window.story.tell(fact(1))
    assert (await newest_state(room))["tray"] == []


async def test_a_motor_turns_and_a_piece_falls_when_the_board_says_so(stage: Stage) -> None:
    room = Room(stage)
    page = room.listen()
    await take(page, 2)
    stage.window.heard("board", {"event": "motor", "lane": 11, "running": True})
    ((_, state),) = await take(page, 1)
    assert lane(state, 11)["turning"]
    stage.window.heard("board", {"event": "dropped", "lane": 11})
    assert await take(page, 1) == [("drop", {"lane": 11})]
    stage.window.heard("board", {"event": "motor", "lane": 11, "running": False})
    state = await newest_state(room)
    assert not lane(state, 11)["turning"]
    assert state["tray"] == [{"lane": 11}]
    await room.do("take", {})
    assert (await newest_state(room))["tray"] == []


async def test_the_tray_holds_the_newest_pieces(stage: Stage) -> None:
    room = Room(stage)
    for goods in SHELF:
        stage.window.heard("board", {"event": "dropped", "lane": goods.lane})
    tray = (await newest_state(room))["tray"]
    assert tray == [{"lane": goods.lane} for goods in SHELF[-TRAY:]]


async def test_lanes_are_as_the_machine_tells_everyone(stage: Stage) -> None:
    room = Room(stage)
    state = await newest_state(room)
    assert (state["selling"], state["reason"]) == (False, "off")
    stage.window.states["presence"] = {"online": True}
    stage.window.states["health"] = {"selling": 1, "reason": ""}
    stage.window.states["lane/12"] = {"stock": 0, "reason": "sold_out"}
    state = await newest_state(room)
    assert (state["selling"], state["reason"]) == (True, "")
    assert (lane(state, 12)["stock"], lane(state, 12)["reason"]) == (0, "sold_out")
    assert lane(state, 13)["stock"] is None


@pytest.mark.parametrize(
    ("wish", "body", "said"),
    [
        ("choose", {}, "lane: found None"),
        ("choose", {"lane": "11"}, "lane: found '11'"),
        ("fault", {"name": "flood", "on": True}, "name: found 'flood', allowed jam"),
        ("fly", {}, "wish: found 'fly'"),
    ],
)
async def test_a_wish_for_what_is_not_there_is_named(
    stage: Stage, wish: str, body: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadWish, match=said):
        await Room(stage).do(wish, body)
