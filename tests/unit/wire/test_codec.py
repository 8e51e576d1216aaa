"""What a reader could misread is refused, and no refusal quotes what it refused."""

import json
from dataclasses import MISSING, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.samples import BITS, CODE_URL, JID, MACHINE, MESSAGES, NONCE, SALE
from wire.codec import MAX_DEPTH, MAX_INT, UnknownKind, address, decode, decode_presence, encode
from wire.messages import (
    Alarm,
    BadMessage,
    Birth,
    Catalogue,
    CatalogueLane,
    Message,
    Presence,
    SaleCode,
    SalePaid,
    SaleQuery,
)
from wire.topics import LIMIT_BYTES, Branch, Topic

QUERY = Topic(MACHINE, Branch.DOWN, "sale.query")
PAID = Topic(MACHINE, Branch.DOWN, "sale.paid")
CATALOGUE = Topic(MACHINE, Branch.SET, "catalogue")


def changed(message: Message, **members: object) -> bytes:
    """The JSON of `message` with other members; None takes one away."""
    table = {**json.loads(encode(message)), **members}
    return json.dumps({name: value for name, value in table.items() if value is not None}).encode()


def of(kind: type[Message]) -> Message:
    return next(message for message in MESSAGES if isinstance(message, kind))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_message_survives_the_way_there_and_back(message: Message) -> None:
    assert decode(address(MACHINE, message), encode(message)) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_member_without_a_default_is_needed(message: Message) -> None:
    for field in fields(message):
        if field.default is not MISSING:
            continue
        payload = changed(message, **{field.name: None})
        with pytest.raises(BadMessage, match=f"^{field.name}: found nothing, allowed a value$"):
            decode(address(MACHINE, message), payload)


def test_a_member_of_a_later_version_is_ignored() -> None:
    assert decode(QUERY, changed(of(SaleQuery), colour={"of": ["the", "year"]})) == of(SaleQuery)


def test_a_birth_says_whether_its_machine_knows_challenges_and_which_one_it_answers() -> None:
    old = of(Birth)
    assert isinstance(old, Birth)
    assert old.challenge is None
    assert b"challenge" not in encode(old)
    for challenge in ("", NONCE):
        told = replace(old, challenge=challenge)
        assert encode(told) == encode(old)[:-1] + b',"challenge":"%s"}' % challenge.encode()
        assert decode(address(MACHINE, told), encode(told)) == told


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "allowed one JSON object"),
        (b"\xff\xfe", "UnicodeDecodeError, allowed one JSON object in UTF-8"),
        (b"\xef\xbb\xbf{}", "allowed one JSON object"),
        (b"{", "allowed one JSON object"),
        (b"[]", "payload: found array, allowed object"),
        (b"null", "payload: found null, allowed object"),
        (b'{"sale_id": "a", "sale_id": "b"}', "'sale_id': found twice, allowed once"),
        (b'{"x": {"y": 1, "y": 2}}', "'y': found twice, allowed once"),
        (b'{"x": 1.0}', "'x': found a fraction"),
        (b'{"x": 1e3}', "'x': found a fraction"),
        (b'{"x": [[[0.5]]]}', "'x': found a fraction"),
        (b'{"x": NaN}', "'x': found a fraction"),
        (b'{"x": -Infinity}', "'x': found a fraction"),
        (b'{"x": 9007199254740992}', f"'x': found a number beyond {MAX_INT}"),
        (b'{"x": -9007199254740992}', f"'x': found a number beyond {MAX_INT}"),
        (b'{"x": ' + b"9" * 4000 + b"}", f"'x': found a number beyond {MAX_INT}"),
        (b'{"x": "a\\u0000b"}', "'x': found a NUL character"),
        (b'{"x": [["\\u0000"]]}', "'x': found a NUL character"),
        (b'{"x": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "more than 8 levels"),
        (b"[" * 2000, "more than 8 levels|allowed one JSON object"),
        (b'{"sale_id": "\\ud800' + b"a" * 25 + b'"}', "allowed"),
    ],
)
def test_what_a_reader_could_misread_is_refused(payload: bytes, words: str) -> None:
    with pytest.raises(BadMessage, match=words):
        decode(QUERY, payload)


def test_the_deepest_allowed_level_is_read() -> None:
    deep = b'{"x": ' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1)
    assert decode(QUERY, deep + b', "sale_id": "%s"}' % SALE.encode()) == SaleQuery(sale_id=SALE)


def test_brackets_within_text_are_text() -> None:
    payload = changed(of(SaleQuery), x='[{"' * 50)
    assert decode(QUERY, payload) == of(SaleQuery)


