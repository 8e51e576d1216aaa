"""What Modbus boards do for a technician: ZDM8 (part A of the Modbus board protocols) and relays (part B)."""

from collections.abc import Callable
from typing import Any, Final

from edge.drivers import modbus
from edge.drivers.modbus import READ, WRITE_COIL, WRITE_ONE
from edge.drivers.service import (
    Act,
    Move,
    Served,
    Services,
    Unable,
    Unanswered,
    Wish,
    answered,
    faults,
    moves,
    within,
)
from edge.drivers.talk import Ask, Pause, Talk
from edge.drivers.zdm8 import MOVED, NOT_MOVED

REPLY_MS: Final = 500
_STATUS, _CLIMATE, _POSITION, _SENSOR, _AXIS = 0x0003, 0x0004, 0x0006, 0x0008, 0x000D
_RELAY, _HOME, _GO = 0x1001, 0x1002, 0x1007
_SEEKING, _ARRIVED, _FAULT = 1, 2, 3
_POLL_MS: Final = 300
_LONGEST_MS: Final = 30_000
_CODES: Final = {0x06: "no_drop", 0x08: "board_absent", **NOT_MOVED, **MOVED}


def _asked(address: int, function: int, data: bytes, good: Callable[[bytes], bool]) -> Talk[bytes]:
    """The data of the answer. Raises Unanswered, also for an exception."""
    frame = yield from answered(
        Ask(
            frame=modbus.request(address, function, data),
            wait_ms=REPLY_MS,
            answers=modbus.answers(function, good),
        )
    )
    if frame.exception:
        raise Unanswered(f"the board refuses: exception {frame.exception:02X}")
    told: bytes = frame.data
    return told


def _read(settings: Any, register: int, *, words: int = 1, length: int = 2) -> Talk[bytes]:
    return (
        yield from _asked(
            settings.address, READ, modbus.words(register, words), lambda data: len(data) == length
        )
    )


def _write(settings: Any, register: int, value: bytes) -> Talk[None]:
    """The answer is the request's own data."""
    wanted = modbus.words(register) + value
    yield from _asked(settings.address, WRITE_ONE, wanted, lambda data: data == wanted)


# ---------------------------------------------------------------- ZDM8


def _sensor(settings: Any, _: Wish) -> Talk[Served]:
    clear = (yield from _read(settings, _SENSOR)) == b"\x00\x01"
    return Served(ok=clear, told={"drop_sensor": "aligned and clear" if clear else "missing or blocked"})


def _temperature(settings: Any, _: Wish) -> Talk[Served]:
    data = yield from _read(settings, _CLIMATE, words=2, length=4)
    celsius = int.from_bytes(data[:2], "big", signed=True) / 10
    return Served(ok=True, told={"temperature_c": celsius, "humidity": int.from_bytes(data[2:], "big") / 10})


def _light(settings: Any, wish: Wish) -> Talk[Served]:
    """The board has ten relays, and does not know what hangs on them."""
    if not 1 <= wish.output <= 10:
        raise Unable(f"--output: found {wish.output or 'none'}, allowed 1 to 10: the relay of the light")
    yield from _write(settings, _RELAY, bytes((wish.output, wish.on)))
    return Served(ok=True, told={f"relay_{wish.output}": "on" if wish.on else "off"})


def _lift(settings: Any, wish: Wish) -> Talk[Served]:
    """One move, then the axis until it has arrived."""
    moves(wish, Move.HOME, Move.POSITION)
    if wish.move is Move.HOME:
        yield from _write(settings, _HOME, b"\x00\x01")
    else:
        within("lift position", wish.to, 0, 0x7FFF)
        yield from _write(settings, _GO, modbus.words(wish.to))
    heard = yield Pause(_POLL_MS)
    until_ms, axis = heard.now_ms + _LONGEST_MS, b"\x01\x00"
    while heard.now_ms < until_ms and axis[0] == _SEEKING:
        axis = yield from _read(settings, _AXIS, words=2)
        heard = yield Pause(_POLL_MS)
    position = int.from_bytes((yield from _read(settings, _POSITION)), "big", signed=True)
    told = {"lift": f"{wish.move}: {_ended(axis[0])}", "position": position}
    if axis[0] == _FAULT:
        told["fault"] = _named(axis[1])
    return Served(ok=axis[0] not in (_SEEKING, _FAULT), told=told)


def _ended(state: int) -> str:
    return {_SEEKING: "still moving", _FAULT: "failed"}.get(state, "done")


def _faults(settings: Any, _: Wish) -> Talk[Served]:
    """The error stays after its result was read; no sale waits for that result."""
    error = (yield from _read(settings, _STATUS))[1]
    return faults(iter([("error", _named(error))] if error else []))


def _named(code: int) -> str:
    return f"{_CODES.get(code, 'failed')} ({code:02X})"


ZDM8: Final[Services] = {
    Act.DROP_SENSOR: _sensor,
    Act.TEMPERATURE: _temperature,
    Act.LIGHT: _light,
    Act.LIFT: _lift,
    Act.FAULTS: _faults,
}

# ---------------------------------------------------------------- relays


def _relay_light(settings: Any, wish: Wish) -> Talk[Served]:
    """A relay that stays as it is set. One that opens a lane would stay energised: it is refused."""
    lanes = {lane - settings.lane_offset for lane in settings.lanes}
    if wish.output in lanes or not 1 <= wish.output <= settings.relays:
        allowed = sorted(set(range(1, settings.relays + 1)) - lanes)
        raise Unable(
            f"--output: found {wish.output or 'none'}, allowed a relay that is no lane's: "
            f"{', '.join(map(str, allowed)) or 'there is none'}"
        )
    wanted = modbus.words(wish.output - 1) + (b"\xff\x00" if wish.on else b"\x00\x00")
    yield from _asked(settings.address, WRITE_COIL, wanted, lambda data: data == wanted)
    return Served(ok=True, told={f"relay_{wish.output}": "on" if wish.on else "off"})


RELAY: Final[Services] = {Act.LIGHT: _relay_light}
