"""What motor boards with their own framing do for a technician (motor board protocols, sections 1 to 4)."""

from collections.abc import Iterator
from typing import Any, Final

from edge.drivers import adh814, easivend, m102, ziman
from edge.drivers.service import Act, Served, Services, Unanswered, Wish, answered, faults, numbered, within
from edge.drivers.talk import Ask, Talk

# ---------------------------------------------------------------- Ziman

_Z_STATUS, _Z_RECENT = 0x04, 0x08
_Z_RESULTS: Final = (0x05, 0x09)


def _ziman_temperature(settings: Any, _: Wish) -> Talk[Served]:
    frame = yield from answered(
        Ask(
            frame=ziman.request(_Z_STATUS, ziman.QUESTION, b"\x02\x02"),
            wait_ms=ziman.REPLY_MS,
            answers=lambda frame: frame.function == _Z_STATUS and len(frame.data) == 3,
        )
    )
    target, actual, cooling = frame.data
    return Served(ok=True, told={"temperature_c": actual, "target_c": target, "cooling": bool(cooling)})


def _ziman_faults(settings: Any, _: Wish) -> Talk[Served]:
    """Of the last five operations those that failed; a board that has none says nothing."""
    failed = dict[str, str]()
    ask = Ask(frame=_recent(), wait_ms=ziman.REPLY_MS, answers=_is_result)
    for _place in range(ziman.HISTORY):
        heard = yield ask
        if heard.frame is None:
            break
        row, column, _duration, good = heard.frame.data
        if good != 1:
            failed[f"row {row} column {column}"] = numbered("motor_fault", good)
        ask = Ask(wait_ms=ziman.ANOTHER_MS, answers=_is_result)
    return faults(iter(failed.items()))


def _recent() -> bytes:
    return ziman.request(_Z_RECENT, ziman.QUESTION, b"\x01\x01")


def _is_result(frame: Any) -> bool:
    return frame.function in _Z_RESULTS and len(frame.data) == 4


ZIMAN: Final[Services] = {Act.TEMPERATURE: _ziman_temperature, Act.FAULTS: _ziman_faults}

# ---------------------------------------------------------------- Easivend channel boards

_E_CHECK: Final = 0x71
_E_SENSOR: Final = 0x80


def _checked(settings: Any, lane: int) -> Talk[easivend.Frame]:
    told: easivend.Frame = yield from answered(
        Ask(
            frame=easivend.request(_E_CHECK, lane - settings.lane_offset),
            wait_ms=easivend.FIRST_MS,
            answers=lambda frame: frame.command == _E_CHECK,
        )
    )
    return told


def _easivend_sensor(settings: Any, _: Wish) -> Talk[Served]:
    status = (yield from _checked(settings, settings.lanes[0])).status
    broken = bool(status & _E_SENSOR)
    return Served(ok=not broken, told={"drop_sensor": numbered("sensor_fault", status) if broken else "well"})


def _easivend_faults(settings: Any, _: Wish) -> Talk[Served]:
    found = dict[str, str]()
    for lane in settings.lanes:
        status = (yield from _checked(settings, lane)).status
        if name := easivend.name(status):
            found[f"lane {lane}"] = numbered(name, status)
    return faults(iter(found.items()))


EASIVEND: Final[Services] = {Act.DROP_SENSOR: _easivend_sensor, Act.FAULTS: _easivend_faults}

# ---------------------------------------------------------------- ADH814

_A_POLL, _A_COOL, _A_CLEAR = 0xA3, 0xA4, 0xA6
_A_NAMES: Final = {1: "over_current", 2: "motor_absent", 3: "motor_timeout"}
_FINISHED: Final = 2


def _adh814(settings: Any, command: int, data: bytes = b"") -> Talk[adh814.Frame]:
    frame = adh814.request(settings.address, command, data)
    told: adh814.Frame = yield from answered(Ask(frame=frame, wait_ms=adh814.REPLY_MS))
    return told


