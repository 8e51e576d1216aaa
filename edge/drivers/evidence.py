"""From what a board said to what became of a vend: the short way that every asking bus takes."""

from edge.core.faults import FAULTS, NEVER_TURNED, Moved, fault_of
from edge.core.judge import Evidence, Intent, Witness, judge
from edge.core.model import Kind, NotDelivered, Outcome, VendOrder


def judged(witness: Witness, order: VendOrder, evidence: Evidence) -> Outcome:
    """Decide about an order from what was read."""
    return judge(Intent(lane=order.lane, seq=order.seq, witness=witness), order.baseline, evidence)


def rejected(why: str, words: str) -> Outcome:
    """The board said no before anything turned; `why` is a name of a fault in which nothing moves."""
    fault = fault_of(why)
    assert fault is not None, f"{why}: no fault bears this name"
    assert FAULTS[fault].moved in NEVER_TURNED, f"{why}: something may have moved"
    return NotDelivered(kind=Kind.REJECTED, why=why, evidence=words)


def failed(why: str, words: str) -> Outcome:
    """The board said that no goods came out, though something may have turned; it saw how it ended."""
    fault = fault_of(why)
    assert fault is None or FAULTS[fault].moved is not Moved.UNKNOWN, f"{why}: nobody knows what moved"
    return NotDelivered(kind=Kind.MOVED, why=why, evidence=words)
