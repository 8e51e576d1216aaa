"""MDB cashless over both adapters: what the wires say, and payments that race with second thoughts."""

from pathlib import Path
from typing import Any

import pytest

from edge.core.model import Delivered, NotDelivered, Outcome, Uncertain, VendOrder, Withheld
from edge.drivers.mdb.cashless import (
    Answered,
    Asked,
    Cancelled,
    Completed,
    Disabled,
    Enabled,
    Failed,
    Restarted,
    Succeeded,
)
from edge.drivers.mdb.qibixx import Lines
from edge.drivers.mdb.settings import QibixxSettings, WaferstarSettings
from edge.drivers.mdb.waferstar import Waferstar
from edge.drivers.registry import BUSES, Line
from edge.ports import BusDown, CancelPressed, KeyPressed
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.shelf import Wanted, make_board
from tests.unit.drivers.line import Shop

LANES, ITEMS = (11, 12, 13), (11, 12, 13)
QIBIXX = QibixxSettings(port=Path("/dev/null"), lanes=LANES, items=ITEMS)
WAFERSTAR = WaferstarSettings(port=Path("/dev/null"), lanes=LANES, items=ITEMS)
both = pytest.mark.parametrize("bus", ["mdb-qibixx", "mdb-waferstar"])


def shop(bus: str) -> Shop:
    kind = BUSES[bus]()
    settings = kind.settings(port=Path("/dev/null"), lanes=LANES, items=ITEMS)
    board = make_board(bus, Cabinet.of(LANES), Wanted())
    return Shop(board, lambda clock, wire: kind.driver(settings, Line(clock=clock, port=wire))).up()


def wish(here: Shop, lane: int = 12) -> VendOrder:
    """A shopper keys a lane; what the engine then has."""
    here.board.key(lane)
    here.wire.look()
    here.wait(1)
    return here.order(lane)


# ---------------------------------------------------------------- the wires


@pytest.mark.parametrize(
    ("block", "fact"),
    [
        ("1010", Restarted()),
        ("140115", Enabled()),
        ("140014", Disabled()),
        ("1300015e000c7e", Asked(350, 12)),
        ("1302000c21", Succeeded()),
        ("130316", Failed()),
        ("130114", Cancelled()),
        ("130417", Completed()),
        ("6300015e000cce", Asked(350, 12)),  # the second reader's address
    ],
)
def test_a_block_of_the_machine_is_read_in_any_pieces(block: str, fact: Any) -> None:
    raw = bytes.fromhex(block)
    for reads in ([raw], [raw[at : at + 1] for at in range(len(raw))], [b"\xaa\x00" + raw], [raw + raw[:1]]):
        decoder = Waferstar(WAFERSTAR).decoder()
        assert [each for read in reads for each in decoder.feed(read)] == [fact]


def test_wide_money_has_four_bytes() -> None:
    wide = WaferstarSettings(port=Path("/dev/null"), lanes=LANES, items=ITEMS, expanded=True, level=3)
    assert Waferstar(wide).decoder().feed(bytes.fromhex("13000000015e000c7e")) == [Asked(350, 12)]
    assert Waferstar(wide).approve(350) == bytes.fromhex("050000015e64")


@pytest.mark.parametrize(
    ("made", "printed"),
    [
        (Waferstar(WAFERSTAR).begin(), "03ffff01"),
        (Waferstar(WAFERSTAR).approve(350), "05015e64"),
        (Waferstar(WAFERSTAR).deny(), "0606"),
        (Waferstar(WAFERSTAR).end(), "0707"),
        (
            Waferstar(WaferstarSettings(port=Path("/"), lanes=LANES, items=ITEMS, level=2)).begin(),
            "03ffffffffffff000000fd",
        ),
    ],
)
def test_the_readers_blocks_are_the_printed_ones(made: bytes, printed: str) -> None:
    assert made == bytes.fromhex(printed)


def test_lines_are_read_whatever_ends_them_and_what_is_not_known_is_dropped() -> None:
    lines = Lines(2)
    text = b"x,1,2\r\nr,ACK\nc,STATUS,VEND,3.50,12\r\nc,VEND,SUC"
    assert lines.feed(text) == [Asked(350, 12)]
    assert lines.feed(b"CESS\nc,ERR,VEND 3\n") == [Succeeded(), Failed()]
    assert lines.feed(b"c,ERR,VEND -3\nc,STATUS,INACTIVE\n") == [Answered(False), Restarted()]
    assert lines.skipped_bytes == len("x,1,2r,ACK")


@pytest.mark.parametrize(
    ("text", "units"), [("3.50", 350), ("3.5", 350), ("3", 300), ("0.05", 5), ("3.500", 350)]
)
def test_a_price_in_text_becomes_units_exactly(text: str, units: int) -> None:
    assert Lines(2).feed(f"c,STATUS,VEND,{text},12\n".encode()) == [Asked(units, 12)]


@pytest.mark.parametrize("text", ["3.505", "-1", "1e3", "", "3,50", "99999999.00"])
def test_a_price_that_is_none_is_no_request(text: str) -> None:
    assert Lines(2).feed(f"c,STATUS,VEND,{text},12\n".encode()) == []


def test_the_adapter_is_told_all_settings_while_its_reader_is_off() -> None:
    here = shop("mdb-qibixx")
    told = [line.decode().strip() for line in here.wire.written]
    assert told[0] == "C,0"
    assert {"C,SETCONF,mdb-currency-code=0x1156", "C,SETCONF,mdb-timeout-vend=245"} <= set(told)
    assert told.index("C,1") > max(told.index(line) for line in told if "SETCONF" in line)