def _adh814_temperature(settings: Any, _: Wish) -> Talk[Served]:
    celsius = adh814.Status.of((yield from _adh814(settings, _A_POLL)).data).temperature_c
    return Served(ok=celsius is not None, told={"temperature_c": celsius})


def _adh814_set(settings: Any, wish: Wish) -> Talk[Served]:
    within("--set", wish.celsius, 0, 60)
    wanted = b"\x01" + wish.celsius.to_bytes(2, "big")
    if (yield from _adh814(settings, _A_COOL, wanted)).data != wanted:
        raise Unanswered("the board answers with another temperature")
    return Served(ok=True, told={"target_c": wish.celsius, "mode": "cooling"})


def _adh814_faults(settings: Any, _: Wish) -> Talk[Served]:
    return faults(_latched(adh814.Status.of((yield from _adh814(settings, _A_POLL)).data)))


def _adh814_clear(settings: Any, _: Wish) -> Talk[Served]:
    """The latched result goes; it was told before, and no sale waits for it."""
    yield from _adh814(settings, _A_CLEAR)
    return faults(_latched(adh814.Status.of((yield from _adh814(settings, _A_POLL)).data)))


def _latched(status: adh814.Status) -> Iterator[tuple[str, str]]:
    """What the latched result says is wrong."""
    if status.state == _FINISHED and status.fault:
        yield f"motor {status.motor}", f"{_A_NAMES[status.fault]} (fault {status.fault})"
    elif status.state == _FINISHED and not status.seen:
        yield f"motor {status.motor}", "no_drop (bit 2)"


ADH814: Final[Services] = {
    Act.TEMPERATURE: _adh814_temperature,
    Act.SET_TEMPERATURE: _adh814_set,
    Act.FAULTS: _adh814_faults,
    Act.CLEAR_FAULTS: _adh814_clear,
}

# ---------------------------------------------------------------- M102

_M_POLL, _M_CLIMATE, _M_OUTPUT = 0x03, 0x07, 0x08
_M_LIGHT: Final = 3
_M_SWITCHED: Final = {True: 0xF1, False: 0xF0}
_M_NAMES: Final = {
    1: "over_current",
    2: "motor_absent",
    3: "motor_timeout",
    4: "sensor_fault",
    5: "lock_not_open",
    10: "motor_timeout",
}
_NO_PROBE_C: Final = -52


def _m102(settings: Any, operation: int, data: bytes = b"") -> Talk[bytes]:
    frame = yield from answered(
        Ask(
            frame=m102.request(settings.address, operation, data, check=settings.check),
            wait_ms=m102.REPLY_MS,
            answers=lambda frame: frame.operation == operation,
        )
    )
    told: bytes = frame.data
    return told


def _m102_temperature(settings: Any, _: Wish) -> Talk[Served]:
    data = yield from _m102(settings, _M_CLIMATE)
    celsius = (int.from_bytes(data[:2], "big", signed=True) - 20) / 10
    known = None if celsius <= _NO_PROBE_C else celsius
    return Served(ok=known is not None, told={"temperature_c": known})


def _m102_light(settings: Any, wish: Wish) -> Talk[Served]:
    data = yield from _m102(settings, _M_OUTPUT, bytes((_M_LIGHT, wish.on)))
    if data[1] != _M_SWITCHED[wish.on]:
        raise Unanswered(f"the board says {data[1]:02X}")
    return Served(ok=True, told={"light": "on" if wish.on else "off"})


def _m102_faults(settings: Any, _: Wish) -> Talk[Served]:
    """Of the last run."""
    status = m102.Status.of((yield from _m102(settings, _M_POLL)))
    if status.state != _FINISHED or not status.result:
        return faults(iter(()))
    name = _M_NAMES.get(status.result, "failed")
    return faults(iter([(f"motor {status.motor}", f"{name} (result {status.result})")]))


M102: Final[Services] = {
    Act.TEMPERATURE: _m102_temperature,
    Act.LIGHT: _m102_light,
    Act.FAULTS: _m102_faults,
}
