"""The tables of words and codes: complete in both languages, short, and known by every name in use."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.core.machine import Machine, stop_reason
from edge.display.codes import TABLE, UNKNOWN, code_of, explain
from edge.display.page import elide, fit
from edge.display.words import (
    NOTICES,
    OF_A_LANE,
    REASONS,
    SENTENCES,
    STEPS,
    Words,
    clock,
    money,
    notice,
    reason,
    sentence,
)
from edge.drivers.xy.codes import CHECK_NAMES, PROGRESS_NAMES
from edge.ports import BridgeEvent, BusDown, BusEvent, ClimateReported, LinkDown
from edge.senses import seen
from tests.unit.display.samples import face

ROOT = Path(__file__).parents[3]
PLACE = re.compile(r"\{(\w+)\}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def all_words() -> Iterator[tuple[str, Words]]:
    for table in (SENTENCES, STEPS, REASONS, NOTICES):
        yield from table.items()
    for row in TABLE.values():
        yield row.code, Words(row.zh, row.en)


def test_every_sentence_is_in_both_languages_and_short_enough_to_be_read_in_a_second() -> None:
    for name, words in all_words():
        assert CHINESE.search(words.zh), name
        assert not CHINESE.search(words.en), name
        assert re.search(r"[A-Za-z]{2}", words.en), name
        assert len(PLACE.sub("", words.zh).strip()) <= 12, name
        assert len(PLACE.sub("x", words.en).split()) <= 7, name
        assert PLACE.findall(words.zh) == PLACE.findall(words.en), name


@pytest.mark.parametrize(
    "fact",
    [
        BusDown(why="silent"),
        BusDown(why="port"),
        BusDown(why="doubt"),
        BusDown(why="no_ack"),
        BusDown(why="board_restarted"),
        BusDown(why="identifying"),
        BusDown(why="any other"),
        ClimateReported(temperature_c=4, door_open=True),
        LinkDown(why="lost"),
        LinkDown(why="bridge_silent"),
    ],
)
def test_every_reason_to_stop_has_a_service_code_of_its_own(fact: BusEvent | BridgeEvent) -> None:
    why = stop_reason(seen(Machine(machine="vm-0001"), fact))
    assert code_of(why).name == why
    assert notice(why) == Words(TABLE[why].zh, TABLE[why].en)


def test_what_a_board_calls_its_steps_and_refusals_is_known_where_a_shopper_can_help() -> None:
    assert set(STEPS) <= set(PROGRESS_NAMES.values())
    assert {"sold_out", "paused", "no_such_lane", "product_in_elevator", "delivery_door_open"} <= (
        set(CHECK_NAMES.values()) & set(NOTICES)
    )


def test_a_name_that_nobody_gave_still_says_something() -> None:
    assert code_of("never heard of") is TABLE[UNKNOWN]
    assert notice("never heard of") == NOTICES["unknown"]
    assert reason("never heard of") == REASONS["unknown"]
    with pytest.raises(KeyError):
        sentence("never heard of")


def test_notices_with_a_lane_number_are_known_notices() -> None:
    assert set(NOTICES) >= OF_A_LANE


def test_codes_are_unique_and_their_first_digit_says_who() -> None:
    codes = [row.code for row in TABLE.values()]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"E[1-9]\d", code) for code in codes)
    who = {"bus": "1", "board": "1", "lane": "2", "door": "3", "drop": "3", "temperature": "4", "link": "5"}
    who |= {"bridge": "6", "session": "6", "journal": "7", "disk": "7", "clock": "8", "keys": "8"}
    for row in TABLE.values():
        assert row.code[1] == who.get(row.name.split("_")[0], row.code[1]), row.name


def test_every_code_is_named_where_something_sets_it_or_is_marked_as_reserved() -> None:
    sources = [path for path in (ROOT / "edge").rglob("*.py") if path.name != "codes.py"]
    named = "".join(path.read_text() for path in sources)
    assert {row.name for row in TABLE.values() if f'"{row.name}"' not in named and not row.reserved} == set()


def test_every_code_tells_a_technician_what_and_what_next() -> None:
    for row in TABLE.values():
        assert row.technician.endswith("."), row.code
        assert row.next_step.endswith("."), row.code


@pytest.mark.parametrize("typed", ["E21", "e21", "21", " E21 "])
def test_a_code_is_found_as_a_technician_types_it(typed: str) -> None:
    assert explain(typed) is TABLE["lane_jam"]


@pytest.mark.parametrize("typed", ["", "E", "E00", "E2", "E211", "lane_jam"])
def test_what_is_no_code_is_not_found(typed: str) -> None:
    with pytest.raises(KeyError):
        explain(typed)


@pytest.mark.parametrize(
    ("fen", "text"), [(0, "¥0.00"), (5, "¥0.05"), (350, "¥3.50"), (100_000, "¥1000.00"), (99_999, "¥999.99")]
)
def test_money_has_two_decimals(fen: int, text: str) -> None:
    assert money(fen) == text


@pytest.mark.parametrize(
    ("left_s", "text"), [(167, "2:47"), (60, "1:00"), (9, "0:09"), (0, "0:00"), (-3, "0:00")]
)
def test_time_left_is_minutes_and_seconds(left_s: int, text: str) -> None:
    assert clock(left_s) == text


# ---------------------------------------------------------------- breaking lines


def test_a_text_becomes_a_little_smaller_before_it_is_broken() -> None:
    wide = face().width("正在确认付款", 40)
    assert fit(face(), "正在确认付款", size=40, width=wide) == (("正在确认付款",), 40)
    smaller = fit(face(), "正在确认付款", size=40, width=wide - 20)
    assert len(smaller.rows) == 1
    assert 32 <= smaller.size < 40
    assert len(fit(face(), "正在确认付款", size=40, width=wide * 2 // 3).rows) == 2


def test_a_latin_word_stays_whole_and_no_row_begins_with_a_comma() -> None:
    words = fit(face(), "Checking your payment", size=40, width=face().width("Checking your", 40) + 4)
    assert words.rows == ("Checking your", "payment")
    broken = fit(face(), "如已付款，请稍候", size=40, width=face().width("如已付款", 40) + 4)
    assert [row[0] for row in broken.rows if row[0] in "，。"] == []


def test_what_has_no_room_ends_in_an_ellipsis() -> None:
    name = "超大瓶装无糖气泡柠檬蜂蜜绿茶饮料"
    rows, size = fit(face(), name, size=40, width=120)
    assert size == 20
    assert len(rows) == 2
    assert rows[1].endswith("…")
    assert max(face().width(row, size) for row in rows) <= 120
    assert fit(face(), "Incomprehensibilities", size=40, width=90).rows == (
        elide(face(), "Incomprehensibilities", 20, 90),
    )
    assert elide(face(), "Cola", 20, 500) == "Cola"
