"""Two generations side by side: each order and each notification finds its own."""

import json

import pytest

from cloud_bridge.core.model import OrderDraft, OrderPlaced, Payment, Unclear
from cloud_bridge.ports import NoticeRejected
from cloud_bridge.wechat.exchange import NoAnswer, Reply
from cloud_bridge.wechat.generations import BothNotices, BothPlatforms, acknowledge, is_xml
from cloud_bridge.wechat.notices import WechatNotices
from cloud_bridge.wechat.platform import WechatPlatform
from cloud_bridge.wechat.signing import Request
from cloud_bridge.wechat.v2_notices import ACKNOWLEDGED, V2Notices
from cloud_bridge.wechat.v2_platform import V2Platform
from tests.unit.wechat.parties import NOW_S, Parties
from tests.unit.wechat.parties import payment as v3_payment
from tests.unit.wechat.v2_parties import ACCOUNT, MACHINE, SALE, SETTINGS, Line, payment, told, yes


class Newer:
    """The line of APIv3, which is down here."""

    def __init__(self) -> None:
        self.seen: list[Request] = []

    async def call(self, request: Request) -> Reply:
        self.seen.append(request)
        return NoAnswer("timeout")


@pytest.fixture
def older() -> Line:
    return Line()


@pytest.fixture
def newer() -> Newer:
    return Newer()


@pytest.fixture
def both(parties: Parties, older: Line, newer: Newer) -> BothPlatforms:
    v2 = V2Platform(SETTINGS, ACCOUNT, older, nonce=lambda: "1")
    return BothPlatforms(WechatPlatform(parties.settings, newer), v2)


def draft(token: str) -> OrderDraft:
    return OrderDraft(
        sale_id=SALE,
        machine=MACHINE,
        description="可乐",
        price_fen=350,
        pay_until_wall_ms=NOW_S * 1000,
        token=token,
    )


async def test_an_order_for_a_scanned_token_goes_by_the_older_one_and_gets_a_ticket(
    both: BothPlatforms, older: Line, newer: Newer
) -> None:
    older.will(yes(code_url="weixin://x", prepay_id="wx1"))
    body = both.compose(draft("vm-0001_12"))
    assert is_xml(body)
    placed = await both.place(SALE, body)
    assert isinstance(placed, OrderPlaced)
    assert placed.ticket == "wx1"
    assert newer.seen == []


async def test_everything_else_goes_by_the_newer_one(both: BothPlatforms, older: Line, newer: Newer) -> None:
    body = both.compose(draft(""))
    assert json.loads(body)["out_trade_no"] == SALE
    unclear = Unclear(sale_id=SALE, why="timeout")
    assert await both.place(SALE, body) == unclear
    assert await both.query(SALE) == unclear
    assert await both.close(SALE) == unclear
    assert await both.refund_status(SALE, "R1") == unclear
    assert len(newer.seen) == 4
    assert older.seen == []


def test_a_notification_is_opened_by_its_own_generation(parties: Parties) -> None:
    notices = BothNotices(WechatNotices(parties.settings, parties.keys), V2Notices(SETTINGS, ACCOUNT))
    for headers, body in (parties.notice("TRANSACTION.SUCCESS", v3_payment()), ({}, told(payment()))):
        paid = notices.open(headers, body, NOW_S)
        assert isinstance(paid, Payment)
        assert (paid.sale_id, paid.paid_fen, paid.merchant_ok) == (SALE, 350, True)
    headers, _ = parties.notice("TRANSACTION.SUCCESS", v3_payment())
    with pytest.raises(NoticeRejected, match="xml_malformed"):
        notices.open(headers, b"<", NOW_S)


@pytest.mark.parametrize("body", [b"<xml/>", b"\xef\xbb\xbf<xml/>", b"\r\n <xml/>"])
def test_xml_is_acknowledged_in_xml_and_json_with_nothing(body: bytes) -> None:
    assert acknowledge(body) == ACKNOWLEDGED
    assert acknowledge(b"{}") == acknowledge(b"") == b""
