"""What an XY board can be made to do wrong, by name; each for some times, or until it is taken back."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "jam": "the motor does not stop normally and nothing falls (04 04)",
        "no_drop": "the motor turns and nothing falls (04 03)",
        "blind_sensor": "a piece falls and the drop sensor sees nothing (04 03)",
        "motor_missing": "the lane has no motor (04 06), nothing turns",
        "sensor_fault": "the drop sensor fails its self-check (04 0A), nothing turns",
        "lift_stuck": "the elevator does not go up (04 12) and keeps the product; its test says overload",
        "door_stuck": "the delivery door does not open (04 27) and the product stays behind it",
        "no_probe": "the temperature probe is broken (menu 36, code 7)",
        "late_result": "the result comes seconds late",
        "no_result": "the motor turns, a piece falls, the result never comes",
        "silent": "the board says nothing and hears nothing",
        "lose_command_ack": "a command is carried out but not acknowledged",
        "lose_host_ack": "the host's acknowledgement is not heard, so the report comes again",
        "run_duplicates": "a repeated motor frame with the same PackNo turns the motor again",
        "split_writes": "each frame arrives in two pieces",
        "merge": "acknowledgement and next report arrive in one piece",
        "garbage": "noise between the frames",
        "long_04": "vend status with LEN 5",
        "long_52": "machine status with LEN 41",
    }
)
