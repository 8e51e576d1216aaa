"""What each program's line means to somebody who watches: words for the timeline. Pure."""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, Final

from hw_sim.demo.story import Fact
from wire.topics import Branch, Topic

Line = Mapping[str, Any]
# Polls, acknowledgements, and what the board tells of itself again and again: no news about a sale.
_ROUTINE: Final = frozenset({"41", "42", "11", "31", "51", "52"})
_MOTOR: Final = "06"
# What boards call the frame that starts a motor, on other buses than XY.
_STARTS: Final = frozenset(
    {"run", "dispense", "rotate", "deliver", "vend", "flash on", "open", "approved", "function 10"}
)
# What a camera may read from a screen has no place in a list of facts.
_HIDDEN: Final = frozenset({"code_url"})
_EDGE_WORDS: Final[Mapping[str, str]] = {
    "sale.open": "sale opened for lane {lane}: written to the journal",
    "sale.intent": "about to run the motor of lane {lane}: written to the journal first",
    "sale.delivered": "delivered: written to the journal",
    "sale.not_delivered": "not delivered ({why}): written to the journal",
    "sale.uncertain": "in doubt ({why}): written to the journal",
    "sale.closed": "sale closed ({why}): it can never vend any more",
    "sale.not_offered": "lane {lane} is not for sale now ({why})",
    "daemon.ready": "daemon ready",
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
            return _of_platform(line)
        case "edge":
            return _of_edge(line)
        case "bridge":
            return _of_bridge(line)
    return None


def fact_of_message(topic: Topic, payload: bytes, t_ms: float) -> Fact:
    """The fact that a message on the broker tells."""
    speaker = "machine" if topic.branch is Branch.UP else "bridge"
    return Fact(
        t_ms=t_ms,
        who="mqtt",
        what=f"{speaker} says {topic.kind}",
        detail=f"{topic}\n{_readable(payload)}",
        mark=f"mqtt.{topic.kind}",
    )


def _of_board(line: Line) -> Fact | None:
    match line.get("event"):
        case "frame":
            return _of_frame(line)
        case "dropped":
            words = f"a piece fell from lane {line['lane']}"
            return Fact(t_ms=float(line["t_ms"]), who="board", what=words, mark="dropped")
        case "motor":
            turns = "turns" if line.get("running", True) else "stands"
            words = f"the motor of lane {line['lane']} {turns}"
            mark = f"motor.{turns}"
            return Fact(t_ms=float(line["t_ms"]), who="board", what=words, mark=mark)
    return None


def _of_frame(line: Line) -> Fact | None:
    frame = str(line["hex"]).replace(" ", "")
    to_host = line["dir"] == "to_host"
    command = frame[4:6] if frame.startswith("fafb") else ""
    if command in _ROUTINE:
        return None
    starts = command == _MOTOR or (not command and _is_start(str(line["what"])))
    return Fact(
        t_ms=float(line["t_ms"]),
        who="bus",
        what=f"{'←' if to_host else '→'} {line['what']}",
        detail=_spaced(frame),
        mark="motor_frame" if starts and not to_host else "",
    )


def _is_start(words: str) -> bool:
    return words in _STARTS or (words.startswith("C,VEND,") and not words.endswith("-1"))


def _of_platform(line: Line) -> Fact | None:
    if not line.get("what"):
        return None
    told = {name: value for name, value in line.items() if name not in ("event", "n", "t_ms", "who", "what")}
    return Fact(
        t_ms=float(line["t_ms"]),
        who="wechat",
        what=str(line["what"]),
        detail=", ".join(f"{name} {value}" for name, value in told.items() if value not in ("", None)),
        mark=str(line.get("fact", "")),
    )


def _of_bridge(line: Line) -> Fact | None:
    """Its timeline also repeats what machine and platform told it; here they speak for themselves."""
    if line.get("who") != "bridge":
        return None
    return Fact(t_ms=float(line["wall_ms"]), who="bridge", what=str(line["what"]))


def _of_edge(line: Line) -> Fact | None:
    name, stamp = line.get("event"), line.get("timestamp")
    if not isinstance(name, str) or not isinstance(stamp, str):
        return None
    words = _EDGE_WORDS.get(name)
    if words is None:
        return None
    t_ms = dt.datetime.fromisoformat(stamp).timestamp() * 1000
    return Fact(t_ms=t_ms, who="edge", what=words.format_map(_Gaps(line)), mark=name)


class _Gaps(dict[str, Any]):
    """A word that a line does not have is left out, not an error."""

    def __missing__(self, key: str) -> str:
        return ""


def _readable(payload: bytes) -> str:
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError):
        return f"{len(payload)} bytes"
    if isinstance(message, dict):
        message = {name: "…" if name in _HIDDEN else value for name, value in message.items()}
    return json.dumps(message, ensure_ascii=False, indent=1)


def _spaced(frame: str) -> str:
    return " ".join(frame[at : at + 2] for at in range(0, len(frame), 2))
