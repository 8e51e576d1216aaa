"""What TCN boards do for a technician: spring boards (part A of the TCN protocols) and lifters (part B)."""

from collections.abc import Iterator
from typing import Any, Final

from edge.drivers import tcn, tcn_lifter
from edge.drivers.service import (
    Act,
    Move,
    Served,
    Services,
    Unanswered,
    Wish,
    answered,
    faults,
    moves,
    numbered,
    within,
)
from edge.drivers.talk import Ask, Pause, Talk

_SENSOR, _TARGET, _TEMPERATURE, _LIGHT = 0x64, 0xCE, 0xDC, 0xDD
_NO_PROBE: Final = 0xEB

# ---------------------------------------------------------------- spring boards


def _spring(settings: Any, command: int, parameter: int, wait_ms: int = tcn.REPLY_MS) -> Talk[tcn.Frame]:
    frame = tcn.request(settings.board, command, parameter)
    told: tcn.Frame = yield from answered(Ask(frame=frame, wait_ms=wait_ms))
    return told


def _done(frame: tcn.Frame, told: dict[str, object]) -> Served:
    if not frame.ok:
        raise Unanswered(f"the board says no: {numbered(tcn.fault_name(frame.code), frame.code)}")
    return Served(ok=True, told=told)


def _sensor(settings: Any, _: Wish) -> Talk[Served]:
    frame = yield from _spring(settings, _SENSOR, tcn.ON, tcn.SELF_CHECK_MS)
    name = "well" if frame.ok else numbered(tcn.fault_name(frame.code), frame.code)
    return Served(ok=frame.ok, told={"drop_sensor": name})


def _light(settings: Any, wish: Wish) -> Talk[Served]:
    frame = yield from _spring(settings, _LIGHT, tcn.ON if wish.on else tcn.OFF)
    return _done(frame, {"light": "on" if wish.on else "off"})


def _temperature(settings: Any, _: Wish) -> Talk[Served]:
    frame = yield from _spring(settings, _TEMPERATURE, tcn.OFF)
    probes = {"probe_1_c": _celsius(frame.code), "probe_2_c": _celsius(frame.data)}
    return Served(ok=frame.ok and any(each is not None for each in probes.values()), told=probes)


def _celsius(raw: int) -> int | None:
    return None if raw == _NO_PROBE else raw - 256 * (raw > 127)


def _set_temperature(settings: Any, wish: Wish) -> Talk[Served]:
    within("--set", wish.celsius, 0, 60)  # how the board takes frost is not documented
    frame = yield from _spring(settings, _TARGET, wish.celsius)
    return _done(frame, {"target_c": wish.celsius})


SPRING: Final[Services] = {
    Act.DROP_SENSOR: _sensor,
    Act.LIGHT: _light,
    Act.TEMPERATURE: _temperature,
    Act.SET_TEMPERATURE: _set_temperature,
}

# ---------------------------------------------------------------- lifters

_QUERY, _TRAY, _LAYER, _HOME, _CLEAR, _BARRIER, _HATCH = 0x01, 0x03, 0x04, 0x05, 0x50, 0x84, 0x85
_POLL_MS: Final = 500
_LONGEST_MS: Final = 30_000
_RESTS: Final = (0, 2, 4)  # idle, waits for the customer, fault


def _lifter(settings: Any, function: int, data: bytes = b"", *, least: int = 2) -> Talk[tcn_lifter.Frame]:
    told: tcn_lifter.Frame = yield from answered(
        Ask(
            frame=tcn_lifter.request(function, settings.address, data),
            wait_ms=tcn_lifter.REPLY_MS,
            answers=lambda frame: frame.function == function and len(frame.data) >= least,
        )
    )
    return told


def _barrier(settings: Any, _: Wish) -> Talk[Served]:
    """The light barrier, and whether something lies in the hatch."""
    clear = (yield from _lifter(settings, _BARRIER, least=1)).data[0] == 1
    lies = (yield from _lifter(settings, _HATCH, least=1)).data[0] == 1
    told = {
        "light_barrier": "clear" if clear else "blocked",
        "hatch": "a product lies in it" if lies else "empty",
    }
    return Served(ok=clear and not lies, told=told)


def _lift(settings: Any, wish: Wish) -> Talk[Served]:
    """One move, then the state until it is over."""
    moves(wish, Move.HOME, Move.LAYER, Move.OPEN, Move.CLOSE)
    if wish.move is Move.LAYER:
        within("lift layer", wish.to, 1, 20)
    function, data = {
        Move.HOME: (_HOME, b"\x00"),
        Move.LAYER: (_LAYER, bytes((wish.to % 256,))),
        Move.OPEN: (_TRAY, b"\x01"),
        Move.CLOSE: (_TRAY, b"\x02"),
    }[wish.move]
    frame = yield from _lifter(settings, function, data)
    heard = yield Pause(_POLL_MS)
    until_ms = heard.now_ms + _LONGEST_MS
    while heard.now_ms < until_ms:
        frame = yield from _lifter(settings, _QUERY)
        if frame.error or frame.state in _RESTS:
            break
        heard = yield Pause(_POLL_MS)
    if frame.error:
        return faults(_errors(frame))
    ended = "done" if frame.state in _RESTS else "still moving"
    return Served(ok=frame.state in _RESTS, told={"lift": f"{wish.move}: {ended}"})


def _faults(settings: Any, _: Wish) -> Talk[Served]:
    return faults(_errors((yield from _lifter(settings, _QUERY))))


def _clear(settings: Any, _: Wish) -> Talk[Served]:
    yield from _lifter(settings, _CLEAR)
    return faults(_errors((yield from _lifter(settings, _QUERY))))


def _errors(frame: tcn_lifter.Frame) -> Iterator[tuple[str, str]]:
    """Each byte of the error field that is set; the vendor's list is decimal."""
    for place, code in enumerate(frame.data[1:], 1):
        if code:
            yield f"error_{place}", f"{tcn_lifter.error_name(code)} ({code})"


LIFTER: Final[Services] = {
    Act.DROP_SENSOR: _barrier,
    Act.LIFT: _lift,
    Act.FAULTS: _faults,
    Act.CLEAR_FAULTS: _clear,
}
