"""What a world knows of each bus: which frames move something, what may go wrong, how its board is made.

The real driver and the simulated board do the rest. A fault is drawn by the name that its board gives it.
Left out are those in which a board says what no host could see through: `over_current` of ZDM8 and TCN
boards is told of runs in which a piece was seen to fall, and where nothing looks for a drop (`ziman`,
`relay`) a run without goods is like any other; of a relay nobody knows whether its pulse came to its end.
`salted` and `inverted` are wrong settings, not faults.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any, Final

from edge.drivers.registry import BUSES, BusSettings, make_dispenser
from edge.ports import Capabilities, Clock
from hw_sim.boards.board import Board
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.shelf import Wanted, make_board

ANY: Final = "any"
USUAL: Final = "xy"
_USUALLY: Final = 0.5  # how much of all worlds have the usual bus
_MAKE: Final = 0.3  # the chance of each thing in which boards of one kind differ
_JUNPENG_MOST: Final = 60  # pieces that its stock can tell
_RUNS: Final = ("jam", "no_drop", "blind_sensor", "motor_missing", "late_result", "restart_in_run")
_WORDS: Final = (
    *("lose_command", "lose_reply", "stale_reply", "bad_check"),
    *("split_writes", "garbage", "silent", "echo"),
)
_STAND: Final = frozenset({"silent", "echo"})
# Faults after which a board still says what happened.
CERTAIN: Final = frozenset(
    {
        *("jam", "no_drop", "blind_sensor", "motor_missing", "sensor_fault", "curtain_fault"),
        *("lift_fault", "hatch_full", "product_on_platform", "busy", "slow", "refuse", "no_flash"),
    }
)


def _never(data: bytes) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A bus as its line and its board are in a world.

    `moves`: this frame of the host can start a motor; `nothing`: it only acknowledges a turn. `runs` and
    `words` are faults of the cabinet and of the exchange; those in `stand` last until somebody comes.
    `makes`: in what boards of this kind differ. `turn_ms`: how long a run takes, None: as the world has it.
    """

    moves: Callable[[bytes], bool]
    nothing: Callable[[bytes], bool] = _never
    runs: tuple[str, ...] = _RUNS
    words: tuple[str, ...] = _WORDS
    stand: frozenset[str] = _STAND
    makes: tuple[str, ...] = ()
    settings: tuple[tuple[str, Any], ...] = ()
    turn_ms: int | None = None


def _byte(at: int, *codes: int) -> Callable[[bytes], bool]:
    """A frame with one of these codes in this place."""
    return lambda data: len(data) > at and data[at] in codes


def _approves(data: bytes) -> bool:
    return data.startswith(b"C,VEND,") and not data.startswith(b"C,VEND,-")


