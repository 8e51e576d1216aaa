"""The XY board's status codes, as names: answers to a check (§3), results of a vend (§4), money (§2, `21`).

Code values are written as two hex digits in the document: "24" is the byte 0x24.
"""

from types import MappingProxyType
from typing import Final

CAN_VEND: Final = 0x01
SOLD_OUT: Final = 0x02
PAUSED: Final = 0x04

CHECK_NAMES: Final = MappingProxyType(
    {
        SOLD_OUT: "sold_out",
        0x03: "no_such_lane",
        PAUSED: "paused",
        0x05: "product_in_elevator",
        0x06: "delivery_door_open",
        0x07: "elevator_fault",
        0x08: "elevator_self_check",
        0x09: "delivery_door_closing",
        0x10: "inlet_door_opening",
        0x11: "inlet_door_closing",
        0x12: "no_meal",
        0x13: "heating",
        0x14: "delivery_door_opening",
        0x15: "meal_in_microwave",
        0x16: "stay_pole_return",
        0x17: "main_motor_fault",
        0x18: "translation_motor_fault",
        0x19: "stay_pole_push",
        0x20: "elevator_into_microwave",
        0x21: "elevator_out_of_microwave",
        0x22: "pushrod_push",
        0x23: "pushrod_return",
    }
)

DELIVERED: Final = 0x02
MOTOR_ABSENT: Final = 0x06
SENSOR_FAULT: Final = 0x0A
HEATING_LEFT: Final = 0x23  # its lane field holds seconds
TAKE_PRODUCT: Final = 0x24
ENDED: Final = 0xFF

PROGRESS_NAMES: Final = MappingProxyType(
    {
        0x01: "dispensing",
        0x10: "elevator_up",
        0x11: "elevator_down",
        0x14: "delivery_door_closing",
        0x16: "inlet_door_opening",
        0x18: "into_microwave",
        0x19: "inlet_door_closing",
        0x21: "no_meal",
        0x22: "heating",
        HEATING_LEFT: "heating_left",
        TAKE_PRODUCT: "take_product",
        0x26: "delivery_door_opening",
    }
)

# Every final result but 02: the money goes back.
FAILURE_NAMES: Final = MappingProxyType(
    {
        0x03: "jam",
        0x04: "motor_timeout",
        MOTOR_ABSENT: "no_such_lane",
        0x07: "elevator_fault",
        SENSOR_FAULT: "sensor_fault",
        0x12: "elevator_up_error",
        0x13: "elevator_down_error",
        0x15: "delivery_door_closing_error",
        0x17: "inlet_door_opening_error",
        0x20: "inlet_door_closing_error",
        0x25: "stay_pole_return_error",
        0x27: "delivery_door_opening_error",
        0x28: "stay_pole_push_error",
        0x29: "elevator_in_error",
        0x30: "elevator_out_error",
        0x31: "pushrod_push_error",
        0x32: "pushrod_return_error",
        ENDED: "ended",
    }
)

# The service menu's test of a selection (type 38): what it answers but 0.
TEST_NAMES: Final = MappingProxyType(
    {1: "motor_timeout", 2: "no_such_lane", 3: "no_answer", 4: "over_current"}
)

DELIVERY_NAMES: Final = MappingProxyType(
    {
        0: "normal",
        1: "product in elevator",
        2: "delivery door open",
        3: "elevator error",
        4: "elevator self-check error",
    }
)

CASH_NAMES: Final = MappingProxyType(
    {
        1: "note",
        2: "coin",
        3: "ic_card",
        4: "bank_card",
        5: "wechat",
        6: "alipay",
        7: "jd",
        8: "swallowed",
        9: "unionpay",
    }
)


def is_final(status: int) -> bool:
    """Whether a `04` with this status ends the vend. Codes not in the table are progress."""
    return status == DELIVERED or status in FAILURE_NAMES


def step_name(status: int) -> str:
    """The name of a progress code; an unknown one keeps its native number."""
    return PROGRESS_NAMES.get(status, f"code_{status:02x}")


def refusal(status: int, *, host_keeps_stock: bool) -> str:
    """Why a `02` with this status means no, or "" when the lane can vend.

    V3.2.11: where the host keeps the stock itself, sold out and paused may be vended all the same.
    """
    if status == CAN_VEND or (host_keeps_stock and status in (SOLD_OUT, PAUSED)):
        return ""
    return CHECK_NAMES.get(status, f"code_{status:02x}")
