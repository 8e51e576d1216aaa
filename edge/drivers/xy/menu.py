"""The board's service menu as a witness: what it may be asked after a restart, in reading requests alone.

Its answers bear neither our number nor the selection (XY protocol §2), so that one which comes too late could
be taken for another's: a question not answered in time silences the menu until the board is known anew.
"""

from typing import Final

from edge.core.judge import Counts, Evidence, Intent, Recovery, Witness, judge
from edge.core.model import Outcome, Uncertain, VendOrder
from edge.drivers.xy.messages import AskMenu, MenuAnswer
from edge.drivers.xy.settings import XySettings

READ: Final = 0x00
LANE_CONFIG: Final = 0x42
LANE_SALES: Final = 0x47
JAMS: Final = 0x32
MOTOR_FAULTS: Final = 0x33


def questions(lane: int) -> tuple[AskMenu, ...]:
    """Everything that may be said of an interrupted run on a lane; nothing here moves anything."""
    return AskMenu(LANE_SALES, lane), AskMenu(LANE_CONFIG, lane), AskMenu(JAMS), AskMenu(MOTOR_FAULTS)


def sales(answer: MenuAnswer) -> int | None:
    """How often the lane ever sold, or None where this is not told."""
    told, ours = answer.text, (answer.kind, answer.operation) == (LANE_SALES, READ)
    return int.from_bytes(told[:4], "big") if ours and len(told) >= 4 else None


def witness(settings: XySettings) -> Witness:
    """What this board can prove once nobody has watched: without its count of sales, nothing."""
    if not settings.sales_count_vends:
        return Witness(recovery=Recovery.NONE, drop_sensor=settings.drop_sensor)
    return Witness(
        recovery=Recovery.COUNTERS, drop_sensor=settings.drop_sensor, counts=Counts.ENDS, counter_bits=32
    )


def judged(order: VendOrder, silence: Uncertain, sold: int | None, proves: Witness) -> Outcome:
    """After a restart, silence on the line leaves what the board counts."""
    read = Evidence(count=sold, words=silence.evidence)
    return judge(Intent(lane=order.lane, seq=order.seq, witness=proves), order.baseline, read)


def words(answer: MenuAnswer, lane: int) -> str:
    """The answer as evidence for a person; empty when it says nothing."""
    told = answer.text if answer.operation == READ else b""
    match answer.kind:
        case 0x47 if len(told) >= 4:
            return f"sold {int.from_bytes(told[:4], 'big')} ever"
        case 0x42 if len(told) >= 6:
            return f"menu stock {int.from_bytes(told[4:6], 'big')}"
        case 0x32 if told:
            return "in the list of jams" if lane in _lanes(told) else "no jam listed"
        case 0x33 if told:
            return "in the list of motor faults" if lane in _lanes(told) else "no motor fault listed"
    return ""


def _lanes(told: bytes) -> tuple[int, ...]:
    """The first list of an answer: a count, then so many selections, as far as the frame goes."""
    pairs = [told[at : at + 2] for at in range(1, 1 + 2 * told[0], 2)]
    return tuple(int.from_bytes(pair, "big") for pair in pairs if len(pair) == 2)
