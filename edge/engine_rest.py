"""When nothing has gone on for a minute, the journal may rest, so that no sale pays for it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Final

from edge.ports import Journal

REST_AFTER_S: Final = 60.0


class Rest:
    """`quiet`: no sale goes on."""

    def __init__(
        self,
        journal: Journal,
        spawn: Callable[[Coroutine[None, None, None], str], object],
        quiet: Callable[[], bool],
    ) -> None:
        self._journal: Final = journal
        self._spawn: Final = spawn
        self._quiet: Final = quiet
        self._timer: asyncio.TimerHandle | None = None

    def later(self) -> None:
        """A sale ended: a minute from now, if nothing comes."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(REST_AFTER_S, self._now)

    def _now(self) -> None:
        if self._quiet():
            self._spawn(self._journal.rest(), "journal rest")
