"""Worlds on every bus: each sells, each ends an interrupted vend as its board can prove, and any is drawn."""

import random
from collections import Counter

import pytest

from edge.drivers.registry import BUSES
from hw_sim.boards.board import Event
from hw_sim.boards.shelf import Wanted
from hw_sim.world.buses import ANY, KINDS, USUAL, abilities, board_of, drawn, oddities, settings_of
from hw_sim.world.cli import BAD_INPUT, Wish, run
from hw_sim.world.clocks import WorldClock
from hw_sim.world.keypad import Keys
from hw_sim.world.loop import Host, WorldLoop
from hw_sim.world.plays_buses import WAYS
from hw_sim.world.run import Life, Outcome, run_seed

PRICES = {11: 350, 12: 200, 13: 400, 14: 650}
TRIED = frozenset({"killed_in_a_vend", "bad_turns"})


def lived(bus: str, *, sales: int, only: frozenset[str] = frozenset(), seed: int = 1) -> Outcome:
    return run_seed(seed, Life(bus=bus, sales=sales, machines=1, only=only, every_s=30.0, all_pay=True))


def told(outcome: Outcome) -> Counter[str]:
    return Counter(entry.what for entry in outcome.story.entries)


@pytest.mark.parametrize("bus", BUSES)
def test_a_machine_of_each_bus_sells_whatever_is_paid(bus: str) -> None:
    outcome = lived(bus, sales=4)
    assert outcome.violations == ()
    assert outcome.counts["vended"] == outcome.counts["pieces"] == 4
    happened = told(outcome)
    assert happened["frame leaves"] == happened["motor starts"] == 4
    assert outcome.marks[f"bus: {bus}"] == 1


@pytest.mark.parametrize("bus", [bus for bus in BUSES if bus != USUAL])
def test_whatever_board_is_cut_in_its_vends_breaks_no_promise(bus: str) -> None:
    outcome = lived(bus, sales=5, only=TRIED, seed=2)
    assert outcome.violations == ()
    answers = sum(count for mark, count in outcome.marks.items() if mark.startswith("recovery: "))
    assert answers == told(outcome)["learns"]


def test_the_table_of_what_boards_remember_is_what_their_drivers_declare() -> None:
    clock = WorldClock(WorldLoop(random.Random(1).randrange))
    declared = {bus: abilities(settings_of(bus, (11,)), clock).witness.recovery for bus in BUSES}
    assert {bus: way for bus, (way, _) in WAYS.items()} == declared


def test_a_seed_draws_its_bus_for_itself_and_the_usual_one_most_often() -> None:
    buses = Counter(drawn(ANY, random.Random(seed)) for seed in range(2000))
    assert set(buses) == set(BUSES)
    assert 900 < buses[USUAL] < 1100
    assert min(buses.values()) > 50
    assert drawn("tcn", random.Random(1)) == "tcn"
    with pytest.raises(ValueError, match="found 'tnc', allowed any, xy"):
        drawn("tnc", random.Random(1))


def test_a_bus_that_is_not_there_is_refused_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    life = Life(bus="tnc")
    wish = Wish(
        seeds="0:1", life=life, seed=1, story=False, every_step=False, every_mark=False,
        without="", as_json=False, workers=1,
    )  # fmt: skip
    assert run(wish) == BAD_INPUT
    assert "--bus: found tnc, allowed any, xy, " in capsys.readouterr().err


@pytest.mark.parametrize("bus", BUSES)
def test_what_may_go_wrong_with_a_board_is_what_it_knows(bus: str) -> None:
    board = board_of(bus, PRICES, stock=100, wanted=Wanted())
    kind = KINDS[bus]
    assert {*kind.runs, *kind.words, *kind.makes} - set(board.faults.known) == set()
    assert {lane.number: lane.price for lane in board.cabinet.lanes.values()} == PRICES
    assert settings_of(bus, tuple(PRICES)).bus == bus


def test_every_bus_has_its_kind_of_world() -> None:
    assert set(KINDS) == set(BUSES)


