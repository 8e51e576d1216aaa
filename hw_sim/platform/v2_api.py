"""The XML paths of APIv2 for Native payment, over the same orders and refunds as those of APIv3.

HTTP status is 200 for nearly everything; what is not signed properly gets an unsigned `return_code` FAIL.
From "conventions" and the sections on each call of the APIv2 description.
"""

import gzip
import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final, Protocol, TypeAlias

from hw_sim.platform.answers import BEIJING, Answer, ApiError, Call, JsonObject
from hw_sim.platform.bills import BillOffice
from hw_sim.platform.events import Events
from hw_sim.platform.faults import Fault, Faults
from hw_sim.platform.ids import Ids
from hw_sim.platform.model import Platform
from hw_sim.platform.orders import Shop
from hw_sim.platform.v2_book import Book
from hw_sim.platform.v2_spoil import on_its_way, spoil
from hw_sim.platform.v2_wire import HMAC, MD5, Members, NotXml, digest, parse, with_sign, write
from hw_sim.platform.v2_words import (
    Failed,
    Unsigned,
    accepted_view,
    failed,
    order_request,
    order_view,
    refund_request,
    refunds_view,
)

SANDBOX: Final = ("/sandboxnew", "/xdc/apiv2sandbox")
_SANDBOX_KEY: Final = ("/sandboxnew/pay/getsignkey", "/xdc/apiv2getsignkey/sign/getsignkey")
_XML: Final = {"Content-Type": "text/plain"}  # what the real host says of its XML
_NO_CERTIFICATE: Final = (
    b"<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>\r\n</html>\r\n"
)
_SPELLINGS: Final[Mapping[str, str]] = {
    "ORDERPAID": "ORDER_PAID",
    "ORDERCLOSED": "ORDER_CLOSED",
    "ORDERNOTEXIST": "ORDER_NOT_EXIST",
    "NOTENOUGH": "NOT_ENOUGH",
    "SYSTEMERROR": "SYSTEM_ERROR",
    "REFUNDNOTEXIST": "REFUND_NOT_EXIST",
}
_NO_BILL: Final[Mapping[str, tuple[str, str]]] = {
    "NO_STATEMENT_EXIST": ("No Bill Exist", "20002"),
    "STATEMENT_CREATING": ("Bill Creating", "20003"),
    "INVALID_REQUEST": ("invalid bill_date", "20001"),
}
_Work: TypeAlias = Callable[[Members, int], Members]


class Door(Protocol):
    """Whatever answers calls."""

    def handle(self, call: Call, *, now_ms: int, wall_ms: int) -> Answer:
        """Answer one call."""


