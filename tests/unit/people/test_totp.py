"""Codes of a second factor: the vectors of RFC 6238, one step around, and each good once."""

import base64
import subprocess
from collections import Counter
from urllib.parse import parse_qs, urlsplit

import pytest

from cloud_bridge.engine_totp import STEP_S, address, code_at, new_secret, step_of

RFC = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("at_s", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_codes_are_those_of_the_rfc(at_s: int, code: str) -> None:
    assert code_at(RFC, at_s // STEP_S, digits=8) == code
    assert code_at(RFC, at_s // STEP_S) == code[2:]


def test_openssl_makes_the_same_digest() -> None:
    digest = subprocess.run(
        ["openssl", "dgst", "-sha1", "-mac", "HMAC", "-macopt", "key:12345678901234567890", "-binary"],
        input=(37037036).to_bytes(8, "big"),
        capture_output=True,
        check=True,
    ).stdout
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    assert code_at(RFC, 37037036) == f"{number % 1_000_000:06}"


def test_a_phone_may_be_a_step_early_or_late_and_not_two() -> None:
    now_ms, now = 1_000_000_000, 1_000_000 // STEP_S
    for step in range(now - 3, now + 4):
        found = step_of(RFC, code_at(RFC, step), wall_ms=now_ms, after=0)
        assert found == (step if abs(step - now) <= 1 else 0)


def test_a_code_is_good_once_and_an_earlier_one_no_more() -> None:
    now_ms, now = 1_000_000_000, 1_000_000 // STEP_S
    assert step_of(RFC, code_at(RFC, now), wall_ms=now_ms, after=now - 1) == now
    assert step_of(RFC, code_at(RFC, now), wall_ms=now_ms, after=now) == 0
    assert step_of(RFC, code_at(RFC, now - 1), wall_ms=now_ms, after=now) == 0


@pytest.mark.parametrize("code", ["", "0", "12345", "1234567", "abcdef", "１２３４５６", "94287082"])
def test_what_is_no_code_fits_nothing(code: str) -> None:
    assert step_of(RFC, code, wall_ms=59_000, after=0) == 0


def test_a_secret_is_twenty_bytes_of_chance_and_a_phone_reads_it_with_the_name() -> None:
    asked: Counter[int] = Counter()

    def entropy(size: int) -> bytes:
        asked[size] += 1
        return bytes(range(size))

    secret = new_secret(entropy)
    assert asked == {20: 1}
    assert base64.b32decode(secret) == bytes(range(20))
    told = urlsplit(address(secret, "ann@example.com"))
    assert (told.scheme, told.netloc, told.path) == ("otpauth", "totp", "/wxvend:ann%40example.com")
    assert parse_qs(told.query) == {"secret": [secret], "issuer": ["wxvend"]}
