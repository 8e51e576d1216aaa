"""The platform's certificates: opened, held against the signature, kept, and looked after as time passes."""

import base64
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cloud_bridge.wechat import keeper as keeping
from cloud_bridge.wechat.certificates import BadList, CertificateList, read_list
from cloud_bridge.wechat.exchange import Exchange, Failure, NoAnswer, Reply, Success
from cloud_bridge.wechat.keeper import Keeper
from cloud_bridge.wechat.keys import Keys, PlatformKey, PlatformKeys, normal_serial
from cloud_bridge.wechat.watch import Watch, WatchedExchange
from tests.unit.web.bridge import Lines
from tests.unit.wechat.host import Hands
from tests.unit.wechat.parties import API_V3_KEY, KEY_ID, NOW_S, Parties, certificate, new_key, pem, signed

DAY_S = 86_400
OLD, NEW = 0x11AA, 0x22BB


@pytest.fixture(scope="module")
def old() -> rsa.RSAPrivateKey:
    return new_key()


@pytest.fixture(scope="module")
def new() -> rsa.RSAPrivateKey:
    return new_key()


def entry(
    key: rsa.RSAPrivateKey, serial: int, *, days: int = 1825, secret: str = API_V3_KEY
) -> dict[str, Any]:
    """One of the list, sealed by other means than ours."""
    text = pem(certificate(key, "platform", serial, days=days))
    sealed = AESGCM(secret.encode()).encrypt(b"14b16c03dc1b", text, b"certificate")
    return {
        "serial_no": f"{serial:040X}",
        "effective_time": "2026-04-28T20:26:40+08:00",
        "expire_time": "2031-04-27T20:26:40+08:00",
        "encrypt_certificate": {
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": "14b16c03dc1b",
            "associated_data": "certificate",
            "ciphertext": base64.b64encode(sealed).decode(),
        },
    }


def listing(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"data": list(entries)}).encode()


def why_not(content: bytes) -> str:
    with pytest.raises(BadList) as bad:
        read_list(API_V3_KEY.encode(), content, now_s=NOW_S)
    return bad.value.why


# ---------------------------------------------------------------- the list itself


def test_every_certificate_that_has_not_ended_is_read(old: rsa.RSAPrivateKey, new: rsa.RSAPrivateKey) -> None:
    content = listing(entry(old, OLD), entry(new, NEW), entry(new, 0x33CC, days=29))
    found = read_list(API_V3_KEY.encode(), content, now_s=NOW_S)
    assert set(found) == {"11AA", "22BB"}
    assert found["22BB"].key.public_numbers() == new.public_key().public_numbers()
    assert found["22BB"].until_s == pytest.approx(NOW_S + 1795 * DAY_S)


def test_a_list_is_used_whole_or_not_at_all(old: rsa.RSAPrivateKey, new: rsa.RSAPrivateKey) -> None:
    good, bad = entry(old, OLD), entry(new, NEW)
    sealed = bad["encrypt_certificate"]
    for spoiled, why in (
        (bad | {"serial_no": f"{OLD:040X}"}, "other_serial"),
        (bad | {"encrypt_certificate": sealed | {"nonce": "14b16c03dc1"}}, "not_decrypted"),
        (bad | {"encrypt_certificate": sealed | {"algorithm": "AEAD_SM4_GCM"}}, "algorithm"),
        (bad | {"encrypt_certificate": None}, "bad_json"),
        (entry(new, NEW, secret="bVery1Secret2Key3Of4Thirty5Two6C"), "not_decrypted"),
    ):
        assert why_not(listing(good, spoiled)) == why


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "bad_json"),
        (b'{"data":{}}', "bad_json"),
        (b'{"data":[1]}', "bad_json"),
        (b'{"data":[]}', "no_certificate"),
        (b"<html>", "bad_json"),
    ],
)
def test_what_is_no_list_is_refused(content: bytes, why: str) -> None:
    assert why_not(content) == why


def test_sealed_text_that_is_no_certificate_is_refused(old: rsa.RSAPrivateKey) -> None:
    sealed = AESGCM(API_V3_KEY.encode()).encrypt(b"14b16c03dc1b", b"-----BEGIN NOTHING-----", b"certificate")
    spoiled = entry(old, OLD)
    spoiled["encrypt_certificate"]["ciphertext"] = base64.b64encode(sealed).decode()
    assert why_not(listing(spoiled)) == "bad_certificate"


# ---------------------------------------------------------------- believing it


@dataclass
class Side:
    """One merchant's keys, as the bridge holds them."""

    keys: Keys
    held: PlatformKeys
    hands: Hands = field(default_factory=Hands)
    watch: Watch = field(default_factory=Watch)

    def __post_init__(self) -> None:
        exchange = Exchange(self.keys, clock=self.hands, nonce=lambda: "n" * 32)
        self.exchange = WatchedExchange(exchange, self.watch, self.hands)
        self.judge = CertificateList(self.keys, self.held, self.exchange, self.hands).judge

    def now_s(self) -> int:
        return self.hands.wall // 1000

    def says(self, key: rsa.RSAPrivateKey, serial: int, content: bytes) -> Reply:
        return self.judge(200, signed(key, content, at_s=self.now_s(), serial=f"{serial:040X}"), content)