def test_boards_of_one_kind_differ_by_the_seed() -> None:
    drawn_so = Counter(oddities("easivend", random.Random(seed)) for seed in range(40))
    assert drawn_so[()] > 5
    assert len(drawn_so) > 4
    assert oddities("tcn-lifter", random.Random(1)) in ((), ("wide_errors",))


class Fingers:
    """What a daemon hears of a keypad."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def on_opened(self) -> None:
        pass

    def on_data(self, data: bytes) -> None:
        self.heard.append(data)

    def on_lost(self, why: str) -> None:
        raise AssertionError(why)


def test_keys_reach_the_daemon_that_runs_and_no_other() -> None:
    loop, host = WorldLoop(random.Random(1).randrange), Host("vm")
    keys, first, second = Keys(loop), Fingers(), Fingers()
    keys.press(11)  # nobody has opened the port
    loop.spawn(host, keys.plug(host).serve(first), "keypad")
    loop.run_until(1)
    keys.press(12)
    loop.run_until(2)
    keys.press(13)
    loop.cut(host)
    loop.spawn(host, keys.plug(host).serve(second), "keypad")
    loop.run_until(3)
    keys.press(0)
    loop.run_until(4)
    assert (first.heard, second.heard) == ([b"12#"], [b"*"])


def events(bus: str, faults: tuple[str, ...], said: str, *, traced: bool = True) -> list[Event]:
    """What happens at a board that has heard this, within ten seconds."""
    board = board_of(bus, PRICES, stock=5, wanted=Wanted(turn_ms=700, traced=traced))
    for fault in faults:
        board.faults.set(fault, times=1)
    board.hear(bytes.fromhex(said), 0)
    for at_ms in range(0, 10_000, 10):
        board.tick(at_ms)
    return board.events


OPEN_11 = "8a010b1191"


def test_a_board_that_is_not_traced_tells_what_happens_and_no_frames() -> None:
    assert {each.what for each in events("lock8a", (), OPEN_11)} == {"frame", "motor", "dropped"}
    assert {each.what for each in events("lock8a", (), OPEN_11, traced=False)} == {"motor", "dropped"}


def test_a_door_that_sprang_open_stands_open_though_its_board_has_restarted_since() -> None:
    board = board_of("lock8a", PRICES, stock=5, wanted=Wanted(turn_ms=700))
    board.hear(bytes.fromhex(OPEN_11), 0)
    board.tick(600)
    assert board.cabinet.pieces_dropped == 1
    board.restart(610)
    board.hear(bytes.fromhex("80010b33b9"), 700)
    assert board.tick(800) == [bytes.fromhex("80010b119b")]


@pytest.mark.parametrize(("amount", "starts"), [("3.50", 1), ("-1", 0), ("-3", 0), ("\r1", 0), ("3,50", 0)])
def test_an_adapter_approves_amounts_and_nothing_else(amount: str, starts: int) -> None:
    board = board_of("mdb-qibixx", PRICES, stock=5, wanted=Wanted())
    board.hear(b"C,1\n", 0)
    board.key(11)
    board.tick(10)
    board.tick(200)
    board.hear(f"C,VEND,{amount}\n".encode(), 300)
    assert board.cabinet.motor_starts == starts


@pytest.mark.parametrize("bus", BUSES)
def test_no_noise_breaks_a_board(bus: str) -> None:
    chance = random.Random(7)
    board = board_of(bus, PRICES, stock=5, wanted=Wanted())
    for at_ms in range(0, 60_000, 20):
        heads = chance.choice((b"\xa8", b"\x01", b"\xed\x08", b"\x02", b"\xe5", b"\x8a\x01", b"C,VEND,", b""))
        board.hear(
            heads + chance.randbytes(chance.randrange(12)) + chance.choice((b"\n", b"\xfe", b"")), at_ms
        )
        board.tick(at_ms)
    assert board.cabinet.pieces_dropped <= 1


@pytest.mark.parametrize("said", ["01010100", "0102011310", "0103031301 12"])
def test_a_request_that_is_too_short_is_none(said: str) -> None:
    board = board_of("jinma", PRICES, stock=5, wanted=Wanted())
    assert board.hear(bytes.fromhex(said), 0) == board.tick(100) == []
