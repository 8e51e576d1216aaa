"""What became of a motor run that nobody watched to its end: the board's evidence in, one outcome out.

Only evidence that cannot be another run's, and that a power cut cannot have swallowed, decides (G-JUDGE). All
else is doubt. Read it only once nothing can still start this motor (G-LOCK, G-SETTLE).
"""

import enum
from dataclasses import dataclass
from typing import Final

from edge.core.model import Baseline, Delivered, Kind, NotDelivered, Outcome, Uncertain

MONOTONE_BITS: Final = 32  # fewer wrap within a machine's life: then less and greater mean nothing


class Recovery(enum.StrEnum):
    """How a bus can learn, without moving anything, what became of an interrupted operation.

    LATCHED, TOKEN: the board keeps number and result of its last run. HISTORY: of its last runs. READ_ONCE:
    until they are read. RUN_STATE: only whether something turns. COUNTERS: only how often. DOOR: whether the
    door of a compartment opened. NONE: nothing.
    """

    LATCHED = "latched"
    TOKEN = "token"  # noqa: S105 - a sequence number, not a secret
    HISTORY = "history"
    READ_ONCE = "read_once"
    RUN_STATE = "run_state"
    COUNTERS = "counters"
    DOOR = "door"
    NONE = "none"


class Counts(enum.StrEnum):
    """When a lane's counter moves. Only one that the drop itself moves can prove both ways."""

    NOTHING = "nothing"
    STARTS = "starts"  # before the motor turns: unmoved proves that nothing did
    DROPS = "drops"
    ENDS = "ends"  # after the result is known: a cut may have come before it


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """What a board can prove, as its driver declares it.

    `marks_start`: its record is written before the motor turns, so that one which did not change means that
    nothing turned. A counter of fewer than MONOTONE_BITS bits proves nothing.
    """

    recovery: Recovery
    marks_start: bool = False
    drop_sensor: bool = False
    counts: Counts = Counts.NOTHING
    counter_bits: int = 0


class Ending(enum.StrEnum):
    """How the board says that a run ended. RAN: the motor came round, and no sensor saw a piece."""

    DROPPED = "dropped"
    RAN = "ran"
    JAM = "jam"
    MOTOR_FAULT = "motor_fault"
    INTERRUPTED = "interrupted"
    RUNNING = "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run as the board remembers it. `lane` None where it does not say."""

    seq: int
    ending: Ending
    lane: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The run in question."""

    lane: int
    seq: int
    witness: Witness


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was read. `records` newest last; `repeated` is a final report for this lane that still comes.

    `kept`: this is provably the memory that the baseline was read from. `fell`: a latch that was clear at the
    baseline says that a piece fell (of a compartment: that its door opened); None where there is no latch.
    """

    answered: bool = True
    repeated: Ending | None = None
    records: tuple[Record, ...] = ()
    kept: bool = False
    fell: bool | None = None
    running: bool = False
    count: int | None = None
    words: str = ""


def judge(intent: Intent, baseline: Baseline, evidence: Evidence) -> Outcome:
    """Decide. Pure and total: whatever was read, there is an outcome, and it is true or doubt."""
    if not evidence.answered:
        return _doubt("no_answer", evidence)
    if evidence.repeated is not None:
        return _said(evidence.repeated, intent, baseline, evidence)
    if evidence.running:
        return _doubt("still_running", evidence)
    if intent.witness.recovery in _NUMBERED:
        return _by_number(intent, baseline, evidence)
    if intent.witness.recovery is Recovery.DOOR and evidence.fell:
        return Delivered(evidence=evidence.words)
    return _by_counter(intent, baseline, evidence)


# ---------------------------------------------------------------- a board that numbers its runs


def _by_number(intent: Intent, baseline: Baseline, evidence: Evidence) -> Outcome:
    ours = _ours(intent, baseline, evidence)
    if ours is not None:
        return _said(ours, intent, baseline, evidence)
    if not evidence.records and (intent.witness.recovery is Recovery.READ_ONCE or not evidence.kept):
        return _by_counter(intent, baseline, evidence)  # read before, lost, or never written: the same to us
    newest = evidence.records[-1].seq if evidence.records else None
    if newest != baseline.seq or newest == intent.seq:
        return _doubt("overwritten", evidence)
    if not (evidence.kept and intent.witness.marks_start):
        return _by_counter(intent, baseline, evidence)  # it may have turned before the board wrote, or since
    return NotDelivered(kind=Kind.NOT_MOVED, why="never_began", evidence=evidence.words)


def _ours(intent: Intent, baseline: Baseline, evidence: Evidence) -> Ending | None:
    """How our own run ended, where a record can be no other's."""
    if intent.seq == baseline.seq:
        return None  # an old record would look like ours (G-SEQ)
    for record in _newer(intent, baseline, evidence):
        if record.seq == intent.seq and record.lane in (None, intent.lane):
            return record.ending
    return None


def _newer(intent: Intent, baseline: Baseline, evidence: Evidence) -> tuple[Record, ...]:
    """Without the runs before ours: numbers come round, and a long history may hold ours from last time."""
    records = evidence.records
    if intent.witness.recovery is not Recovery.HISTORY or baseline.seq is None:
        return records
    places = [place for place, record in enumerate(records) if record.seq == baseline.seq]
    return records[places[-1] + 1 :] if places else ()


def _said(ending: Ending, intent: Intent, baseline: Baseline, evidence: Evidence) -> Outcome:
    """What the board says of a run that is ours."""
    match ending:
        case Ending.DROPPED:
            return Delivered(evidence=evidence.words)
        case Ending.RAN if not intent.witness.drop_sensor:
            return Delivered(evidence=evidence.words)
        case Ending.RAN:
            return NotDelivered(kind=Kind.MOVED, why="no_drop", evidence=evidence.words)
        case Ending.JAM | Ending.MOTOR_FAULT:
            return NotDelivered(kind=Kind.MOVED, why=ending.value, evidence=evidence.words)
        case Ending.INTERRUPTED if evidence.fell:
            return Delivered(evidence=evidence.words)
        case Ending.INTERRUPTED:
            return _by_counter(intent, baseline, evidence)
        case Ending.RUNNING:
            return _doubt("still_running", evidence)


# ---------------------------------------------------------------- a board that only counts, and doubt


def _by_counter(intent: Intent, baseline: Baseline, evidence: Evidence) -> Outcome:
    """A lane's monotone counter: by exactly one, by nothing, or no proof at all."""
    witness = intent.witness
    if witness.counter_bits < MONOTONE_BITS or baseline.count is None or evidence.count is None:
        return _doubt("no_memory", evidence)
    if evidence.count == 0 and not evidence.kept:
        return _doubt("no_memory", evidence)  # a counter that begins anew stands where a new one stood
    moved = evidence.count - baseline.count
    if moved == 1 and witness.counts in (Counts.DROPS, Counts.ENDS):
        return Delivered(evidence=evidence.words)
    if moved == 0 and witness.counts is Counts.STARTS:
        return NotDelivered(kind=Kind.NOT_MOVED, why="never_began", evidence=evidence.words)
    if moved == 0 and witness.counts is Counts.DROPS:
        return NotDelivered(kind=Kind.MOVED, why="nothing_fell", evidence=evidence.words)
    return _doubt("power" if moved in (0, 1) else "overwritten", evidence)


def _doubt(why: str, evidence: Evidence) -> Uncertain:
    return Uncertain(why=why, evidence=evidence.words)


_NUMBERED: Final = frozenset({Recovery.LATCHED, Recovery.TOKEN, Recovery.HISTORY, Recovery.READ_ONCE})
