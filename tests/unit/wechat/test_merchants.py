"""Several merchants at one address: each notification is opened with the keys of the one it is for."""

from dataclasses import replace
from typing import Any

import pytest

from cloud_bridge.core.model import Payment, RefundStatus
from cloud_bridge.ports import NoticeRejected, OtherNotice
from cloud_bridge.wechat.merchants import MerchantNotices
from cloud_bridge.wechat.notices import WechatNotices
from tests.unit.wechat.parties import NOW_S, Headers, Parties, letter, lower, payment, refund

OTHER = "1900000777"
OTHER_KEY = "bVery1Secret2Key3Of4Thirty5Two6C"


@pytest.fixture
def notices(parties: Parties) -> MerchantNotices:
    """Two merchants who know the same keys of the platform; each has a secret of his own."""
    settings = replace(parties.settings, mchid=OTHER)
    keys = replace(parties.keys, mchid=OTHER, api_v3_key=OTHER_KEY.encode())
    return MerchantNotices(
        {
            "": WechatNotices(parties.settings, parties.keys),
            "north": WechatNotices(settings, keys),
        }
    )


def sealed_for_the_other(parties: Parties, event: str, value: Any) -> tuple[Headers, bytes]:
    body = letter(event, value, sealed_with=OTHER_KEY)
    return lower(parties.signed(body)), body


def test_the_keys_that_open_it_say_whose_it_is(parties: Parties, notices: MerchantNotices) -> None:
    mine = notices.open(*parties.notice("TRANSACTION.SUCCESS", payment()), NOW_S)
    assert isinstance(mine, Payment)
    assert (mine.merchant, mine.merchant_ok) == ("", True)
    theirs = notices.open(*sealed_for_the_other(parties, "TRANSACTION.SUCCESS", payment(mchid=OTHER)), NOW_S)
    assert isinstance(theirs, Payment)
    assert (theirs.merchant, theirs.merchant_ok) == ("north", True)
    back = notices.open(
        *sealed_for_the_other(parties, "REFUND.SUCCESS", refund("SUCCESS", "refund_status", mchid=OTHER)),
        NOW_S,
    )
    assert isinstance(back, RefundStatus)
    assert back.merchant == "north"


def test_a_payment_that_names_another_merchant_than_its_seal_is_not_ours(
    parties: Parties, notices: MerchantNotices
) -> None:
    told = notices.open(*sealed_for_the_other(parties, "TRANSACTION.SUCCESS", payment()), NOW_S)
    assert isinstance(told, Payment)
    assert (told.merchant, told.merchant_ok) == ("north", False)


def test_what_nobody_can_open_is_rejected_for_the_best_reason(
    parties: Parties, notices: MerchantNotices
) -> None:
    headers, body = parties.notice("TRANSACTION.SUCCESS", payment())
    for changed, why in (
        ({**headers, "wechatpay-serial": "PUB_KEY_ID_0000"}, "unknown_serial"),
        ({}, "unsigned"),
        ({**headers, "wechatpay-timestamp": str(NOW_S - 400)}, "bad_signature"),
    ):
        with pytest.raises(NoticeRejected) as rejected:
            notices.open(changed, body, NOW_S)
        assert rejected.value.why == why
    with pytest.raises(NoticeRejected) as rejected:
        notices.open(headers, body, NOW_S + 400)
    assert rejected.value.why == "stale"


def test_other_events_need_no_merchant(parties: Parties, notices: MerchantNotices) -> None:
    told = notices.open(*parties.notice("COUPON.USE", {}), NOW_S)
    assert told == OtherNotice(event_type="COUPON.USE")
