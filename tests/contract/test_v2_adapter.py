"""Our APIv2 adapter against the simulated platform, over HTTP: one book of orders, both generations."""

import asyncio

import pytest

from cloud_bridge.core.model import (
    AlreadyPaid,
    NoSuchOrder,
    OrderClosed,
    OrderDraft,
    OrderPlaced,
    Payment,
    RefundHinted,
    RefundState,
    RefundStatus,
    Refused,
    Unclear,
    Unpaid,
)
from cloud_bridge.ports import NoticeRejected
from tests.contract.shop import Shop
from tests.contract.simulated import Line
from tests.contract.v2_bench import Bench, back
from tests.unit.wechat.v2_parties import MACHINE

# ---------------------------------------------------------------- a sale's life


async def test_a_payment_is_notified_as_the_query_tells_it(older: Bench) -> None:
    sale_id, code_url = await older.order()
    assert await older.platform.query(sale_id) == Unpaid(sale_id=sale_id, closed=False)
    page = older.scan(code_url)
    assert (page["amount_fen"], page["description"]) == (350, "可乐 <Cola> & ]]>")
    older.scan(code_url, "pay")
    told, found = older.told(), await older.platform.query(sale_id)
    assert isinstance(told, Payment)
    assert isinstance(found, Payment)
    assert (told.transaction_id, told.paid_at) == (found.transaction_id, found.paid_at)
    assert (found.machine, found.paid_fen, found.merchant_ok) == (MACHINE, 350, True)
    assert await older.platform.close(sale_id) == AlreadyPaid(sale_id=sale_id)


async def test_a_refund_is_accepted_hinted_at_and_found_done(older: Bench) -> None:
    sale_id = await older.paid()
    accepted = await older.platform.refund(back(sale_id))
    assert isinstance(accepted, RefundStatus)
    assert accepted.state is RefundState.PROCESSING
    assert await older.platform.refund(back(sale_id)) == accepted
    assert older.told() == RefundHinted(sale_id=sale_id, refund_no=f"R{sale_id}")
    done = await older.platform.refund_status(sale_id, f"R{sale_id}")
    assert isinstance(done, RefundStatus)
    assert (done.state, done.refund_fen) == (RefundState.SUCCESS, 350)
    paid = await older.platform.query(sale_id)
    assert isinstance(paid, Payment)
    assert paid.given_back


@pytest.mark.parametrize("end", ["closed", "abnormal"])
async def test_a_refund_may_end_otherwise(older: Bench, end: str) -> None:
    sale_id = await older.paid()
    older.fault(f"refund_{end}")
    await older.platform.refund(back(sale_id))
    older.told()
    status = await older.platform.refund_status(sale_id, f"R{sale_id}")
    assert isinstance(status, RefundStatus)
    assert status.state.value == end


async def test_what_is_not_there_is_said_so(older: Bench) -> None:
    sale_id, _ = await older.order()
    assert await older.platform.query("nobody1") == NoSuchOrder(sale_id="nobody1")
    assert await older.platform.close("nobody1") == OrderClosed(sale_id="nobody1")
    refused = await older.platform.refund(back(sale_id))
    assert isinstance(refused, Refused)
    assert refused.why == "order_not_exist"
    assert await older.platform.close(sale_id) == OrderClosed(sale_id=sale_id)
    assert await older.platform.query(sale_id) == Unpaid(sale_id=sale_id, closed=True)


async def test_a_repeated_order_with_other_members_is_refused(older: Bench) -> None:
    draft = older.draft()
    body = older.platform.compose(draft)
    first, second = [await older.platform.place(draft.sale_id, body) for _ in range(2)]
    assert isinstance(first, OrderPlaced)
    assert isinstance(second, OrderPlaced)
    assert first.code_url != second.code_url
    other = older.platform.compose(
        OrderDraft(
            sale_id=draft.sale_id, machine=MACHINE, description="x", price_fen=1, pay_until_wall_ms=1 << 42
        )
    )
    refused = await older.platform.place(draft.sale_id, other)
    assert isinstance(refused, Refused)
    assert (refused.why, "201 商户订单号重复" in refused.detail) == ("invalid_request", True)


# ---------------------------------------------------------------- answers that go wrong

SPOILED = {
    "answer_wrong_signature": "bad_signature",
    "answer_unsigned": "unsigned",
    "answer_lost": "connection",
    "answer_error_500": "system_error",
    "answer_html_502": "http_502",
    "call_limited_429": "frequency_limited",
    "call_failed_500": "system_error",
    "xml_doctype": "xml_doctype",
    "xml_entities": "xml_doctype",
    "xml_duplicate": "xml_duplicate",
    "xml_nested": "xml_nested",
    "xml_attribute": "xml_attribute",
    "xml_gbk": "xml_not_utf8",
    "xml_nul": "xml_control",
    "xml_huge": "oversize",
    "xml_html": "xml_doctype",
    "xml_empty": "xml_empty",
    "xml_weaker": "weaker_signature",
    "xml_unsigned_fail": "system_error",
    "xml_need_retry": "bizerr_need_retry",
}


