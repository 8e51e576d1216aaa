"""One language for what goes wrong in a machine: common faults, whatever a board calls them. Pure.

Each says what a shopper and a technician should hear, what to do next, and whether anything moved, which
decides the money. A driver's names of its native codes lead here (`fault_of`); the native code itself stays
in the evidence. Events are EVA-DTS's; source of the list: service functions, common fault taxonomy.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


class Severity(enum.StrEnum):
    """What an alarm of this name asks for: a look some day, a visit, or somebody now."""

    NOTE = "note"
    WARNING = "warning"
    CRITICAL = "critical"


class Moved(enum.StrEnum):
    """Whether goods may have moved: UNLESS_TURNING is no, as long as the board had not begun to turn.

    NO: the money goes back at once. YES, MAYBE, AFTER: it goes back, and the lane is out after the second
    time. UNKNOWN: nothing is concluded before the board was asked.
    """

    NO = "no"
    UNLESS_TURNING = "not before it turns"
    MAYBE = "maybe"
    YES = "yes"
    AFTER = "after the vend"
    NO_VEND = "no vend"
    UNKNOWN = "unknown"


class Fault(enum.StrEnum):
    """The common faults, by name."""

    CHANNEL_ABSENT = "channel_absent"
    NO_DROP = "no_drop"
    JAM = "jam"
    MOTOR_TIMEOUT = "motor_timeout"
    MOTOR_OPEN = "motor_open"
    MOTOR_OVERCURRENT = "motor_overcurrent"
    SENSOR_FAULT = "sensor_fault"
    LIFT_FAULT = "lift_fault"
    PICKUP_DOOR = "pickup_door"
    PRODUCT_IN_HATCH = "product_in_hatch"
    BUSY = "busy"
    COMM_LOST = "comm_lost"
    TEMP_SENSOR = "temp_sensor"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRow:
    """One row. `event` is EVA-DTS's event code, without a lane's number; empty where it has none."""

    fault: Fault
    code: str
    event: str
    moved: Moved
    zh: str
    en: str
    technician: str
    next_step: str
    severity: Severity = Severity.WARNING


_ROWS: Final = (
    FaultRow(
        fault=Fault.CHANNEL_ABSENT,
        code="E20",
        event="",  # no event: the selection's own status in PA1 says so
        moved=Moved.NO,
        zh="没有此货道",
        en="There is no such lane",
        technician="The board knows no such lane, or finds no motor at its place.",
        next_step="Compare the lanes of the settings and the catalogue with `wxvend tech scan`.",
    ),
    FaultRow(
        fault=Fault.NO_DROP,
        code="E25",
        event="ELA",
        moved=Moved.YES,
        zh="未检测到掉货",
        en="Nothing was seen to fall",
        technician="The motor turned to its end and the drop sensor saw no piece.",
        next_step="Look whether the lane is empty or a piece hangs in it; then test-vend it with a product.",
    ),
    FaultRow(
        fault=Fault.JAM,
        code="E26",
        event="EJC",
        moved=Moved.MAYBE,
        zh="货道卡货",
        en="A product is stuck",
        technician="Something holds the product, the spiral or the door of a compartment.",
        next_step="Free it, look whether the product fits its spiral, then test-vend the lane.",
    ),
    FaultRow(
        fault=Fault.MOTOR_TIMEOUT,
        code="E27",
        event="EJB",
        moved=Moved.MAYBE,
        zh="货道电机未到位",
        en="The motor did not finish",
        technician="The motor turned and its home switch was not seen in time.",
        next_step="Check the switch at the motor and the spiral's seat, then test-vend the lane.",
    ),
    FaultRow(
        fault=Fault.MOTOR_OPEN,
        code="E28",
        event="EJB",
        moved=Moved.NO,
        zh="货道电机未连接",
        en="A motor is not connected",
        technician="No current flows: the motor is unplugged, its cable is broken, or it is burnt out.",
        next_step="Check the plug and the cable, then change the motor with a good lane's.",
    ),
    FaultRow(
        fault=Fault.MOTOR_OVERCURRENT,
        code="E29",
        event="EJB",
        moved=Moved.MAYBE,
        zh="货道电机过载",
        en="A motor draws too much",
        technician="The motor is blocked, or it or its driver has a short.",
        next_step="Free the spiral; stop at the second time and measure the motor.",
    ),
    FaultRow(
        fault=Fault.SENSOR_FAULT,
        code="E32",
        event="EJL",
        moved=Moved.UNLESS_TURNING,
        zh="出货检测故障",
        en="The drop sensor has failed",
        technician="The light curtain is blocked, dirty or unplugged.",
        next_step="Clean both strips, check their plugs and run the board's self-test.",
    ),
    FaultRow(
        fault=Fault.LIFT_FAULT,
        code="E33",
        event="EJM",
        moved=Moved.MAYBE,
        zh="升降机故障",
        en="The lift has failed",
        technician="Elevator, arm, pole or push rod did not reach their place.",
        next_step="Look for a product in the shaft; then move the lift from the board's menu.",
        severity=Severity.CRITICAL,
    ),
    FaultRow(
        fault=Fault.PICKUP_DOOR,
        code="E34",
        event="EJG",
        moved=Moved.AFTER,
        zh="取货门故障",
        en="The pick-up door has failed",
        technician="The delivery or inlet door did not open or close; the product may lie behind it.",
        next_step="Look behind the door, free it, and open and close it from the board's menu.",
    ),
    FaultRow(
        fault=Fault.PRODUCT_IN_HATCH,
        code="E35",
        event="",
        moved=Moved.NO,
        zh="请先取走上一件商品",
        en="Take the last product first",
        technician="A product lies in the lift or the hatch; the board starts nothing before it is gone.",
        next_step="Take it out; clean the hatch's sensor if it is empty.",
        severity=Severity.NOTE,
    ),
    FaultRow(
        fault=Fault.BUSY,
        code="E17",
        event="",
        moved=Moved.NO,
        zh="机器正忙，请稍候",
        en="Busy. One moment please",
        technician="The board was busy or refused the start: a vend, a self-test or a door is in its way.",
        next_step="Try again in a minute; if it stays, read the board's state with `wxvend tech status`.",
        severity=Severity.NOTE,
    ),
    FaultRow(
        fault=Fault.COMM_LOST,
        code="E18",
        event="EIL",
        moved=Moved.UNKNOWN,
        zh="售货主板无响应",
        en="The machine is not answering",
        technician="The board, or a board behind it, does not answer.",
        next_step="Check power, cable and address; `wxvend tech monitor` shows what comes from it.",
        severity=Severity.CRITICAL,
    ),
    FaultRow(
        fault=Fault.TEMP_SENSOR,
        code="E42",
        event="EOA",
        moved=Moved.NO_VEND,
        zh="温度传感器故障",
        en="The temperature is not known",
        technician="The board had a reading of its temperature probe and has none any more.",
        next_step="Check the probe's plug; decide about goods that must stay cold.",
    ),
)

FAULTS: Final[Mapping[Fault, FaultRow]] = MappingProxyType({row.fault: row for row in _ROWS})

# What drivers call their native codes, refusals and faults of lanes, where that is not the fault's own name.
_CALLED: Final[Mapping[Fault, tuple[str, ...]]] = MappingProxyType(
    {
        Fault.CHANNEL_ABSENT: ("no_such_lane", "lane_type"),
        Fault.NO_DROP: ("nothing_fell",),
        Fault.JAM: ("lane_jam", "lock_not_open", "vend_failure", "failed", "ended", "no_meal"),
        Fault.MOTOR_TIMEOUT: ("motor_fault", "motor_not_in_place", "lane_fault", "main_motor_fault"),
        Fault.MOTOR_OPEN: ("motor_absent",),
        Fault.MOTOR_OVERCURRENT: ("over_current", "motor_driver"),
        Fault.LIFT_FAULT: (
            *("elevator_fault", "elevator_self_check", "elevator_up_error", "elevator_down_error"),
            *("elevator_in_error", "elevator_out_error", "elevator_into_microwave"),
            *("elevator_out_of_microwave", "translation_motor_fault", "stay_pole_push", "stay_pole_return"),
            *("stay_pole_push_error", "stay_pole_return_error", "pushrod_push", "pushrod_return"),
            *("pushrod_push_error", "pushrod_return_error"),
        ),
        Fault.PICKUP_DOOR: (
            *("delivery_door_open", "delivery_door_opening", "delivery_door_closing"),
            *("inlet_door_opening", "inlet_door_closing", "delivery_door_opening_error"),
            *("delivery_door_closing_error", "inlet_door_opening_error", "inlet_door_closing_error"),
        ),
        Fault.PRODUCT_IN_HATCH: ("product_in_elevator", "meal_in_microwave"),
        Fault.BUSY: ("refused", "result_pending", "door_open", "heating"),
        Fault.COMM_LOST: ("no_answer", "board_absent", "bus_port", "bus_silent", "bus_deaf", "bus_down"),
        Fault.TEMP_SENSOR: ("temperature_unknown",),
    }
)
_FAULT_OF: Final[Mapping[str, Fault]] = MappingProxyType(
    {fault.value: fault for fault in Fault}
    | {name: fault for fault, names in _CALLED.items() for name in names}
)
NEVER_TURNED: Final = frozenset({Moved.NO, Moved.UNLESS_TURNING, Moved.NO_VEND})


def fault_of(name: str) -> Fault | None:
    """The fault behind a driver's name or a sale's cause (`moved.jam`); None: it is no board's fault."""
    return _FAULT_OF.get(name.rpartition(".")[2])


def event_of(fault: Fault, lane: int) -> str:
    """EVA-DTS's event code of a fault on a lane (0: of the whole machine); empty where it has none."""
    event = FAULTS[fault].event
    return f"{event}_{lane}" if event in _OF_A_LANE and lane else event


_OF_A_LANE: Final = frozenset({"ELA", "EJB"})
