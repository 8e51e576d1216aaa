"""What an XY machine's service menu does for a technician (XY protocol §6: `70`, `71`).

Scripts without a port or a clock: each yields an entry of the menu and is sent the answer. Cabinet 0 is the
main one. The light has hours in the menu and no switch, so it is not offered.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edge.drivers.service import Act, Move, Served, Unanswered, Wish, faults, moves, within
from edge.drivers.xy.messages import MenuAnswer, UseMenu
from edge.drivers.xy.settings import XySettings

_READ, _DO = 0, 1
_MAIN: Final = 0
_TARGET, _JAMS, _MOTORS, _LIFTS, _TURNS, _CLIMATE, _SENSOR, _LIFT = (
    0x28,
    0x32,
    0x33,
    0x34,
    0x35,
    0x36,
    0x50,
    0x54,
)
_COOL: Final = 2
_AT_ONCE: Final = 0  # the drop sensor tests itself, nobody has to put a hand into it
_LIFT_S: Final = 60
_SENSOR_S: Final = 15
_COMPRESSOR: Final = {
    1: "compressor over-current",
    2: "compressor open",
    3: "evaporator fan over-current",
    4: "evaporator fan open",
    5: "condenser fan over-current",
    6: "condenser fan open",
    7: "probe",
}
_LIFT_FAULTS: Final = {1: "overload", 2: "flap error", 3: "delivery door", 4: "translation overload"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One question to the menu. `wait_s` None: as long as any; `moves`: it is never said twice."""

    command: UseMenu
    wait_s: int | None = None
    moves: bool = False


Script = Callable[[XySettings, Wish], Generator[Entry, MenuAnswer, Served]]


def _told(answer: MenuAnswer, least: int) -> bytes:
    """The answer's text. Raises Unanswered for one that is too short to mean anything."""
    if len(answer.text) < least:
        raise Unanswered(f"71 {answer.kind:02X}: found {answer.text.hex(' ') or 'nothing'}, too short")
    return answer.text


def _sensor(_: XySettings, wish: Wish) -> Generator[Entry, MenuAnswer, Served]:
    answer = yield Entry(command=UseMenu(_SENSOR, _DO, bytes((_MAIN, _AT_ONCE))), wait_s=_SENSOR_S)
    state, result = _told(answer, 2)[:2]
    well = (state, result) == (0, 0)
    return Served(
        ok=well, told={"drop_sensor": "well" if well else f"sensor_fault ({state:02X} {result:02X})"}
    )


def _temperature(_: XySettings, wish: Wish) -> Generator[Entry, MenuAnswer, Served]:
    state, raw, code = _told((yield Entry(command=UseMenu(_CLIMATE, _READ, bytes((_MAIN,))))), 3)[:3]
    celsius = raw - 256 * (raw > 127)
    fault = _COMPRESSOR.get(code, "unknown") if code else "none"
    ok = state == 0 and not code
    return Served(
        ok=ok, told={"temperature_c": celsius if state == 0 else None, "fault": f"{fault} ({code:02X})"}
    )


def _set_temperature(_: XySettings, wish: Wish) -> Generator[Entry, MenuAnswer, Served]:
    """The mode becomes cooling."""
    within("--set", wish.celsius, -30, 60)
    wanted = bytes((_MAIN, _COOL)) + wish.celsius.to_bytes(1, "big", signed=True)
    yield from _done(UseMenu(_TARGET, _DO, wanted))
    return Served(ok=True, told={"target_c": wish.celsius, "mode": "cooling"})


def _done(command: UseMenu) -> Generator[Entry, MenuAnswer, None]:
    """Raises Unanswered when the board says that it did not."""
    state = _told((yield Entry(command=command)), 1)[0]
    if state:
        raise Unanswered(f"the board says no: 71 {command.kind:02X} {state:02X}")


def _lift(settings: XySettings, wish: Wish) -> Generator[Entry, MenuAnswer, Served]:
    """The elevator test: to a layer, and back. Never said twice."""
    moves(wish, Move.LAYER)
    within("lift layer", wish.to, 0, 9)
    command = UseMenu(_LIFT, _DO, bytes((_MAIN, wish.to)))
    state, result = _told((yield Entry(command=command, wait_s=_LIFT_S, moves=True)), 2)[:2]
    if (state, result) == (0, 0):
        return Served(ok=True, told={"lift": f"layer {wish.to}: done"})
    return Served(ok=False, told={"lift": f"{_LIFT_FAULTS.get(result, 'failed')} ({state:02X} {result:02X})"})


def _faults(_: XySettings, wish: Wish) -> Generator[Entry, MenuAnswer, Served]:
    """Four lists of the menu, one after another."""
    found = dict[str, str]()
    for kind, name in ((_JAMS, "jam"), (_MOTORS, "motor_fault"), (_TURNS, "extra_turn_error")):
        text = _told((yield Entry(command=UseMenu(kind, _READ))), 1)
        found |= {f"lane {lane} {kind:02X}": name for lane in _lanes(text)}
    errors = int.from_bytes(_told((yield Entry(command=UseMenu(_LIFTS, _READ))), 1), "big")
    if errors:
        found["lift"] = f"elevator_fault, {errors} times"
    return faults(iter(found.items()))


def _lanes(text: bytes) -> Iterator[int]:
    """The first list of an answer: a count, then so many selections, as far as the frame goes."""
    for at in range(1, 1 + 2 * text[0], 2):
        if len(text) >= at + 2:
            yield int.from_bytes(text[at : at + 2], "big")


def _clear(settings: XySettings, wish: Wish) -> Generator[Entry, MenuAnswer, Served]:
    for kind in (_JAMS, _MOTORS, _LIFTS, _TURNS):
        yield from _done(UseMenu(kind, _DO))
    return (yield from _faults(settings, wish))


SERVICES: Final[Mapping[Act, Script]] = MappingProxyType(
    {
        Act.DROP_SENSOR: _sensor,
        Act.TEMPERATURE: _temperature,
        Act.SET_TEMPERATURE: _set_temperature,
        Act.LIFT: _lift,
        Act.FAULTS: _faults,
        Act.CLEAR_FAULTS: _clear,
    }
)
