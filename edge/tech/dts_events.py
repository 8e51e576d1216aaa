"""Events of an audit file: EA1 one by one, EA2 counted, in the codes of the common faults. Pure.

Source: EVA-DTS 6.1.1. A failed vend is timed by when its sale was opened, a power cut by when the power was
back; how long either lasted is not known.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from edge.core.faults import event_of, fault_of
from edge.core.model import State
from edge.core.tally import Mishap, Tally, Trouble
from edge.tech.dts import Segment

POWER: Final = "ECA"
_TEXT_LIMIT: Final = 60
_FAILED: Final = frozenset({State.NOT_DELIVERED, State.UNCERTAIN})


@dataclass(slots=True)
class _Count:
    """One code: of the day, since the journal began, and what is told beside it. `day` None: not known."""

    day: int | None = 0
    count: int = 0
    words: set[str] = field(default_factory=set)
    stands: bool = False

    def elements(self) -> tuple[str, ...]:
        """As EA2 has them."""
        day = "" if self.day is None else str(self.day)
        return day, str(self.count), " ".join(sorted(self.words))[:_TEXT_LIMIT], str(int(self.stands))


def code_of(lane: int, state: State, why: str) -> str:
    """The code for how a sale failed: the fault's, else that the product did not come."""
    if state is State.UNCERTAIN:
        return f"EJ_{lane}"  # the group's general code: nobody knows what the dispenser did
    fault = fault_of(why)
    return (event_of(fault, lane) if fault else "") or f"ELA_{lane}"


def single(
    mishaps: Iterable[Mishap], cuts_ms: Iterable[int], moment: Callable[[int], tuple[str, str]]
) -> list[Segment]:
    """EA1, one line an event, oldest first."""
    happened = [(each.at_wall_ms, code_of(each.lane, each.state, each.why)) for each in mishaps]
    happened += [(at_ms, POWER) for at_ms in cuts_ms]
    return [Segment("EA1", (code, *moment(at_ms))) for at_ms, code in sorted(happened)]


def counted(tallies: Iterable[Tally], troubles: Iterable[Trouble]) -> list[Segment]:
    """EA2, one line a code. What alarms alone told of is counted since the journal began."""
    counts: dict[str, _Count] = {}
    for row in tallies:
        if row.state in _FAILED:
            found = counts.setdefault(code_of(row.lane, row.state, row.why), _Count())
            found.day = (found.day or 0) + row.of_period
            found.count += row.count
            found.words.add(row.why)
    for trouble in troubles:
        code = event_of(trouble.fault, trouble.lane)
        if not code:
            continue
        found = counts.setdefault(code, _Count(day=None))
        if found.day is None:
            found.count += trouble.raised
            found.words.add(trouble.fault.value)
        found.stands = found.stands or trouble.stands
    return [Segment("EA2", (code, *found.elements())) for code, found in sorted(counts.items())]
