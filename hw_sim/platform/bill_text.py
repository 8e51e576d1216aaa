"""Bills as text: one line for each payment and refund of a day, back-ticks, a summary; and the flow of funds.

From the bill section of the operations description: UTF-8 with BOM, CRLF, plain header, each value after a
back-tick, values not quoted, amounts in decimal yuan.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from hw_sim.platform.answers import BEIJING
from hw_sim.platform.orders import Order, Shop
from hw_sim.platform.refunds import Refund

BOM: Final = "\N{BYTE ORDER MARK}"
EOL: Final = "\r\n"
RATE_PER_MILLION: Final = 6_000
TRADE_COLUMNS: Final = (
    *("交易时间", "公众账号ID", "商户号", "特约商户号", "设备号", "微信订单号", "商户订单号", "用户标识"),
    *("交易类型", "交易状态", "付款银行", "货币种类", "应结订单金额", "代金券金额", "微信退款单号"),
    *("商户退款单号", "退款金额", "充值券退款金额", "退款类型", "退款状态", "商品名称", "商户数据包"),
    *("手续费", "费率", "订单金额", "申请退款金额", "费率备注"),
)
TRADE_SUMMARY: Final = (
    *("总交易单数", "应结订单总金额", "退款总金额", "充值券退款总金额", "手续费总金额", "订单总金额"),
    "申请退款总金额",
)
FUND_COLUMNS: Final = (
    *("记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "收支类型"),
    *("收支金额（元）", "账户结余（元）", "资金变更提交申请人", "备注", "业务凭证号"),
)
FUND_SUMMARY: Final = ("资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额")
_COUPON: Final = "优惠标记"  # where columns have grown


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddities:
    """What a bill may have that others have not, and what may be wrong with it.

    `columns`: one more column in the middle. `names`: commas and back-ticks in a product's name. `lost`: the
    first line is not there. `stranger`: a payment that no order of this platform explains. `more_fen`: added
    to the first amount. `summary_fen`: added to the summary alone.
    """

    columns: bool = False
    names: bool = False
    lost: bool = False
    stranger: bool = False
    more_fen: int = 0
    summary_fen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One payment, or one refund when `refund` is set, as the day's trade bill has it."""

    at_ms: int
    order: Order = field(repr=False)
    refund: Refund | None = None
    more_fen: int = 0

    @property
    def paid_fen(self) -> int:
        """What the line says came in."""
        return 0 if self.refund else self.order.total_fen + self.more_fen

    @property
    def refund_fen(self) -> int:
        """What the line says went back."""
        return self.refund.refund_fen + self.more_fen if self.refund else 0

    @property
    def fee_fen_5(self) -> int:
        """The fee in thousandths of a fen, negative when it is given back."""
        return (fee_fen(self.paid_fen) - fee_fen(self.refund_fen)) * 1000


def fee_fen(amount_fen: int) -> int:
    """0.60 %, to the nearest fen."""
    return (amount_fen * RATE_PER_MILLION + 500_000) // 1_000_000


def yuan(fen: int) -> str:
    """Decimal yuan with two places."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def beijing(at_ms: int) -> str:
    """`2019-02-19 01:52:32`."""
    return datetime.fromtimestamp(at_ms // 1000, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def trade_bill(shop: Shop, lines: Sequence[Line], odd: Oddities) -> bytes:
    """The whole file."""
    rows = [_trade_row(shop, line, odd) for line in lines]
    head = list(TRADE_COLUMNS)
    if odd.columns:
        head.insert(14, _COUPON)
    fees = sum(line.fee_fen_5 for line in lines)
    paid, back = sum(line.paid_fen for line in lines), sum(line.refund_fen for line in lines)
    summary = (
        f"{len(lines)}.0",
        yuan(paid + odd.summary_fen),
        yuan(back),
        "0.00",
        _five(fees),
        yuan(paid + odd.summary_fen),
        yuan(back),
    )
    return _file(head, rows, TRADE_SUMMARY, summary)


def _trade_row(shop: Shop, line: Line, odd: Oddities) -> list[str]:
    order, refund = line.order, line.refund
    name = str(order.request.get("description", ""))
    if odd.names:
        name = f"{name},大瓶`冰,`{name}"
    row = [
        *(beijing(line.at_ms), shop.appid, shop.mchid, "0"),
        str((order.request.get("scene_info") or {}).get("device_id") or ""),
        *(order.transaction_id, order.out_trade_no, order.openid, "NATIVE"),
        *("REFUND" if refund else "SUCCESS", "OTHERS", "CNY", yuan(line.paid_fen), "0.00"),
        *((refund.refund_id, refund.out_refund_no) if refund else ("0", "0")),
        *(yuan(line.refund_fen), "0.00"),
        *(("ORIGINAL", refund.status.value) if refund else ("", "")),
        *(_clean(name), _clean(str(order.request.get("attach") or ""))),
        *(_five(line.fee_fen_5), "0.60%", yuan(line.paid_fen), yuan(line.refund_fen), ""),
    ]
    if odd.columns:
        row.insert(14, "无")
    return row


def fund_bill(lines: Iterable[Line], odd: Oddities) -> bytes:
    """The flow of funds that belongs to these trades: each amount, and each fee, by itself."""
    rows: list[list[str]] = []
    balance, sums = 0, {"收入": [0, 0], "支出": [0, 0]}
    for line in lines:
        number = line.refund.refund_id if line.refund else line.order.transaction_id
        voucher = line.refund.out_refund_no if line.refund else line.order.out_trade_no
        for name, way, fen in _moves(line):
            if not fen:
                continue
            balance += fen if way == "收入" else -fen
            sums[way][0] += 1
            sums[way][1] += fen
            flow = f"{len(rows) + 1:010d}"
            moment = beijing(line.at_ms)
            kind = "退款" if line.refund else "交易"
            rows.append(
                [moment, number, flow, name, kind, way, yuan(fen), yuan(balance), "system", "", voucher]
            )
    summary = (
        f"{len(rows)}.0",
        *(f"{sums['收入'][0]}.0", yuan(sums["收入"][1] + odd.summary_fen)),
        *(f"{sums['支出'][0]}.0", yuan(sums["支出"][1])),
    )
    return _file(list(FUND_COLUMNS), rows, FUND_SUMMARY, summary)


def _moves(line: Line) -> tuple[tuple[str, str, int], ...]:
    if line.refund:
        return ("退款", "支出", line.refund_fen), ("退还交易手续费", "收入", fee_fen(line.refund_fen))
    return ("交易", "收入", line.paid_fen), ("扣除交易手续费", "支出", fee_fen(line.paid_fen))


def _five(fen_5: int) -> str:
    """Yuan with five places, as fees are written."""
    return f"{'-' if fen_5 < 0 else ''}{abs(fen_5) // 100_000}.{abs(fen_5) % 100_000:05d}"


def _clean(words: str) -> str:
    """Control characters inside values are replaced by the platform."""
    return "".join(each if each.isprintable() else " " for each in words)


def _file(
    head: Sequence[str], rows: Iterable[Sequence[str]], over: Sequence[str], summary: Sequence[str]
) -> bytes:
    lines = [",".join(head), *(_values(row) for row in rows), ",".join(over), _values(summary)]
    return (BOM + EOL.join(lines) + EOL).encode()


def _values(row: Sequence[str]) -> str:
    return ",".join(f"`{value}" for value in row)
