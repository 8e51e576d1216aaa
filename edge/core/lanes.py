"""A lane's life: it sells, fails, is taken out, and comes back after a self-test or a person's word. Pure.

A self-test asks the board and turns nothing, so it proves little: a lane that passes gets one more try. What
a stuck product needs is a hand, so such a lane is tested only when somebody was there (the door was closed).
"""

from dataclasses import dataclass, replace
from typing import Final

from edge.core.faults import FAULTS, Fault, fault_of

FAILURES_STOP_A_LANE: Final = 2
FIRST_TEST_S: Final = 600
SLOWEST_TEST_S: Final = 86_400
JAM, BROKEN = "lane_jam", "lane_fault"  # alarms, by what may have moved
# Why a board gave no verdict on the lane: nothing follows from it.
NO_VERDICT: Final = frozenset({"bus", "bus_down", "no_answer", "busy", "no_request"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A lane as the board and our own record of its failures see it. `stock` None: the board cannot tell.

    `told` is the stock of the board's last report, `suspect` the service code's name for the last failure
    and `cause` what the board called it. `tests` counts self-tests since it last sold or was looked at.
    """

    stock: int | None = None
    capacity: int | None = None
    fault: str = ""
    told: int | None = None
    failures: int = 0
    suspect: str = ""
    cause: str = ""
    tests: int = 0

    @property
    def broken(self) -> Fault | None:
        """What takes it out of sale, where that is a common fault."""
        return fault_of(self.fault or self.cause) if self.fault or self.stopped else None

    @property
    def code(self) -> str:
        """The service code of what takes it out of sale; empty where there is none."""
        return FAULTS[self.broken].code if self.broken else ""

    @property
    def stopped(self) -> bool:
        """Whether our own record of failures takes it out of sale."""
        return self.failures >= FAILURES_STOP_A_LANE


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneTested:
    """The board was asked about a lane, and nothing turned. `reason` is empty when it can vend."""

    lane: int
    reason: str


def next_test_s(lane: Lane, *, visited: bool) -> int | None:
    """When a lane that is out of sale is worth asking about, in seconds; None: time alone mends nothing.

    `visited`: the door was closed just now. Each try that leads nowhere doubles the wait for the next.
    """
    if not (lane.stopped or lane.fault):
        return None
    if visited:
        return 0
    if lane.fault:
        return FIRST_TEST_S
    return None if lane.suspect == JAM else min(FIRST_TEST_S << min(lane.tests, 8), SLOWEST_TEST_S)


def reported(before: Lane, told: Lane) -> Lane:
    """The board's word on a lane. A stopped lane sells again when a person's hand shows in it: there are more
    pieces than the board told before, or a fault of the board's own is over. Our own count proves no hand.
    """
    refilled = told.stock is not None and before.told is not None and told.stock > before.told
    mended = bool(before.fault) and not told.fault
    kept = cleared(before) if refilled or mended else before
    return replace(kept, stock=told.stock, capacity=told.capacity, fault=told.fault, told=told.stock)


def after_test(lane: Lane, reason: str) -> Lane:
    """One that passes gives a stopped lane one more try, and ends a fault of the board's own."""
    if reason in NO_VERDICT or not (lane.stopped or lane.fault):
        return lane
    if reason:
        return replace(lane, tests=lane.tests + 1)
    return replace(one_more_try(lane), fault="", tests=lane.tests + 1)


def one_more_try(lane: Lane) -> Lane:
    """Somebody may have worked at it: a stopped lane may fail once more, not twice."""
    return replace(lane, failures=min(lane.failures, FAILURES_STOP_A_LANE - 1))


def cleared(lane: Lane) -> Lane:
    """A person's word or hand: our record of its failures begins anew. The board's own word stands."""
    return replace(lane, failures=0, tests=0, suspect="", cause="")


def failed(lane: Lane, *, turned: bool, cause: str) -> Lane:
    """One more failure in a row. Nothing turned: the motor. It turned, or may have: the goods."""
    suspect = JAM if turned else BROKEN
    return replace(lane, failures=lane.failures + 1, suspect=suspect, cause=cause)
