"""What the platform tells of complaints and violations: what joins them is strict, the rest is for people."""

from typing import Any

import pytest

from cloud_bridge.core.complaint import Standing
from cloud_bridge.ports import NoticeRejected
from cloud_bridge.ports_desk import ComplaintHint, Violation
from cloud_bridge.wechat.complaint_facts import hint, lines, page, told, violation
from cloud_bridge.wechat.crypto import NotDecrypted, open_sealed
from cloud_bridge.wechat.jsonio import BadJson
from cloud_bridge.wechat.notices import WechatNotices
from tests.unit.wechat.parties import NOW_S, SALE, Parties

PICTURE = "https://api.mch.weixin.qq.com/v3/merchant-service/images/ChsyMDAwMD"


def complaint(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "complaint_id": "200201820200101080076610000",
        "complaint_time": "2026-05-28T10:34:56.120+08:00",
        "complaint_detail": "没有出货",
        "complaint_state": "PENDING",
        "complainted_mchid": "1900000109",
        "payer_phone": "sldkfjsdf==",
        "complaint_order_info": [{"transaction_id": "42000", "out_trade_no": SALE, "amount": 350}],
        "complaint_full_refunded": False,
        "incoming_user_response": True,
        "problem_type": "REFUND",
        "user_complaint_times": 2,
        "complaint_media_list": [{"media_type": "USER_COMPLAINT_IMAGE", "media_url": [PICTURE]}],
        "a_member_of_next_year": [{"deep": 1}],
    }
    return found | changes


def test_a_complaint_is_told_with_what_joins_it_to_its_sale() -> None:
    found = told(complaint())
    assert (found.sale_id, found.transaction_id, found.amount_fen) == (SALE, "42000", 350)
    assert (found.standing, found.problem, found.spoke, found.times) == (Standing.PENDING, "refund", True, 2)
    assert found.made_wall_ms == 1_779_935_696_120
    assert found.pictures == "/v3/merchant-service/images/ChsyMDAwMD"
    assert "没有出货" not in repr(found)
    assert "sldkfjsdf" not in repr(found)


@pytest.mark.parametrize(
    "changes",
    [
        {"complaint_id": "../certificates"},
        {"complaint_id": None},
        {"complaint_state": "SOMETHING"},
        {"complaint_order_info": [{"transaction_id": "42000", "out_trade_no": SALE}]},
        {"complaint_order_info": ["text"]},
        {"user_complaint_times": "many"},
    ],
)
def test_what_joins_it_must_be_as_described(changes: dict[str, Any]) -> None:
    with pytest.raises(BadJson):
        told(complaint(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"complaint_time": "yesterday"},
        {"complaint_time": None},
        {"complaint_detail": 7},
        {"payer_phone": None},
        {"problem_type": "NEW_ONE"},
        {"complaint_media_list": None},
        {"complaint_order_info": []},
        {"complaint_media_list": [{"media_url": [7, None]}, "text"]},
    ],
)
def test_what_only_people_read_may_be_missing_or_odd(changes: dict[str, Any]) -> None:
    assert told(complaint(**changes)).complaint_id


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/picture.jpg",
        "https://api.mch.weixin.qq.com/v3/certificates",
        "https://api.mch.weixin.qq.com/v3/merchant-service/images/../../certificates",
        "file:///etc/passwd",
    ],
)
def test_no_address_of_a_message_is_ever_asked_but_the_images_own(url: str) -> None:
    assert told(complaint(complaint_media_list=[{"media_url": [url]}])).pictures == ""


def test_pages_and_histories_are_lists_of_objects() -> None:
    assert page({"data": [complaint()], "total_count": 1}).total == 1
    (line,) = lines(
        {"data": [{"operate_type": "MERCHANT_RESPONSE", "operate_details": "好", "operator": "x"}]}
    )
    assert (line.action, line.words) == ("merchant_response", "好")
    for wrong in ({}, {"data": "x"}, {"data": [7], "total_count": 1}):
        with pytest.raises(BadJson):
            page(wrong)


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("CREATE_COMPLAINT", "create_complaint"),
        ("USER_APPLY_PLATFORM_SERIVCE", "user_apply_platform_service"),
        ("WORD_OF_NEXT_YEAR", "word_of_next_year"),
        (7, ""),
    ],
)
def test_a_notification_is_a_hint_whatever_its_action(parties: Parties, action: object, name: str) -> None:
    value = {"complaint_id": "2002", "action_type": action}
    notices = WechatNotices(parties.settings, parties.keys)
    found = notices.open(*parties.notice("COMPLAINT.STATE_CHANGE", value), NOW_S)
    assert found == ComplaintHint(event_type="COMPLAINT.STATE_CHANGE", complaint_id="2002", action=name)


def test_a_hint_without_a_complaint_is_not_taken(parties: Parties) -> None:
    notices = WechatNotices(parties.settings, parties.keys)
    with pytest.raises(NoticeRejected, match="bad_json"):
        notices.open(*parties.notice("COMPLAINT.CREATE", {"complaint_id": "a/b"}), NOW_S)
    with pytest.raises(BadJson):
        hint({}, "COMPLAINT.CREATE")


def test_a_violation_is_read_though_a_members_name_has_a_tab(parties: Parties) -> None:
    value = {
        "sub_mchid": "1900000888",
        "record_id": "4562",
        "punish_plan": "关闭支付权限",
        "risk_type": "FRAUD",
        "risk_description\t": "…",
    }
    notices = WechatNotices(parties.settings, parties.keys)
    found = notices.open(*parties.notice("VIOLATION.PUNISH", value), NOW_S)
    assert found == Violation(
        event_type="VIOLATION.PUNISH",
        record_id="4562",
        sub_mchid="1900000888",
        kind="punish",
        plan="关闭支付权限",
        risk="fraud",
    )
    assert violation({**value, "risk_type": "x y"}, "VIOLATION.APPEAL").risk == ""


@pytest.mark.parametrize("sealed", ["", "no base64!", "QUJD"])
def test_a_phone_that_was_not_sealed_for_us_is_not_opened(parties: Parties, sealed: str) -> None:
    with pytest.raises(NotDecrypted):
        open_sealed(parties.merchant, sealed)
