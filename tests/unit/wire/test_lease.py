"""Order requests on the wire: what a lease and its codes may say, and that no code is ever quoted."""

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.wire.samples import CODE_URL, MACHINE, MESSAGES, TOKEN
from wire.codec import address, decode, encode
from wire.lease import CODES_LIMIT, HeldCode, LaneCodes, LeaseGranted, LeaseRefused, LeaseRequest, SaleOffered
from wire.messages import BadMessage, Message
from wire.topics import LIMIT_BYTES, Branch


def of(kind: type[Message]) -> Any:
    return next(message for message in MESSAGES if isinstance(message, kind))


def held(number: int) -> HeldCode:
    return HeldCode(token=f"token-{number}", code_url=CODE_URL + str(number))


@pytest.mark.parametrize(
    ("message", "change", "words"),
    [
        (of(LeaseRequest), {"request_id": "r"}, "request_id: found text of 1, allowed 26 of a-z 2-7"),
        (of(LeaseRequest), {"lane": 0}, "lane: found 0, allowed 1 to 9999"),
        (of(LeaseRequest), {"boot": 0}, "boot: found 0, allowed 1 or more"),
        (
            of(LeaseRequest),
            {"token": "t" * 33},
            "token: found text of 33, allowed 1 to 32 of 0-9 A-Z a-z _ -",
        ),
        (of(LeaseRequest), {"token": "a b"}, "token: found text of 3, allowed 1 to 32 of 0-9 A-Z a-z _ -"),
        (of(LeaseRequest), {"replaces": "x"}, "replaces: found text of 1, allowed 26 of a-z 2-7"),
        (of(LeaseGranted), {"lease_s": 3601}, "lease_s: found 3601, allowed 1 to 3600 s"),
        (of(LeaseGranted), {"start_s": 0}, "start_s: found 0, allowed 1 to 60 s"),
        (of(LeaseGranted), {"price_fen": 0}, "price_fen: found 0, allowed 1 to 10000000 fen"),
        (of(LeaseRefused), {"why": "Sold out"}, "why: found text of 8, allowed at most 48 of a-z 0-9 _ . -"),
        (of(SaleOffered), {"pay_s": 601}, "pay_s: found 601, allowed 1 to 600 s"),
        (of(LaneCodes), {"version": 0}, "version: found 0, allowed 1 or more"),
        (of(LaneCodes), {"codes": (held(1), held(1))}, "codes: found 2, allowed each token once"),
        (
            of(LaneCodes),
            {"codes": tuple(held(number) for number in range(CODES_LIMIT + 1))},
            f"codes: found {CODES_LIMIT + 1}, allowed at most {CODES_LIMIT}",
        ),
    ],
)
def test_what_no_machine_and_no_bridge_says_is_refused(
    message: Any, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadMessage) as refused:
        replace(message, **change)
    assert str(refused.value) == words


def test_a_printed_code_asks_without_a_token() -> None:
    asked = replace(of(LeaseRequest), token="", replaces="")
    assert decode(address(MACHINE, asked), encode(asked)) == asked


def test_an_empty_list_takes_every_code_of_a_lane_away() -> None:
    revoked = replace(of(LaneCodes), codes=())
    assert decode(address(MACHINE, revoked), encode(revoked)) == revoked


def test_a_lane_with_as_many_codes_as_there_may_be_fits_into_one_message() -> None:
    longest = tuple(
        HeldCode(token=f"{number:032}", code_url="weixin://wxpay/bizpayurl?".ljust(250, "x"))
        for number in range(CODES_LIMIT)
    )
    assert len(encode(replace(of(LaneCodes), codes=longest))) < LIMIT_BYTES[Branch.DOWN]


@pytest.mark.parametrize("kind", [LeaseRequest, LaneCodes])
def test_no_code_and_no_token_shows_in_what_a_log_would_write(kind: type[Message]) -> None:
    assert TOKEN not in repr(of(kind))
    assert CODE_URL not in repr(of(kind))
