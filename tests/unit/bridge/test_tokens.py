"""What codes name: only what was sealed here, for a machine that is ours, opens."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.engine_tokens import SERIALS, Token, Tokens, Use

KEY = b"k" * 32
TOKENS = Tokens(KEY, ["vm-0001", "vm-0002"])
COLA = Token(use=Use.PRINTED, machine="vm-0001", lane=12, serial=1)


@given(
    st.builds(
        Token,
        use=st.sampled_from(Use),
        machine=st.sampled_from(["vm-0001", "vm-0002"]),
        lane=st.integers(1, 9999),
        serial=st.integers(0, SERIALS - 1),
    )
)
def test_what_was_sealed_opens_and_fits_into_a_product_number(token: Token) -> None:
    text = TOKENS.seal(token)
    assert TOKENS.open(text) == token
    assert len(text) == 32
    assert text.isalnum()


def test_a_token_that_is_printed_stays_good_in_every_later_version() -> None:
    assert TOKENS.seal(COLA) == "aexwj5hzaagaaaaaaaatduhy76f63ecs"


@pytest.mark.parametrize("bit", range(160))
def test_one_changed_bit_makes_a_token_foreign(bit: int) -> None:
    found = bytearray(base64.b32decode(TOKENS.seal(COLA).upper()))
    found[bit // 8] ^= 1 << bit % 8
    assert TOKENS.open(base64.b32encode(found).decode().lower()) is None


@pytest.mark.parametrize("text", ["", "a", "a" * 32, "a" * 31, "A" * 32, "1" * 32, "ü" * 32, "a" * 40])
def test_what_is_no_token_opens_to_nothing(text: str) -> None:
    assert TOKENS.open(text) is None


def test_a_token_in_capitals_is_another_code() -> None:
    assert TOKENS.open(TOKENS.seal(COLA).upper()) is None


def test_another_key_and_a_machine_that_is_gone_make_a_token_foreign() -> None:
    text = TOKENS.seal(COLA)
    assert Tokens(b"l" * 32, ["vm-0001"]).open(text) is None
    assert Tokens(KEY, ["vm-0002"]).open(text) is None


def test_a_payers_nickname_does_not_say_who_he_is() -> None:
    assert TOKENS.nickname("openid") == TOKENS.nickname("openid")
    assert "openid" not in TOKENS.nickname("openid")
    assert TOKENS.nickname("openid") != Tokens(b"l" * 32, []).nickname("openid")