_VMC_RUNS: Final = (*_RUNS, "no_result")
_VMC_WORDS: Final = (*_WORDS, "impatient", "repeats_request", "disabled")
_VMC_STAND: Final = _STAND | {"disabled"}
KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "xy": Kind(
            moves=_byte(2, 0x06),
            nothing=_byte(2, 0x42),
            runs=(
                *("jam", "no_drop", "blind_sensor", "motor_missing", "sensor_fault"),
                *("late_result", "no_result"),
            ),
            words=("lose_command_ack", "lose_host_ack", "split_writes", "merge", "garbage"),
        ),
        "adh814": Kind(moves=_byte(1, 0xA5), runs=(*_RUNS, "over_current"), makes=("forgets", "probe_open")),
        "easivend": Kind(
            moves=_byte(3, 0x70),
            runs=(*_RUNS, "sensor_fault"),
            makes=("old_build", "echoes_number", "forgets"),
        ),
        "ziman": Kind(
            moves=_byte(2, 0x05),
            runs=("jam", "motor_missing", "late_result", "restart_in_run"),
            makes=("forgets", "newest_first"),
        ),
        "m102": Kind(
            moves=_byte(1, 0x05),
            runs=(*_RUNS, "curtain_fault", "over_current"),
            makes=("salted_answers", "probe_open"),
        ),
        "zdm8": Kind(
            moves=_byte(1, 0x10),
            runs=(*_RUNS, "sensor_fault", "product_on_platform", "busy", "slow"),
            stand=_STAND | {"sensor_fault", "product_on_platform"},
            makes=("forgets",),
        ),
        "tcn": Kind(
            moves=_byte(2, *range(1, 0x64)),
            runs=(*_RUNS, "sensor_fault", "seen_with_fault"),
            stand=_STAND | {"sensor_fault"},
            makes=("probe_open",),
        ),
        "tcn-lifter": Kind(
            moves=_byte(2, 0x02),
            runs=(*_RUNS, "lift_fault", "hatch_full", "not_taken"),
            stand=_STAND | {"hatch_full", "not_taken"},
            makes=("wide_errors",),
        ),
        "jinma": Kind(
            moves=_byte(2, 0x03),
            runs=(*_RUNS, "over_current", "sensor_lost", "maintenance"),
            stand=_STAND | {"maintenance"},
            makes=("tells_for_ever", "probe_open"),
        ),
        "junpeng": Kind(
            moves=_byte(4, 0x83),
            nothing=_byte(4, 0x80),
            runs=(*_RUNS, "refuse", "no_result"),
            words=(*_WORDS, "lose_host_ack"),
        ),
        "lock8a": Kind(moves=_byte(0, 0x8A), runs=(*_RUNS, "shut_at_once"), makes=("reports",), turn_ms=700),
        "relay": Kind(
            moves=_byte(1, 0x05),
            runs=("no_flash",),
            stand=_STAND | {"no_flash"},
            settings=(("relays", 16), ("accept_without_proof", True)),
            turn_ms=700,
        ),
        "mdb-qibixx": Kind(moves=_approves, runs=_VMC_RUNS, words=_VMC_WORDS, stand=_VMC_STAND),
        "mdb-waferstar": Kind(moves=_byte(0, 0x05), runs=_VMC_RUNS, words=_VMC_WORDS, stand=_VMC_STAND),
    }
)


def drawn(wanted: str, chance: Random) -> str:
    """The bus of a world: the one that is wanted, or any, the usual one most often. Raises ValueError."""
    if wanted in KINDS:
        return wanted
    if wanted != ANY:
        raise ValueError(f"bus: found {wanted!r}, allowed {ANY}, {', '.join(KINDS)}")
    others = [name for name in KINDS if name != USUAL]
    return USUAL if chance.random() < _USUALLY else chance.choice(others)


def settings_of(bus: str, lanes: tuple[int, ...]) -> BusSettings:
    """What an installer writes for a machine with these lanes; items of an MDB machine are its lanes."""
    own: dict[str, Any] = {} if bus == USUAL else {"lanes": lanes, **dict(KINDS[bus].settings)}
    if bus.startswith("mdb-"):
        own["items"] = lanes
    settings: BusSettings = BUSES[bus]().settings(port=Path("bus"), **own)
    return settings


def abilities(settings: BusSettings, clock: Clock) -> Capabilities:
    """What a driver of these settings declares."""
    return make_dispenser(settings, clock).capabilities


def board_of(bus: str, prices: Mapping[int, int], *, stock: int, wanted: Wanted) -> Board:
    """A board with lanes at these prices, and so many pieces in each."""
    cabinet = Cabinet.of(prices, stock=min(stock, _JUNPENG_MOST) if bus == "junpeng" else stock)
    for lane, price_fen in prices.items():
        cabinet.lanes[lane].price = price_fen
    return make_board(bus, cabinet, wanted)


def oddities(bus: str, chance: Random) -> tuple[str, ...]:
    """In what a board differs from others of its kind, where boards do."""
    return tuple(name for name in KINDS[bus].makes if chance.random() < _MAKE)
