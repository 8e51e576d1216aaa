"""A bill in bytes and what is read out of it: names, back-ticks, growing columns, fen, its own summary."""

import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.core.bill import BillLine, LineState, Summary
from cloud_bridge.ports_bills import BillBroken
from cloud_bridge.wechat.bill_reader import FundBill, TradeBill
from cloud_bridge.wechat.bill_table import LONGEST_LINE

MCHID = "1900000109"
HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
PAID = (
    "`2026-11-24 01:52:32,`wxd678efh567hg6787,`1900000109,`0,`vm-0001,`42001,`sale-1,`oA,`NATIVE,"
    "`SUCCESS,`OTHERS,`CNY,`3.50,`0.00,`0,`0,`0.00,`0.00,`,`,`{name},`vm-0001,`0.02100,`0.60%,`3.50,`0.00,`"
)
BACK = (
    "`2026-11-24 09:00:00,`wxd678efh567hg6787,`1900000109,`0,`vm-0001,`42001,`sale-1,`oA,`NATIVE,"
    "`REFUND,`OTHERS,`CNY,`0.00,`0.00,`50301,`Rsale-1,`3.50,`0.00,`ORIGINAL,`{state},`可乐,`vm-0001,`-0.02100,`0.60%,`0.00,`3.50,`"
)
OVER = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
BOTH = "`2.0,`3.50,`3.50,`0.00,`0.00000,`3.50,`3.50"
ONE = "`1.0,`3.50,`0.00,`0.00,`0.02100,`3.50,`0.00"
PAYMENT = BillLine("sale-1", "", 350, "42001", LineState.SUCCESS, "2026-11-24 01:52:32")
REFUND = BillLine("sale-1", "Rsale-1", 350, "42001", LineState.SUCCESS, "2026-11-24 09:00:00")


def bill(*lines: str, end: str = "\r\n", bom: str = "\ufeff") -> bytes:
    return (bom + "".join(line + end for line in lines)).encode()


def read(content: bytes) -> tuple[list[BillLine], Summary | None]:
    reading = TradeBill(io.BytesIO(content), MCHID)
    return list(reading.lines()), reading.summary


def good(name: str = "可乐") -> bytes:
    return bill(HEAD, PAID.format(name=name), BACK.format(state="SUCCESS"), OVER, BOTH)


def test_a_bill_is_payments_refunds_and_a_summary_that_fits_them() -> None:
    assert read(good()) == ([PAYMENT, REFUND], Summary(lines=2, paid_fen=350, refund_fen=350, fee_fen_5=0))


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("bom", ["\ufeff", ""])
def test_a_bill_is_read_with_and_without_bom_and_carriage_returns(end: str, bom: str) -> None:
    lines = (HEAD, PAID.format(name="可乐"), BACK.format(state="SUCCESS"), OVER, BOTH)
    assert read(bill(*lines, end=end, bom=bom)) == read(good())


@pytest.mark.parametrize("name", ["大,小", "`", ",`", "可乐,`大,`瓶", '"', "", ",", "a\u2028b"])
def test_a_products_name_may_hold_what_looks_like_a_border(name: str) -> None:
    assert read(good(name)) == read(good())


def test_columns_are_found_by_their_names_wherever_they_have_moved() -> None:
    order = sorted(range(27), key=lambda at: (at * 7) % 27)

    def moved(values: list[str]) -> list[str]:
        return [*(values[at] for at in order), "new"]

    rows = [PAID.format(name="可乐"), BACK.format(state="SUCCESS")]
    shuffled = [",".join(f"`{value}" for value in moved(row[1:].split(",`"))) for row in rows]
    head = ",".join(moved(HEAD.split(",")))
    assert read(bill(head, *shuffled, OVER, BOTH)) == read(good())


