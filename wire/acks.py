"""Acknowledgements leave in the order in which the messages came (MQTT 5 §4.6), whatever is done first.

A broker may take one that is out of order for an error and cut the connection; the embedded one does.
"""

from collections import deque
from collections.abc import Callable


class InOrder:
    """Holds an acknowledgement back until each one before it was sent. `send` is given the packet number."""

    def __init__(self, send: Callable[[int], object]) -> None:
        self._send = send
        self._unsent: deque[int] = deque()
        self._done: set[int] = set()

    def came(self, mid: int) -> None:
        """A message with this packet number is here."""
        self._unsent.append(mid)

    def done(self, mid: int) -> None:
        """It may be acknowledged now; saying so again changes nothing."""
        if mid in self._unsent:
            self._done.add(mid)
        while self._unsent and self._unsent[0] in self._done:
            first = self._unsent.popleft()
            self._done.discard(first)
            self._send(first)
