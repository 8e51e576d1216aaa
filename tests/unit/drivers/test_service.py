"""What each bus does for a technician: the bytes of its protocol's file, and a board that obeys them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from edge.drivers.registry import BUSES, make_dispenser
from edge.drivers.service import CHANGES, Act, Move, Served, Serves, Unable, Unanswered, Wish
from edge.drivers.talk import Ask, Heard
from edge.drivers.xy.codec import encode
from edge.drivers.xy.messages import MenuAnswer
from edge.drivers.xy.service import SERVICES as XY
from edge.drivers.xy.settings import XySettings
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.shelf import Wanted, make_board
from hw_sim.boards.xy import BoardSettings, XyBoard
from hw_sim.world.clocks import WorldClock
from hw_sim.world.loop import WorldLoop
from tests.unit.drivers.line import Shop

MORE: dict[str, dict[str, Any]] = {
    "xy": {},
    "relay": {"lanes": (1, 2), "relays": 16, "accept_without_proof": True},
    "zdm8": {"lanes": (11, 12)},
}


def driver(bus: str) -> Any:
    settings = BUSES[bus]().settings(port=Path("board"), **MORE.get(bus, {"lanes": (11, 12)}))
    return make_dispenser(settings, WorldClock(WorldLoop(lambda _: 0)))


def done(bus: str, act: Act, wish: Wish, exchange: Iterable[tuple[str, str]]) -> Served:
    """Run a script against these bytes: what it must write, and what the board answers to it."""
    dispenser = driver(bus)
    decoder = dispenser._bus.decoder()
    script, steps, now_ms = dispenser._services[act](wish), iter(exchange), 0
    heard: Heard | None = None
    try:
        while True:
            step = script.send(heard) if heard is not None else next(script)
            now_ms += 1_000
            frame = None
            if isinstance(step, Ask):
                asked, reply = next(steps)
                assert step.frame.hex(" ").upper() == asked
                decoder.expect(step.frame)
                frames = [each for each in decoder.feed(bytes.fromhex(reply)) if step.answers(each)]
                frame = frames[0] if frames else None
            heard = Heard(frame=frame, now_ms=now_ms)
    except StopIteration as end:
        assert list(steps) == []
        served: Served = end.value
        return served


ON, OFF, TO_6, TO_3000 = Wish(on=True), Wish(on=False), Wish(celsius=6), Wish(move=Move.POSITION, to=3000)
RUN_12 = "01 03 02 0C 03 01 90 00 DC 13 88 00 00 00 00 00 00 00 8B EF"
JINMA = "01 0B 10 00 02 00 06 05 00 02 01 00 00 19"
POLL_07 = "00 A3 02 0C 07 01 90 00 DC 50 06 23 A8"
POLL_OK = "00 A3 02 0C 00 01 90 00 DC 1E 06 60 C8"
ZEROS = " 00" * 14
GOLDEN: list[tuple[str, Act, Wish, list[tuple[str, str]], bool, dict[str, object]]] = [
    ("tcn", Act.DROP_SENSOR, ON, [("00 FF 64 9B AA 55", "00 5D 00 00 5D")], True, {"drop_sensor": "well"}),
    (
        "tcn",
        Act.DROP_SENSOR,
        ON,
        [("00 FF 64 9B AA 55", "00 5C 02 00 5E")],
        False,
        {"drop_sensor": "sensor_fault (02)"},
    ),
    ("tcn", Act.LIGHT, ON, [("00 FF DD 22 AA 55", "00 5D 00 00 5D")], True, {"light": "on"}),
    ("tcn", Act.LIGHT, OFF, [("00 FF DD 22 55 AA", "00 5D 00 00 5D")], True, {"light": "off"}),
    (
        "tcn",
        Act.TEMPERATURE,
        ON,
        [("00 FF DC 23 55 AA", "00 5D 06 EB 4E")],
        True,
        {"probe_1_c": 6, "probe_2_c": None},
    ),
    ("tcn", Act.SET_TEMPERATURE, TO_6, [("00 FF CE 31 06 F9", "00 5D 00 00 5D")], True, {"target_c": 6}),
    (
        "tcn-lifter",
        Act.LIFT,
        Wish(move=Move.OPEN),
        [
            ("02 04 03 00 01 01 03 06", "02 05 03 00 00 00 00 03 07"),
            ("02 03 01 00 00 03 03", "02 05 01 00 00 00 00 03 05"),
        ],
        True,
        {"lift": "open: done"},
    ),
    (
        "tcn-lifter",
        Act.LIFT,
        Wish(move=Move.LAYER, to=3),
        [
            ("02 04 04 00 03 03 03 01", "02 05 04 00 00 00 00 03 00"),
            ("02 03 01 00 00 03 03", "02 05 01 00 04 24 28 03 0D"),
        ],
        False,
        {"error_1": "jam (36)"},
    ),
    (
        "tcn-lifter",
        Act.FAULTS,
        ON,
        [("02 03 01 00 00 03 03", "02 05 01 00 04 24 28 03 0D")],
        False,
        {"error_1": "jam (36)"},
    ),
    (
        "tcn-lifter",
        Act.CLEAR_FAULTS,
        ON,
        [
            ("02 03 50 00 00 03 52", "02 05 50 00 00 00 00 03 54"),
            ("02 03 01 00 00 03 03", "02 05 01 00 00 00 00 03 05"),
        ],
        True,
        {"faults": "none"},
    ),
    (
        "ziman",
        Act.TEMPERATURE,
        ON,
        [("A8 08 04 C8 02 02 80 FE", "A8 09 04 C8 06 08 01 8C FE")],
        True,
        {"temperature_c": 8, "target_c": 6, "cooling": True},
    ),
    (
        "ziman",
        Act.FAULTS,
        ON,
        [
            ("A8 08 08 C8 01 01 82 FE", "A8 0A 05 11 02 05 28 00 F7 FE"),
            ("", "A8 0A 05 12 02 06 17 01 E9 FE"),
            ("", ""),
        ],
        False,
        {"row 2 column 5": "motor_fault (00)"},
    ),
    (
        "easivend",
        Act.DROP_SENSOR,
        ON,
        [("ED 08 00 71 0B 00 00 9F", "EE 08 00 71 0B 81 00 1D")],
        False,
        {"drop_sensor": "sensor_fault (81)"},
    ),
    (
        "easivend",
        Act.FAULTS,
        ON,
        [
            ("ED 08 00 71 0B 00 00 9F", "EE 08 00 71 0B 00 00 9C"),
            ("ED 08 00 71 0C 00 00 98", "EE 08 00 71 0C 09 00 92"),
        ],
        False,
        {"lane 12": "motor_absent (09)"},
    ),
    ("adh814", Act.TEMPERATURE, ON, [("01 A3 40 59", POLL_OK)], True, {"temperature_c": 6}),
    (
        "adh814",
        Act.SET_TEMPERATURE,
        Wish(celsius=5),
        [("01 A4 01 00 05 AB 33", "00 A4 01 00 05 96 F3")],
        True,
        {"target_c": 5, "mode": "cooling"},
    ),
    ("adh814", Act.FAULTS, ON, [("01 A3 40 59", POLL_07)], False, {"motor 12": "motor_timeout (fault 3)"}),
    (
        "adh814",
        Act.CLEAR_FAULTS,
        ON,
        [("01 A6 80 5A", "00 A6 81 CA"), ("01 A3 40 59", POLL_OK)],
        True,
        {"faults": "none"},
    ),
    (
        "m102",
        Act.LIGHT,
        ON,
        [("01 08 03 01" + ZEROS + " 26 2B", "01 08 03 F1" + ZEROS + " D6 6F")],
        True,
        {"light": "on"},
    ),
    (
        "m102",
        Act.FAULTS,
        ON,
        [("01 03 00 00" + ZEROS + " D0 E8", RUN_12)],
        False,
        {"motor 12": "motor_timeout (result 3)"},
    ),
    (
        "zdm8",
        Act.DROP_SENSOR,
        ON,
        [("01 03 00 08 00 01 05 C8", "01 03 02 00 01 79 84")],
        True,
        {"drop_sensor": "aligned and clear"},
    ),
    (
        "zdm8",
        Act.LIGHT,
        Wish(on=True, output=1),
        [("01 06 10 01 01 01 1C 9A", "01 06 10 01 01 01 1C 9A")],
        True,
        {"relay_1": "on"},
    ),
    (
        "zdm8",
        Act.FAULTS,
        ON,
        [("01 03 00 03 00 01 74 0A", "01 03 02 03 06 38 B6")],
        False,
        {"error": "no_drop (06)"},
    ),
    ("jinma", Act.DROP_SENSOR, ON, [("01 02 10 01 13", JINMA)], True, {"drop_sensor": "clear (02)"}),
    ("jinma", Act.TEMPERATURE, ON, [("01 02 10 01 13", JINMA)], True, {"temperature_c": 6, "target_c": 5}),
    (
        "relay",
        Act.LIGHT,
        Wish(on=True, output=4),
        [("01 05 00 03 FF 00 7C 3A", "01 05 00 03 FF 00 7C 3A")],
        True,
        {"relay_4": "on"},
    ),
]


@pytest.mark.parametrize(("bus", "act", "wish", "exchange", "ok", "told"), GOLDEN)
def test_the_bytes_are_those_of_the_protocol(
    bus: str, act: Act, wish: Wish, exchange: list[tuple[str, str]], ok: bool, told: dict[str, object]
) -> None:
    assert done(bus, act, wish, exchange) == Served(ok=ok, told=told)


@pytest.mark.parametrize("bus", sorted(BUSES))
def test_a_driver_can_what_its_bus_says_that_it_can(bus: str) -> None:
    if bus.startswith("mdb") or bus in ("junpeng",):
        assert BUSES[bus]().acts == frozenset()
        return
    dispenser = driver(bus)
    assert isinstance(dispenser, Serves)
    assert dispenser.acts == BUSES[bus]().acts


# ---------------------------------------------------------------- XY: entries of the service menu


def menu(act: Act, wish: Wish, exchange: Iterable[tuple[str, str]]) -> Served:
    """The same for a machine's menu: the texts of `70` and `71` behind the PackNo."""
    script, steps = XY[act](XySettings(port=Path("board")), wish), iter(exchange)
    told: MenuAnswer | None = None
    try:
        while True:
            entry = script.send(told) if told is not None else next(script)
            asked, reply = next(steps)
            assert encode(entry.command, 9)[5:-1].hex(" ").upper() == asked
            text = bytes.fromhex(reply)
            told = MenuAnswer(text[0], text[1], text[2:])
    except StopIteration as end:
        assert list(steps) == []
        served: Served = end.value
        return served


