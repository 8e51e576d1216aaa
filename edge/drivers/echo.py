"""Our own bytes, taken out of what a line gives back: half-duplex adapters with their echo on do that.

Some answers are byte for byte what was asked (a relay's, a lock's that has opened), so a line is only said to
echo once frames came back that no board could have answered with.
"""

from typing import Final

SILENT: Final = 3  # frames in a row that did not come back, after which a line does not echo any more


class Echo:
    """`wrote` each frame, then give what comes to `heard`. Holds no more than the frame written last."""

    def __init__(self) -> None:
        self.echoes = False
        self._sent = b""
        self._alike = False
        self._held = b""
        self._not_back = 0

    def wrote(self, frame: bytes, *, alike: bool) -> None:
        """This was just written. `alike`: its answer may be the same bytes."""
        self._sent, self._alike, self._held = frame, alike, b""

    def heard(self, data: bytes) -> bytes:
        """What of these bytes is the other side's. What may still become an echo waits for its end."""
        if not self._sent:
            return data
        held, sent = self._held + data, self._sent
        if self._alike and self.echoes:
            return self._without(sent, held)
        if len(held) < len(sent) and sent.startswith(held):
            self._held = held
            return b""
        self._sent, self._held = b"", b""
        back = held.startswith(sent)
        if not self._alike:
            self._learn(back)
        return held[len(sent) :] if back and self.echoes else held

    def _without(self, sent: bytes, held: bytes) -> bytes:
        """The first copy is the echo, whatever noise came before it: else noise would make it an answer."""
        at = held.find(sent)
        if at >= 0:
            self._sent, self._held = b"", b""
            return held[:at] + held[at + len(sent) :]
        begun = next(n for n in range(min(len(held), len(sent) - 1), -1, -1) if held.endswith(sent[:n]))
        self._held = sent[:begun]
        return held[: len(held) - begun]

    def _learn(self, back: bool) -> None:
        self._not_back = 0 if back else self._not_back + 1
        self.echoes = back or (self.echoes and self._not_back < SILENT)
