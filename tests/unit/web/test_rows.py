"""A machine in one row, the stream of rows, and what a page says in either language."""

import json
from dataclasses import replace
from typing import Any

import pytest

from cloud_bridge.ports import Fact, LaneView, MachineView
from cloud_bridge.web.rows import Row, row
from cloud_bridge.web.saying import cause_in, said
from cloud_bridge.web.speaker import Speaker, money, situation, yuan
from tests.unit.web.bridge import LANE, MACHINE, SALE, START_WALL_MS, UNHEARD
from tests.unit.web.serving import Caller, request, site

ENGLISH, CHINESE = Speaker("en", START_WALL_MS), Speaker("zh", START_WALL_MS)


@pytest.mark.parametrize(
    ("machine", "tone", "state", "since_ms"),
    [
        (MACHINE, "go", "Selling", 0),
        (replace(MACHINE, selling=False, reason="door_open"), "wait", "Not selling: the door is open", 0),
        (replace(MACHINE, selling=False, reason="a_new_one"), "wait", "Not selling: a new one", 0),
        (replace(MACHINE, online=False), "stop", "Offline since", START_WALL_MS),
        (replace(MACHINE, online=False, seen_wall_ms=0), "stop", "Offline", 0),
        (UNHEARD, "quiet", "Never heard of", 0),
    ],
)
def test_a_row_says_what_matters_most(machine: MachineView, tone: str, state: str, since_ms: int) -> None:
    found = row(machine, ENGLISH)
    assert (found.tone, found.state, found.since_wall_ms) == (tone, state, since_ms)


def stocked(*stocks: int | None) -> Row:
    lanes: tuple[LaneView, ...] = tuple(
        replace(LANE, lane=at, stock=stock, reason="" if stock else "sold_out")
        for at, stock in enumerate(stocks, 1)
    )
    return row(replace(MACHINE, lanes=lanes), CHINESE)


def test_stock_is_counted_where_a_board_tells_it() -> None:
    assert (stocked(8, 4, None).stock, stocked(8, 4, None).room) == (12, 16)
    assert (stocked(None).stock, stocked(None).room) == (0, 0)
    assert not stocked(8, 8, 8, 8, 0).low  # one lane of five may be empty
    assert stocked(8, 8, 8, 0).low
    assert stocked(2, 1, 1).low


async def rows(caller: Caller) -> list[Any]:
    while (name := await caller.line()) != "event: rows":
        assert name.startswith(("event:", "data:", "retry:")), name
    return list(json.loads((await caller.line()).removeprefix("data: ")))


async def test_rows_of_many_machines_come_together_in_the_readers_words() -> None:
    async with site() as served:
        caller = await served.open()
        caller.send(request("GET", "/api/events?of=rows&language=zh"))
        await caller.head()
        assert (await caller.line(), await caller.line()) == ("retry: 2000", "event: hello")
        await caller.line()
        for degrees in range(9):
            served.bridge.show(replace(MACHINE, temperature_c=degrees))
            served.bridge.show(replace(MACHINE, machine="vm-0003", selling=False, reason="door_open"))
        found = await rows(caller)
        assert found == [
            ["vm-0001", "go", "正在销售", 0, "8 °C", 5, 16, 1],
            ["vm-0003", "wait", "暂停销售: 机门未关", 0, "4 °C", 5, 16, 1],
        ]


async def test_a_page_of_one_machine_hears_of_no_other() -> None:
    async with site() as served:
        caller = await served.open()
        caller.send(request("GET", "/api/events?machine=vm-0001"))
        await caller.head()
        for _ in range(3):
            await caller.line()
        served.bridge.say(Fact(wall_ms=1, machine="vm-0002", sale_id="", who="edge", what="other"))
        served.bridge.show(UNHEARD)
        served.bridge.say(Fact(wall_ms=1, machine="vm-0001", sale_id="", who="edge", what="mine"))
        assert await caller.line() == "event: fact"
        assert json.loads((await caller.line()).removeprefix("data: "))["what"] == "mine"
        served.bridge.show(MACHINE)
        assert await caller.line() == "event: machine"


async def test_what_is_asked_of_the_stream_has_names() -> None:
    async with site() as served:
        for query in ("of=everything", "language=fr"):
            assert (await served.get(f"/api/events?{query}")).status == 400


# ---------------------------------------------------------------- words

