"""What a bill says, as the bridge's own words: payments and refunds of a day, and the flow of funds.

Every sum and count of the summary is held against the lines: a bill that does not fit itself is refused, so
what was matched of it fits its summary.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import BinaryIO, Final

from cloud_bridge.core.bill import BillLine, LineState, Summary
from cloud_bridge.wechat.bill_table import Table

_REFUND: Final = "REFUND"
_PRODUCT: Final = "商品名称"
# Summary name -> the column that it sums; what a bill does not have is not checked, but see `_REQUIRED`.
_SUMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "应结订单总金额": "应结订单金额",
        "退款总金额": "退款金额",
        "充值券退款总金额": "充值券退款金额",
        "手续费总金额": "手续费",
        "订单总金额": "订单金额",
        "申请退款总金额": "申请退款金额",
    }
)
_STATES: Final[Mapping[str, LineState]] = MappingProxyType(
    {
        "SUCCESS": LineState.SUCCESS,
        "PROCESSING": LineState.PROCESSING,
        "FAIL": LineState.VOID,
        "CLOSED": LineState.VOID,
        "REFUNDCLOSE": LineState.VOID,
    }
)


class TradeBill:
    """A trade bill of `mchid`. Raises BillBroken at once for a header, and while lines are read."""

    def __init__(self, file: BinaryIO, mchid: str) -> None:
        self._table: Final = Table(file, free=_PRODUCT)
        self._mchid: Final = mchid
        columns = self._table.columns
        self._sums: Final = {over: columns.index(name) for over, name in _SUMS.items() if name in columns}
        self.summary: Summary | None = None

    def lines(self) -> Iterator[BillLine]:
        """Each payment and refund, in the bill's order; then `summary` is there. Raises BillBroken."""
        table = self._table
        at, payment, sale = table.at("交易时间"), table.at("微信订单号"), table.at("商户订单号")
        state, merchant, currency = table.at("交易状态"), table.at("商户号"), table.at("货币种类")
        number, outcome = table.at("商户退款单号"), table.at("退款状态")
        paid, back = table.at("订单金额", "应结订单金额"), table.at("申请退款金额", "退款金额")
        sums = dict.fromkeys(self._sums, 0)
        count = paid_fen = refund_fen = 0
        for row in table.rows():
            count += 1
            for over, column in self._sums.items():
                sums[over] += table.fen_5(row[column], column)
            if row[merchant] != self._mchid:
                raise table.bad("商户号", "found another merchant; allowed is the one that asked")
            if row[currency] != "CNY":
                raise table.bad("货币种类", f"found {row[currency][:8]!r}; allowed is CNY")
            if not row[sale] or not row[payment]:
                raise table.bad("商户订单号", "found no order or no payment; allowed is a line with both")
            if row[state] == _REFUND:
                if not row[number]:
                    raise table.bad("商户退款单号", "found nothing; allowed is a refund's number")
                fen = table.fen(row[back], back)
                refund_fen += fen
                word = _STATES.get(row[outcome], LineState.UNKNOWN)
                yield BillLine(row[sale], row[number], fen, row[payment], word, row[at])
            else:
                fen = table.fen(row[paid], paid)
                paid_fen += fen
                word = _STATES.get(row[state], LineState.UNKNOWN)
                yield BillLine(row[sale], "", fen, row[payment], word, row[at])
        self._check(count, sums)
        fee_5 = sums.get("手续费总金额", 0)
        self.summary = Summary(lines=count, paid_fen=paid_fen, refund_fen=refund_fen, fee_fen_5=fee_5)

    def _check(self, count: int, sums: Mapping[str, int]) -> None:
        self._table.check_count("总交易单数", count)
        for over, found_5 in sums.items():
            self._table.check_sum(over, found_5)


class FundBill:
    """A fund-flow bill. Raises BillBroken."""

    def __init__(self, file: BinaryIO) -> None:
        self._table: Final = Table(file, free="备注")

    def totals(self) -> dict[str, int]:
        """Fen of each kind of movement (`交易`, `退款`, ...), income less expense. Raises BillBroken."""
        table = self._table
        name, way, amount = (
            table.at("业务名称"),
            table.at("收支类型"),
            table.at("收支金额（元）", "收支金额(元)"),
        )
        totals: Counter[str] = Counter()
        counts, sums = Counter[str](), Counter[str]()
        for row in table.rows():
            if row[way] not in ("收入", "支出"):
                raise table.bad("收支类型", f"found {row[way][:8]!r}; allowed is 收入 or 支出")
            fen = table.fen(row[amount], amount)
            counts[row[way]] += 1
            sums[row[way]] += fen
            totals[row[name]] += fen if row[way] == "收入" else -fen
        table.check_count("资金流水总笔数", counts.total())
        for each in ("收入", "支出"):
            table.check_count(f"{each}笔数", counts[each])
            table.check_sum(f"{each}金额", sums[each] * 1000)
        return dict(totals)
