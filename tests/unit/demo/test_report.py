"""What a scripted sale is reported as: the result, the money, the stopwatch, and every contradiction."""

from dataclasses import replace

import pytest

from hw_sim.demo.books import Books, BridgeSale, Order
from hw_sim.demo.report import as_story, report
from hw_sim.demo.scenarios import SCENARIOS
from hw_sim.demo.script import Ending
from hw_sim.demo.story import Fact

SALE, OTHER = "a" * 26, "b" * 26
PLAIN = SCENARIOS[""]


def fact(t_ms: float, mark: str) -> Fact:
    return Fact(t_ms=t_ms, who="edge", what=mark, mark=mark)


VENDED = Ending(
    began_ms=1000.0,
    seen_ms=1300.5,
    books=Books(
        journal={SALE: "delivered"},
        bridge={SALE: BridgeSale(state="vended", paid_fen=350, refunded_fen=0)},
        platform={SALE: Order(state="SUCCESS", paid_fen=350, refunded_fen=0)},
        pieces_dropped=1,
    ),
    wrong=[],
    facts=[fact(1100, "mqtt.sale.requested"), fact(1400, "notice.sent"), fact(1550, "motor_frame")],
)
RESELECTED = replace(
    VENDED,
    books=Books(
        journal={OTHER: "closed", SALE: "closed"},
        bridge={
            OTHER: BridgeSale(state="closed", paid_fen=0, refunded_fen=0),
            SALE: BridgeSale(state="refunded", paid_fen=350, refunded_fen=350),
        },
        platform={
            OTHER: Order(state="CLOSED", paid_fen=0, refunded_fen=0),
            SALE: Order(state="REFUND", paid_fen=350, refunded_fen=350),
        },
        pieces_dropped=0,
    ),
)


def test_a_sale_that_vended_is_reported_with_its_money_and_its_times() -> None:
    told = report("", PLAIN, VENDED)
    assert (told["ok"], told["agreed"], told["result"]) == (True, True, "vended")
    assert (told["paid_fen"], told["refunded_fen"], told["pieces_dropped"]) == (350, 0, 1)
    assert (told["sale_id"], told["out_trade_no"]) == (SALE, SALE)
    assert told["timings_ms"]["selection_to_code"] == 300.5
    assert told["timings_ms"]["notification_to_motor_frame"] == 150.0
    assert told["timings_ms"]["motor_frame_to_drop"] is None
    assert [each["t_ms"] for each in told["timeline"]] == [100.0, 400.0, 550.0]


def test_of_several_sales_the_paid_one_is_the_sale() -> None:
    told = report("reselect", SCENARIOS["reselect"], RESELECTED)
    assert (told["ok"], told["sale_id"], told["result"]) == (True, SALE, "refunded")
    assert [each["sale_id"] for each in told["sales"]] == [OTHER, SALE]


def test_an_end_that_the_scenario_does_not_allow_is_a_failure() -> None:
    told = report("jam", SCENARIOS["jam"], VENDED)
    assert not told["ok"]
    assert told["disagreements"] == ["ended vended, allowed refunded"]


@pytest.mark.parametrize("pieces", [0, 2])
def test_the_board_has_the_last_word_about_pieces(pieces: int) -> None:
    told = report("", PLAIN, replace(VENDED, books=replace(VENDED.books, pieces_dropped=pieces)))
    assert not told["ok"]
    assert told["disagreements"] == [f"ended vended, and {pieces} pieces fell"]


def said(who: str, what: str, mark: str = "") -> Fact:
    return Fact(t_ms=1600.0, who=who, what=what, mark=mark)


DOUBT, BACK = said("bridge", "in doubt: no_memory"), said("bridge", "¥3.50 goes back: doubt.no_memory")
IN_DOUBT = replace(
    VENDED,
    books=Books(
        journal={SALE: "uncertain"},
        bridge={SALE: BridgeSale(state="refunded", paid_fen=350, refunded_fen=350)},
        platform={SALE: Order(state="REFUND", paid_fen=350, refunded_fen=350)},
        pieces_dropped=1,
    ),
    facts=[said("board", "the motor of lane 11 turns", "motor.turns"), DOUBT, BACK],
)


def test_goods_and_money_are_allowed_when_doubt_was_on_record_first() -> None:
    told = report("power-cut", SCENARIOS["power-cut"], IN_DOUBT)
    assert (told["ok"], told["doubt"], told["motor_starts"]) == (True, "no_memory", 1)


@pytest.mark.parametrize("facts", [[], [BACK], [BACK, DOUBT], [said("edge", "in doubt: no_memory"), BACK]])
def test_doubt_that_came_late_or_never_is_no_excuse(facts: list[Fact]) -> None:
    told = report("power-cut", SCENARIOS["power-cut"], replace(IN_DOUBT, facts=facts))
    assert told["disagreements"] == ["refunded, and no doubt was on record before"]


def test_a_second_motor_start_is_a_failure_whatever_the_witnesses_say() -> None:
    turns = said("board", "the motor of lane 11 turns", "motor.turns")
    told = report("power-cut", SCENARIOS["power-cut"], replace(IN_DOUBT, facts=[turns, *IN_DOUBT.facts]))
    assert (told["ok"], told["disagreements"]) == (False, ["2 motor starts for 1 payments"])


def test_what_the_scenario_allows_is_named_and_is_not_called_agreement() -> None:
    scenario, differs = SCENARIOS["journal-lost"], f"{SALE}: {SCENARIOS['journal-lost'].differs}"
    lost = replace(IN_DOUBT, books=replace(IN_DOUBT.books, journal={}, pieces_dropped=0), differs=[differs])
    told = report("journal-lost", scenario, lost)
    assert (told["ok"], told["agreed"], told["allowed_differences"]) == (True, False, [differs])
    assert differs in as_story(told, scenario)[-1]


def test_refused_messages_and_the_lanes_brake_are_told() -> None:
    refused = [said("edge", f"message refused: {why}", "wire.refused") for why in ("unsigned", "unknown_key")]
    ending = replace(
        VENDED, facts=[*refused, refused[0]], lane={"failures": 2, "reason": "fault", "stock": 3}
    )
    told = report("", PLAIN, ending)
    assert told["messages_refused"] == {"unsigned": 2, "unknown_key": 1}
    assert told["lane"] == {"failures": 2, "reason": "fault"}
    lines = "\n".join(as_story(told, PLAIN))
    assert "2 x unsigned, 1 x unknown_key" in lines
    assert "2 failures in a row, fault" in lines


def test_what_never_came_to_rest_is_unfinished_and_no_success() -> None:
    paid = BridgeSale(state="paid", paid_fen=350, refunded_fen=0)
    books = replace(VENDED.books, bridge={SALE: paid})
    told = report("", PLAIN, replace(VENDED, books=books, wrong=["still paid at the bridge"]))
    assert (told["ok"], told["agreed"], told["result"]) == (False, False, "unfinished")


def test_without_any_order_there_is_still_a_report() -> None:
    empty = Books(journal={}, bridge={}, platform={}, pieces_dropped=0)
    told = report("", PLAIN, replace(VENDED, books=empty))
    assert (told["ok"], told["sale_id"], told["out_trade_no"]) == (False, "", None)


def test_the_story_for_people_ends_in_a_verdict() -> None:
    assert as_story(report("", PLAIN, VENDED), PLAIN)[-1] == "Machine, bridge, platform and board agree."
    wrong = as_story(report("jam", SCENARIOS["jam"], VENDED), SCENARIOS["jam"])
    assert "ended vended, allowed refunded" in wrong
    assert wrong[-1].startswith("Something is wrong")
