"""Words of the daily match, Chinese and English: classes of difference, their rules and causes, the report.

`BILL_WORDS` are more of `WORDS`, under the same keys: `why.*` classes, `stop.*` alarms, `next.*` what to do.
"""

from typing import Final

from cloud_bridge.core.case import ADVICE

_NEXT: Final = {
    "bill_missing": "在商户平台查找该笔付款：当日账单中没有；然后按 closed 结案",
    "bill_amount": "核对账单、商户平台与本单；然后按 closed 结案",
    "bill_refund": "在商户平台查找该笔退款：账单中没有；然后按 closed 结案",
    "bill_goods": "查看机器账目并清点货道；然后按 closed 结案",
}
BILL_WORDS: Final[dict[str, tuple[str, str]]] = {
    **{f"next.{reason}": (zh, ADVICE[reason]) for reason, zh in _NEXT.items()},
    "why.bill_missing": ("账单中没有这笔付款", "the day's bill does not have it"),
    "why.bill_amount": ("与账单金额不符", "the bill has another amount"),
    "why.bill_refund": ("账单中没有这笔退款", "no bill has this refund"),
    "why.bill_goods": ("机器账目与本账不一", "the machine's journal says otherwise"),
    "stop.bill_differences": ("对账有未解释的差异", "differences that nothing explains"),
    "next.bill_differences": (
        "运行 wxvend bridge reconcile --date 日期 查看；在商户平台核对",
        "look with wxvend bridge reconcile --date DAY; compare in the portal",
    ),
    "stop.bill_late": ("账单取不到或读不懂", "no bill that can be read"),
    "next.bill_late": (
        "在商户平台下载当日账单，并查看日志",
        "look whether the portal has the day's bill, and into the log",
    ),
    # ---- classes of difference
    "why.not_ours": ("别的系统的单号", "another system's number"),
    "why.paid_unknown": ("账单已付，本账无此单", "paid in the bill, unknown here"),
    "why.paid_unnoticed": ("账单已付，本账未付", "paid in the bill, unpaid here"),
    "why.paid_twice": ("账单中付款两次", "paid twice in the bill"),
    "why.not_in_bill": ("本账已付，账单中没有", "paid here, not in the bill"),
    "why.other_payment": ("微信订单号不符", "another payment's number"),
    "why.refund_unknown": ("账单有退款，本账没有", "a refund that is unknown here"),
    "why.refund_unconfirmed": ("账单已退，本账仍在退", "refunded there, under way here"),
    "why.refund_not_in_bill": ("本账已退，账单中没有", "refunded here, not in the bill"),
    "why.delivered_unpaid": ("机器已出货，未见付款", "delivered at the machine, unpaid"),
    "why.delivered_refunded": ("机器已出货，钱已退", "delivered at the machine, refunded"),
    "why.journal_lacks": ("机器账目中没有", "not in the machine's journal"),
    "why.journal_missing": ("机器尚未交账", "the machine's journal was not heard"),
    # ---- on the page
    "bills": ("对账", "Bills"),
    "bills_empty": (
        "还没有对过账。每天十点后自动取前一天的账单。",
        "No day was matched yet. The bill of the day before is fetched after ten each morning.",
    ),
    "bill_closed": ("已结", "Closed"),
    "bill_open": ("未结", "Open"),
    "bill_failed": ("未能对账", "Not matched"),
    "bill_unexplained": ("未解释", "without a cause"),
    "bill_payments": ("付款", "Payments"),
    "bill_refunds": ("退款", "Refunds"),
    "bill_matched_at": ("对账时间", "Matched at"),
}
# What the report alone says: rules, causes, and the lines of the statement.
REPORT_WORDS: Final[dict[str, tuple[str, str]]] = {
    "rule.refund": ("查询后退款", "ask, then refund"),
    "rule.record": ("查询后入账", "ask, then record"),
    "rule.ask": ("查询，再人工", "ask, then a person"),
    "rule.alarm": ("冻结并报警", "freeze and alarm"),
    "cause.": ("未解释", "no cause yet"),
    "cause.neighbour": ("相邻日账单中有", "in another day's bill"),
    "cause.platform": ("平台已确认", "the platform confirms it"),
    "cause.books": ("已入账", "the books have it now"),
    "cause.case": ("已由人员结案", "settled by a person"),
    "cause.person": ("人员说明", "explained by a person"),
    "bill_title": ("日对账单", "Daily reconciliation"),
    "bill_day": ("日期", "Day"),
    "bill_none": ("当日无交易", "nothing was traded"),
    "bill_differences": ("差异", "Differences"),
    "bill_fits": ("没有差异。", "Nothing differs."),
    "bill_statement": ("核对表", "Statement"),
    "bill_bill": ("微信支付账单合计", "Total of the bill"),
    "bill_bill_only": ("减：账单有、本账没有", "less: in the bill, not in the books"),
    "bill_elsewhen": ("减：本账记在他日", "less: in the books on another day"),
    "bill_void": ("减：平台已撤销", "less: undone at the platform"),
    "bill_apart": ("减：金额不符（账单）", "less: amounts that differ, as billed"),
    "bill_books_differs": ("加：金额不符（本账）", "plus: amounts that differ, as booked"),
    "bill_books_only": ("加：本账有、账单没有", "plus: in the books, not in the bill"),
    "bill_books": ("本账合计", "Total of the books"),
    "bill_matched": ("其中逐笔相符", "of it matched line by line"),
    "bill_lines": ("账单笔数", "Lines of the bill"),
    "bill_fee": ("手续费", "Fees"),
    "bill_pieces": ("机器报告出货件数", "Pieces that machines say fell"),
    "bill_funds_apart": ("资金账单减交易账单", "Flow of funds less trades"),
    "bill_funds": ("资金账单", "Flow of funds"),
    "bill_fee_taken": ("扣手续费", "fees taken"),
    "bill_fee_back": ("退手续费", "fees given back"),
    "bill_hash": ("账单文件 SHA-1", "SHA-1 of the bill"),
    "bill_merchant": ("商户", "Merchant"),
    "bill_class": ("类别", "Class"),
    "bill_rule": ("处理", "Rule"),
    "bill_cause": ("原因", "Cause"),
    "bill_number": ("付款或退款单号", "Payment or refund"),
    "bill_theirs": ("账单金额", "In the bill"),
    "bill_ours": ("本账金额", "In the books"),
    "bill_when": ("时间", "Time"),
    "bill_signature": ("复核", "Checked by"),
}