def test_an_older_bill_has_fewer_columns_and_is_read_by_those_it_has() -> None:
    kept = [
        at for at, name in enumerate(HEAD.split(",")) if name not in ("订单金额", "申请退款金额", "费率备注")
    ]

    def older(line: str, tick: str) -> str:
        values = line.removeprefix(tick).split(f",{tick}")
        return ",".join(tick + values[at] for at in kept)

    rows = [older(PAID.format(name="可乐"), "`"), older(BACK.format(state="SUCCESS"), "`")]
    over = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额"
    summary = "`2.0,`3.50,`3.50,`0.00,`0.00000"
    assert read(bill(older(HEAD, ""), *rows, over, summary)) == read(good())


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ("PROCESSING", "processing"),
        ("CLOSED", "void"),
        ("FAIL", "void"),
        ("CHANGE", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_refund_says_how_it_stands(words: str, state: str) -> None:
    lines, _ = read(bill(HEAD, PAID.format(name="可乐"), BACK.format(state=words), OVER, BOTH))
    assert lines[1].state == state


def test_a_day_without_lines_is_a_bill_too() -> None:
    nothing = "`0.0,`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00"
    assert read(bill(HEAD, OVER, nothing)) == ([], Summary(lines=0, paid_fen=0, refund_fen=0))


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("`3.50,`0.00,`\r\n", "`3.5x,`0.00,`\r\n", "line 2, 订单金额: found '3.5x'; allowed is yuan"),
        ("`3.50,`0.00,`\r\n", "`3.505,`0.00,`\r\n", "line 2, 订单金额: found '3.505'; allowed are whole fen"),
        ("`3.50,`0.00,`\r\n", "`1e3,`0.00,`\r\n", "line 2, 订单金额"),
        ("`3.50,`0.00,`\r\n", "`３.50,`0.00,`\r\n", "line 2, 订单金额"),
        ("`3.50,`0.00,`\r\n", "`3.50,`\r\n", "line 2, columns: found 26 values; allowed are 27"),
        (
            "`1900000109,`0,`vm-0001,`42001,`sale-1,`oA,`NATIVE,`REFUND",
            "`1,`0,`,`4,`s,`o,`,`REFUND",
            "line 3, 商户号",
        ),
        (",`CNY,", ",`USD,", "line 2, 货币种类: found 'USD'; allowed is CNY"),
        (",`Rsale-1,", ",`,", "line 3, 商户退款单号: found nothing"),
        (",`42001,`sale-1,`oA,`NATIVE,`SUCCESS", ",`42001,`,`oA,`NATIVE,`SUCCESS", "line 2, 商户订单号"),
        ("`2.0,`3.50", "`3.0,`3.50", "line 5, 总交易单数: found 3; the lines make 2"),
        ("`2.0,`3.50", "`2.5,`3.50", "line 5, 总交易单数: found '2.5'"),
        ("`3.50,`3.50\r\n", "`3.51,`3.50\r\n", "line 5, 订单总金额: found 3.51; the lines make 3.50000"),
        ("`3.50,`3.50\r\n", "`3.50,`3.49\r\n", "line 5, 申请退款总金额"),
        ("`0.00000,`3.50,`3.50", "`0.00001,`3.50,`3.50", "line 5, 手续费总金额"),
        (",手续费总金额", "", "line 5, summary: found no 6 values"),
        ("\r\n总交易单数", "\r\n\r\n总交易单数", "line 4, summary: found the end"),
        ("交易时间,", "", "line 1, header: found no 交易时间"),
    ],
)
def test_a_mistake_is_told_with_line_and_column(before: str, after: str, place: str) -> None:
    content = good().decode().replace(before, after, 1).encode()
    assert content != good()
    with pytest.raises(BillBroken) as told:
        read(content)
    assert place in str(told.value)


def test_a_bill_that_was_cut_anywhere_is_refused() -> None:
    whole = good()
    for end in range(len(whole) - 4):  # what is missing after it is the end of the last amount
        with pytest.raises(BillBroken):
            read(whole[:end])


def test_what_follows_the_summary_is_refused() -> None:
    with pytest.raises(BillBroken, match="end: found more"):
        read(good() + PAID.format(name="x").encode())


def test_bytes_that_are_no_text_and_endless_lines_are_refused() -> None:
    with pytest.raises(BillBroken, match="UTF-8"):
        read(good().replace("可乐".encode(), b"\xff"))
    with pytest.raises(BillBroken, match="16384 characters"):
        read(good("x" * LONGEST_LINE))


def test_no_value_of_a_payer_is_in_the_words_of_a_mistake() -> None:
    with pytest.raises(BillBroken) as told:
        read(good().replace(b"`oA", b"`oSecret,`,`,`").replace("商品名称".encode(), b"x"))
    assert "oSecret" not in str(told.value)


@given(st.integers(-(10**12), 10**12), st.booleans())
def test_yuan_become_fen_exactly(fen: int, bare: bool) -> None:
    words = f"{Decimal(fen) / 100:.2f}"
    line = PAID.format(name="x").replace("`3.50", f"`{words}").replace("`0.02100", "`0.00000")
    bare_words = words.removesuffix(".00") if bare else words
    over = f"`1.0,`{words},`0.00,`0.00,`0.00000,`{bare_words},`0.00"
    lines, summary = read(bill(HEAD, line, OVER, over))
    assert lines[0].fen == fen
    assert summary is not None
    assert summary.paid_fen == fen


# ---------------------------------------------------------------- the flow of funds

FUND_HEAD = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,"
    "收支金额（元）,账户结余（元）,资金变更提交申请人,备注,业务凭证号"
)
FUND_OVER = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"


def funds(*rows: str, over: str) -> dict[str, int]:
    made = [f"`2026-11-24 01:00:00,`1,`2,`{row},`0.00,`system,`a,`b,`sale-1" for row in rows]
    return FundBill(io.BytesIO(bill(FUND_HEAD, *made, FUND_OVER, over))).totals()


def test_the_flow_of_funds_is_summed_by_kind_and_held_against_its_summary() -> None:
    rows = (
        "交易,`交易,`收入,`3.50",
        "扣除交易手续费,`交易,`支出,`0.02",
        "退款,`退款,`支出,`3.50",
        "交易,`交易,`收入,`2.00",
    )
    assert funds(*rows, over="`4.0,`2.0,`5.50,`2.0,`3.52") == {
        "交易": 550,
        "扣除交易手续费": -2,
        "退款": -350,
    }


@pytest.mark.parametrize(
    "over", ["`3.0,`2.0,`5.50,`2.0,`3.52", "`4.0,`1.0,`5.50,`2.0,`3.52", "`4.0,`2.0,`5.51,`2.0,`3.52"]
)
def test_a_flow_of_funds_that_does_not_fit_itself_is_refused(over: str) -> None:
    rows = (
        "交易,`交易,`收入,`3.50",
        "扣除交易手续费,`交易,`支出,`0.02",
        "退款,`退款,`支出,`3.50",
        "交易,`交易,`收入,`2.00",
    )
    with pytest.raises(BillBroken, match="line 7"):
        funds(*rows, over=over)


def test_a_movement_that_is_neither_income_nor_expense_is_refused() -> None:
    with pytest.raises(BillBroken, match="line 2, 收支类型"):
        funds("交易,`交易,`其他,`3.50", over="`1.0,`1.0,`3.50,`0.0,`0.00")
