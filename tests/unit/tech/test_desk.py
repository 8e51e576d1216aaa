"""What the technician's grid says of a lane: the scan's word above the board's, always a mark and a word."""

import pytest

from edge.ports import LaneReported
from edge.tech.desk import cell
from edge.tech.visit import LaneFound


def told(stock: int | None, fault: str = "") -> LaneReported:
    return LaneReported(lane=12, stock=stock, capacity=8, fault=fault)


def found(reason: str | None, *, planned: bool | None = True) -> LaneFound:
    return LaneFound(lane=12, reason=reason, planned=planned)


@pytest.mark.parametrize(
    ("board", "scan", "shown"),
    [
        (told(5), None, ("●", "5 in", "info")),
        (told(None), None, ("●", "?", "info")),
        (told(5), found(""), ("●", "5 in", "go")),
        (told(None), found(""), ("●", "ok", "go")),
        (told(0), None, ("▲", "empty", "wait")),
        (told(5, "motor_absent"), None, ("■", "motor_absent", "stop")),
        (told(5), found("over_current"), ("■", "over_current", "stop")),
        (told(5), found(None), ("■", "unseen", "stop")),
        (told(5), found("", planned=False), ("▲", "unplanned", "wait")),
        (None, found("no_such_lane"), ("■", "not there", "stop")),
    ],
)
def test_a_lane_is_shown_by_mark_word_and_tone(
    board: LaneReported | None, scan: LaneFound | None, shown: tuple[str, str, str]
) -> None:
    made = cell(12, board, scan)
    assert (made.mark, made.words, made.tone) == shown
