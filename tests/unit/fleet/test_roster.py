"""What machines show is drawn whatever they write, and an old will buries nobody."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.core.model import Born, Session
from cloud_bridge.fleet.roster import RECENT_MS, SEEN_STEP_MS
from cloud_bridge.fleet.shown import LANES_LIMIT, NAME_LIMIT
from cloud_bridge.ports import MachineView
from tests.unit.fleet.side import BITS, HERE, JID, THERE, Side, presence
from wire.topics import LIMIT_BYTES, Branch

OTHER = "k" * 26


def born(boot: int = 3, jid: str = JID) -> Born:
    session = Session(jid=jid, boot=boot, bits=BITS)
    return Born(machine=HERE, session=session, n=0, catalogue_version=7, software="1.0")


def view(side: Side) -> MachineView:
    return side.roster.machines()[0]


def test_every_machine_of_the_settings_is_there_before_it_was_heard_of() -> None:
    views = Side().roster.machines()
    assert [one.machine for one in views] == [HERE, THERE]
    assert all((one.online, one.boot, one.seen_wall_ms, one.lanes) == (False, 0, 0, ()) for one in views)


def test_a_machine_is_drawn_from_what_it_shows() -> None:
    side = Side()
    side.show("presence", presence(True))
    side.show("health", b'{"selling":0,"reason":"bus_silent","catalogue_version":7,"lanes":1}')
    side.show("climate", b'{"temperature_c":-4,"door_open":1}')
    lane = {"lane": 12, "product": "可乐", "product_en": "Cola", "price_fen": 350, "stock": 4, "capacity": 9}
    side.show("lane/12", json.dumps({**lane, "failures": 0, "reason": "sold_out"}).encode())
    seen = view(side)
    assert (seen.online, seen.boot, seen.selling, seen.reason) == (True, 3, False, "bus_silent")
    assert (seen.catalogue_version, seen.temperature_c, seen.door_open) == (7, -4, True)
    (drawn,) = seen.lanes
    assert (drawn.lane, drawn.product_zh, drawn.product_en, drawn.price_fen) == (12, "可乐", "Cola", 350)
    assert (drawn.stock, drawn.capacity, drawn.reason) == (4, 9, "sold_out")


def test_what_its_board_cannot_tell_is_not_made_up() -> None:
    side = Side()
    side.show("climate", b'{"temperature_c":null,"door_open":null}')
    side.show("lane/12", b'{"stock":null,"capacity":null,"price_fen":0}')
    assert (view(side).temperature_c, view(side).door_open) == (None, None)
    assert (view(side).lanes[0].stock, view(side).lanes[0].capacity) == (None, None)


def test_a_faulty_lane_shows_its_fault_and_code() -> None:
    side = Side()
    side.show("lane/12", b'{"reason":"fault","fault":"motor_open","code":"E28"}')
    side.show("lane/13", b'{"reason":"fault","fault":7,"code":"E28 and more"}')
    told = [(lane.fault, lane.code) for lane in view(side).lanes]
    assert told == [("motor_open", "E28"), ("", "E28 ")]


def test_the_newest_audit_file_is_told_by_its_numbers_and_when_it_came() -> None:
    side = Side()
    assert view(side).audit is None
    sums = {"day": "2026-11-24", "count": 4, "value_fen": 1450, "day_count": 3, "day_value_fen": 1100}
    side.show("audit", json.dumps({**sums, "dts_bytes": 900, "parts": 1, "dts": "DXS"}).encode())
    told = view(side).audit
    assert told is not None
    assert (told.day, told.count, told.value_fen) == ("2026-11-24", 4, 1450)
    assert (told.day_count, told.day_value_fen) == (3, 1100)
    assert told.came_wall_ms > 0
    side.show("audit_part/2", b'{"day":"2026-11-24","part":2,"dts":"x"}')
    side.show("audit", b'{"day":["x"],"count":-1}')
    worse = view(side).audit
    assert worse is not None
    assert (worse.day, worse.count) == ("", 0)


# ---------------------------------------------------------------- sessions


@pytest.mark.parametrize("will", [presence(False, boot=2), presence(False, jid=OTHER, boot=9)])
def test_an_old_will_buries_no_newer_birth(will: bytes) -> None:
    side = Side()
    side.show("presence", presence(True))
    side.show("presence", will)
    assert (view(side).online, view(side).boot) == (True, 3)


def test_an_old_birth_does_not_wake_a_machine_that_has_left() -> None:
    side = Side()
    side.show("presence", presence(False))
    side.show("presence", presence(True, boot=2))
    assert not view(side).online


def test_the_will_of_this_session_takes_it_off() -> None:
    side = Side()
    side.show("presence", presence(True))
    side.roster.heard(born())
    side.show("presence", presence(False))
    assert not view(side).online
    assert not side.roster.live(HERE)


def test_a_machine_that_speaks_is_online_whatever_a_broker_shows() -> None:
    side = Side()
    side.show("presence", presence(False))
    side.roster.heard(born())
    assert view(side).online
    side.clock.ms += RECENT_MS
    assert not view(side).online


def test_a_machine_that_shows_anything_now_is_there_though_no_broker_kept_its_birth() -> None:
    side = Side()
    side.show("bus", b"{}", retained=True)
    assert not side.roster.live(HERE)
    side.show("bus", b"{}")
    assert side.roster.live(HERE)
    side.show("presence", presence(False))
    assert not side.roster.live(HERE)


def test_a_late_report_of_an_older_start_does_not_bring_that_start_back() -> None:
    side = Side()
    side.roster.heard(born(boot=4))
    side.roster.heard(born(boot=3))
    assert view(side).boot == 4


def test_a_new_journal_counts_from_one() -> None:
    side = Side()
    side.roster.heard(born(boot=40))
    side.roster.heard(born(boot=1, jid=OTHER))
    side.show("presence", presence(True, boot=1, jid=OTHER))
    assert view(side).boot == 1


def test_what_stood_retained_says_nothing_about_when_it_was_seen() -> None:
    side = Side()
    side.show("presence", presence(True), retained=True)
    assert (view(side).online, view(side).seen_wall_ms) == (True, 0)
    side.show("health", b"{}")
    assert view(side).seen_wall_ms == side.clock.wall_ms()


# ---------------------------------------------------------------- hostile words


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"[]", b"null", b"7", b"\xff\xfe", b"[" * 10_000, b'{"stock":' + b"9" * 5_000 + b"}"],
)
def test_a_payload_that_is_no_object_is_counted_and_changes_nothing(payload: bytes) -> None:
    side = Side()
    before = view(side)
    for name in ("health", "climate", "lane/12", "presence"):
        side.show(name, payload)
    assert view(side) == before
    assert side.roster.refused == {"bad_state": 4}


@pytest.mark.parametrize(
    "value", [-1, 10**30, 1.5, "NaN", True, [], {}, "9", "<script>", float("nan"), float("inf")]
)
def test_a_value_that_cannot_be_is_taken_for_one_that_was_not_said(value: object) -> None:
    side = Side()
    members = dict.fromkeys(("stock", "capacity", "price_fen"), value)
    side.show("lane/12", json.dumps(members).encode())
    (lane,) = view(side).lanes
    assert (lane.stock, lane.capacity, lane.price_fen) == (None, None, 0)


def test_text_is_cut_and_kept_on_one_line() -> None:
    side = Side()
    side.show("lane/12", json.dumps({"product": "a\nb\x00\u202ec" + "x" * 5_000, "reason": 7}).encode())
    (lane,) = view(side).lanes
    assert lane.product_zh == "a b  c" + "x" * (NAME_LIMIT - 6)
    assert lane.reason == ""


def test_a_machine_can_show_only_so_many_lanes() -> None:
    side = Side()
    for number in range(1, LANES_LIMIT + 50):
        side.show(f"lane/{number}", b'{"stock":1}')
    assert len(view(side).lanes) == LANES_LIMIT
    side.show("lane/1", b'{"stock":2}')
    assert view(side).lanes[0].stock == 2


@pytest.mark.parametrize(
    "name", ["lane/", "lane/0", "lane/012", "lane/10000", "lane/-1", "lane/1/2", "lane/١٢"]
)
def test_a_lane_has_one_name(name: str) -> None:
    side = Side()
    side.show(name, b"{}")
    assert view(side).lanes == ()


def test_a_machine_that_is_not_ours_is_not_shown() -> None:
    side = Side()
    side.show("presence", presence(True), machine="vm-0099")
    assert len(side.roster.machines()) == 2
    assert side.roster.refused == {"foreign": 1}


@given(
    st.binary(max_size=200)
    | st.dictionaries(st.text(), st.text() | st.integers() | st.floats()).map(
        lambda members: json.dumps(members).encode()
    ),
    st.sampled_from(["health", "climate", "lane/7", "presence", "sales", "x" * 500]),
)
def test_no_words_break_the_roster(payload: bytes, name: str) -> None:
    side = Side()
    side.show(name, payload[: LIMIT_BYTES[Branch.STATE]])
    assert view(side).machine == HERE


# ---------------------------------------------------------------- onlookers


async def test_a_slow_onlooker_misses_repeats_and_no_machine() -> None:
    side = Side()
    changes = side.roster.changes()
    for stock in range(100):
        side.show("lane/12", json.dumps({"stock": stock}).encode())
    side.show("presence", presence(True), machine=THERE)
    assert [await anext(changes), await anext(changes)] == [HERE, THERE]
    waiting = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    assert not waiting.done()
    side.show("lane/12", b'{"stock":4}')
    assert await waiting == HERE


async def test_nothing_new_is_no_news_until_it_was_long_seen() -> None:
    side = Side()
    side.show("health", b'{"selling":1}')
    changes = side.roster.changes()
    waiting = asyncio.ensure_future(anext(changes))
    side.show("health", b'{"selling":1}')
    await asyncio.sleep(0)
    assert not waiting.done()
    side.clock.ms += SEEN_STEP_MS
    side.show("health", b'{"selling":1}')
    assert await waiting == HERE