CAUSES = [
    ("not_delivered.moved.motor_timeout", "the motor did not finish", "电机超时"),
    ("closed.lane.sold_out", "Sold out", "售罄"),
    ("closed.bus_silent", "the board does not answer", "主板无响应"),
    (
        "doubt.no_memory",
        "nobody knows whether it came out: the board kept no record",
        "出货结果不明: 主板没有记录",
    ),
    ("given up: lease", "given up: the lease ended", "已放弃：超时"),
    ("lane.code_2a", "board code 2a", "主板代码 2a"),
    ("ordered by ann: asked twice", "ordered by ann: asked twice", "由 ann 决定：asked twice"),
    ("something_new.here", "something new.here", "something new.here"),
    ("__proto__", "  proto  ", "  proto  "),
    ("", "", ""),
]
LINES = [
    ("¥3.50 goes back: not_delivered.moved.jam", "¥3.50 goes back: a product is stuck", "退回 ¥3.50：卡货"),
    (
        "alarm: vend_uncertain lane 12: no_answer",
        "alarm: a vend without a known result lane 12: no answer came",
        "告警：出货结果不明，货道 12：没有应答",
    ),
    (
        "lane 11 was chosen: 可乐: (大), ¥3.50",
        "lane 11 was chosen: 可乐: (大), ¥3.50",
        "选择货道 11：可乐: (大)，¥3.50",
    ),
    ("¥3.50 is paid (notice)", "¥3.50 is paid (by its notice)", "已付 ¥3.50（通知）"),
    (
        "doubt brakes: settled by ann: counted",
        "nobody knows whether it came out, too many refunds; a person decides: settled by ann: counted",
        "出货结果不明, 退款过多，等待人工：由 ann 结清：counted",
    ),
    ("words of its own\nand more", "words of its own\nand more", "words of its own\nand more"),
]


@pytest.mark.parametrize(("words", "english", "chinese"), CAUSES)
def test_a_cause_is_told_in_the_readers_words(words: str, english: str, chinese: str) -> None:
    assert (cause_in(words, "en"), cause_in(words, "zh")) == (english, chinese)


@pytest.mark.parametrize(("words", "english", "chinese"), LINES)
def test_a_line_is_told_in_the_readers_words(words: str, english: str, chinese: str) -> None:
    assert (said(words, "en"), said(words, "zh")) == (english, chinese)


def test_an_age_is_in_the_largest_unit_that_still_tells_something() -> None:
    minutes = (0, 59, 60, 47 * 60 + 59, 48 * 60, -5)
    ages = [ENGLISH.age(START_WALL_MS - each * 60_000) for each in minutes]
    assert ages == ["0 min", "59 min", "1 h", "47 h", "2 d", "0 min"]


def test_money_and_times_are_written_as_people_write_them() -> None:
    assert [yuan(fen) for fen in (0, 5, 350, 123456, -350)] == [
        "¥0.00",
        "¥0.05",
        "¥3.50",
        "¥1234.56",
        "-¥3.50",
    ]
    assert (money(0), money(350)) == ("", "¥3.50")
    assert ENGLISH.stamp(START_WALL_MS) == {
        "utc": "2026-11-18T11:06:40.000Z",
        "shown": "19:06:40",
        "whole": "2026-11-18 19:06:40 +08:00",
    }
    assert ENGLISH.stamp(START_WALL_MS - 86_400_000)["shown"] == "2026-11-17 19:06:40"


def test_a_paid_sale_is_told_apart_by_what_becomes_of_it() -> None:
    paid = replace(SALE, state="paid", decision="vend")
    assert [situation(each) for each in (SALE, paid, replace(paid, why="no_memory"))] == [
        *("offered", "paid", "unclear")
    ]
    assert situation(replace(paid, decision="refund")) == "refunding"


def test_a_product_has_its_name_in_the_readers_language_or_the_one_it_has() -> None:
    assert (ENGLISH.product(SALE), CHINESE.product(SALE)) == ("Cola", "可乐")
    assert ENGLISH.product(replace(SALE, product_en="")) == "可乐"
    assert CHINESE.product(replace(SALE, product_zh="")) == "Cola"


async def test_a_lane_that_is_out_says_its_fault_its_code_and_what_to_do() -> None:
    broken = replace(LANE, reason="fault", fault="motor_open", code="E28")
    odd = replace(LANE, lane=13, reason="fault", fault="<b>new</b>", code="")
    async with site() as served:
        served.bridge.views["vm-0001"] = replace(MACHINE, lanes=(broken, odd))
        page = (await served.get("/machines/vm-0001", Cookie="language=en")).body.decode()
    assert "E28 the motor is not connected" in page
    assert "check plug and cable, or change the motor" in page
    assert "<b>new</b>" not in page
