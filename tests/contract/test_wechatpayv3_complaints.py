"""The complaint calls of a client that others wrote (wechatpayv3) against the simulated platform."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import wechatpayv3.core
from wechatpayv3 import WeChatPay, WeChatPayType

from tests.contract.simulated import TIMEOUT_S, Simulated

ORDER = "order2026x1"
ADDRESS = "https://shop.example/complaints"
PICTURE = b"\xff\xd8\xff\xe0 a picture"
REAL_HOST = "https://api.mch.weixin.qq.com"


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Simulated]]:
    with Simulated(tmp_path / "keys") as platform:

        def led(method: Callable[..., Any]) -> Callable[..., Any]:
            return lambda url, **more: method(url=url.replace(REAL_HOST, platform.url), **more)

        names = ("get", "post", "put", "delete")
        there = SimpleNamespace(**{name: led(getattr(requests, name)) for name in names})
        monkeypatch.setattr(wechatpayv3.core, "requests", there)
        yield _client(tmp_path / "keys", platform.credentials()), platform


def _client(folder: Path, known: dict[str, str]) -> Any:
    return WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=known["mchid"],
        private_key=(folder / known["merchant_private_key_file"]).read_text(),
        cert_serial_no=known["merchant_serial"],
        appid=known["appid"],
        apiv3_key=known["api_v3_key"],
        notify_url="https://shop.example/notify",
        timeout=(TIMEOUT_S, TIMEOUT_S),
        public_key=(folder / known["platform_public_key_file"]).read_text(),
        public_key_id=known["platform_public_key_id"],
    )


def _complained(theirs: Any, platform: Simulated, **told: str) -> str:
    _, body = theirs.pay(description="可乐 Cola", out_trade_no=ORDER, amount={"total": 350})
    platform.desk("pay", code_url=json.loads(body)["code_url"])
    return str(platform.desk("complain", out_trade_no=ORDER, **told)["complaint_id"])


def test_the_address_is_made_read_changed_and_dropped(both: tuple[Any, Simulated]) -> None:
    theirs, _ = both
    assert theirs.complaint_notification_query()[0] == 404
    status, body = theirs.complaint_notification_create(ADDRESS)
    assert (status, json.loads(body)["url"]) == (200, ADDRESS)
    assert theirs.complaint_notification_create(ADDRESS)[0] == 400
    assert theirs.complaint_notification_update(f"{ADDRESS}/2")[0] == 200
    status, body = theirs.complaint_notification_query()
    assert (status, json.loads(body)["url"]) == (200, f"{ADDRESS}/2")
    assert theirs.complaint_notification_delete()[0] == 204
    assert theirs.complaint_notification_query()[0] == 404


def test_a_complaint_is_listed_read_answered_and_completed(both: tuple[Any, Simulated]) -> None:
    theirs, platform = both
    complaint = _complained(theirs, platform, phone="13900001234")
    status, body = theirs.complaint_detail_query(complaint)
    detail = json.loads(body)
    status, body = theirs.complaint_list_query(begin_date=detail["complaint_time"][:10])
    assert status == 200
    assert [each["complaint_id"] for each in json.loads(body)["data"]] == [complaint]
    assert (status, detail["complaint_state"]) == (200, "PENDING")
    assert theirs.decrypt(detail["payer_phone"]) == "13900001234"
    assert theirs.complaint_response(complaint, "正在核实")[0] == 204
    assert theirs.complaint_complete(complaint)[0] == 204
    status, body = theirs.complaint_history_query(complaint)
    done = [each["operate_type"] for each in json.loads(body)["data"]]
    assert done == ["MERCHANT_CONFIRM_COMPLETE", "MERCHANT_RESPONSE", "CREATE_COMPLAINT"]


def test_an_approved_refund_ends_the_complaint_when_the_money_is_back(both: tuple[Any, Simulated]) -> None:
    theirs, platform = both
    complaint = _complained(theirs, platform, problem="REFUND")
    assert theirs.complaint_update_refund(complaint, "APPROVE", launch_refund_day=0)[0] == 204
    amount = {"refund": 350, "total": 350, "currency": "CNY"}
    theirs.refund(out_refund_no=f"R{ORDER}", out_trade_no=ORDER, amount=amount)
    platform.desk("clock", advance_ms=10_000)
    platform.next(lambda line: line.get("fact") == "refund.ended")
    detail = json.loads(theirs.complaint_detail_query(complaint)[1])
    assert (detail["complaint_state"], detail["complaint_full_refunded"]) == ("PROCESSED", True)


def test_pictures_go_both_ways(both: tuple[Any, Simulated], tmp_path: Path) -> None:
    theirs, platform = both
    complaint = _complained(theirs, platform, picture=base64.b64encode(PICTURE).decode())
    detail = json.loads(theirs.complaint_detail_query(complaint)[1])
    (url,) = detail["complaint_media_list"][0]["media_url"]
    assert theirs.complaint_image_download(url)[0] == 200
    picture = tmp_path / "answer.jpg"
    picture.write_bytes(PICTURE)
    status, body = theirs.complaint_image_upload(str(picture))
    assert status == 200, body
    media_id = json.loads(body)["media_id"]
    assert theirs.complaint_response(complaint, "如图", response_images=[media_id])[0] == 204
