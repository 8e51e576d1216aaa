"""What a program's line becomes on the timeline."""

import pytest

from hw_sim.demo.story import Fact
from hw_sim.demo.telling import fact_of

STAMP = "2026-03-01T08:00:00.250000Z"
AT_MS = 1_772_352_000_250.0


def test_a_frame_is_told_with_its_bytes_to_unfold() -> None:
    line = {"event": "frame", "t_ms": 5, "dir": "to_host", "hex": "fafb0402010c0000", "what": "status"}
    assert fact_of("board", line) == Fact(
        t_ms=5.0, who="bus", what="← status", detail="fa fb 04 02 01 0c 00 00"
    )


@pytest.mark.parametrize("frame", ["fafb410040", "fafb420043"])
def test_polls_and_acknowledgements_are_not_news(frame: str) -> None:
    line = {"event": "frame", "t_ms": 5, "dir": "to_board", "hex": frame, "what": "poll"}
    assert fact_of("board", line) is None


def test_a_fallen_piece_is_told_by_the_board() -> None:
    assert fact_of("board", {"event": "dropped", "t_ms": 5, "lane": 11}) == Fact(
        t_ms=5.0, who="board", what="a piece fell from lane 11"
    )


def test_a_daemons_line_is_told_at_its_own_time() -> None:
    line = {"event": "sale.closed", "timestamp": STAMP, "why": "lease", "lane": 11}
    assert fact_of("edge", line) == Fact(
        t_ms=AT_MS, who="edge", what="sale closed (lease): it can never vend any more"
    )


def test_a_line_with_less_in_it_is_still_told() -> None:
    told = fact_of("edge", {"event": "link.down", "timestamp": STAMP})
    assert told is not None
    assert told.what == "link to the broker is down: "


def test_a_message_is_told_once_by_its_sender() -> None:
    line = {"timestamp": STAMP, "topic": "wxvend/v1/vm-0001/down/sale.paid", "size": 190}
    assert fact_of("bridge", {**line, "event": "mqtt.sent"}) == Fact(
        t_ms=AT_MS,
        who="mqtt",
        what="bridge says sale.paid",
        detail="wxvend/v1/vm-0001/down/sale.paid, 190 bytes",
    )
    assert fact_of("edge", {**line, "event": "mqtt.heard"}) is None


def test_states_for_dashboards_do_not_drown_a_sale() -> None:
    line = {"event": "mqtt.sent", "timestamp": STAMP, "topic": "wxvend/v1/vm-0001/state/lane/11", "size": 90}
    assert fact_of("edge", line) is None


@pytest.mark.parametrize("line", [{}, {"event": "sale.open"}, {"event": 3, "timestamp": STAMP}])
def test_what_is_no_fact_is_passed_over(line: dict[str, object]) -> None:
    assert fact_of("edge", line) is None
