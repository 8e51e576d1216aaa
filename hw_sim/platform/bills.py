"""Who may have which bill and when: days, tokens, hashes, and what the faults make of a bill.

From the bill section of the operations description: T-1 from ten o'clock on, three months back, a token of
five minutes, SHA-1 over the plain bytes, a file answer without a signature.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import parse_qs

from hw_sim.platform.answers import BEIJING, Answer, ApiError, Call, JsonObject
from hw_sim.platform.bill_text import Line, Oddities, fund_bill, trade_bill
from hw_sim.platform.faults import Fault, Faults
from hw_sim.platform.ids import Ids
from hw_sim.platform.model import Platform
from hw_sim.platform.orders import Order, Shop
from hw_sim.platform.refunds import Status

TOKEN_LIFE_MS: Final = 5 * 60_000
READY_HOUR: Final = 10
OLDEST: Final = timedelta(days=92)
FILE_PATH: Final = "/v3/billdownload/file"
_STRANGER: Final = "nobody0made0this0order00001"
_MOST_TOKENS: Final = 1000
_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "tradebill": ("ALL", "SUCCESS", "REFUND"),
    "fundflowbill": ("BASIC", "OPERATION", "FEES"),
}


@dataclass(frozen=True, slots=True)
class _Offer:
    """A file behind a token."""

    content: bytes = field(repr=False)
    until_ms: int
    zipped: bool


class BillOffice:
    """Gives out one merchant's bills. A refund stands in the bill of the day on which it was taken on."""

    def __init__(self, *, platform: Platform, shop: Shop, faults: Faults, ids: Ids) -> None:
        self._platform = platform
        self._shop = shop
        self._faults = faults
        self._ids = ids
        self._offers: dict[str, _Offer] = {}

    # ------------------------------------------------------------ APIv3

    def offer(self, operation: str, call: Call, now_ms: int) -> JsonObject:
        """Where a bill is and what its hash is. Raises ApiError."""
        asked = parse_qs(call.target.partition("?")[2])
        day = _day(asked.get("bill_date", [""])[0])
        kind = asked.get("bill_type" if operation == "tradebill" else "account_type", [""])[0]
        kind = kind or _TYPES[operation][0]
        if kind not in _TYPES[operation]:
            raise ApiError(400, "PARAM_ERROR", "账单类型不合法")
        zipped = asked.get("tar_type", [""])[0]
        if zipped not in ("", "GZIP"):
            raise ApiError(400, "PARAM_ERROR", "压缩类型不合法")
        plain = self.plain(operation, day, kind, now_ms)
        digest = hashlib.sha1(plain, usedforsecurity=False).hexdigest()
        if self._faults.take(Fault.BILL_WRONG_HASH, operation):
            digest = digest[::-1]
        life_ms = -1 if self._faults.take(Fault.BILL_OLD_TOKEN, operation) else TOKEN_LIFE_MS
        token = self._ids.nonce(64)
        content = gzip.compress(plain, mtime=0) if zipped else plain
        self._offers[token] = _Offer(content, now_ms + life_ms, bool(zipped))
        if len(self._offers) > _MOST_TOKENS:
            del self._offers[next(iter(self._offers))]
        host = call.headers.get("host", "api.mch.weixin.qq.com")
        if self._faults.take(Fault.BILL_OTHER_HOST, operation):
            host = "bills.example.com"
        url = f"{_scheme(host)}://{host}{FILE_PATH}?token={token}"
        return {"hash_type": "SHA1", "hash_value": digest, "download_url": url}

    def file(self, call: Call, now_ms: int) -> Answer:
        """The file behind a token, without a signature. Raises ApiError."""
        token = parse_qs(call.target.partition("?")[2]).get("token", [""])[0]
        offer = self._offers.get(token)
        if offer is None or now_ms > offer.until_ms:
            raise ApiError(400, "INVALID_REQUEST", "下载链接已失效，请重新申请账单")
        headers = {"Content-Type": "application/octet-stream", "Request-ID": self._ids.request_id(0)}
        if self._faults.take(Fault.BILL_RECODED, "bill_file"):
            content = gzip.compress(offer.content, mtime=0)
            return Answer(200, headers | {"Content-Encoding": "gzip"}, content)
        return Answer(200, headers, offer.content)

    # ------------------------------------------------------------ the bill itself, in either protocol

    def plain(self, operation: str, day: date, kind: str, now_ms: int) -> bytes:
        """The plain bytes of a day's bill. Raises ApiError 400 when there is none, or none yet."""
        now = datetime.fromtimestamp(now_ms / 1000, BEIJING)
        ready = datetime.combine(day + timedelta(days=1), datetime.min.time(), BEIJING)
        if not now.date() - OLDEST <= day < now.date():
            raise ApiError(400, "INVALID_REQUEST", "账单日期不在可下载的范围内")
        early = now < ready + timedelta(hours=READY_HOUR)
        if early or self._faults.take(Fault.BILL_CREATING, operation):
            raise ApiError(400, "STATEMENT_CREATING", "账单生成中，请稍后再试")
        odd = self._oddities(operation)
        lines = self._lines(day, kind, now_ms, odd)
        if not lines:
            raise ApiError(400, "NO_STATEMENT_EXIST", "当日无交易，账单不存在")
        return trade_bill(self._shop, lines, odd) if operation == "tradebill" else fund_bill(lines, odd)

    def _oddities(self, operation: str) -> Oddities:
        struck = {
            name: self._faults.take(fault, operation) is not None
            for name, fault in (
                ("columns", Fault.BILL_EXTRA_COLUMNS),
                ("names", Fault.BILL_ODD_NAMES),
                ("lost", Fault.BILL_LINE_LOST),
                ("stranger", Fault.BILL_STRANGER),
            )
        }
        more = 1 if self._faults.take(Fault.BILL_OTHER_AMOUNT, operation) else 0
        summary = 1 if self._faults.take(Fault.BILL_SUMMARY_OFF, operation) else 0
        return Oddities(**struck, more_fen=more, summary_fen=summary)

    def _lines(self, day: date, kind: str, now_ms: int, odd: Oddities) -> list[Line]:
        lines = day_lines(self._platform, day, now_ms)
        if odd.stranger and lines:
            lines.append(Line(at_ms=lines[-1].at_ms, order=_stranger(lines[-1].order, self._ids, now_ms)))
        lines = lines[1:] if odd.lost else lines
        if odd.more_fen and lines:
            lines[0] = replace(lines[0], more_fen=odd.more_fen)
        wanted = {"SUCCESS": False, "REFUND": True}
        return [line for line in lines if kind not in wanted or bool(line.refund) is wanted[kind]]