@pytest.fixture
def side(parties: Parties) -> Side:
    """Certificates only, and none of them here yet."""
    held = PlatformKeys()
    return Side(replace(parties.keys, platform=held, answer_with=""), held)


def test_the_first_list_is_believed_by_its_seal_and_by_what_it_holds(
    side: Side, old: rsa.RSAPrivateKey
) -> None:
    assert side.says(old, OLD, listing(entry(old, OLD))) == Success(200)
    assert set(side.held) == {"11AA"}
    assert side.keys.of_serial(f"{OLD:040x}") is not None


def test_a_list_signed_by_nobody_in_it_is_not_believed(
    side: Side, old: rsa.RSAPrivateKey, new: rsa.RSAPrivateKey
) -> None:
    content = listing(entry(old, OLD))
    assert side.says(new, NEW, content) == NoAnswer("unknown_serial")
    assert side.says(new, OLD, content) == NoAnswer("bad_signature")
    assert side.judge(200, {}, content) == NoAnswer("unsigned")
    assert len(side.held) == 0


def test_a_rotation_adds_the_new_one_and_keeps_the_old(
    side: Side, old: rsa.RSAPrivateKey, new: rsa.RSAPrivateKey
) -> None:
    side.says(old, OLD, listing(entry(old, OLD)))
    assert side.says(old, OLD, listing(entry(old, OLD), entry(new, NEW))) == Success(200)
    assert side.says(new, NEW, listing(entry(new, NEW))) == Success(200)
    assert set(side.held) == {"11AA", "22BB"}  # what is under way was signed with the old one


def test_what_has_ended_is_forgotten(side: Side, old: rsa.RSAPrivateKey, new: rsa.RSAPrivateKey) -> None:
    side.says(old, OLD, listing(entry(old, OLD, days=31)))
    side.hands.wall += 2 * DAY_S * 1000
    side.says(new, NEW, listing(entry(new, NEW)))
    assert set(side.held) == {"22BB"}


def test_during_a_migration_the_list_may_be_signed_by_the_public_key(
    parties: Parties, old: rsa.RSAPrivateKey
) -> None:
    held = PlatformKeys(parties.keys.platform)
    both = Side(replace(parties.keys, platform=held), held)
    content = listing(entry(old, OLD))
    assert both.judge(200, parties.signed(content), content) == Success(200)
    assert {KEY_ID, normal_serial(parties.serial), "11AA"} == set(held)


def test_an_error_is_judged_as_everywhere(side: Side) -> None:
    body = '{"code":"RESOURCE_NOT_EXISTS","message":"无可用的平台证书"}'.encode()
    reply = side.judge(404, {}, body)
    assert isinstance(reply, Failure)
    assert reply.why == "resource_not_exists"


# ---------------------------------------------------------------- looking after it


@dataclass
class Kept:
    """A keeper in hand-driven time, with what it said."""

    side: Side
    replies: list[Reply] = field(default_factory=list)
    alarms: dict[str, str] = field(default_factory=dict)
    said: list[tuple[str, bool]] = field(default_factory=list)
    fetched_s: list[float] = field(default_factory=list)
    name: str = ""
    fetches: bool = True

    def __post_init__(self) -> None:
        self.keeper = Keeper(
            name=self.name,
            keys=self.side.keys,
            watch=self.side.watch,
            fetch=self._fetch if self.fetches else None,
            say=self._say,
            clock=self.side.hands,
            log=Lines(),
        )

    async def _fetch(self) -> Reply:
        self.fetched_s.append(self.side.hands.now / 1000)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    async def _say(self, name: str, text: str) -> None:
        self.said.append((name, bool(text)))
        self.alarms.pop(name, None)
        if text:
            self.alarms[name] = text

    async def passes(self, seconds: float) -> None:
        for _ in range(int(seconds / keeping.LOOK_S)):
            await self.keeper.look()
            self.side.hands.now += int(keeping.LOOK_S * 1000)
            self.side.hands.wall += int(keeping.LOOK_S * 1000)


def holding(parties: Parties, **ends_in_days: float) -> Side:
    keys = {
        name: PlatformKey(key=parties.by_certificate.public_key(), from_s=0, until_s=NOW_S + days * DAY_S)
        for name, days in ends_in_days.items()
    }
    held = PlatformKeys(keys)
    return Side(replace(parties.keys, platform=held), held)


async def test_certificates_are_fetched_at_once_and_every_six_hours(side: Side) -> None:
    kept = Kept(side, [Success(200)])
    await kept.passes(13 * 3600)
    first = kept.fetched_s[0]
    assert [round(each - first) for each in kept.fetched_s] == [0, 6 * 3600, 12 * 3600]


