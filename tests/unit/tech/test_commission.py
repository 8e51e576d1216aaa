"""The checklist of a new machine: what a person does, what the bus tells, what is to be mended."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from edge.tech.commission import DONE, YES, Plan, commission
from edge.tech.trial import Finding, Verdict
from edge.tech.visit import Visit
from tests.unit.drivers.line import Shop
from tests.unit.tech.test_visit import kept, machine, settings, tech, visiting

PLANNED = Plan(planned=frozenset({11, 12}), lane=12)


class Hands:
    """A person who does at the simulated machine what is asked, except what is in `instead`."""

    def __init__(self, shop: Shop, instead: Mapping[str, str]) -> None:
        self._shop = shop
        self._instead = instead
        self.asked: list[str] = []

    async def ask(self, step: str, words: str) -> str:
        self.asked.append(step)
        if step in self._instead:
            return self._instead[step]
        board = self._shop.board
        match step:
            case "vend_full" | "power_cut":
                board.cabinet.lanes[12].stock = 5
            case "vend_empty":
                board.cabinet.lanes[12].stock = 0
            case "door_open" | "door_closed":
                board.cabinet.door_open = step == "door_open"
            case "probe_out" | "probe_in":
                board.faults.set("probe_open", times=-1 if step == "probe_out" else 0)
            case "choose":
                asyncio.get_running_loop().call_later(1, self._choose)
            case "price_right":
                return YES
            case "turned_again":
                return "no"
        if step == "power_cut":
            asyncio.get_running_loop().call_later(1, self._power, False)
            asyncio.get_running_loop().call_later(6, self._power, True)
        return DONE

    def _power(self, on: bool) -> None:
        self._shop.board.power(on, self._shop.wire.now_ms())
        self._shop.wire.look()

    def _choose(self) -> None:
        self._shop.board.key(12)
        self._shop.wire.look()


def walked(
    bus: str, plan: Plan = PLANNED, *, but: Mapping[str, str] = MappingProxyType({})
) -> tuple[Shop, dict[str, Finding]]:
    shop, visit = visiting(bus)
    hands = Hands(shop, but)

    async def all_steps(visit: Visit) -> list[Finding]:
        return [finding async for finding in commission(visit, hands, plan)]

    return shop, {each.check: each for each in shop.do(all_steps(visit), within_s=2000)}


def test_a_sound_machine_passes_and_turns_three_times() -> None:
    shop, found = walked("tcn")
    assert {name: each.verdict for name, each in found.items()} == {
        "identify": Verdict.PASS,
        "scan": Verdict.PASS,
        "vend with a product": Verdict.PASS,
        "vend without a product": Verdict.PASS,
        "door": Verdict.PASS,
        "temperature probe": Verdict.PASS,
        "power cut": Verdict.PASS,
        "price of the machine": Verdict.NOT_APPLICABLE,
    }, found
    assert shop.starts == 3


def test_a_sensor_that_sees_everything_is_found_by_the_empty_turn() -> None:
    _, found = walked("tcn", but={"vend_empty": DONE})  # the lane stays full: a piece is seen
    told = found["vend without a product"]
    assert (told.verdict, "the drop sensor is off, or blind" in told.words) == (Verdict.FAIL, True)


@pytest.mark.parametrize(
    ("step", "answers", "words"),
    [
        ("door", {"door_open": DONE}, "It was not told within 60 s"),
        ("door", {"door_closed": DONE}, "the switch, and its polarity"),
        ("temperature probe", {"probe_out": DONE}, "a missing probe was not told"),
        ("temperature probe", {"probe_in": DONE}, "no temperature was told"),
        ("power cut", {"power_cut": DONE}, "the board was never away"),
        ("power cut", {"turned_again": YES}, "do not sell with this board"),
    ],
)
def test_what_is_not_as_it_should_be_is_told_with_what_to_mend(
    step: str, answers: dict[str, str], words: str
) -> None:
    _, found = walked("tcn", but=answers)
    assert (found[step].verdict, words in found[step].words) == (Verdict.FAIL, True), found[step]


def test_nothing_turns_without_a_lane_that_may() -> None:
    shop, found = walked("tcn", Plan(planned=frozenset({11, 13}), lane=None))
    assert (found["power cut"].verdict, shop.starts) == (Verdict.NOT_APPLICABLE, 0)
    assert (found["scan"].verdict, "13: planned, and not" in found["scan"].words) == (Verdict.FAIL, True)


def test_a_silent_board_ends_the_walk_at_its_first_step() -> None:
    shop, visit = visiting("tcn")
    shop.board.faults.set("silent", times=-1)

    async def all_steps() -> list[Finding]:
        return [each async for each in commission(visit, Hands(shop, {}), PLANNED)]

    assert [(each.check, each.verdict) for each in shop.do(all_steps())] == [("identify", Verdict.FAIL)]


def test_a_machine_that_knows_prices_is_asked_for_one() -> None:
    shop, found = walked("mdb-qibixx")
    told = found["price of the machine"]
    assert (told.verdict, told.words) == (Verdict.PASS, "lane 12 for 350 fen, as shown")
    assert found["vend with a product"].verdict is Verdict.NOT_APPLICABLE
    assert b"C,VEND,-1\n" in b"".join(shop.wire.written)  # the wish was not left hanging
    assert walked("mdb-qibixx", but={"price_right": "no"})[1]["price of the machine"].verdict is Verdict.FAIL
    assert shop.starts == 0


def test_the_result_is_kept_as_json_and_what_to_mend_is_printed(tmp_path: Path) -> None:
    kept(tmp_path)
    (tmp_path / "answers.json").write_text('{"vend_full": "done"}')
    out = tmp_path / "result.json"
    with machine() as board:
        told = tech(
            *("commission", "--config", settings(tmp_path, board), "--lane", "11"),
            *("--out", str(out), "--answers", str(tmp_path / "answers.json")),
        )
    steps = {each["step"]: each["verdict"] for each in json.loads(out.read_text())["steps"]}
    assert (told.exit_code, steps["scan"], steps["vend with a product"]) == (1, "FAIL", "pass"), told.output
    assert "12: in the machine, and not planned" in told.output
    assert steps["door"] == "n/a"
    notes = (tmp_path / "service.jsonl").read_text().splitlines()
    assert [json.loads(note)["did"] for note in notes] == ["commission", "commission"]


@pytest.mark.parametrize("text", ["[]", "{", '{"door_open": "perhaps"}'])
def test_answers_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "answers.json"
    file.write_text(text)
    told = tech("commission", "--config", "edge.toml", "--out", str(tmp_path / "o"), "--answers", str(file))
    assert (told.exit_code, "allowed" in told.output) == (2, True)