def day_lines(platform: Platform, day: date, now_ms: int) -> list[Line]:
    """Payments of that day, and refunds that were taken on then, whatever has become of them."""
    orders, refunds = platform.trades(now_ms)
    lines = [Line(at_ms=order.paid_ms, order=order) for order in orders if order.transaction_id]
    lines += [
        Line(at_ms=refund.made_ms, order=refund.order, refund=refund)
        for refund in refunds
        if refund.status is not Status.CLOSED
    ]
    of_day = [line for line in lines if datetime.fromtimestamp(line.at_ms / 1000, BEIJING).date() == day]
    return sorted(of_day, key=lambda line: line.at_ms)


def _stranger(like: Order, ids: Ids, now_ms: int) -> Order:
    request = {**like.request, "out_trade_no": _STRANGER}
    return replace(like, request=request, transaction_id=ids.transaction_id(now_ms))


def _day(words: str) -> date:
    try:
        if len(words) != len("2026-01-31"):
            raise ValueError(words)
        return date.fromisoformat(words)
    except ValueError:
        message = "输入源“/query/bill_date”映射到字段“账单日期”格式校验失败，格式须为yyyy-MM-dd"
        raise ApiError(400, "PARAM_ERROR", message) from None


def _scheme(host: str) -> str:
    return "http" if host.split(":")[0] in ("127.0.0.1", "localhost") else "https"
