"""Every bus's own codes for what went wrong, as a board says them: code, the driver's name, the common fault.

Read off the drivers' own tables, so that nothing here can say another thing than a driver does.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edge.core.faults import Fault, fault_of
from edge.drivers import adh814, easivend, jinma, m102, tcn, tcn_lifter, zdm8
from edge.drivers.xy import codes as xy


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """One code as it stands on the wire, with the word before it that says where (`04 03`, `error 06`)."""

    code: str
    name: str

    @property
    def fault(self) -> Fault | None:
        """The common fault."""
        return fault_of(self.name)


def _rows(pattern: str, names: Iterable[tuple[int, str]]) -> tuple[Native, ...]:
    return tuple(Native(code=pattern.format(code), name=name) for code, name in names if name)


def _named(pattern: str, codes: Iterable[int], name: Callable[[int], str]) -> tuple[Native, ...]:
    return _rows(pattern, ((code, name(code)) for code in codes))


_TCN: Final = (*range(0x01, 0x05), *(16 * motor for motor in range(1, 6)), 0x56, 0x5A, 0xFF)
_LIFTER: Final = (*range(1, 12), 21, *range(30, 38), 43, 44, 45, *range(47, 50), 64, 80, 127)

NATIVE: Final[Mapping[str, tuple[Native, ...]]] = MappingProxyType(
    {
        "xy": (
            *_rows("02 {:02X}", xy.CHECK_NAMES.items()),
            *_rows("04 {:02X}", xy.FAILURE_NAMES.items()),
            *_rows("71 38 {:02X}", xy.TEST_NAMES.items()),
        ),
        "adh814": (
            *_rows("A5 {:02X}", adh814.REFUSALS.items()),
            *_rows("A3 bits {:02b}", adh814.FAULTS.items()),
            Native(code="A3 bit 2", name="no_drop"),
        ),
        "easivend": _rows("EE bit {:02X}", easivend.NAMES),
        "ziman": (
            Native(code="05 result 0", name="motor_fault"),
            Native(code="07 silence", name="motor_absent"),
        ),
        "m102": (
            *_rows("04 {:02X}", m102.SCANNED.items()),
            *_rows("05 {:02X}", m102.REFUSALS.items()),
            *_rows("03 result {}", m102.FAULTS.items()),
            Native(code="03 curtain 0", name="no_drop"),
        ),
        "zdm8": (
            *_rows("exception {:02X}", zdm8.EXCEPTIONS.items()),
            *_rows("error {:02X}", sorted((zdm8.NOT_MOVED | zdm8.MOVED).items())),
            Native(code="error 06", name="no_drop"),
            Native(code="error 08", name="no_answer"),
        ),
        "tcn": _named("5C {:02X}", _TCN, tcn.fault_name),
        "tcn-lifter": _named("error {}", _LIFTER, tcn_lifter.error_name),
        "jinma": (
            *_rows("channel {:02X}", jinma.STATES.items()),
            Native(code="drop 02", name="no_drop"),
            Native(code="drop 03..05", name="sensor_fault"),
        ),
        "junpeng": (
            Native(code="VENDOUT status, sensor", name="no_drop"),
            Native(code="VENDOUT status, no sensor", name="motor_fault"),
            Native(code="NAK", name="refused"),
        ),
        "lock8a": (Native(code="feedback shut", name="lock_not_open"),),
        "relay": (Native(code="exception", name="refused"),),
        "mdb-qibixx": (Native(code="VEND FAILURE", name="vend_failure"),),
        "mdb-waferstar": (Native(code="13 03", name="vend_failure"),),
    }
)
