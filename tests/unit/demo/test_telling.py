"""What a program's line becomes on the timeline."""

import pytest

from hw_sim.demo.story import Fact
from hw_sim.demo.telling import fact_of, fact_of_message
from wire.topics import parse

STAMP = "2026-03-01T08:00:00.250000Z"
AT_MS = 1_772_352_000_250.0
TOPIC = parse("wxvend/v1/vm-0001/down/sale.code")


def test_a_frame_is_told_with_its_bytes_to_unfold() -> None:
    line = {"event": "frame", "t_ms": 5, "dir": "to_host", "hex": "fafb0402010c0000", "what": "status"}
    assert fact_of("board", line) == Fact(
        t_ms=5.0, who="bus", what="← status", detail="fa fb 04 02 01 0c 00 00"
    )


def test_the_stopwatch_finds_the_frame_that_runs_a_motor() -> None:
    line = {"event": "frame", "t_ms": 5, "dir": "to_board", "hex": "fafb0605010100000b", "what": "run"}
    told = fact_of("board", line)
    assert told is not None
    assert (told.what, told.mark) == ("→ run", "motor_frame")
    back = fact_of("board", line | {"dir": "to_host"})
    assert back is not None
    assert back.mark == ""


@pytest.mark.parametrize("frame", ["fafb410040", "fafb420043", "fafb110c0d00220000015e050803e9008b"])
def test_polls_acknowledgements_and_lane_reports_are_not_news(frame: str) -> None:
    line = {"event": "frame", "t_ms": 5, "dir": "to_board", "hex": frame, "what": "poll"}
    assert fact_of("board", line) is None


def test_a_fallen_piece_is_told_by_the_board() -> None:
    told = fact_of("board", {"event": "dropped", "t_ms": 5, "lane": 11})
    assert told == Fact(t_ms=5.0, who="board", what="a piece fell from lane 11", mark="dropped")


@pytest.mark.parametrize(("running", "word"), [(True, "turns"), (False, "stands")])
def test_a_motor_that_turns_or_stands_is_told_by_the_board(running: bool, word: str) -> None:
    told = fact_of("board", {"event": "motor", "t_ms": 5, "lane": 11, "running": running})
    assert told == Fact(t_ms=5.0, who="board", what=f"the motor of lane 11 {word}", mark=f"motor.{word}")


def test_a_daemons_line_is_told_at_its_own_time() -> None:
    line = {"event": "sale.closed", "timestamp": STAMP, "why": "lease", "lane": 11}
    assert fact_of("edge", line) == Fact(
        t_ms=AT_MS, who="edge", what="sale closed (lease): it can never vend any more", mark="sale.closed"
    )


def test_a_line_with_less_in_it_is_still_told() -> None:
    told = fact_of("edge", {"event": "link.down", "timestamp": STAMP})
    assert told is not None
    assert told.what == "link to the broker is down: "


def test_the_bridge_is_heard_for_itself_and_not_for_what_it_repeats_of_others() -> None:
    line = {"wall_ms": 5, "machine": "vm-0001", "sale_id": "a", "who": "bridge", "what": "authorised"}
    assert fact_of("bridge", line) == Fact(t_ms=5.0, who="bridge", what="authorised")
    assert fact_of("bridge", line | {"who": "edge"}) is None


def test_a_call_to_the_platform_is_told_with_its_particulars_to_unfold() -> None:
    line = {
        "event": "http",
        "n": 3,
        "t_ms": 5,
        "who": "wechat",
        "what": "order answered: 200",
        "fact": "call.answered",
        "operation": "create",
        "code": "",
    }
    assert fact_of("wechat", line) == Fact(
        t_ms=5.0,
        who="wechat",
        what="order answered: 200",
        detail="fact call.answered, operation create",
        mark="call.answered",
    )


def test_a_message_is_told_with_its_topic_and_content_but_never_with_a_payment_link() -> None:
    told = fact_of_message(
        TOPIC, b'{"sale_id":"a","code_url":"weixin://wxpay/bizpayurl?pr=x","pay_s":5}', 7.0
    )
    assert (told.who, told.what, told.mark) == ("mqtt", "bridge says sale.code", "mqtt.sale.code")
    assert told.detail.startswith(str(TOPIC))
    assert '"pay_s": 5' in told.detail
    assert "weixin" not in told.detail


@pytest.mark.parametrize("payload", [b"\xff\x00", b"[1, 2]", b"", b'"text"', b"[" * 10_000])
def test_a_message_that_is_no_object_is_still_told(payload: bytes) -> None:
    told = fact_of_message(parse("wxvend/v1/vm-0001/up/sale.outcome"), payload, 7.0)
    assert told.what == "machine says sale.outcome"


@pytest.mark.parametrize("line", [{}, {"event": "sale.open"}, {"event": 3, "timestamp": STAMP}])
def test_what_is_no_fact_is_passed_over(line: dict[str, object]) -> None:
    for program in ("edge", "bridge", "wechat", "board", "broker"):
        assert fact_of(program, line) is None
