"""Which numbered reports to send now: a window over the journal, moved by the bridge's acknowledgements.

Pure bookkeeping. A broker's PUBACK moves nothing: a report is done when the bridge's own `ack` says so.
Losing this state costs repeats, which the bridge takes calmly.
"""

from collections.abc import Iterable
from typing import Final

from edge.ports import OutboxRow

WINDOW: Final = 16
AGAIN_MS: Final = 5_000


class Outbox:
    """`upto`: every report up to here is held by the bridge. Above it, some may be held one by one."""

    def __init__(self) -> None:
        self.upto = 0
        self._held: set[int] = set()
        self._sent_ms: dict[int, int] = {}

    def reset(self, upto: int) -> None:
        """The bridge answered a birth: everything above `upto` goes again, acknowledged or not."""
        self.upto = upto
        self._held.clear()
        self._sent_ms.clear()

    def held(self, n: int, upto: int) -> None:
        """The bridge holds report `n`, and each one up to `upto`."""
        self.upto = max(self.upto, upto)
        self._held = {held for held in (*self._held, n) if held > self.upto}
        self._sent_ms = {sent: at for sent, at in self._sent_ms.items() if sent > self.upto and sent != n}

    def due(self, rows: Iterable[OutboxRow], now_ms: int) -> tuple[OutboxRow, ...]:
        """The reports of `rows` to send now: not held, and not sent within the last five seconds."""
        return tuple(
            row
            for row in rows
            if row.n > self.upto
            and row.n not in self._held
            and now_ms - self._sent_ms.get(row.n, now_ms - AGAIN_MS) >= AGAIN_MS
        )

    def sent(self, n: int, now_ms: int) -> None:
        """Report `n` was handed to the broker."""
        self._sent_ms[n] = now_ms

    @property
    def waiting(self) -> bool:
        """Something was sent and is not yet held."""
        return bool(self._sent_ms)
