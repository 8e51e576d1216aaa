"""How far a long work is: a line that changes on a terminal, a line each ten seconds elsewhere."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, Final

EVERY_S: Final = 10.0
LIVE_S: Final = 0.25
_MEGA: Final = 1_000_000


class Progress:
    """`total`: bytes there are to do; `say` takes words; `live`: they may be written over, on a terminal."""

    def __init__(
        self, total: int, clock: Callable[[], float], say: Callable[[str], None], *, live: bool
    ) -> None:
        self._total: Final = max(1, total)
        self._clock: Final = clock
        self._say: Final = say
        self._live: Final = live
        self._began_s: Final = clock()
        self._told_s = self._began_s
        self._done = 0

    def step(self, count: int) -> None:
        """So many more bytes are done."""
        self._done += count
        now_s = self._clock()
        if now_s - self._told_s >= (LIVE_S if self._live else EVERY_S):
            self._told_s = now_s
            self._say(self._words(now_s))

    def end(self) -> None:
        """All is done; only said where something was said before."""
        if self._told_s > self._began_s:
            self._say(self._words(self._clock()) + ("\n" if self._live else ""))

    def _words(self, now_s: float) -> str:
        share, rate = min(1.0, self._done / self._total), self._done / max(1e-9, now_s - self._began_s)
        left_s = (self._total - self._done) / rate if rate else 0.0
        minutes, seconds = divmod(round(max(0.0, left_s)), 60)
        words = f"{100 * share:.0f} %, {rate / _MEGA:.1f} MB/s, {minutes}:{seconds:02} left"
        return f"\r{words}   " if self._live else f"{words}\n"


def of_file(size: int) -> Progress:
    """For a file of so many bytes, told on stderr."""
    return Progress(size, time.monotonic, _on_stderr, live=sys.stderr.isatty())


def counted(lines: Iterable[str], progress: Progress) -> Iterator[str]:
    """The same lines; each is counted when the next is asked for."""
    for line in lines:
        yield line
        progress.step(len(line))
    progress.end()


def _on_stderr(words: str) -> None:
    out: IO[Any] = sys.stderr
    out.write(words)
    out.flush()
