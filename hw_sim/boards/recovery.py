"""Small boards, one for each way to remember a run, whose power may be cut at any moment of it.

Written from what each kind of board is said to keep (sale lifecycle, section 5), not from any one product. A
run is a list of moments; at each the board does one thing, to the world or to its own memory, and between
any two of them the power may go.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

KINDS: Final = ("latched", "token", "history", "read_once", "run_state", "counters", "door", "none")
COUNTERS: Final = ("nothing", "starts", "drops", "ends")
RUNS: Final = ("good", "unseen", "empty", "jam", "fault")  # what becomes of a run that nobody interrupts
_HISTORY: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Make:
    """What a board is like. `keeps`: its memory outlives the power; `marks`: it writes before it turns."""

    kind: str
    counter: str = "nothing"
    keeps: bool = True
    marks: bool = True
    sensor: bool = True
    latch: bool = False


@dataclass(slots=True)
class Board:
    """One lane, its truth (`started`, `fallen`), and what the board remembers of it."""

    make: Make
    started: int = 0
    fallen: int = 0
    count: int = 41
    records: list[tuple[int, str]] = field(default_factory=lambda: [(7, "dropped")])
    fell: bool = False
    running: bool = False
    has_restarted: bool = False

    # ------------------------------------------------------------ a run

    def moments(self, seq: int, run: str) -> list[Callable[[], None]]:
        """What happens, in order, when the board is told to run."""
        numbered = self.make.kind in ("latched", "token", "history", "read_once")
        falls = run in ("good", "unseen")
        return [
            *([lambda: self._write(seq, "running")] if numbered and self.make.marks else []),
            *([self._counts] if self.make.counter == "starts" else []),
            self._starts,
            *([self._drops] if falls else []),
            *([self._counts] if self.make.counter == "ends" and run == "good" else []),
            *([lambda: self._write(seq, self._ending(run))] if numbered else []),
            self._stops,
        ]

    def _starts(self) -> None:
        self.started += 1
        self.running = True

    def _drops(self) -> None:
        """The piece, the latch and a counter on the same beam: one moment, whatever else the board knows."""
        self.fallen += 1
        self.fell = self.make.latch or self.make.kind == "door"
        if self.make.counter == "drops":
            self._counts()

    def _stops(self) -> None:
        self.running = False

    def _counts(self) -> None:
        self.count += 1

    def _ending(self, run: str) -> str:
        if run in ("jam", "fault"):
            return "jam" if run == "jam" else "motor_fault"
        return "dropped" if run == "good" and self.make.sensor else "ran"

    def _write(self, seq: int, ending: str) -> None:
        if self.make.kind == "history":
            kept = [record for record in self.records if record[1] != "running"]
            self.records = [*kept, (seq, ending)][-_HISTORY:]
        else:
            self.records = [(seq, ending)]

    # ------------------------------------------------------------ power, and what is asked afterwards

    def cut(self) -> None:
        """Power gone and back. A run that was marked is now known to have been interrupted."""
        self.running, self.has_restarted = False, True
        if not self.make.keeps:
            self.records, self.fell, self.count = [], False, 0
        self.records = [(seq, "interrupted" if how == "running" else how) for seq, how in self.records]

    def read(self) -> list[tuple[int, str]]:
        """The records, newest last. Some boards tell them once."""
        told = list(self.records)
        if self.make.kind == "read_once":
            self.records = []
        return told