@pytest.mark.parametrize("name", SPOILED)
async def test_a_spoiled_answer_is_unclear_and_the_repeat_is_not(older: Bench, name: str) -> None:
    platform, draft = older.platform, older.draft()
    sale_id, body = draft.sale_id, platform.compose(draft)
    unclear = Unclear(sale_id=sale_id, why=SPOILED[name])
    older.fault(name, only="create")
    assert await platform.place(sale_id, body) == unclear
    placed = await platform.place(sale_id, body)
    assert isinstance(placed, OrderPlaced)
    older.fault(name, only="query")
    assert await platform.query(sale_id) == unclear
    older.scan(placed.code_url, "pay")
    assert isinstance(await platform.query(sale_id), Payment)
    older.fault(name, only="refund")
    assert await platform.refund(back(sale_id)) == unclear
    assert isinstance(await platform.refund(back(sale_id)), RefundStatus)
    older.fault(name, only="query_refund")
    assert await platform.refund_status(sale_id, f"R{sale_id}") == unclear
    assert isinstance(await platform.refund_status(sale_id, f"R{sale_id}"), RefundStatus)


async def test_codes_spelt_in_another_way_mean_the_same(older: Bench) -> None:
    sale_id = await older.paid()
    older.fault("xml_spelling")
    assert await older.platform.close(sale_id) == AlreadyPaid(sale_id=sale_id)
    older.fault("xml_spelling")
    assert await older.platform.query("nobody1") == NoSuchOrder(sale_id="nobody1")


async def test_a_refund_without_a_certificate_is_unclear(older: Bench) -> None:
    sale_id = await older.paid()
    older.fault("xml_no_certificate")
    assert await older.platform.refund(back(sale_id)) == Unclear(sale_id=sale_id, why="http_400")


async def test_a_refund_may_wait_for_money(older: Bench) -> None:
    sale_id = await older.paid()
    older.fault("refund_not_enough")
    refused = await older.platform.refund(back(sale_id))
    assert isinstance(refused, Refused)
    assert refused.why == "not_enough"
    assert isinstance(await older.platform.refund(back(sale_id)), RefundStatus)


# ---------------------------------------------------------------- notifications that go wrong

REJECTED = {
    "notice_wrong_signature": "bad_signature",
    "notice_unsigned": "unsigned",
    "notice_oversize": "xml_oversize",
    "xml_doctype": "xml_doctype",
    "xml_entities": "xml_doctype",
    "xml_duplicate": "xml_duplicate",
    "xml_nested": "xml_nested",
    "xml_attribute": "xml_attribute",
    "xml_gbk": "xml_not_utf8",
    "xml_nul": "xml_control",
    "xml_huge": "xml_oversize",
    "xml_html": "xml_doctype",
    "xml_empty": "xml_empty",
    "xml_weaker": "weaker_signature",
}


@pytest.mark.parametrize("name", REJECTED)
async def test_a_notification_that_is_not_good_is_rejected(older: Bench, name: str) -> None:
    _, code_url = await older.order()
    older.fault(name, only="transaction")
    older.scan(code_url, "pay")
    with pytest.raises(NoticeRejected) as rejected:
        older.told()
    assert rejected.value.why == REJECTED[name]


async def test_harmless_oddities_are_read(older: Bench) -> None:
    for name in ("notice_shuffled", "notice_extra_members", "notice_extra_space", "xml_coupons"):
        sale_id, code_url = await older.order()
        older.fault(name)
        older.scan(code_url, "pay")
        told = older.told()
        assert isinstance(told, Payment)
        assert (told.sale_id, told.paid_fen, told.merchant_ok) == (sale_id, 350, True)


@pytest.mark.parametrize("name", ["notice_other_merchant", "notice_other_app"])
async def test_a_notification_for_somebody_else_is_not_called_ours(older: Bench, name: str) -> None:
    _, code_url = await older.order()
    older.fault(name)
    older.scan(code_url, "pay")
    told = older.told()
    assert isinstance(told, Payment)
    assert not told.merchant_ok


async def test_a_refund_sealed_for_somebody_else_does_not_open(older: Bench) -> None:
    for name, why in (
        ("notice_wrong_signature", "not_decrypted"),
        ("notice_other_merchant", "other_merchant"),
    ):
        sale_id = await older.paid()
        older.fault(name, only="refund")
        await older.platform.refund(back(sale_id))
        with pytest.raises(NoticeRejected, match=why):
            older.told()


async def test_only_the_very_words_are_an_acknowledgement(older: Bench) -> None:
    older.shop.words = b"success"
    sale_id, code_url = await older.order()
    older.scan(code_url, "pay")
    older.shop.next()
    assert await verdict(older, sale_id) == "other words"
    older.shop.words = Shop().words
    older.sim.desk("clock", advance_ms=15_000)
    older.shop.next()
    assert await verdict(older, sale_id) == "200"


async def verdict(older: Bench, sale_id: str) -> str:
    def wanted(line: Line) -> bool:
        return (line.get("fact"), line.get("out_trade_no")) == ("notice.answered", sale_id)

    line = await asyncio.to_thread(older.sim.next, wanted)
    return str(line["verdict"])