class V2Api:
    """Answers the paths of APIv2 and leaves all others to `others`."""

    def __init__(
        self,
        *,
        others: Door,
        platform: Platform,
        shop: Shop,
        key: str,
        ids: Ids,
        faults: Faults,
        events: Events,
    ) -> None:
        self._others = others
        self._platform = platform
        self._shop = shop
        self._key = key
        self._ids = ids
        self._faults = faults
        self._events = events
        self.book = Book(ids)
        self._bills = BillOffice(platform=platform, shop=shop, faults=faults, ids=ids)
        self._paths: Mapping[str, tuple[str, _Work]] = {
            "/pay/unifiedorder": ("create", self._create),
            "/pay/orderquery": ("query", self._query),
            "/pay/closeorder": ("close", self._close),
            "/secapi/pay/refund": ("refund", self._refund),
            "/secapi/pay/reverse": ("reverse", self._reverse),
            "/pay/refundquery": ("query_refund", self._query_refund),
            "/tools/shorturl": ("short_url", self._short),
        }
        self._files: Mapping[str, tuple[str, str]] = {
            "/pay/downloadbill": ("tradebill", "bill_type"),
            "/pay/downloadfundflow": ("fundflowbill", "account_type"),
        }

    def handle(self, call: Call, *, now_ms: int, wall_ms: int) -> Answer:
        """Answer one call; never raises for anything that a merchant can send."""
        path, key = self._place(call.path)
        if path in _SANDBOX_KEY:
            return self._sandbox_key(call)
        if path in self._files:
            return self._file(call, *self._files[path], key, now_ms)
        if path not in self._paths:
            return self._others.handle(call, now_ms=now_ms, wall_ms=wall_ms)
        operation, work = self._paths[path]
        if path.startswith("/secapi/") and self._faults.take(Fault.XML_NO_CERTIFICATE, operation):
            return Answer(400, {"Content-Type": "text/html"}, _NO_CERTIFICATE)
        return on_its_way(self._answered(call, operation, work, key, now_ms), self._faults, operation)

    def _place(self, path: str) -> tuple[str, str]:
        """The path as it is outside the sandbox, and the key that is good there."""
        sandbox = next((name for name in SANDBOX if path.startswith(f"{name}/")), "")
        if not sandbox or path in _SANDBOX_KEY:
            return path, self._key
        return path.removeprefix(sandbox), sandbox_key(self._key)

    def _answered(self, call: Call, operation: str, work: _Work, key: str, now_ms: int) -> Answer:
        kind, result = MD5, Members()
        try:
            members = self._admitted(call, key)
            kind = members.get("sign_type") or MD5
            self._refuse_by_fault(operation)
            result = {"result_code": "SUCCESS", **self._done(work, members, operation, now_ms)}
            if self._faults.take(Fault.ANSWER_ERROR_500, operation):
                raise Failed("SYSTEMERROR", "系统错误")
        except Unsigned as error:
            self._events.add(now_ms, "call.refused", operation=operation, status=200, code="FAIL")
            return self._xml({"return_code": "FAIL", "return_msg": str(error)}, operation)
        except Failed as error:
            self._events.add(now_ms, "call.refused", operation=operation, status=200, code=error.code)
            spelt = self._faults.take(Fault.XML_SPELLING, operation)
            code = _SPELLINGS.get(error.code, error.code) if spelt else error.code
            result = {"result_code": "FAIL", "err_code": code, "err_code_des": error.words}
        else:
            self._events.add(now_ms, "call.answered", operation=operation, status=200)
        return self._xml(self._signed(result, key, kind, operation), operation)

    def _done(self, work: _Work, members: Members, operation: str, now_ms: int) -> Members:
        try:
            return work(members, now_ms)
        except ApiError as error:
            raise failed(error, operation) from error

    def _signed(self, result: Members, key: str, kind: str, operation: str) -> Members:
        told = {
            "return_code": "SUCCESS",
            "return_msg": "OK",
            "appid": self._shop.appid,
            "mch_id": self._shop.mchid,
            "nonce_str": self._ids.nonce(16),
            **{name: value for name, value in result.items() if value},
        }
        if self._faults.take(Fault.ANSWER_UNSIGNED, operation):
            return told
        kind = MD5 if self._faults.take(Fault.XML_WEAKER, operation) else kind
        if self._faults.take(Fault.ANSWER_WRONG_SIGNATURE, operation):
            key = key[::-1]
        return with_sign(told, key, kind)

    def _xml(self, members: Members, operation: str) -> Answer:
        return Answer(200, _XML, spoil(write(members), self._faults, operation))

    def _admitted(self, call: Call, key: str) -> Members:
        """The members of a call that the merchant signed. Raises Unsigned."""
        if call.method != "POST":
            raise Unsigned("请使用post方法")
        if not call.body:
            raise Unsigned("post数据为空")
        try:
            members = parse(call.body)
        except UnicodeDecodeError:
            raise Unsigned("编码格式错误") from None
        except NotXml:
            raise Unsigned("XML格式错误") from None
        missing = [name for name in ("mch_id", "nonce_str", "sign") if not members.get(name)]
        if missing:
            raise Unsigned(f"缺少参数{missing[0]}")
        if members["mch_id"] != self._shop.mchid:
            raise Unsigned("商户号mch_id或sub_mch_id不存在")
        if members.get("appid", self._shop.appid) != self._shop.appid:
            raise Unsigned("appid不存在")
        if digest(members, key, members.get("sign_type") or MD5) != members["sign"]:
            raise Unsigned("签名错误")
        return members

    def _refuse_by_fault(self, operation: str) -> None:
        if self._faults.take(Fault.XML_UNSIGNED_FAIL, operation):
            raise Unsigned("系统繁忙，请稍后再试")
        if self._faults.take(Fault.CALL_LIMITED_429, operation):
            raise Failed("FREQUENCY_LIMITED", "频率限制")
        if self._faults.take(Fault.CALL_FAILED_500, operation):
            raise Failed("SYSTEMERROR", "系统错误")
        if self._faults.take(Fault.XML_NEED_RETRY, operation):
            raise Failed("BIZERR_NEED_RETRY", "退款业务流程错误，需要商户触发重试来解决")

    # What the paths do.

    def _create(self, members: Members, now_ms: int) -> Members:
        code_url = self._platform.create(order_request(members), now_ms)
        return {
            "trade_type": "NATIVE",
            "prepay_id": self.book.prepay_id(code_url, now_ms),
            "code_url": code_url,
        }

    def _query(self, members: Members, now_ms: int) -> Members:
        return order_view(self._view(members, now_ms))

    def _view(self, members: Members, now_ms: int) -> JsonObject:
        """The order that a call names; the platform's own number wins. Raises Failed, ApiError."""
        if members.get("transaction_id"):
            return self._platform.query_transaction(members["transaction_id"], now_ms)
        if members.get("out_trade_no"):
            return self._platform.query(members["out_trade_no"], now_ms)
        raise Failed("LACK_PARAMS", "缺少必填参数out_trade_no")

    def _close(self, members: Members, now_ms: int) -> Members:
        if not members.get("out_trade_no"):
            raise Failed("LACK_PARAMS", "缺少必填参数out_trade_no")
        if self._faults.take(Fault.CLOSE_USER_PAYING, "close"):
            raise Failed("USERPAYING", "用户支付中，请稍后查询订单")
        self._platform.close(members["out_trade_no"], now_ms)
        return {"result_msg": "OK"}

    def _refund(self, members: Members, now_ms: int) -> Members:
        return accepted_view(self._platform.refund(refund_request(members), now_ms))

    def _reverse(self, members: Members, now_ms: int) -> Members:
        """For sales by payment code; a Native order is closed or refunded instead."""
        self._view(members, now_ms)
        raise Failed("INVALID_REQUEST", "此订单不支持撤销")

    def _query_refund(self, members: Members, now_ms: int) -> Members:
        numbers = self._refund_numbers(members, now_ms)
        views = [self._platform.query_refund(number, now_ms) for number in numbers]
        if members.get("refund_id"):
            views = [view for view in views if view["refund_id"] == members["refund_id"]]
        first = int(members.get("offset") or 0)
        shown = views[first : first + 10]
        if not shown:
            raise Failed("REFUNDNOTEXIST", "退款订单查询失败")
        return refunds_view(shown, total=len(views))

    def _refund_numbers(self, members: Members, now_ms: int) -> list[str]:
        if members.get("out_refund_no") and not members.get("refund_id"):
            return [members["out_refund_no"]]
        _, refunds = self._platform.trades(now_ms)
        names = ("transaction_id", "out_trade_no")
        order = self._view(members, now_ms)["out_trade_no"] if any(map(members.get, names)) else ""
        if not order and not members.get("refund_id"):
            raise Failed("LACK_PARAMS", "缺少必填参数out_refund_no")
        return [each.out_refund_no for each in refunds if order in ("", each.order.out_trade_no)]

    def _short(self, members: Members, _now_ms: int) -> Members:
        long_url = members.get("long_url", "")
        if not long_url.startswith("weixin://wxpay/bizpayurl?") or len(long_url) > 512:
            raise Failed("PARAM_ERROR", "long_url参数错误")
        return {"short_url": self.book.short(long_url)}

    # Files and the sandbox.

    def _file(self, call: Call, operation: str, kind: str, key: str, now_ms: int) -> Answer:
        """A bill as it is, or XML that says why not."""
        try:
            members = self._admitted(call, key)
            if operation == "fundflowbill" and members.get("sign_type") != HMAC:
                raise Unsigned("签名错误")
            plain = self._bills.plain(operation, _day(members), self._kind(members, kind), now_ms)
        except Unsigned as error:
            return self._no_file(str(error), "20001")
        except ApiError as error:
            words, number = _NO_BILL.get(error.code, ("system error", "20000"))
            return self._no_file(words, number)
        digest_of = hashlib.sha1(plain, usedforsecurity=False).hexdigest()
        headers = {"Content-Type": "text/plain", "Digest": f"SHA={digest_of}"}
        zipped = members.get("tar_type") == "GZIP"
        answer = Answer(200, headers, gzip.compress(plain, mtime=0) if zipped else plain)
        return on_its_way(answer, self._faults, operation)

    def _kind(self, members: Members, name: str) -> str:
        asked = members.get(name) or ("ALL" if name == "bill_type" else "BASIC")
        if asked == "RECHARGE_REFUND":
            raise Unsigned("No Bill Exist")
        return asked.upper()

    def _no_file(self, words: str, number: str) -> Answer:
        return self._xml({"return_code": "FAIL", "return_msg": words, "error_code": number}, "tradebill")

    def _sandbox_key(self, call: Call) -> Answer:
        try:
            self._admitted(call, self._key)
        except Unsigned as error:
            return self._xml({"return_code": "FAIL", "return_msg": str(error)}, "query")
        told = {"return_code": "SUCCESS", "return_msg": "ok", "mch_id": self._shop.mchid}
        return self._xml(told | {"sandbox_signkey": sandbox_key(self._key)}, "query")


def sandbox_key(key: str) -> str:
    """The key that is good in the sandbox alone."""
    return hashlib.md5(f"sandbox/{key}".encode(), usedforsecurity=False).hexdigest()


def _day(members: Members) -> date:
    try:
        return datetime.strptime(members.get("bill_date", ""), "%Y%m%d").replace(tzinfo=BEIJING).date()
    except ValueError:
        raise Unsigned("invalid bill_date") from None