@pytest.mark.parametrize(
    ("act", "wish", "exchange", "ok", "told"),
    [
        (Act.DROP_SENSOR, ON, [("50 01 00 00", "50 01 00 00")], True, {"drop_sensor": "well"}),
        (
            Act.DROP_SENSOR,
            ON,
            [("50 01 00 00", "50 01 00 01")],
            False,
            {"drop_sensor": "sensor_fault (00 01)"},
        ),
        (
            Act.TEMPERATURE,
            ON,
            [("36 00 00", "36 00 00 EE 00")],
            True,
            {"temperature_c": -18, "fault": "none (00)"},
        ),
        (
            Act.TEMPERATURE,
            ON,
            [("36 00 00", "36 00 00 05 07")],
            False,
            {"temperature_c": 5, "fault": "probe (07)"},
        ),
        (
            Act.SET_TEMPERATURE,
            Wish(celsius=-18),
            [("28 01 00 02 EE", "28 01 00")],
            True,
            {"target_c": -18, "mode": "cooling"},
        ),
        (
            Act.LIFT,
            Wish(move=Move.LAYER, to=3),
            [("54 01 00 03", "54 01 00 00")],
            True,
            {"lift": "layer 3: done"},
        ),
        (
            Act.LIFT,
            Wish(move=Move.LAYER, to=3),
            [("54 01 00 03", "54 01 00 02")],
            False,
            {"lift": "flap error (00 02)"},
        ),
        (
            Act.FAULTS,
            ON,
            [
                ("32 00", "32 00 01 00 0B 00"),
                ("33 00", "33 00 02 00 0C 00 17"),
                ("35 00", "35 00 00"),
                ("34 00", "34 00 04"),
            ],
            False,
            {
                "lane 11 32": "jam",
                "lane 12 33": "motor_fault",
                "lane 23 33": "motor_fault",
                "lift": "elevator_fault, 4 times",
            },
        ),
    ],
)
def test_a_machines_menu_is_asked_as_its_document_says(
    act: Act, wish: Wish, exchange: list[tuple[str, str]], ok: bool, told: dict[str, object]
) -> None:
    assert menu(act, wish, exchange) == Served(ok=ok, told=told)


