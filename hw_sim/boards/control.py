"""A board's remote control: one JSON object a line in, one out.

{"do": "key", "lane": 12}                     {"do": "cancel"}
{"do": "fault", "name": "jam", "times": 1}    {"do": "fault", "name": "jam", "times": 0}
{"do": "stock", "lane": 12, "pieces": 3}      {"do": "pause", "lane": 12, "on": true}
{"do": "price", "lane": 12, "fen": 400}       {"do": "power", "on": false}
{"do": "restart"}                             {"do": "books"}
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from hw_sim.boards.board import Board, Event

_DOES: Final = ("key", "cancel", "fault", "stock", "price", "pause", "power", "restart", "books")


def obey(
    line: str, board: Board, now_ms: float, press: Callable[[int], None] | None = None
) -> Mapping[str, Any] | None:
    """Do what a line asks; what there is to answer. A bad line is answered with what is allowed.

    `press` is a keypad beside the board, for boards that have none.
    """
    try:
        return _do(json.loads(line), board, now_ms, press or board.key)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return {"event": "refused", "t_ms": now_ms, "why": f"found {line.strip()[:120]!r}: {error}"}


def _do(
    wish: Mapping[str, Any], board: Board, now_ms: float, press: Callable[[int], None]
) -> Mapping[str, Any] | None:
    match wish["do"]:
        case "key":
            press(int(wish["lane"]))
        case "cancel":
            press(0)
        case "fault":
            board.faults.set(str(wish["name"]), times=int(wish.get("times", -1)))
        case "stock":
            board.fill(int(wish["lane"]), int(wish["pieces"]))
        case "price":
            board.cabinet.lanes[int(wish["lane"])].price = int(wish["fen"])
        case "pause":
            board.pause(int(wish["lane"]), bool(wish["on"]))
        case "power":
            board.power(bool(wish["on"]), now_ms)
        case "restart":
            board.restart(now_ms)
        case "books":
            return books(board, now_ms)
        case other:
            raise ValueError(f"do: found {other!r}, allowed {', '.join(_DOES)}")
    return None


def books(board: Board, now_ms: float) -> Mapping[str, Any]:
    """The physical truth."""
    lanes = {
        str(lane.number): {"stock": lane.stock, "fallen": lane.fallen, "starts": lane.starts}
        for lane in board.cabinet.lanes.values()
    }
    return {
        "event": "books",
        "t_ms": now_ms,
        "pieces_dropped": board.cabinet.pieces_dropped,
        "motor_starts": board.cabinet.motor_starts,
        "faults": list(board.faults.names),
        "lanes": lanes,
    }


def as_line(event: Event) -> Mapping[str, Any]:
    """An event as it is told."""
    fields = dict(event.fields)
    if "words" in fields:
        fields["what"] = fields.pop("words")
    return {"event": event.what, "t_ms": round(event.t_ms, 3), **fields}
