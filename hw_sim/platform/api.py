"""The APIv3 paths of Native payment in bytes: route, admit, do, sign, and spoil the answer when told to.

Answers at the root path as the real host does. No HTTP library in here: a call is a value, so is its answer.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs, unquote

from hw_sim.platform.admission import admit, same_merchant
from hw_sim.platform.answers import Answer, ApiError, Call, as_bytes
from hw_sim.platform.bills import FILE_PATH, BillOffice
from hw_sim.platform.events import Events
from hw_sim.platform.faults import Fault, Faults
from hw_sim.platform.fields import check, refusal
from hw_sim.platform.ids import Ids
from hw_sim.platform.keys import Merchant
from hw_sim.platform.limits import Limits
from hw_sim.platform.model import Platform
from hw_sim.platform.orders import Shop
from hw_sim.platform.schemas import CLOSE, NUMBERS, ORDER, REFUND, parsed
from hw_sim.platform.signatures import Flaw, Signer

_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}
_PROXY_PAGE: Final = b"<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>\n"
_USER_PAYING: Final = {"code": "USER_PAYING", "message": "用户支付中，请稍后查询订单"}

FLAWS: Final[Mapping[Fault, Flaw]] = MappingProxyType(
    {
        Fault.ANSWER_WRONG_SIGNATURE: Flaw.WRONG,
        Fault.ANSWER_SIGNTEST: Flaw.SIGNTEST,
        Fault.ANSWER_UNSIGNED: Flaw.UNSIGNED,
        Fault.ANSWER_UNKNOWN_SERIAL: Flaw.UNKNOWN_SERIAL,
        Fault.ANSWER_STALE: Flaw.STALE,
        Fault.ANSWER_FUTURE: Flaw.FUTURE,
    }
)
Done: TypeAlias = tuple[int, Any]  # status, JSON value; None for an empty body; a file is an Answer, unsigned
_Work: TypeAlias = Callable[[Call, str, int], Done]


@dataclass(frozen=True, slots=True)
class Route:
    """One path; `operation` is its name in faults and events. A group in `path` is called by its member."""

    operation: str
    method: str
    path: re.Pattern[str]
    work: _Work


class Api:
    """The merchant's door to the platform."""

    def __init__(
        self,
        *,
        platform: Platform,
        merchant: Merchant,
        signer: Signer,
        faults: Faults,
        events: Events,
        ids: Ids,
    ) -> None:
        self._platform = platform
        self._merchant = merchant
        self._signer = signer
        self._faults = faults
        self._events = events
        self._ids = ids
        self._limits = Limits()
        shop = Shop(merchant.mchid, merchant.appid, "")
        self._bills = BillOffice(platform=platform, shop=shop, faults=faults, ids=ids)
        orders, refunds = "/v3/pay/transactions", "/v3/refund/domestic/refunds"
        order = f"{orders}/out-trade-no/(?P<out_trade_no>[^/]+)"
        self._routes = tuple(
            Route(operation, method, re.compile(path), work)
            for operation, method, path, work in (
                ("create", "POST", f"{orders}/native", self._create),
                ("query", "GET", order, self._query),
                ("query", "GET", f"{orders}/id/(?P<transaction_id>[^/]+)", self._query_transaction),
                ("close", "POST", f"{order}/close", self._close),
                ("refund", "POST", refunds, self._refund),
                ("query_refund", "GET", f"{refunds}/(?P<out_refund_no>[^/]+)", self._query_refund),
                ("certificates", "GET", "/v3/certificates", self._certificates),
                ("tradebill", "GET", "/v3/bill/tradebill", self._trade_bill),
                ("fundflowbill", "GET", "/v3/bill/fundflowbill", self._fund_bill),
                ("bill_file", "GET", re.escape(FILE_PATH), self._bill_file),
            )
        )

    def add(self, routes: Iterable[tuple[str, str, str, _Work]]) -> None:
        """Answer these as well: operation, method, path and work of each."""
        self._routes += tuple(
            Route(operation, method, re.compile(path), work) for operation, method, path, work in routes
        )

    def handle(self, call: Call, *, now_ms: int, wall_ms: int) -> Answer:
        """Answer one call; never raises for anything that a merchant can send.

        Orders and refunds live by `now_ms`, the signatures of both sides by `wall_ms`.
        """
        operation = "unknown"
        try:
            route, match = self._route(call)
            operation = route.operation
            admit(call, self._merchant, wall_ms)
            self._refuse_by_fault(operation)
            with self._limits.counted(operation, now_ms):
                status, value = route.work(call, _number(match), now_ms)
        except ApiError as error:
            self._events.add(
                now_ms, "call.refused", operation=operation, status=error.status, code=error.code
            )
            return self._refusal(error)
        self._events.add(now_ms, "call.answered", operation=operation, status=status)
        answer = value if isinstance(value, Answer) else self._signed(call, status, value, operation, wall_ms)
        return self._spoiled(answer, operation)

    def _route(self, call: Call) -> tuple[Route, re.Match[str]]:
        for route in self._routes:
            match = route.path.fullmatch(call.path)
            if match and route.method == call.method:
                return route, match
        raise ApiError(404, "NOT_FOUND", "请求的资源不存在")

    def _refusal(self, error: ApiError) -> Answer:
        headers = _JSON | {"Request-ID": self._ids.request_id(error.number)}
        return Answer(error.status, headers, as_bytes(error.body))

    # What the paths do.

    def _create(self, call: Call, _number: str, now_ms: int) -> Done:
        request = parsed(call.body, ORDER)
        same_merchant(request["mchid"], self._merchant)
        return 200, {"code_url": self._platform.create(request, now_ms)}

    def _query(self, call: Call, number: str, now_ms: int) -> Done:
        self._check_query(call)
        return 200, self._platform.query(number, now_ms)

    def _query_transaction(self, call: Call, number: str, now_ms: int) -> Done:
        self._check_query(call)
        return 200, self._platform.query_transaction(number, now_ms)

    def _check_query(self, call: Call) -> None:
        mchid = parse_qs(call.target.partition("?")[2]).get("mchid", [""])[0]
        if not mchid:
            message = "输入源“/query/mchid”映射到字段“直连商户号”必填性规则校验失败，此字段为必填项"
            raise refusal("/query/mchid", None, message)
        same_merchant(mchid, self._merchant)

    def _close(self, call: Call, number: str, now_ms: int) -> Done:
        same_merchant(parsed(call.body, CLOSE)["mchid"], self._merchant)
        if self._faults.take(Fault.CLOSE_USER_PAYING, "close"):
            return 202, _USER_PAYING
        self._platform.close(number, now_ms)
        return 204, None

    def _refund(self, call: Call, _number: str, now_ms: int) -> Done:
        return 200, self._platform.refund(parsed(call.body, REFUND), now_ms)

    def _query_refund(self, _call: Call, number: str, now_ms: int) -> Done:
        return 200, self._platform.query_refund(number, now_ms)

    def _certificates(self, _call: Call, _number: str, _now_ms: int) -> Done:
        return 200, self._signer.certificates()

    def _trade_bill(self, call: Call, _number: str, now_ms: int) -> Done:
        return 200, self._bills.offer("tradebill", call, now_ms)

    def _fund_bill(self, call: Call, _number: str, now_ms: int) -> Done:
        return 200, self._bills.offer("fundflowbill", call, now_ms)

    def _bill_file(self, call: Call, _number: str, now_ms: int) -> Done:
        return 200, self._bills.file(call, now_ms)

    # How the answer leaves.

    def _refuse_by_fault(self, operation: str) -> None:
        if self._faults.take(Fault.CALL_LIMITED_429, operation):
            raise ApiError(429, "FREQUENCY_LIMITED", "频率超限，请稍后重试")
        if self._faults.take(Fault.CALL_FAILED_500, operation):
            raise ApiError(500, "SYSTEM_ERROR", "系统异常，请稍后重试")

    def _signed(self, call: Call, status: int, value: Any, operation: str, wall_ms: int) -> Answer:
        is_file = isinstance(value, bytes)
        body = b"" if value is None else value if is_file else self._written(value, operation)
        by = self._signer.for_answer(call.headers.get("wechatpay-serial", ""))
        flaw = next((flaw for fault, flaw in FLAWS.items() if self._faults.take(fault, operation)), None)
        headers = {"Request-ID": self._ids.request_id(0), **self._signer.headers(body, by, wall_ms, flaw)}
        kind = {} if value is None else {"Content-Type": "image/jpeg"} if is_file else _JSON
        return Answer(status, kind | headers, body)

    def _written(self, value: Any, operation: str) -> bytes:
        """Bytes that say the same, in the ways a fault asks for."""
        if self._faults.take(Fault.ANSWER_EXTRA_MEMBERS, operation):
            value = {**value, "new_member": {"说明": ["新增", None, 1.5]}}
        if self._faults.take(Fault.ANSWER_SHUFFLED, operation):
            value = self._ids.shuffled(value)
        body = as_bytes(value)
        spaced = self._faults.take(Fault.ANSWER_EXTRA_SPACE, operation)
        return body.replace(b'":', b'"\t: ') + b"\r\n " if spaced else body

    def _spoiled(self, answer: Answer, operation: str) -> Answer:
        if self._faults.take(Fault.ANSWER_ERROR_500, operation):
            answer = self._refusal(ApiError(500, "SYSTEM_ERROR", "系统异常，请稍后重试"))
        if self._faults.take(Fault.ANSWER_HTML_502, operation):
            answer = Answer(502, {"Content-Type": "text/html"}, _PROXY_PAGE)
        if self._faults.take(Fault.ANSWER_TRUNCATED, operation):
            answer = replace(answer, keep=len(answer.body) // 2)
        if self._faults.take(Fault.ANSWER_LOST, operation):
            answer = replace(answer, lost=True)
        if off := self._faults.take(Fault.ANSWER_DATE_OFF, operation):
            answer = replace(answer, date_off_ms=off.delay_ms)
        if delayed := self._faults.take(Fault.ANSWER_DELAYED, operation):
            answer = replace(answer, delay_ms=delayed.delay_ms)
        if slow := self._faults.take(Fault.ANSWER_SLOW, operation):
            answer = replace(answer, byte_ms=slow.delay_ms)
        return answer


def _number(match: re.Match[str]) -> str:
    """The number in a path, held against its rule. Raises ApiError 400 PARAM_ERROR."""
    if match.lastgroup is None:
        return ""
    number = unquote(match[match.lastgroup])
    check(NUMBERS[match.lastgroup], number, f"/uri_template/{match.lastgroup}")
    return number