def test_the_menus_no_and_its_nonsense_are_no_answer() -> None:
    with pytest.raises(Unanswered, match="says no: 71 28 01"):
        menu(Act.SET_TEMPERATURE, TO_6, [("28 01 00 02 06", "28 01 01")])
    with pytest.raises(Unanswered, match="too short"):
        menu(Act.TEMPERATURE, ON, [("36 00 00", "36 00 00")])


# ---------------------------------------------------------------- what a board cannot, and what it does


@pytest.mark.parametrize(
    ("bus", "act", "wish", "words"),
    [
        ("tcn", Act.SET_TEMPERATURE, Wish(celsius=-5), "--set: found -5, allowed 0 to 60"),
        ("tcn-lifter", Act.LIFT, TO_3000, "lift: found position, allowed home, layer, open, close"),
        ("tcn-lifter", Act.LIFT, Wish(move=Move.LAYER, to=0), "lift layer: found 0, allowed 1 to 20"),
        ("zdm8", Act.LIFT, Wish(move=Move.OPEN), "lift: found open, allowed home, position"),
        ("zdm8", Act.LIGHT, ON, "--output: found none, allowed 1 to 10"),
        ("relay", Act.LIGHT, Wish(on=True, output=2), "allowed a relay that is no lane's: 3, 4"),
    ],
)
def test_what_the_board_cannot_be_told_is_refused_before_a_byte(
    bus: str, act: Act, wish: Wish, words: str
) -> None:
    with pytest.raises(Unable, match=words):
        done(bus, act, wish, [])


