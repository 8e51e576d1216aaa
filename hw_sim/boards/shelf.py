"""Every simulated board by the name of its bus."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from hw_sim.boards.adh814 import Adh814Board
from hw_sim.boards.answering import Timing
from hw_sim.boards.board import Board
from hw_sim.boards.easivend import EasivendBoard
from hw_sim.boards.jinma import JinmaBoard
from hw_sim.boards.junpeng import JunpengBoard
from hw_sim.boards.lock8a import Lock8aBoard
from hw_sim.boards.m102 import M102Board
from hw_sim.boards.mdb_vmc import QibixxVmc, WaferstarVmc
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.relay import RelayBoard
from hw_sim.boards.tcn import TcnBoard
from hw_sim.boards.tcn_lifter import TcnLifterBoard
from hw_sim.boards.xy import BoardSettings, XyBoard
from hw_sim.boards.zdm8 import Zdm8Board
from hw_sim.boards.ziman import ZimanBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What may be chosen. Milliseconds: `turn_ms` of a motor, `poll_ms` between polls of the board.

    `traced`: each frame is an event.
    """

    turn_ms: int = 1200
    poll_ms: int = 200
    traced: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """How a board is made. `routine`: beginnings, in hex, of frames that are no news."""

    make: Callable[[Cabinet, Wanted], Board]
    routine: tuple[str, ...] = ()


def _timing(wanted: Wanted) -> Timing:
    return Timing(turn_ms=wanted.turn_ms, traced=wanted.traced, seed=wanted.seed)


def _xy(cabinet: Cabinet, wanted: Wanted) -> Board:
    settings = BoardSettings(
        turn_ms=wanted.turn_ms, poll_ms=wanted.poll_ms, traced=wanted.traced, seed=wanted.seed
    )
    return XyBoard(cabinet, settings)


MODELS: Final[Mapping[str, Model]] = MappingProxyType(
    {
        "xy": Model(make=_xy, routine=("fafb41", "fafb42")),
        "adh814": Model(make=lambda cabinet, wanted: Adh814Board(cabinet, _timing(wanted))),
        "easivend": Model(make=lambda cabinet, wanted: EasivendBoard(cabinet, _timing(wanted))),
        "ziman": Model(make=lambda cabinet, wanted: ZimanBoard(cabinet, _timing(wanted))),
        "m102": Model(make=lambda cabinet, wanted: M102Board(cabinet, _timing(wanted))),
        "zdm8": Model(make=lambda cabinet, wanted: Zdm8Board(cabinet, _timing(wanted))),
        "tcn": Model(make=lambda cabinet, wanted: TcnBoard(cabinet, _timing(wanted))),
        "tcn-lifter": Model(make=lambda cabinet, wanted: TcnLifterBoard(cabinet, _timing(wanted))),
        "jinma": Model(make=lambda cabinet, wanted: JinmaBoard(cabinet, _timing(wanted))),
        "lock8a": Model(make=lambda cabinet, wanted: Lock8aBoard(cabinet, _timing(wanted))),
        "relay": Model(make=lambda cabinet, wanted: RelayBoard(cabinet, _timing(wanted))),
        "junpeng": Model(make=lambda cabinet, wanted: JunpengBoard(cabinet, _timing(wanted))),
        "mdb-qibixx": Model(make=lambda cabinet, wanted: QibixxVmc(cabinet, _timing(wanted))),
        "mdb-waferstar": Model(make=lambda cabinet, wanted: WaferstarVmc(cabinet, _timing(wanted))),
    }
)


def make_board(bus: str, cabinet: Cabinet, wanted: Wanted) -> Board:
    """A board of this bus. Raises KeyError for one that is not here."""
    return MODELS[bus].make(cabinet, wanted)
