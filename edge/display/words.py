"""Every sentence a shopper can read, in both languages. Nothing is written on a screen that is not from here,
from the service codes, or from the catalogue.

Sentences stay under 12 Chinese characters or 7 English words, so that they can be read in a second.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edge.display.codes import TABLE


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence. Places in braces are filled by `fill`."""

    zh: str
    en: str

    def fill(self, **values: str) -> "Words":
        """The sentence with its places filled."""
        return Words(self.zh.format(**values), self.en.format(**values))


SENTENCES: Final[dict[str, Words]] = {
    "choose": Words("请选择商品", "Choose a product"),
    "key_lane": Words("请按货道号选择", "Key in the lane number"),
    "asking": Words("请稍候", "One moment"),
    "scan": Words("微信扫码支付", "Scan with WeChat"),
    "left": Words("还剩 {time}", "{time} left"),
    "cancel": Words("按 × 取消", "Press × to cancel"),
    "scanned": Words("请在手机上付款", "Please pay on your phone"),
    "checking": Words("正在确认付款", "Checking your payment"),
    "checking_more": Words("如已付款，请稍候", "If you paid, please wait"),
    "vending": Words("已付款，正在出货", "Paid. Coming out now"),
    "done": Words("请取走商品", "Take your product"),
    "thanks": Words("谢谢惠顾", "Thank you"),
    "refund": Words("出货未成功", "It did not come out"),
    "refund_started": Words("正在退款 {price}", "{price} is on its way back"),
    "refund_done": Words("已退款 {price}", "{price} was refunded"),
    "refund_held": Words("客服将处理退款 {price}", "Our staff will refund {price}"),
    "refund_where": Words("退回微信零钱或原卡", "To your WeChat or bank card"),
    "refund_call": Words("如有疑问请来电", "Questions? Please call us"),
    "doubt": Words("正在核对", "We are checking"),
    "doubt_more": Words("未收到商品将自动退款", "No product? You get a refund"),
    "reference": Words("单号", "Ref."),
    "out_of_order": Words("暂停服务", "Out of order"),
    "sold_out": Words("已售罄", "Sold out"),
    "maintenance": Words("维护中", "Being serviced"),
    "machine": Words("机号", "No."),
    "identify": Words("本机编号", "This machine is"),
    "phone": Words("客服", "Help"),
    "lane": Words("{lane} 号", "No. {lane}"),
    "ready": Words("可售", "Ready"),
}

STEPS: Final[dict[str, Words]] = {
    "dispensing": Words("货道正在转动", "The spiral is turning"),
    "elevator_up": Words("升降机正在上升", "The lift goes up"),
    "elevator_down": Words("升降机正在送货", "The lift is on its way"),
    "into_microwave": Words("正在送入加热", "Going to be heated"),
    "heating": Words("正在加热", "Being heated"),
    "heating_left": Words("正在加热", "Being heated"),
    "delivery_door_opening": Words("取货门正在打开", "The pick-up door opens"),
    "delivery_door_closing": Words("取货门正在关闭", "The pick-up door closes"),
    "take_product": Words("请取走商品", "Take your product"),
}
"""How far an operation is, for boards that tell it, by its names. An unknown step shows nothing."""

REASONS: Final[dict[str, Words]] = {
    "sold_out": Words("售罄", "Sold out"),
    "fault": Words("故障", "Out of use"),
    "paused": Words("暂停", "Paused"),
    "unknown": Words("不可售", "Not for sale"),
}
"""Why a product cannot be bought, on its tile. An unknown name reads `unknown`."""

NOTICES: Final[dict[str, Words]] = {
    "sold_out": Words("已售罄，请另选", "Sold out. Choose another"),
    "fault": Words("此货道故障，请另选", "Out of use. Choose another"),
    "paused": Words("此商品暂停销售", "This product is paused"),
    "no_such_lane": Words("没有这个货道号", "There is no such lane"),
    "product_in_elevator": Words("请先取走上一件商品", "Take the last product first"),
    "delivery_door_open": Words("请先关好取货门", "Close the pick-up door first"),
    "no_answer": Words("网络较慢，请再试一次", "No answer. Please try again"),
    "no_link": Words("网络中断，请稍后再试", "No network. Try again later"),
    "refused": Words("暂时无法下单", "This cannot be ordered now"),
    "price": Words("价格已更新，请再选一次", "Price changed. Choose again"),
    "platform": Words("微信支付暂时无响应", "WeChat Pay is not answering"),
    "unpaid": Words("未付款，订单已取消", "Not paid. Order cancelled"),
    "cancel": Words("已取消", "Cancelled"),
    "late": Words("付款太晚，将自动退款", "Too late. You get a refund"),
    "busy": Words("正在出货，请稍候", "Busy. One moment please"),
    "velocity": Words("购买过快，请稍候", "Too fast. Please wait a little"),
    "amount": Words("金额不符，将自动退款", "Wrong amount. You get a refund"),
    "unknown": Words("暂时不能购买", "Not available right now"),
}
"""Why the last selection went nowhere; further names are those of the service codes."""

OF_A_LANE: Final = frozenset({"sold_out", "fault", "paused", "no_such_lane", "price", "unknown"})
"""Notices that concern one lane, so that its number belongs in front of them."""

DIGITS: Final = "¥0123456789.:…·-+()/ ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def sentence(name: str, **values: str) -> Words:
    """The sentence of that name with its places filled. Raises KeyError for a name we never gave."""
    return SENTENCES[name].fill(**values)


def reason(name: str) -> Words:
    """What a tile says that cannot be bought."""
    return REASONS.get(name, REASONS["unknown"])


def notice(name: str) -> Words:
    """What is said about a selection that went nowhere: a screen never fails on a name."""
    if name in NOTICES:
        return NOTICES[name]
    row = TABLE.get(name)
    return Words(row.zh, row.en) if row else NOTICES["unknown"]


def money(price_fen: int) -> str:
    """Fen as people write it: `¥3.50`."""
    return f"¥{price_fen // 100}.{price_fen % 100:02d}"


def clock(left_s: int) -> str:
    """Seconds as `m:ss`, never below zero."""
    return f"{max(left_s, 0) // 60}:{max(left_s, 0) % 60:02d}"


def everything() -> Iterator[str]:
    """Every text of this table and of the service codes, all digits and letters: what a font must draw."""
    for table in (SENTENCES, STEPS, REASONS, NOTICES):
        for words in table.values():
            yield words.zh
            yield words.en
    for code in TABLE.values():
        yield code.zh
        yield code.en
    yield DIGITS