def shop(bus: str) -> Shop:
    board = make_board(bus, Cabinet.of((1, 2) if bus == "relay" else (11, 12)), Wanted())
    settings = BUSES[bus]().settings(port=Path("board"), **MORE.get(bus, {"lanes": (11, 12)}))
    return Shop(board, lambda clock, wire: make_dispenser(settings, clock, port=wire)).up()


def serve(at: Shop, act: Act, wish: Wish = ON) -> Served:
    assert isinstance(at.dispenser, Serves)
    served = at.do(at.dispenser.serve(act, wish))
    assert isinstance(served, Served)
    return served


ASKING = [(bus, act) for bus in sorted(set(BUSES) - {"xy"}) for act in sorted(BUSES[bus]().acts - CHANGES)]


@pytest.mark.parametrize(("bus", "act"), ASKING)
def test_a_well_board_says_that_it_is_well_and_nothing_moves(bus: str, act: Act) -> None:
    at = shop(bus)
    before = repr(at.board.cabinet)
    assert serve(at, act).ok
    assert repr(at.board.cabinet) == before


@pytest.mark.parametrize(("bus", "act"), ASKING)
def test_a_board_that_falls_silent_is_told_as_no_answer(bus: str, act: Act) -> None:
    at = shop(bus)
    at.board.faults.set("silent")
    if (bus, act) == ("ziman", Act.FAULTS):  # it says nothing where nothing has ever run
        return
    with pytest.raises(Unanswered):
        serve(at, act)


@pytest.mark.parametrize(
    ("bus", "wish"),
    [
        ("tcn", ON),
        ("m102", ON),
        ("jinma", ON),
        ("zdm8", Wish(on=True, output=3)),
        ("relay", Wish(on=True, output=3)),
    ],
)
def test_a_light_goes_on_and_off_again(bus: str, wish: Wish) -> None:
    at = shop(bus)
    cabinet = at.board.cabinet
    assert serve(at, Act.LIGHT, wish).ok
    assert (cabinet.light, cabinet.relays) == ((False, {3}) if wish.output else (True, set()))
    assert serve(at, Act.LIGHT, Wish(on=False, output=wish.output)).ok
    assert (cabinet.light, cabinet.relays) == (False, set())
    assert at.starts == 0


@pytest.mark.parametrize(("bus", "celsius"), [("tcn", 7), ("adh814", 8), ("jinma", -4)])
def test_a_temperature_that_is_set_is_the_boards_from_then_on(bus: str, celsius: int) -> None:
    at = shop(bus)
    assert serve(at, Act.SET_TEMPERATURE, Wish(celsius=celsius)).ok
    assert at.board.cabinet.target_c == celsius
    if bus == "jinma":
        assert serve(at, Act.TEMPERATURE).told["target_c"] == celsius


