"""What Jinma control boards do for a technician (Jinma protocol, A2)."""

from typing import Any, Final

from edge.drivers import jinma
from edge.drivers.service import Act, Served, Services, Unanswered, Wish, answered, faults, numbered, within
from edge.drivers.talk import Ask, Talk

_CHANNEL, _CABINET, _SCHEDULE = 0x01, 0x10, 0x14
_COMPRESSOR, _LIGHT = 0, 2
_ALWAYS, _NEVER = 1, 2
_NORMAL: Final = 0x02
_SENSOR: Final = {1: "fault", 2: "clear", 3: "blocked", 0xFF: "absent"}
_NO_HOURS: Final = bytes(8)  # two times of day, which only a timed schedule looks at


def _asked(settings: Any, command: int, data: bytes, *, length: int) -> Talk[bytes]:
    frame = yield from answered(
        Ask(
            frame=jinma.request(command, bytes((settings.cabinet,)) + data),
            wait_ms=jinma.REPLY_MS,
            answers=lambda frame: (frame.command, len(frame.data)) == (command, length),
        )
    )
    told: bytes = frame.data
    return told


def _sensor(settings: Any, _: Wish) -> Talk[Served]:
    drop = (yield from _asked(settings, _CABINET, b"", length=10))[6]
    return Served(ok=drop == 2, told={"drop_sensor": numbered(_SENSOR.get(drop, "not known"), drop)})


def _temperature(settings: Any, _: Wish) -> Talk[Served]:
    _result, _board, probe, actual, target = (yield from _asked(settings, _CABINET, b"", length=10))[:5]
    known = None if probe else _celsius(actual)
    return Served(ok=known is not None, told={"temperature_c": known, "target_c": _celsius(target)})


def _celsius(raw: int) -> int:
    """Sign and magnitude."""
    return raw if raw < 128 else -(raw % 128)


def _set_temperature(settings: Any, wish: Wish) -> Talk[Served]:
    """The compressor works at all hours from then on."""
    within("--set", wish.celsius, -30, 60)
    raw = wish.celsius if wish.celsius >= 0 else 128 - wish.celsius
    yield from _scheduled(settings, bytes((_COMPRESSOR, raw, _ALWAYS)))
    return Served(ok=True, told={"target_c": wish.celsius, "hours": "all"})


def _light(settings: Any, wish: Wish) -> Talk[Served]:
    """At all hours, or never: the board's timed hours for the light are gone."""
    yield from _scheduled(settings, bytes((_LIGHT, 0, _ALWAYS if wish.on else _NEVER)))
    return Served(ok=True, told={"light": "on" if wish.on else "off", "hours": "all" if wish.on else "none"})


def _scheduled(settings: Any, wanted: bytes) -> Talk[None]:
    result = (yield from _asked(settings, _SCHEDULE, wanted + _NO_HOURS, length=1))[0]
    if result:
        raise Unanswered(f"the board says no: {result:02X}")


def _faults(settings: Any, _: Wish) -> Talk[Served]:
    """Every lane's state."""
    found = dict[str, str]()
    for lane in settings.lanes:
        layer, position = divmod(lane - settings.lane_offset, 10)
        data = yield from _asked(settings, _CHANNEL, bytes(((layer - 1) * 16 + position,)), length=7)
        if data[2] != _NORMAL:
            found[f"lane {lane}"] = numbered(jinma.state_name(data[2]), data[2])
    return faults(iter(found.items()))


JINMA: Final[Services] = {
    Act.DROP_SENSOR: _sensor,
    Act.TEMPERATURE: _temperature,
    Act.SET_TEMPERATURE: _set_temperature,
    Act.LIGHT: _light,
    Act.FAULTS: _faults,
}