@pytest.mark.parametrize(
    ("kind", "members", "words"),
    [
        (SalePaid, {"paid_fen": "350"}, "paid_fen: found str, allowed int"),
        (SalePaid, {"paid_fen": True}, "paid_fen: found bool, allowed int"),
        (SalePaid, {"paid_fen": 0}, "paid_fen: found 0, allowed 1 to 10000000 fen"),
        (SalePaid, {"paid_fen": -350}, "paid_fen: found -350, allowed"),
        (SalePaid, {"lane": 0}, "lane: found 0, allowed 1 to 9999"),
        (SalePaid, {"boot": 0}, "boot: found 0, allowed 1 or more"),
        (SalePaid, {"jid": "short"}, "jid: found text of 5, allowed 26 of a-z 2-7"),
        (SalePaid, {"sale_id": SALE.upper()}, "sale_id: found text of 26, allowed 26 of a-z 2-7"),
        (SaleCode, {"pay_s": 601}, "pay_s: found 601, allowed 1 to 600 s"),
        (SaleCode, {"code_url": "x" * 513}, "code_url: found 513, allowed 1 to 512 characters"),
        (Alarm, {"text": "x" * 401}, "text: found text of 401, allowed at most 400"),
        (Birth, {"challenge": "0" * 31}, "challenge: found text of 31, allowed 32 of 0-9 a-f"),
        (Alarm, {"name": "Lane Jammed"}, "name: found text of 11, allowed at most 48 of a-z"),
        (Catalogue, {"version": 0}, "version: found 0, allowed 1 or more"),
        (Catalogue, {"lanes": []}, "lanes: found 0, allowed 1 to 200"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    kind: type[Message], members: dict[str, object], words: str
) -> None:
    with pytest.raises(BadMessage, match=words):
        decode(address(MACHINE, of(kind)), changed(of(kind), **members))


def test_a_wrong_value_deep_inside_is_named_with_its_place() -> None:
    lanes = [{"lane": 1, "name_zh": "水", "name_en": "Water", "price_fen": "2"}]
    with pytest.raises(BadMessage, match=r"lanes\[0\]\.price_fen: found str, allowed int"):
        decode(CATALOGUE, changed(of(Catalogue), lanes=lanes))


def test_a_lane_is_in_a_catalogue_once() -> None:
    lane = CatalogueLane(lane=1, name_zh="水", name_en="Water", price_fen=200)
    with pytest.raises(BadMessage, match="each lane once"):
        Catalogue(version=1, phone="", lanes=(lane, replace(lane, price_fen=300)))


def test_a_kind_of_another_branch_or_version_is_unknown() -> None:
    for branch, kind in ((Branch.UP, "sale.paid"), (Branch.DOWN, "sale.shout"), (Branch.STATE, "presence")):
        with pytest.raises(UnknownKind, match="kind: found"):
            decode(Topic(MACHINE, branch, kind), b"{}")


@pytest.mark.parametrize("branch", [Branch.UP, Branch.DOWN, Branch.SET])
def test_a_message_beyond_the_limit_is_not_looked_at(branch: Branch) -> None:
    message = next(each for each in MESSAGES if address(MACHINE, each).branch is branch)
    payload = changed(message).ljust(LIMIT_BYTES[branch], b" ")
    assert decode(address(MACHINE, message), payload) == message
    with pytest.raises(BadMessage, match="bytes, allowed"):
        decode(address(MACHINE, message), payload + b" ")


@pytest.mark.parametrize("where", ["sale_id", "state", "why", "evidence", "jid", "bits"])
def test_a_refusal_never_quotes_text(where: str) -> None:
    message = next(each for each in MESSAGES if type(each).__name__ == "SaleStatus")
    with pytest.raises(BadMessage) as refused:
        decode(address(MACHINE, message), changed(message, **{where: CODE_URL * 20}))
    shown = f"{refused.value!r} {refused.value.__cause__!r}"
    assert "weixin" not in shown


def test_a_broken_payload_is_not_in_the_traceback() -> None:
    with pytest.raises(BadMessage) as refused:
        decode(QUERY, b'{"code_url": "' + CODE_URL.encode())
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("piece", [b'"\\', b"[", b'{"a":', b"9", b'"', b"[0,", b'{"":0,'])
def test_the_longest_message_of_nonsense_is_read_once_and_refused(piece: bytes) -> None:
    # Under the longest message that gets here, whatever takes quadratic time would hit the suite's limit.
    nonsense = piece * (LIMIT_BYTES[Branch.SET] // len(piece))
    with pytest.raises(BadMessage):
        decode(CATALOGUE, nonsense)


def test_presence_is_read_for_pages() -> None:
    presence = Presence(online=True, jid=JID, boot=3, bits=BITS)
    assert decode_presence(encode(presence)) == presence
    for payload in (b"{}", b'{"online": 1}', b" " * (LIMIT_BYTES[Branch.STATE] + 1)):
        with pytest.raises(BadMessage):
            decode_presence(payload)


@given(payload=st.binary(max_size=200), kind=st.sampled_from(["sale.query", "sale.paid", "ack", "x"]))
def test_any_bytes_are_a_message_or_refused(payload: bytes, kind: str) -> None:
    try:
        found = decode(Topic(MACHINE, Branch.DOWN, kind), payload)
    except BadMessage as refused:
        words = str(refused)
    else:
        words = repr(found)
    assert len(words) < 300


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from([field.name for field in fields(SalePaid)]), _JSON))
def test_any_members_are_a_message_or_refused(members: dict[str, object]) -> None:
    try:
        found = decode(PAID, json.dumps(members).encode())
    except BadMessage:
        return
    assert isinstance(found, SalePaid)