@pytest.mark.parametrize(
    ("bus", "wish", "at_step"),
    [
        ("tcn-lifter", Wish(move=Move.LAYER, to=3), 3),
        ("zdm8", TO_3000, 3000),
    ],
)
def test_a_lift_goes_where_it_is_told_and_home_and_says_when_it_does_not_arrive(
    bus: str, wish: Wish, at_step: int
) -> None:
    at = shop(bus)
    assert serve(at, Act.LIFT, wish).ok
    assert at.board.cabinet.lift == at_step
    assert serve(at, Act.LIFT, Wish(move=Move.HOME)).ok
    assert at.board.cabinet.lift == 0
    at.board.faults.set("lift_fault", times=1)
    failed = serve(at, Act.LIFT, wish)
    assert not failed.ok
    assert "elevator_fault" in str(failed.told)
    assert at.starts == 0


def test_a_lifters_faults_are_listed_until_they_are_cleared() -> None:
    at = shop("tcn-lifter")
    at.board.faults.set("lift_fault", times=1)
    at.vend()
    assert serve(at, Act.FAULTS) == Served(ok=False, told={"error_1": "elevator_fault (7)"})
    assert serve(at, Act.CLEAR_FAULTS) == Served(ok=True, told={"faults": "none"})
    at.board.faults.set("hatch_full")
    assert serve(at, Act.DROP_SENSOR).told == {"light_barrier": "blocked", "hatch": "a product lies in it"}


@pytest.mark.parametrize(
    ("bus", "fault", "told"),
    [
        ("adh814", "over_current", {"motor 12": "over_current (fault 1)"}),
        ("m102", "over_current", {"motor 12": "over_current (result 1)"}),
        ("zdm8", "over_current", {"error": "over_current (03)"}),
        ("ziman", "jam", {"row 1 column 2": "motor_fault (00)"}),
    ],
)
def test_what_the_last_run_left_is_listed(bus: str, fault: str, told: dict[str, object]) -> None:
    at = shop(bus)
    at.board.faults.set(fault, times=1)
    at.vend()
    assert serve(at, Act.FAULTS) == Served(ok=False, told=told)


def test_a_sensor_that_is_broken_is_told_as_broken() -> None:
    for bus, fault in (("tcn", "sensor_fault"), ("zdm8", "sensor_fault")):
        at = shop(bus)
        at.board.faults.set(fault)
        assert not serve(at, Act.DROP_SENSOR).ok


def machine(*, menu: bool = True, board_drops_repeats: bool = False) -> Shop:
    """An XY machine whose firmware has a service menu, or one without."""
    board = XyBoard(Cabinet.of((11, 12)), BoardSettings(menu=menu, turn_ms=400))
    settings = XySettings(port=Path("board"), board_drops_repeats=board_drops_repeats)
    return Shop(board, lambda clock, wire: make_dispenser(settings, clock, port=wire)).up()


def test_a_machine_does_by_its_menu_what_is_asked_and_nothing_else() -> None:
    at = machine()
    assert serve(at, Act.DROP_SENSOR) == Served(ok=True, told={"drop_sensor": "well"})
    assert serve(at, Act.TEMPERATURE).told == {"temperature_c": 5, "fault": "none (00)"}
    assert serve(at, Act.SET_TEMPERATURE, Wish(celsius=-18)).ok
    assert serve(at, Act.LIFT, Wish(move=Move.LAYER, to=3)).ok
    at.board.faults.set("jam", times=1)
    at.board.faults.set("no_drop", times=1)
    assert serve(at, Act.FAULTS) == Served(ok=True, told={"faults": "none"})
    assert at.starts == 0


def test_what_a_machine_lists_as_jammed_is_told_and_cleared() -> None:
    at = machine()
    at.board.faults.set("no_drop", times=1)
    at.vend()
    assert serve(at, Act.FAULTS) == Served(ok=False, told={"lane 12 32": "jam"})
    assert serve(at, Act.CLEAR_FAULTS) == Served(ok=True, told={"faults": "none"})


def test_a_machine_without_a_menu_is_said_to_have_none_and_goes_on_selling() -> None:
    at = machine(menu=False)
    with pytest.raises(Unanswered, match=r"no answer of the board's service menu; firmware V3\.2\.11"):
        serve(at, Act.TEMPERATURE)
    assert at.do(at.dispenser.check(12)) == ""


@pytest.mark.parametrize("drops_repeats", [False, True])
def test_a_lift_is_told_to_move_once_also_when_the_word_is_lost(drops_repeats: bool) -> None:
    at = machine(board_drops_repeats=drops_repeats)
    at.board.faults.set("lose_command_ack", times=3)
    at.wire.written.clear()
    serve(at, Act.LIFT, Wish(move=Move.LAYER, to=3))
    at.wait(3)
    assert sum(frame[2] == 0x70 for frame in at.wire.written) == 1
