"""A person's command to a machine: answered or failed now, never kept for one that is away.

It is said twice. Without a `ticket` it asks for one: 128 bits that the machine draws, good for this command
and for a few seconds of the machine's own clock. With the ticket it is done or refused. So one that somebody
withheld on its way is worth nothing when he lets go of it, and no two clocks are compared.
"""

from dataclasses import dataclass, field
from typing import Final

from wire.parts import (
    Report,
    check,
    check_count,
    check_id,
    check_lane,
    check_name,
    check_nonce,
    check_short,
)

FILLS_LIMIT: Final = 60
_STATES: Final = ("ticket", "done", "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """So many pieces were put into a lane."""

    lane: int
    count: int

    def __post_init__(self) -> None:
        check_lane(self.lane)
        check(1 <= self.count <= 9999, "count", self.count, "1 to 9999 pieces")


def _check_fills(fills: tuple[Fill, ...]) -> None:
    check(len(fills) <= FILLS_LIMIT, "fills", len(fills), f"at most {FILLS_LIMIT}")
    check(len({fill.lane for fill in fills}) == len(fills), "fills", len(fills), "each lane once")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`down/command`: do this now, in this session, or say why not.

    `what`: stop | start | reboot | identify | clear_lane | refill. `by` is who wants it and `why` for what
    reason, for the machine's own journal. `lane` is that of `clear_lane`, else 0; `on_site`: a person stands
    before it and says that it is well; `fills` are those of `refill`.
    """

    command_id: str
    jid: str
    boot: int
    what: str
    by: str
    why: str
    lane: int = 0
    on_site: bool = False
    fills: tuple[Fill, ...] = ()
    ticket: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        check_id("command_id", self.command_id)
        check_id("jid", self.jid)
        check_count("boot", self.boot, least=1)
        check_name("what", self.what)
        check_short("by", self.by, 64)
        check_short("why", self.why, 200)
        check(0 <= self.lane <= 9999, "lane", self.lane, "0 to 9999")
        _check_fills(self.fills)
        if self.ticket:
            check_nonce("ticket", self.ticket)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult(Report):
    """`up/command.result`: what became of a command. `state`: ticket | done | refused.

    What was done is a numbered report, durable with what it changed; a ticket or a refusal is an answer: its
    `n` is 0. `why` names a refusal; `said` is for a person, such as when the machine will start again.
    `before` and `after` name what the machine was and became. `by` and `reason` are the command's.
    """

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

    def __post_init__(self) -> None:
        Report.__post_init__(self)
        check_id("command_id", self.command_id)
        check_name("what", self.what)
        check(self.state in _STATES, "state", self.state, " | ".join(_STATES))
        check((self.n > 0) is (self.state == "done"), "n", self.n, "0, or the number of what was done")
        check_name("why", self.why)
        for name, words, most in (
            ("said", self.said, 200),
            ("before", self.before, 48),
            ("after", self.after, 48),
            ("by", self.by, 64),
            ("reason", self.reason, 200),
        ):
            check_short(name, words, most)
        check(0 <= self.lane <= 9999, "lane", self.lane, "0 to 9999")
        _check_fills(self.fills)
        check((self.state == "ticket") is bool(self.ticket), "ticket", self.ticket, "one with a ticket alone")
        if self.ticket:
            check_nonce("ticket", self.ticket)
