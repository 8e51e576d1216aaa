"""What a machine answers to a catalogue: the version it runs, or which setting it cannot use."""

import json
from collections.abc import Callable
from typing import Final

from edge.ports import Journal, TroubleTold
from wire.catalogue import CatalogueStatus, offered

REFUSED: Final = "catalogue_refused"
_WORDS_MOST: Final = 400


class ShelfAnswers:
    """Remembers whether the newest catalogue could be used. `in_use` gives the version that is."""

    def __init__(self, journal: Journal, in_use: Callable[[], int]) -> None:
        self._journal: Final = journal
        self._in_use: Final = in_use
        self.last: tuple[int, str] = (0, "")

    def usable(self) -> TroubleTold | None:
        """One came that can be used: the trouble with the one before it is over, if there was any."""
        stood, self.last = self.last, (0, "")
        return TroubleTold(name=REFUSED, text="") if stood[1] else None

    def unusable(self, payload: bytes, why: str) -> TroubleTold:
        """One came that cannot be used; the trouble that stands until another one comes."""
        version = _version(payload)
        self.last = (version, why[:_WORDS_MOST])
        return TroubleTold(name=REFUSED, text=f"version {version}: {why}"[:_WORDS_MOST])

    def answer(self, version: int, why: str = "") -> CatalogueStatus:
        """What the bridge hears of the one that it offered."""
        session = self._journal.session
        return CatalogueStatus(
            jid=session.jid,
            boot=session.boot,
            bits=session.bits,
            n=0,
            version=self._in_use(),
            offered=version,
            why=why,
        )


def _version(payload: bytes) -> int:
    try:
        return offered(json.loads(payload))
    except (ValueError, RecursionError):
        return 0
