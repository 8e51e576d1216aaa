"""What each program's line means to somebody who watches: words for the timeline. Pure."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from hw_sim.demo.story import Fact

Line = Mapping[str, Any]
# The bus is polled five times a second; only what carries news is worth a line.
_POLLS: Final = frozenset({"41", "42"})
_EDGE_WORDS: Final[Mapping[str, str]] = {
    "sale.open": "sale opened for lane {lane}: written to the journal",
    "sale.intent": "about to run the motor of lane {lane}: written to the journal first",
    "sale.delivered": "delivered: written to the journal",
    "sale.not_delivered": "not delivered ({why}): written to the journal",
    "sale.uncertain": "in doubt ({why}): written to the journal",
    "sale.closed": "sale closed ({why}): it can never vend any more",
    "sale.not_offered": "lane {lane} is not for sale now ({why})",
    "daemon.ready": "daemon ready",
    "daemon.status": "{status}",
    "daemon.leaving": "daemon asked to stop",
    "link.up": "link to the broker is up",
    "link.down": "link to the broker is down: {reason}",
    "wire.refused": "message refused: {reason}",
}


def fact_of(program: str, line: Line) -> Fact | None:
    """The fact that a line of `edge`, `bridge`, `wechat` or `board` tells; None when it is not for people."""
    match program:
        case "board":
            return _of_board(line)
        case "wechat":
            what = line.get("what")
            return Fact(t_ms=float(line["t_ms"]), who="wechat", what=str(what)) if what else None
        case _:
            return _of_log(program, line)


def _of_board(line: Line) -> Fact | None:
    match line.get("event"):
        case "frame":
            return _of_frame(line)
        case "dropped":
            return Fact(t_ms=float(line["t_ms"]), who="board", what=f"a piece fell from lane {line['lane']}")
        case "motor":
            turns = "turns" if line.get("running", True) else "stands"
            return Fact(
                t_ms=float(line["t_ms"]), who="board", what=f"the motor of lane {line['lane']} {turns}"
            )
    return None


def _of_frame(line: Line) -> Fact | None:
    frame = str(line["hex"]).replace(" ", "")
    if frame[4:6] in _POLLS and len(frame) <= 10:
        return None
    way = "←" if line["dir"] == "to_host" else "→"
    return Fact(t_ms=float(line["t_ms"]), who="bus", what=f"{way} {line['what']}", detail=_spaced(frame))


def _of_log(program: str, line: Line) -> Fact | None:
    name, stamp = line.get("event"), line.get("timestamp")
    if not isinstance(name, str) or not isinstance(stamp, str):
        return None
    t_ms = dt.datetime.fromisoformat(stamp).timestamp() * 1000
    if name in ("mqtt.sent", "mqtt.heard"):
        return _of_message(t_ms, program, line)
    words = _EDGE_WORDS.get(name)
    if program == "edge" and words is not None:
        return Fact(t_ms=t_ms, who="edge", what=words.format_map(_Gaps(line)))
    if program == "bridge" and isinstance(line.get("what"), str):
        return Fact(t_ms=t_ms, who=str(line.get("who", "bridge")), what=str(line["what"]))
    return None


def _of_message(t_ms: float, program: str, line: Line) -> Fact | None:
    """Each message is told once, by its sender; `state/` is for dashboards and would drown the rest."""
    topic = str(line["topic"])
    _, _, _, branch, kind = topic.split("/", 4)
    if line["event"] != "mqtt.sent" or branch == "state":
        return None
    return Fact(t_ms=t_ms, who="mqtt", what=f"{program} says {kind}", detail=f"{topic}, {line['size']} bytes")


class _Gaps(dict[str, Any]):
    """A word that a line does not have is left out, not an error."""

    def __missing__(self, key: str) -> str:
        return ""


def _spaced(frame: str) -> str:
    return " ".join(frame[at : at + 2] for at in range(0, len(frame), 2))