async def test_a_fetch_that_fails_is_tried_again_ever_more_rarely(side: Side) -> None:
    kept = Kept(side, [NoAnswer("timeout")])
    await kept.passes(6 * 3600)
    waits = [b - a for a, b in zip(kept.fetched_s, kept.fetched_s[1:], strict=False)]
    assert waits[:3] == [60, 120, 240]
    assert max(waits) == 3600


async def test_a_merchant_without_certificates_is_not_asked_again_and_told(side: Side) -> None:
    kept = Kept(side, [Failure(404, "resource_not_exists", "")])
    await kept.passes(24 * 3600)
    assert len(kept.fetched_s) == 1
    assert "platform_public_keys" in kept.alarms["keys_platform_gone"]


async def test_with_the_public_key_alone_the_list_is_never_called(side: Side) -> None:
    kept = Kept(side, [Success(200)], fetches=False)
    side.watch.answer_unknown_ms = side.hands.now
    await kept.passes(24 * 3600)
    assert kept.fetched_s == []


async def test_a_key_that_nobody_knows_is_fetched_soon_but_not_at_a_strangers_pace(side: Side) -> None:
    kept = Kept(side, [Success(200)])
    await kept.passes(3600)
    for _ in range(60):
        side.watch.notice_unknown_ms = side.hands.now  # somebody posts rubbish all the time
        await kept.passes(60)
    assert 5 <= len(kept.fetched_s) - 1 <= 6
    assert "keys_platform_unknown" not in kept.alarms


async def test_a_key_that_answers_name_and_no_list_has_is_an_alarm_until_it_is_quiet(side: Side) -> None:
    kept = Kept(side, [NoAnswer("timeout")])
    body = b"{}"
    unknown = signed(new_key(), body, at_s=side.now_s(), serial="PUB_KEY_ID_0000")
    assert side.exchange.judge(200, unknown, body) == NoAnswer("unknown_serial")
    await kept.passes(60)
    assert "--echo" in kept.alarms["keys_platform_unknown"]
    await kept.passes(3600)
    assert "keys_platform_unknown" not in kept.alarms


@pytest.mark.parametrize(("days", "stands"), [(61, False), (59, True), (-1, True)])
async def test_keys_that_end_within_sixty_days_are_an_alarm(
    parties: Parties, days: float, stands: bool
) -> None:
    side = holding(parties, A=-10, B=days)
    side.keys = replace(side.keys, own_until_s=NOW_S + days * DAY_S)
    kept = Kept(side, fetches=False)
    await kept.passes(10)
    wanted = {"keys_own_end", "keys_platform_end"} if stands else set()
    assert set(kept.alarms) == wanted
    day = datetime.fromtimestamp(NOW_S + days * DAY_S, UTC).date().isoformat()
    assert all(day in text and "Try:" in text for text in kept.alarms.values())


async def test_the_newest_of_several_counts(parties: Parties) -> None:
    kept = Kept(holding(parties, A=3, B=1000), fetches=False)
    await kept.passes(10)
    assert kept.alarms == {}


async def test_an_alarm_names_its_merchant(parties: Parties) -> None:
    kept = Kept(holding(parties, A=3), name="north", fetches=False)
    await kept.passes(10)
    assert "(merchant north)" in kept.alarms["keys_platform_end_north"]


@pytest.mark.parametrize(
    ("ahead_s", "words"), [(0, ""), (-59, ""), (61, "61 s ahead of"), (-3600, "3600 s behind")]
)
async def test_a_clock_far_from_the_platforms_is_an_alarm(side: Side, ahead_s: int, words: str) -> None:
    kept = Kept(side, fetches=False)
    side.hands.wall = NOW_S * 1000
    told = datetime.fromtimestamp(NOW_S - ahead_s, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    for _ in range(3):
        side.exchange.judge(401, {"date": told}, b"{}")
    await kept.keeper.look()
    assert words in kept.alarms.get("clock_off", "")
    assert bool(words) == ("clock_off" in kept.alarms)


async def test_one_slow_answer_does_not_make_a_wrong_clock_and_a_right_one_ends_the_alarm(side: Side) -> None:
    kept = Kept(side, fetches=False)
    side.hands.wall = NOW_S * 1000

    def dated(*behind_s: int) -> None:
        for seconds in behind_s:
            side.watch.dated(seconds)

    dated(0, 90, 0)
    await kept.keeper.look()
    assert kept.alarms == {}
    dated(90, 90, 90)
    await kept.keeper.look()
    assert set(kept.alarms) == {"clock_off"}
    dated(1)
    await kept.keeper.look()
    assert kept.alarms == {}


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Foo 2026 00:00:00 GMT", "\x00"])
def test_a_date_that_is_none_says_nothing(side: Side, date: str) -> None:
    for _ in range(3):
        side.exchange.judge(500, {"Date": date}, b"")
    assert side.watch.offset_s == 0


async def test_what_an_earlier_run_said_is_taken_back_once_and_then_only_changes_are_said(side: Side) -> None:
    kept = Kept(side, [Success(200)])
    await kept.passes(3600)
    names = [name for name, _ in kept.said]
    assert len(names) == len(set(names))
    assert not any(stands for _, stands in kept.said)
