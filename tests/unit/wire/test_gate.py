"""The one way in: refusals are counted by name, bounded in the log, and never quote what they refuse."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.unit.wire.samples import (
    BRIDGE_SEED,
    CODE_URL,
    MACHINE,
    MESSAGES,
    NEXT_BRIDGE_SEED,
    SALE,
    Lines,
    bridge_signer,
    edge_keyring,
    key,
    public,
)
from wire.codec import address, encode
from wire.envelope import Keyring, Signer
from wire.gate import LOG_BURST, Gate, TokenBucket
from wire.inbound import Inbound, Refusal
from wire.messages import Message, SaleCode, SaleQuery
from wire.topics import Branch, Topic


class HandClock:
    """Seconds, moved by the test."""

    def __init__(self) -> None:
        self.at_s = 1000.0

    def __call__(self) -> float:
        return self.at_s


def inbound(message: Message, *, signer: Signer | None = None) -> Inbound:
    topic, payload = address(MACHINE, message), encode(message)
    envelope = (signer or bridge_signer()).sign(topic, payload)
    return Inbound(topic=str(topic), payload=payload, user_properties=envelope.user_properties)


def raw(kind: str, payload: bytes) -> Inbound:
    topic = Topic(MACHINE, Branch.DOWN, kind)
    properties = bridge_signer().sign(topic, payload).user_properties
    return Inbound(topic=str(topic), payload=payload, user_properties=properties)


def gate(log: Lines, clock: Callable[[], float], per_s: int | None = None) -> Gate:
    return Gate(edge_keyring(), log=log, clock=clock, per_s=per_s)


QUERY = SaleQuery(sale_id=SALE)


@pytest.mark.parametrize(
    "message", [each for each in MESSAGES if address(MACHINE, each).branch is not Branch.UP], ids=repr
)
def test_every_message_of_the_bridge_comes_through_as_it_was_said(message: Message) -> None:
    log = Lines()
    through = gate(log, HandClock())
    assert through.take(inbound(message)) == message
    assert through.refused == {}
    assert log.lines == []


def test_every_refusal_is_counted_by_its_name() -> None:
    good, through = inbound(QUERY), gate(Lines(), HandClock())
    for bad, times in (
        (replace(good, user_properties=()), 2),
        (replace(good, user_properties=good.user_properties * 2), 1),
        (replace(good, retained=True), 1),
        (replace(good, topic="wxvend/v1/cafe-08/down/sale.query"), 3),
        (replace(good, topic="somewhere/else"), 1),
        (replace(good, payload=b" " * 5000), 1),
        (inbound(QUERY, signer=Signer("nobody", key(BRIDGE_SEED))), 1),
        (inbound(QUERY, signer=Signer("bridge-1", key(99))), 1),
        (raw("sale.shout", b"{}"), 1),
        (raw("sale.query", b'{"sale_id": 7}'), 1),
    ):
        for _ in range(times):
            assert through.take(bad) is None
    assert through.refused == {
        Refusal.UNSIGNED: 2,
        Refusal.TWO_SIGNATURES: 1,
        Refusal.RETAINED: 1,
        Refusal.FOREIGN: 3,
        Refusal.BAD_TOPIC: 1,
        Refusal.OVERSIZE: 1,
        Refusal.UNKNOWN_KEY: 1,
        Refusal.BAD_SIGNATURE: 1,
        Refusal.UNKNOWN_KIND: 1,
        Refusal.BAD_MESSAGE: 1,
    }


def test_a_repeat_is_no_security_event() -> None:
    through = gate(Lines(), HandClock())
    assert [through.take(inbound(QUERY)) for _ in range(3)] == [QUERY] * 3
    assert through.refused == {}


def test_a_flood_is_told_ten_times_a_minute_and_the_rest_is_counted() -> None:
    clock, log = HandClock(), Lines()
    through, unsigned = gate(log, clock), replace(inbound(QUERY), user_properties=())
    for _ in range(1000):
        through.take(unsigned)
    assert len(log.lines) == LOG_BURST
    assert through.refused == {Refusal.UNSIGNED: 1000}
    clock.at_s += 6
    through.take(unsigned)
    assert len(log.lines) == LOG_BURST + 1
    assert log.lines[-1][1]["unlogged"] == 1000 - LOG_BURST
    clock.at_s += 3600
    for _ in range(1000):
        through.take(unsigned)
    assert len(log.lines) == 2 * LOG_BURST + 1


def test_the_log_names_the_refusal_and_never_quotes_it() -> None:
    log = Lines()
    through = gate(log, HandClock())
    code = SaleCode(sale_id=SALE, code_url=CODE_URL, pay_s=60, price_fen=350)
    for bad in (
        inbound(code, signer=Signer("bridge-1", key(99))),
        replace(inbound(code), topic=f"wxvend/v1/{MACHINE}/down/{'x' * 500}"),
        raw(
            "sale.code", b'{"code_url": "' + CODE_URL.encode() + b'", "pay_s": "' + CODE_URL.encode() + b'"}'
        ),
        raw("sale.code", CODE_URL.encode()),
    ):
        assert through.take(bad) is None
    assert [fields["reason"] for _, fields in log.lines] == [
        "bad_signature",
        "bad_signature",
        "bad_message",
        "bad_message",
    ]
    assert {event for event, _ in log.lines} == {"wire.refused"}
    told = str(log.lines)
    signature = dict(inbound(code).user_properties)["sig"]
    assert "weixin" not in told
    assert signature not in told
    assert max(len(str(fields["topic"])) for _, fields in log.lines) == 120


def test_messages_beyond_the_pace_are_refused_before_any_work_is_spent_on_them() -> None:
    clock = HandClock()
    through = gate(Lines(), clock, per_s=5)
    taken = [through.take(inbound(QUERY)) for _ in range(8)]
    assert taken == [QUERY] * 5 + [None] * 3
    assert through.refused == {Refusal.TOO_MANY: 3}
    clock.at_s += 0.2
    assert through.take(inbound(QUERY)) == QUERY
    assert through.take(inbound(QUERY)) is None


def test_a_rotated_key_is_believed_from_then_on_and_the_old_one_no_more() -> None:
    through = gate(Lines(), HandClock())
    through.replace_keys(Keyring.of_edge(MACHINE, {"bridge-2": public(NEXT_BRIDGE_SEED)}))
    assert through.take(inbound(QUERY)) is None
    assert through.take(inbound(QUERY, signer=Signer("bridge-2", key(NEXT_BRIDGE_SEED)))) == QUERY
    assert through.refused == {Refusal.UNKNOWN_KEY: 1}


def test_nobody_outside_can_change_the_counts() -> None:
    counts = gate(Lines(), HandClock()).refused
    assert not hasattr(counts, "__setitem__")


def test_a_bucket_fills_by_its_clock_and_never_overflows() -> None:
    clock = HandClock()
    bucket = TokenBucket(per_s=2, burst=3, clock=clock)
    assert [bucket.take() for _ in range(5)] == [True, True, True, False, False]
    clock.at_s += 0.49
    assert not bucket.take()
    clock.at_s += 0.01
    assert bucket.take()
    clock.at_s += 1e6
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
