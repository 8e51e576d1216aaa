"""What a person may have a machine do now, who may, and what it means before he says yes. Pure.

A command is answered or fails within seconds: nothing is kept for a machine that is away.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from cloud_bridge.core.people import Action
from cloud_bridge.core.run import Session

MOST_BY: Final = 64
MOST_WHY: Final = 200
MOST_FILLS: Final = 60
MOST_PIECES: Final = 9_999


class What(enum.StrEnum):
    """The commands."""

    STOP = "stop"
    START = "start"
    REBOOT = "reboot"
    IDENTIFY = "identify"
    CLEAR_LANE = "clear_lane"
    REFILL = "refill"


NEEDS: Final[Mapping[What, Action]] = MappingProxyType(
    {
        What.STOP: Action.HANDLE_MACHINE,
        What.START: Action.HANDLE_MACHINE,
        What.REBOOT: Action.HANDLE_MACHINE,
        What.IDENTIFY: Action.HANDLE_MACHINE,
        What.CLEAR_LANE: Action.HANDLE_MACHINE,
        What.REFILL: Action.REFILL,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """So many pieces were put into a lane."""

    lane: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandWish:
    """A person wants this of a machine. `on_site`: he says that somebody stands before it and looked."""

    machine: str
    what: What
    by: str
    why: str = ""
    lane: int = 0
    on_site: bool = False
    fills: tuple[Fill, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TellCommand:
    """Do this in this session. Without a `ticket`: give one, or say why not."""

    command_id: str
    jid: str
    boot: int
    wish: CommandWish
    ticket: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandAnswered:
    """A machine's word on a command. `state`: ticket | done | refused; only what was done has a number `n`.

    `before` and `after` name what it was and became; `by`, `reason`, `lane` and `fills` are the command's.
    """

    machine: str
    session: Session
    n: int
    command_id: str
    what: str
    state: str
    why: str = ""
    said: str = ""
    before: str = ""
    after: str = ""
    by: str = ""
    reason: str = ""
    lane: int = 0
    fills: tuple[Fill, ...] = ()
    ticket: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a command: `done`, or `why` not, by a name. `said` is for a person.

    `certain` False: nobody knows whether it was done; if so, its report comes by itself.
    """

    done: bool
    why: str = ""
    said: str = ""
    before: str = ""
    after: str = ""
    certain: bool = True


def wrong(wish: CommandWish) -> str:
    """What is wrong with a wish: field, what was found, what is allowed; or empty."""
    for name, words, least, most in (("by", wish.by, 1, MOST_BY), ("why", wish.why, 0, MOST_WHY)):
        if not (least <= len(words.strip()) and len(words) <= most and (words.isprintable() or not words)):
            return f"{name}: found {words[:20]!r}, allowed {least} to {most} characters on one line"
    if wish.what in (What.STOP, What.REBOOT) and not wish.why.strip():
        return f"why: found nothing, allowed 1 to {MOST_WHY} characters that say why it is to {wish.what}"
    if (wish.what is What.CLEAR_LANE) is not (wish.lane > 0):
        return f"lane: found {wish.lane}, allowed the lane of clear_lane, and none with {wish.what}"
    if (wish.what is What.REFILL) is not bool(wish.fills):
        return f"fills: found {len(wish.fills)}, allowed the lanes of refill, and none of {wish.what}"
    return _wrong_fills(wish.fills)


def _wrong_fills(fills: tuple[Fill, ...]) -> str:
    if len(fills) > MOST_FILLS:
        return f"fills: found {len(fills)} lanes, allowed {MOST_FILLS} at a time"
    if len({fill.lane for fill in fills}) < len(fills):
        return "fills: found a lane twice, allowed once"
    for fill in fills:
        if not (1 <= fill.lane <= 9999 and 1 <= fill.count <= MOST_PIECES):
            return f"fills: found {fill.count} pieces in lane {fill.lane}, allowed 1 to {MOST_PIECES}"
    return ""


def told(answer: CommandAnswered) -> str:
    """The line of the machine's timeline about what was done."""
    where = f" {answer.lane}" if answer.lane else ""
    pieces = ", ".join(f"{fill.count} into lane {fill.lane}" for fill in answer.fills)
    parts = [f"{answer.by}: {answer.what}{where}", pieces, f"{answer.before} -> {answer.after}"]
    if answer.said:
        parts.append(answer.said)
    if answer.reason:
        parts.append(answer.reason)
    return "; ".join(part for part in parts if part)


def outcome(answer: CommandAnswered) -> Outcome:
    """A machine's last word on a command."""
    done = answer.state == "done"
    return Outcome(
        done=done, why="" if done else answer.why, said=answer.said, before=answer.before, after=answer.after
    )