@pytest.mark.parametrize(
    ("scale", "places", "price", "fen"),
    [(1, 2, 350, 350), (10, 2, 35, 350), (1, 1, 35, 350), (1, 3, 3505, None)],
)
def test_scale_and_decimals_make_fen_or_nothing(scale: int, places: int, price: int, fen: int | None) -> None:
    settings = QibixxSettings(port=Path("/"), lanes=LANES, items=ITEMS, scale=scale, decimal_places=places)
    assert settings.fen(price) == fen


# ---------------------------------------------------------------- vends


@both
def test_a_wish_is_told_once_however_often_the_machine_makes_it(bus: str) -> None:
    here = shop(bus)
    here.board.faults.set("repeats_request", times=1)
    wish(here)
    assert [event for event in here.told if isinstance(event, KeyPressed)] == [
        KeyPressed(lane=12, price_fen=350)
    ]


@both
def test_a_yes_turns_the_motor_once_and_the_machine_says_how_it_went(bus: str) -> None:
    here = shop(bus)
    assert isinstance(here.do(here.dispenser.vend(wish(here))), Delivered)
    assert (here.starts, here.fallen) == (1, 1)
    here.board.faults.set("no_drop", times=1)
    assert isinstance(here.do(here.dispenser.vend(wish(here, 13))), NotDelivered)


@both
def test_a_cancelled_wish_is_never_approved_though_it_was_paid(bus: str) -> None:
    here = shop(bus)
    order = wish(here)
    here.board.key(0)
    here.wire.look()
    here.wait(1)
    assert CancelPressed() in here.told
    assert here.do(here.dispenser.vend(order)) == Withheld(why="cancelled")
    here.wait(60)
    assert here.starts == 0


@both
def test_a_no_ends_the_wish_and_the_next_one_can_come(bus: str) -> None:
    here = shop(bus)
    wish(here)
    here.dispenser.dismiss(12)
    here.wait(1)
    assert here.do(here.dispenser.check(12)) == "no_request"
    assert isinstance(here.do(here.dispenser.vend(wish(here, 11))), Delivered)


@both
def test_a_no_for_another_lane_leaves_the_wish_alone(bus: str) -> None:
    here = shop(bus)
    order = wish(here)
    here.dispenser.dismiss(13)
    here.wait(1)
    assert isinstance(here.do(here.dispenser.vend(order)), Delivered)


@both
def test_a_reset_between_yes_and_result_is_doubt(bus: str) -> None:
    here = shop(bus)
    order = wish(here)
    here.board.faults.set("restart_in_run", times=1)
    outcome: Outcome = here.do(here.dispenser.vend(order))
    assert isinstance(outcome, Uncertain)
    assert outcome.why == "board_restarted"


@both
def test_silence_after_a_yes_is_doubt_and_the_yes_is_not_said_again(bus: str) -> None:
    here = shop(bus)
    order = wish(here)
    here.board.faults.set("no_result", times=1)
    assert isinstance(here.do(here.dispenser.vend(order)), Uncertain)
    assert here.starts == 1


@both
def test_no_yes_after_the_lease(bus: str) -> None:
    here = shop(bus)
    wish(here)
    assert here.do(here.dispenser.vend(here.order(12, lease_s=0))) == Withheld(why="lease")
    assert here.starts == 0


def test_a_machine_that_stops_selling_takes_the_bus_down() -> None:
    here = shop("mdb-waferstar")
    here.wire._bring(bytes.fromhex("140014"))
    here.wait(1)
    assert BusDown(why="silent") in here.told
    here.wire._bring(bytes.fromhex("140115"))
    here.wait(20)
    assert here.do(here.dispenser.check(12)) == "no_request"


def test_an_item_that_is_not_in_the_table_is_told_no() -> None:
    here = shop("mdb-waferstar")
    here.wire._bring(bytes.fromhex("1300015e00990b"))
    here.wait(1)
    assert KeyPressed(lane=0, price_fen=350) in here.told
    here.dispenser.dismiss(0)
    assert here.wire.written[-1] == bytes.fromhex("0606")


def test_sessions_are_begun_and_ended_where_a_machine_cannot_be_always_idle() -> None:
    kind = BUSES["mdb-waferstar"]()
    settings = kind.settings(port=Path("/dev/null"), lanes=LANES, items=ITEMS, sessions=True)
    board = make_board("mdb-waferstar", Cabinet.of(LANES), Wanted())
    here = Shop(board, lambda clock, wire: kind.driver(settings, Line(clock=clock, port=wire))).up()
    here.wire._bring(bytes.fromhex("140115"))
    assert here.wire.written[-1] == bytes.fromhex("03ffff01")
    assert isinstance(here.do(here.dispenser.vend(wish(here))), Delivered)
    here.wait(1)
    assert here.wire.written[-1] == bytes.fromhex("070703ffff01")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"items": (1, 2)}, "items: found 2 for 3 lanes"),
        ({"items": (1, 1, 2)}, "one for each, once"),
        ({"patience_s": 60}, "patience_s: found 60; allowed is 90 to 255"),
        ({"address": 0x20}, "address: found 32"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], words: str) -> None:
    fields: dict[str, Any] = {"port": Path("/dev/null"), "lanes": LANES, "items": ITEMS}
    with pytest.raises(ValueError, match=words):
        QibixxSettings(**(fields | wrong))
