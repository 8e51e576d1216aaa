"""How far an XY board is known: synchronised, lanes told, status asked, idle (XY protocol §1, start-up).

Says which harmless questions to ask next; nothing that moves may be sent before `up`.
"""

import enum
from typing import Final

from edge.drivers.xy.messages import (
    AskDelivery,
    AskStatus,
    Command,
    DeliveryStatus,
    MachineStatus,
    Message,
    Sync,
)

ASK_AGAIN_MS: Final = 3_000  # when the board left a question open, or is not idle
ECHO_MS: Final = 2_000  # a `31` so soon after ours answers ours


class Phase(enum.Enum):
    """The stations on the way to a board that may be told to move."""

    WAITING = enum.auto()  # for its first POLL, or for the end of a settling time
    SYNCING = enum.auto()  # our `31` is on its way
    LANES = enum.auto()  # it reports its selections
    ASKING = enum.auto()  # for its status, until it is idle
    UP = enum.auto()


class Startup:
    """`lift`: the elevator must be free too. `status_every_ms`: how often to ask once up; 0: never."""

    def __init__(self, *, lift: bool, status_every_ms: int) -> None:
        self._questions: tuple[Command, ...] = (AskStatus(), AskDelivery()) if lift else (AskStatus(),)
        self._wanted: frozenset[type] = frozenset(
            {MachineStatus, DeliveryStatus} if lift else {MachineStatus}
        )
        self._status_every_ms = status_every_ms
        self._phase = Phase.WAITING
        self._begin_ms = self._synced_ms = self._asked_ms = self._busy_until_ms = 0
        self._quiet = False  # the frame before this one was a POLL too
        self._missing = self._wanted

    @property
    def up(self) -> bool:
        """Whether the board is identified and was idle."""
        return self._phase is Phase.UP

    @property
    def waiting(self) -> bool:
        """Whether nothing has been asked yet."""
        return self._phase is Phase.WAITING

    def restart(self, *, begin_ms: int) -> None:
        """Forget how far the board was known; begin with the first POLL at or after `begin_ms`."""
        self._phase, self._begin_ms, self._quiet = Phase.WAITING, begin_ms, False

    def polled(self, now_ms: int) -> tuple[Command, ...]:
        """A POLL arrived; what is to be asked now."""
        told_all, self._quiet = self._quiet, True
        if self._phase is Phase.WAITING and now_ms >= self._begin_ms:
            self._phase = Phase.SYNCING
            return (Sync(),)
        if self._phase is Phase.LANES and told_all:
            return self._ask(now_ms)
        return ()

    def spoke(self) -> None:
        """A report arrived: the board has things to tell."""
        self._quiet = False

    def synced(self, now_ms: int) -> None:
        """The board acknowledged our `31`; one report per selection follows."""
        if self._phase is Phase.SYNCING:
            self._phase, self._synced_ms, self._quiet = Phase.LANES, now_ms, False

    def is_echo(self, now_ms: int) -> bool:
        """Whether a `31` of the board's belongs to ours and does not mean that it started again."""
        starting = self._phase in (Phase.LANES, Phase.ASKING)
        return self._phase is Phase.SYNCING or (starting and now_ms - self._synced_ms < ECHO_MS)

    def answered(self, message: Message) -> None:
        """Tick off an answer. An elevator that is not free has to be asked again."""
        if isinstance(message, DeliveryStatus) and message.status != 0:
            self._missing |= {DeliveryStatus} & self._wanted
        else:
            self._missing -= {type(message)}

    def busy(self, *, until_ms: int) -> None:
        """Something still turns, or has just stopped."""
        self._busy_until_ms = until_ms

    def rebooted(self, *, until_ms: int) -> None:
        """The board has started: nothing turns any more; by `until_ms` it has told what it still knows."""
        self._busy_until_ms = min(self._busy_until_ms, until_ms)

    def due(self, now_ms: int, *, free: bool) -> tuple[Command, ...]:
        """What time alone makes us ask; `free`: nothing else is on the line."""
        if self._phase is Phase.LANES and now_ms - self._synced_ms >= ASK_AGAIN_MS:
            return self._ask(now_ms)  # it never pauses; its lanes come when they come
        since_ms = now_ms - self._asked_ms
        if self._phase is Phase.ASKING and self._missing and free and since_ms >= ASK_AGAIN_MS:
            return self._ask(now_ms)
        if self.up and self._status_every_ms and free and since_ms >= self._status_every_ms:
            self._asked_ms = now_ms
            return (AskStatus(),)
        return ()

    def comes_up(self, now_ms: int) -> bool:
        """Whether the board has just become known and idle; True once per start-up."""
        if self._phase is not Phase.ASKING or self._missing or now_ms < self._busy_until_ms:
            return False
        self._phase = Phase.UP
        return True

    def _ask(self, now_ms: int) -> tuple[Command, ...]:
        self._phase, self._asked_ms, self._missing = Phase.ASKING, now_ms, self._wanted
        return self._questions
