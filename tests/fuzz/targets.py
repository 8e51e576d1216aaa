"""Every reader of what comes from outside: accepted, or refused by a name. What is read is good, then spoilt.

A target gives the name of what became of an input: `accepted...` or the reason of a refusal. Whatever else
an input causes (another exception, a changed meaning) is a fault, and hypothesis makes the input small.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from cloud_bridge.config import BridgeSettings
from cloud_bridge.ports import NoticeRejected
from cloud_bridge.wechat.notices import WechatNotices
from edge.config import EdgeSettings
from edge.drivers.xy.codec import Decoder
from edge.drivers.xy.messages import Other
from hw_sim.platform.keys import open_keys
from tests.fuzz import older
from tests.unit.drivers.xy_bench import ACK, POLL, STATUS_TEXT, Bench, frame
from tests.unit.wechat.parties import NOW_S, Parties, payment, refund
from tests.unit.wire.samples import (
    MACHINE,
    MESSAGES,
    Lines,
    bridge_keyring,
    bridge_signer,
    edge_keyring,
    machine_signer,
)
from wire.codec import address, decode, encode
from wire.gate import Gate
from wire.inbound import Inbound, Refused
from wire.messages import BadMessage, Message
from wire.settings import BadSettings, read
from wire.topics import Branch, Topic

EXAMPLES: Final = Path(__file__).parents[2] / "docs" / "examples"
_BITS_OF_JSON: Final = (
    *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\u0000", b"\\ud800", b"\x00", b"\xff", b"\xc0\x80"),
    *(b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"-0", b"0.5", b"9" * 5000, b'{"a":' * 50),
    *(b"9007199254740993", b'"state":', b'"sale_id":"', "\u202e".encode(), "𝕏".encode(), b"\xef\xbb\xbf"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """`inputs` and what `read` makes of one, by name."""

    inputs: st.SearchStrategy[Any]
    read: Callable[[Any], str]


def spoilt(*good: bytes, more: tuple[bytes, ...] = ()) -> st.SearchStrategy[bytes]:
    """Good inputs with some bytes changed, cut, doubled or put in; now and then untouched, or mere noise."""
    change = st.tuples(
        st.integers(0, 10_000),
        st.integers(0, 12),
        st.one_of(st.binary(max_size=8), st.sampled_from((b"", *_BITS_OF_JSON, *more))),
    )
    mended = st.builds(_changed, st.sampled_from(good), st.lists(change, max_size=6))
    return st.one_of(mended, mended, mended, st.binary(max_size=200))


def reworded(*good: bytes) -> st.SearchStrategy[bytes]:
    """Good JSON objects in which some members say something else."""
    anything = st.one_of(
        st.integers(-2, 2**53), st.text(max_size=70), st.booleans(), st.none(), st.floats(), st.just([{}])
    )
    changes = st.lists(st.tuples(st.integers(0, 30), anything), max_size=2)
    return st.builds(_reworded, st.sampled_from(good), changes)


def _reworded(text: bytes, changes: list[tuple[int, object]]) -> bytes:
    table = json.loads(text)
    for number, value in changes:
        table[list(table)[number % len(table)]] = value
    return json.dumps(table).encode()


def _changed(text: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for at, gone, new in changes:
        place = at % (len(text) + 1)
        text = text[:place] + new + text[place + gone :]
    return text


# ---------------------------------------------------------------- the board


def _frames(stream: bytes) -> str:
    decoder = Decoder()
    found = [each.message for each in decoder.feed(stream)]
    if found:
        return "accepted" if any(not isinstance(each, Other) for each in found) else "other message"
    return "bad check" if decoder.bad_checks else "no frame"


def _session(stream: bytes) -> str:
    bench = Bench().start()
    began = len(bench.facts)
    bench.read(stream)
    bench.wait(1.0, polling=False)
    assert bench.moved() == 0, "a motor frame that nobody ordered"
    return "accepted" if len(bench.facts) > began else "nothing new"


_BOARD: Final = (
    *(POLL, ACK, frame(0x52, 9, STATUS_TEXT), frame(0x04, 9, bytes.fromhex("02000c"))),
    *(frame(0x11, 3, bytes.fromhex("000c0000015e050803e900")), frame(0x02, 4, bytes.fromhex("01000c"))),
    *(frame(0x05, 5, bytes.fromhex("000c")), frame(0x21, 6, bytes.fromhex("0100000064")), frame(0x54, 7)),
)


# ---------------------------------------------------------------- the wire

_TOPICS: Final = tuple(str(address(MACHINE, message)).encode() for message in MESSAGES)
_PAYLOADS: Final = tuple(map(encode, MESSAGES))


def _about(message: Message) -> st.SearchStrategy[tuple[Topic, bytes]]:
    """Its topic, and its words or those of another."""
    good = encode(message)
    words = st.one_of(reworded(good), reworded(good), spoilt(good), st.sampled_from(_PAYLOADS))
    return st.tuples(st.just(address(MACHINE, message)), words)


def _message(given: tuple[Topic, bytes]) -> str:
    topic, payload = given
    try:
        message = decode(topic, payload)
    except BadMessage:
        return "bad_message"
    assert decode(topic, encode(message)) == message, "read otherwise the second time"
    return "accepted"


@dataclass(frozen=True, slots=True)
class _Sent:
    """An inbound message, and whether it is as it was signed."""

    inbound: Inbound
    genuine: bool


def _sent(number: int, topic: bytes, payload: bytes, pairs: int, retained: bool) -> _Sent:
    message = MESSAGES[number % len(MESSAGES)]
    own, said = address(MACHINE, message), encode(message)
    signer = machine_signer() if own.branch is Branch.UP else bridge_signer()
    (kid, sig) = signer.sign(own, said).user_properties
    choices = ((kid, sig), (kid,), (sig,), (), (kid, sig, sig), (kid, kid, sig), (("kid", "x"), sig))
    chosen = choices[pairs % len(choices)] + ((("x", "y"),) if pairs > 20 else ())
    text = (topic or str(own).encode()).decode("utf-8", "replace")
    inbound = Inbound(topic=text, payload=payload or said, retained=retained, user_properties=chosen)
    kept = not retained or own.branch is Branch.SET
    same = (
        text == str(own)
        and (payload or said) == said
        and chosen[:2] == (kid, sig)
        and len(chosen) - (pairs > 20) == 2
    )
    return _Sent(inbound, same and kept)


def _envelope(sent: _Sent) -> str:
    for keyring in (edge_keyring(), bridge_keyring()):
        try:
            keyring.open_(sent.inbound)
        except Refused as refused:
            name = str(refused.reason)
        else:
            assert sent.genuine, "believed what nobody signed"
            name = "accepted"
            break
    return name


def _gate(sent: _Sent) -> str:
    gates = [Gate(ring, log=Lines(), clock=lambda: 0.0) for ring in (edge_keyring(), bridge_keyring())]
    taken = [gate.take(sent.inbound) for gate in gates]
    assert sent.genuine or taken == [None, None]
    refused = [str(reason) for gate in gates for reason in gate.refused]
    return "accepted" if any(taken) else refused[0]


_SENT: Final = st.builds(
    _sent,
    st.integers(0, 100),
    st.one_of(st.just(b""), spoilt(*_TOPICS)),
    st.one_of(st.just(b""), spoilt(*_PAYLOADS)),
    st.one_of(st.just(0), st.integers(0, 30)),
    st.booleans(),
)


# ---------------------------------------------------------------- the platform


def _notices(parties: Parties) -> Mapping[str, Target]:
    """Bodies as somebody on the way may spoil them, and whatever the platform might say in its own name."""
    notices = WechatNotices(parties.settings, parties.keys)
    headers, body = parties.notice("TRANSACTION.SUCCESS", payment())

    def on_the_way(spoiled: bytes) -> str:
        try:
            notices.open(headers, spoiled, NOW_S)
        except NoticeRejected as rejected:
            return rejected.why
        assert spoiled == body, "believed what the platform did not sign"
        return "accepted"

    def from_the_platform(given: tuple[str, bytes]) -> str:
        event, plain = given
        try:
            found = notices.open(*parties.notice(event, plain), NOW_S)
        except NoticeRejected as rejected:
            return rejected.why
        return f"accepted {type(found).__name__}"

    plains = [json.dumps(each, ensure_ascii=False).encode() for each in _told()]
    events = st.sampled_from(["TRANSACTION.SUCCESS", "REFUND.SUCCESS", "REFUND.ABNORMAL", "SOMETHING.NEW"])
    words = (
        b'"SUCCESS"',
        b'"amount":{}',
        b'"total":-1',
        b'"total":1.0',
        b'"mchid":1',
        b"3500000000000000000",
    )
    told = st.one_of(reworded(*plains), reworded(*plains), spoilt(*plains, more=words))
    return {
        "notice on its way": Target(spoilt(body), on_the_way),
        "notice in its words": Target(st.tuples(events, told), from_the_platform),
    }


def _told() -> tuple[Mapping[str, Any], ...]:
    return payment(), refund("SUCCESS", "refund_status"), refund("ABNORMAL", "refund_status")


# ---------------------------------------------------------------- the operator


def _settings(folder: Path, into: type[Any]) -> Callable[[bytes], str]:
    def look(text: bytes) -> str:
        try:
            read(text.decode("utf-8", "replace"), into, file=folder / "settings.toml")
        except BadSettings as error:
            return "bad_settings" if all(map(str, error.mistakes)) else ""
        return "accepted"

    return look


def targets(folder: Path, parties: Parties) -> Mapping[str, Target]:
    """All of them. `folder` is for the files that settings speak of."""
    texts = {name: (EXAMPLES / f"{name}.toml").read_bytes() for name in ("edge", "bridge")}
    for name in ("bridge.key", "bridge.pub", "vm-0001.key", "vm-0001.pub"):
        (folder / name).touch(mode=0o600)
    open_keys(folder / "keys", now_ms=NOW_S * 1000)
    toml = (b"\n[", b"]\n", b" = ", b"1979-05-27T07:32:00Z", b"inf", b"[[machines]]\n", b"'''", b"= {}\n")
    return {
        "xy frames": Target(spoilt(*_BOARD, b"".join(_BOARD)), _frames),
        "xy session": Target(spoilt(*_BOARD, b"".join(_BOARD)), _session),
        "envelope": Target(_SENT, _envelope),
        "gate": Target(_SENT, _gate),
        "message": Target(st.one_of(*map(_about, MESSAGES)), _message),
        **_notices(parties),
        "xml": Target(older.inputs(spoilt(*older.GOOD, more=older.BITS)), older.read),
        "edge.toml": Target(spoilt(texts["edge"], more=toml), _settings(folder, EdgeSettings)),
        "bridge.toml": Target(spoilt(texts["bridge"], more=toml), _settings(folder, BridgeSettings)),
    }
