"""One language for faults: whatever a board calls it, the same name, the same code, the same money."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from cloud_bridge.web.words import WORDS
from edge.core import machine as surroundings
from edge.core.alarms import alarms
from edge.core.faults import FAULTS, NEVER_TURNED, Fault, Moved, event_of, fault_of
from edge.core.lanes import Lane
from edge.core.model import Kind, NotDelivered, RaiseAlarm, State
from edge.core.status import states
from edge.display.codes import TABLE
from edge.drivers.evidence import failed, rejected
from edge.drivers.native import NATIVE, Native
from edge.drivers.registry import BUSES
from edge.drivers.xy import codes
from edge.drivers.xy.messages import VendStatus
from edge.drivers.xy.settings import XySettings
from edge.drivers.xy.watch import Watch
from edge.payment.translate import to_wire
from edge.ports import ClimateReported, Heading
from edge.senses import seen
from tests.unit.edge.test_machine import READY, SALE
from wire.codec import encode
from wire.messages import Alarm

NO_FAULT = {"sold_out", "paused"}  # what a lane may say without anything being broken
EVERY = [(bus, row) for bus, rows in NATIVE.items() for row in rows]


def test_every_bus_names_its_codes_and_each_is_a_common_fault() -> None:
    assert set(NATIVE) == set(BUSES)
    assert [(bus, row) for bus, row in EVERY if row.fault is None and row.name not in NO_FAULT] == []


@pytest.mark.parametrize(
    ("bus", "code", "fault"),
    [
        ("xy", "04 03", Fault.JAM),
        ("xy", "04 04", Fault.MOTOR_TIMEOUT),
        ("xy", "71 38 01", Fault.MOTOR_TIMEOUT),
        ("xy", "71 38 04", Fault.MOTOR_OVERCURRENT),
        ("xy", "04 06", Fault.CHANNEL_ABSENT),
        ("xy", "02 03", Fault.CHANNEL_ABSENT),
        ("xy", "04 0A", Fault.SENSOR_FAULT),
        *(("xy", f"04 {code}", Fault.LIFT_FAULT) for code in ("07", "12", "13")),
        *(("xy", f"04 {code}", Fault.PICKUP_DOOR) for code in ("15", "27")),
        ("xy", "02 05", Fault.PRODUCT_IN_HATCH),
        ("jinma", "drop 02", Fault.NO_DROP),
        ("jinma", "channel 06", Fault.MOTOR_TIMEOUT),
        ("jinma", "channel 03", Fault.MOTOR_OPEN),
        ("jinma", "channel 0E", Fault.MOTOR_OVERCURRENT),
        ("jinma", "channel 09", Fault.JAM),
        ("jinma", "channel 00", Fault.CHANNEL_ABSENT),
        ("jinma", "drop 03..05", Fault.SENSOR_FAULT),
        ("tcn", "5C 04", Fault.NO_DROP),
        ("tcn", "5C 50", Fault.MOTOR_TIMEOUT),
        ("tcn", "5C 40", Fault.MOTOR_OPEN),
        *(("tcn", f"5C {code}", Fault.MOTOR_OVERCURRENT) for code in ("10", "20", "30")),
        *(("tcn", f"5C {code}", Fault.CHANNEL_ABSENT) for code in ("56", "FF")),
        *(("tcn", f"5C {code}", Fault.SENSOR_FAULT) for code in ("01", "02", "03")),
        ("tcn-lifter", "error 34", Fault.NO_DROP),
        ("tcn-lifter", "error 80", Fault.MOTOR_TIMEOUT),
        ("tcn-lifter", "error 37", Fault.MOTOR_OPEN),
        ("tcn-lifter", "error 49", Fault.MOTOR_OPEN),
        ("tcn-lifter", "error 48", Fault.MOTOR_OVERCURRENT),
        ("tcn-lifter", "error 36", Fault.JAM),
        ("tcn-lifter", "error 64", Fault.CHANNEL_ABSENT),
        ("tcn-lifter", "error 11", Fault.SENSOR_FAULT),
        *(("tcn-lifter", f"error {code}", Fault.LIFT_FAULT) for code in (3, 8, 30)),
        *(("tcn-lifter", f"error {code}", Fault.PICKUP_DOOR) for code in (1, 2, 9)),
        ("tcn-lifter", "error 35", Fault.PRODUCT_IN_HATCH),
        ("tcn-lifter", "error 127", Fault.COMM_LOST),
        ("easivend", "EE bit 20", Fault.NO_DROP),
        ("easivend", "EE bit 10", Fault.MOTOR_TIMEOUT),
        ("easivend", "EE bit 08", Fault.MOTOR_OPEN),
        ("easivend", "EE bit 80", Fault.SENSOR_FAULT),
        ("easivend", "EE bit 02", Fault.BUSY),
        ("adh814", "A3 bit 2", Fault.NO_DROP),
        ("adh814", "A3 bits 11", Fault.MOTOR_TIMEOUT),
        ("adh814", "A3 bits 10", Fault.MOTOR_OPEN),
        ("adh814", "A3 bits 01", Fault.MOTOR_OVERCURRENT),
        ("adh814", "A5 01", Fault.CHANNEL_ABSENT),
        ("adh814", "A5 03", Fault.BUSY),
        ("m102", "03 curtain 0", Fault.NO_DROP),
        ("m102", "03 result 3", Fault.MOTOR_TIMEOUT),
        ("m102", "03 result 2", Fault.MOTOR_OPEN),
        ("m102", "03 result 1", Fault.MOTOR_OVERCURRENT),
        ("m102", "05 01", Fault.CHANNEL_ABSENT),
        ("m102", "03 result 4", Fault.SENSOR_FAULT),
        ("m102", "05 02", Fault.BUSY),
        ("zdm8", "error 06", Fault.NO_DROP),
        ("zdm8", "error 04", Fault.MOTOR_TIMEOUT),
        ("zdm8", "error 02", Fault.MOTOR_OPEN),
        ("zdm8", "error 03", Fault.MOTOR_OVERCURRENT),
        ("zdm8", "error 01", Fault.CHANNEL_ABSENT),
        ("zdm8", "error 05", Fault.SENSOR_FAULT),
        *(("zdm8", f"error {code}", Fault.LIFT_FAULT) for code in ("10", "17", "1C")),
        ("zdm8", "error 16", Fault.PICKUP_DOOR),
        ("zdm8", "error 12", Fault.PRODUCT_IN_HATCH),
        ("zdm8", "error 08", Fault.COMM_LOST),
    ],
)
def test_a_code_is_the_fault_that_the_common_list_says(bus: str, code: str, fault: Fault) -> None:
    assert {row.code: row.fault for row in NATIVE[bus]}[code] is fault


@pytest.mark.parametrize("row", {row.name: row for _, row in EVERY}.values(), ids=lambda row: row.name)
def test_nothing_moved_is_said_only_of_faults_in_which_nothing_moves(row: Native) -> None:
    moved = FAULTS[row.fault].moved if row.fault else Moved.MAYBE
    if moved in NEVER_TURNED:
        outcome = rejected(row.name, row.code)
        assert isinstance(outcome, NotDelivered)
        assert outcome.kind is Kind.REJECTED
    else:
        with pytest.raises(AssertionError):
            rejected(row.name, row.code)
    if moved is Moved.UNKNOWN:
        with pytest.raises(AssertionError):
            failed(row.name, row.code)


@pytest.mark.parametrize("code", codes.FAILURE_NAMES)
@pytest.mark.parametrize("turning", [False, True])
def test_an_xy_board_that_had_begun_to_turn_has_moved_whatever_it_says_then(code: int, turning: bool) -> None:
    watch = Watch(lane=12, settings=XySettings(port=Path("/dev/null")))
    watch.wrote(0)
    if turning:
        watch.heard(VendStatus(1, 12), 10)
    watch.heard(VendStatus(code, 12), 20)
    assert isinstance(watch.outcome, NotDelivered)
    fault = fault_of(watch.outcome.why)
    assert fault is not None
    never = FAULTS[fault].moved is Moved.NO or (FAULTS[fault].moved is Moved.UNLESS_TURNING and not turning)
    assert (watch.outcome.kind is Kind.REJECTED) is never
    assert f"04 {code:02X}" in watch.outcome.evidence  # the native code is kept


def test_every_fault_has_a_row_with_a_code_of_its_own_and_words_everywhere() -> None:
    assert set(FAULTS) == set(Fault)
    assert len({row.code for row in FAULTS.values()}) == len(FAULTS)
    by_code = {row.code: row for row in TABLE.values()}
    for fault, row in FAULTS.items():
        assert re.fullmatch(r"E[1-9]\d", row.code)
        assert (by_code[row.code].zh, by_code[row.code].en) == (row.zh, row.en), fault
        assert {f"fault.{fault}", f"next.{fault}"} <= set(WORDS), fault
    named = {row.name for _, row in EVERY} - set(Fault)
    assert [
        name for name in sorted(named) if f"why.{name}" not in WORDS and f"stop.{name}" not in WORDS
    ] == []


@pytest.mark.parametrize(
    ("fault", "lane", "event"),
    [
        (Fault.NO_DROP, 12, "ELA_12"),
        (Fault.MOTOR_OPEN, 7, "EJB_7"),
        (Fault.MOTOR_OPEN, 0, "EJB"),
        (Fault.JAM, 12, "EJC"),
        (Fault.TEMP_SENSOR, 0, "EOA"),
        (Fault.CHANNEL_ABSENT, 12, ""),
    ],
)
def test_a_fault_has_the_event_code_of_the_audit_standard(fault: Fault, lane: int, event: str) -> None:
    assert event_of(fault, lane) == event


@pytest.mark.parametrize("name", ["", "sold_out", "code_7f", "never_began", "rejected.", "power"])
def test_what_is_no_fault_of_a_board_is_none(name: str) -> None:
    assert fault_of(name) is None
    assert fault_of("rejected.motor_absent") is fault_of("motor_absent") is Fault.MOTOR_OPEN


# ---------------------------------------------------------------- where it is shown


def stopped() -> surroundings.Machine:
    machine = READY
    failure = replace(SALE, state=State.NOT_DELIVERED, why="rejected.motor_absent")
    for _ in range(2):
        machine = surroundings.with_outcome(machine, failure)
    return machine


def test_a_lane_that_is_out_shows_its_fault_and_code_and_a_lane_that_sells_shows_none() -> None:
    told = states(stopped(), {})
    assert (told["lane/12"]["fault"], told["lane/12"]["code"]) == ("motor_open", "E28")
    assert (told["lane/13"]["fault"], told["lane/13"]["code"]) == ("", "")
    board = surroundings.with_lane(READY, 12, Lane(stock=5, fault="over_current"))
    assert states(board, {})["lane/12"]["code"] == "E29"
    paused = surroundings.with_lane(READY, 12, Lane(stock=5, fault="paused"))
    assert states(paused, {})["lane/12"]["code"] == ""


def test_the_alarm_of_a_lane_bears_fault_and_code_on_the_wire() -> None:
    (raised,) = alarms(READY, stopped())
    assert isinstance(raised, RaiseAlarm)
    assert (raised.name, raised.fault) == ("lane_fault", "motor_open")
    heading = Heading(session=SALE.session, n=7, row_hash="")
    message = to_wire(heading, SALE, raised, 5, 240)
    assert isinstance(message, Alarm)
    assert (message.code, message.fault, message.lane) == ("E28", "motor_open", 12)
    assert encode(message).endswith(
        b'"name":"lane_fault","raised":true,"code":"E28","text":"lane 12: 2 failures in a row","lane":12,'
        b'"fault":"motor_open"}'
    )
    plain = to_wire(heading, SALE, RaiseAlarm(name="journal_new", text="x"), 5, 240)
    assert isinstance(plain, Alarm)
    assert (plain.code, plain.fault) == ("", None)
    assert encode(plain).endswith(b'"text":"x","lane":12}')


def test_a_probe_that_is_lost_is_a_trouble_until_it_reads_again_and_a_missing_one_is_none() -> None:
    def climate(machine: surroundings.Machine, celsius: int | None) -> surroundings.Machine:
        return seen(machine, ClimateReported(temperature_c=celsius, door_open=None))

    assert climate(READY, None).troubles == {}
    cold = climate(READY, 4)
    lost = climate(climate(cold, None), None)
    (raised,) = alarms(cold, lost)
    assert isinstance(raised, RaiseAlarm)
    assert (raised.name, raised.fault) == ("temperature_unknown", "temp_sensor")
    assert climate(lost, 5).troubles == {}
    assert surroundings.stop_reason(lost) == ""
