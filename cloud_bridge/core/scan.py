"""Order requests: what a scan asks of a machine, and how it is answered on the payer's phone.

A scan waits for its answer a few seconds and no longer. What was asked for in vain is given up on both sides:
nobody holds an order that could be paid.
"""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCode:
    """A code that a machine may show without asking; `token` is what a scan of it names."""

    token: str = field(repr=False)
    code_url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TellLease:
    """Somebody scanned a code of this lane: promise it, or say why not. For one session of the machine.

    `token` is empty for a printed code; `replaces` is the sale that the same payer leaves, or empty.
    """

    request_id: str
    jid: str
    boot: int
    lane: int
    token: str = field(repr=False)
    replaces: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellOffered:
    """The shopper has the order on the phone and may pay for `pay_s` seconds."""

    sale_id: str
    pay_s: int
    price_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TellCodes:
    """Exactly these codes may be shown for a lane; none: those it holds are revoked. For one session."""

    jid: str
    boot: int
    version: int
    lane: int
    codes: tuple[HeldCode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanLost:
    """Nobody waits for the order of this scan any more: the time for an answer is over."""

    sale_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerScan:
    """Answer the payer: `ticket` lets him pay, else `why` says why not. Nothing happens when nobody waits."""

    request_id: str
    ticket: str = field(default="", repr=False)
    why: str = ""


# What the payer reads, by the reason's name; a lane's own reason counts as a fault of it.
_WORDS: Final = MappingProxyType(
    {
        "sold_out": "商品已售罄，请选购其他商品",
        "fault": "该货道暂停使用，请选购其他商品",
        "unknown": "该商品已下架，请选购其他商品",
        "code": "二维码已失效，请重新选择商品",
        "offline": "设备未联网，请稍后再试",
        "busy": "设备正在服务其他顾客，请稍后再扫",
        "price": "价格已更新，请重新扫码",
        "velocity": "操作过于频繁，请稍后再试",
        "platform": "微信支付暂无响应，请重新扫码",
        "late": "设备响应超时，请重新扫码",
        "cancel": "已在设备上取消，请重新扫码",
    }
)
_SAME: Final = MappingProxyType(
    {
        "lane": "unknown",
        "paused": "fault",
        "brake_lane": "fault",
        "all_sold_out": "sold_out",
        "link_down": "offline",
        "bridge_silent": "offline",
        "session": "late",
        "stale": "late",
        "restart": "late",
        "no_answer": "late",
        "replaced": "busy",
        "reselect": "busy",
    }
)
_OUT_OF_ORDER: Final = "设备暂停服务，请稍后再试"


def spoken(why: str) -> str:
    """What the payer reads. A name without words of its own says that the machine is out of order."""
    name = why.removeprefix("lane.")
    return _WORDS.get(_SAME.get(name, name), _OUT_OF_ORDER)
