"""Native mode 1: a phone scans a code that names a product, and the merchant is asked for an order.

The platform checks the code, POSTs the order request to the merchant's one callback URL, checks what comes
back, and shows the payer the order or the merchant's words. From "Native mode 1" of the APIv2 description.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import parse_qsl

from hw_sim.platform.carrier import Told, exchange
from hw_sim.platform.clock import Clock
from hw_sim.platform.courier import LIKE_THE_FIELD, OVERSIZE_BYTES, Letter
from hw_sim.platform.events import Events
from hw_sim.platform.faults import Fault, Faults
from hw_sim.platform.ids import Ids
from hw_sim.platform.model import Platform
from hw_sim.platform.orders import Shop
from hw_sim.platform.payers import SOMEBODY, Page, PayerRefused, Reason, openid_of
from hw_sim.platform.v2_book import Book
from hw_sim.platform.v2_spoil import spoil
from hw_sim.platform.v2_wire import HMAC, MD5, Members, NotXml, digest, parse, with_sign, write

ANSWER_WITHIN_MS: Final = 5_000
CODE: Final = "weixin://wxpay/bizpayurl?"
SHORT: Final = "weixin://wxpay/s/"
KIND: Final = "order_request"
_NAMES: Final = frozenset({"sign", "appid", "mch_id", "product_id", "time_stamp", "nonce_str"})
_HEADERS: Final = {**LIKE_THE_FIELD, "Content-Type": "text/xml"}
_LIES: Final[Mapping[Fault, Members]] = {
    Fault.NOTICE_OTHER_MERCHANT: {"mch_id": "1900000000"},
    Fault.NOTICE_OTHER_APP: {"appid": "wx0000000000000000"},
    Fault.NOTICE_EXTRA_MEMBERS: {"new_member": "新增"},
    Fault.NOTICE_OVERSIZE: {"attach_2": "x" * OVERSIZE_BYTES},
}
Wish = Mapping[str, Any]


class Scans:
    """One merchant's codes. `order_url` is his callback for order requests; empty while he has none."""

    def __init__(
        self,
        *,
        platform: Platform,
        shop: Shop,
        key: str,
        book: Book,
        faults: Faults,
        events: Events,
        ids: Ids,
    ) -> None:
        self._platform = platform
        self._shop = shop
        self._key = key
        self._book = book
        self._faults = faults
        self._events = events
        self._ids = ids
        self.order_url = ""

    def names_a_product(self, code: str) -> bool:
        """Whether a code is of this kind: an order's own code has a single `pr`."""
        return code.startswith((SHORT, f"{CODE}sign="))

    def ask(self, code: str, account: str, now_ms: int) -> Letter:
        """What the merchant is asked after this scan. Raises PayerRefused for a code that is not his."""
        said = dict(parse_qsl(self._book.long(code).partition("?")[2]))
        bad = set(said) != _NAMES or digest(said, self._key, MD5) != said.get("sign")
        if bad or (said["appid"], said["mch_id"]) != (self._shop.appid, self._shop.mchid):
            raise PayerRefused(Reason.BAD_CODE)
        self._events.add(now_ms, "order.asked")
        members = {
            "appid": self._shop.appid,
            "openid": openid_of(self._shop.appid, account),
            "mch_id": self._shop.mchid,
            "is_subscribe": "N",
            "nonce_str": self._ids.nonce(16),
            "product_id": said["product_id"],
        }
        for fault, lie in _LIES.items():
            members |= lie if self._faults.take(fault, KIND) else {}
        key = self._key[::-1] if self._faults.take(Fault.NOTICE_WRONG_SIGNATURE, KIND) else self._key
        if not self._faults.take(Fault.NOTICE_UNSIGNED, KIND):
            members = with_sign(members, key, MD5)
        return Letter(self.order_url, _HEADERS, spoil(write(members), self._faults, KIND))

    def told(self, answer: Told | str, account: str, now_ms: int) -> tuple[Page, str]:
        """What the payer sees after the merchant's answer, and the order's own code. Raises PayerRefused."""
        try:
            code_url = self._order_of(answer, now_ms)
            page = self._platform.scan(code_url, now_ms, account=account)
        except PayerRefused as error:
            self._events.add(now_ms, "order.told", verdict=error.reason.value)
            raise
        self._events.add(now_ms, "order.told", verdict="an order", out_trade_no=page.out_trade_no)
        return page, code_url

    def _order_of(self, answer: Told | str, now_ms: int) -> str:
        if isinstance(answer, str) or answer.status != 200:
            raise PayerRefused(Reason.NO_ANSWER)
        try:
            members = parse(answer.body)
        except (NotXml, UnicodeDecodeError):
            raise PayerRefused(Reason.NO_XML) from None
        if members.get("return_code") != "SUCCESS" or not self._is_from_merchant(members):
            raise PayerRefused(Reason.BAD_ANSWER)
        if members.get("result_code") == "FAIL":
            raise PayerRefused(Reason.MERCHANT_REFUSED, members.get("err_code_des", ""))
        code_url = self._book.code_of(members.get("prepay_id", ""), now_ms)
        if members.get("result_code") != "SUCCESS" or code_url is None:
            raise PayerRefused(Reason.BAD_ANSWER)
        return code_url

    def _is_from_merchant(self, members: Members) -> bool:
        sign = members.get("sign", "")
        good = digest(members, self._key, HMAC if len(sign) == 64 else MD5) == sign
        names = (members.get("appid"), members.get("mch_id"))
        return good and bool(members.get("nonce_str")) and names == (self._shop.appid, self._shop.mchid)


class Phones:
    """Phones that scan over the network, and the desk's wishes for them."""

    def __init__(self, *, scans: Scans, faults: Faults, clock: Clock) -> None:
        self._scans = scans
        self._faults = faults
        self._clock = clock

    async def scan(self, code: str, account: str) -> tuple[Page, str]:
        """Scan a product's code and wait for what the merchant says. Raises PayerRefused."""
        letter = self._scans.ask(code, account, self._clock.now_ms())
        again = self._faults.take(
            Fault.DOUBLE_NOTICE, KIND
        )  # the platform may repeat it: the last one counts
        answers = [await self._asked(letter) for _ in range(2 if again else 1)]
        return self._scans.told(answers[-1], account, self._clock.now_ms())

    async def _asked(self, letter: Letter) -> Told | str:
        if not letter.url:
            return "no callback URL"
        return await exchange(letter, within_ms=ANSWER_WITHIN_MS, whole=True)

    def wishes(
        self, scan: Callable[[Wish], Any], pay: Callable[[Wish], Any]
    ) -> Mapping[str, Callable[[Wish], Any]]:
        """`scan` and `pay` for either kind of code, and `order_url` to set or see the merchant's callback."""
        return {
            "scan": lambda wish: self._either(wish, scan, self._scanned),
            "pay": lambda wish: self._either(wish, pay, lambda wish: self._paid(wish, pay)),
            "order_url": self._order_url,
        }

    def _either(
        self, wish: Wish, order: Callable[[Wish], Any], product: Callable[[Wish], Awaitable[Any]]
    ) -> Any:
        code = wish.get("code_url")
        return product(wish) if isinstance(code, str) and self._scans.names_a_product(code) else order(wish)

    async def _scanned(self, wish: Wish) -> Any:
        """The page, and in `code_url` what pays it."""
        page, code_url = await self.scan(wish["code_url"], str(wish.get("account", SOMEBODY)))
        return asdict(page) | {"state": page.state.value, "code_url": code_url}

    async def _paid(self, wish: Wish, pay: Callable[[Wish], Any]) -> Any:
        _, code_url = await self.scan(wish["code_url"], str(wish.get("account", SOMEBODY)))
        return pay({**wish, "code_url": code_url})

    def _order_url(self, wish: Wish) -> Any:
        url = wish.get("url", self._scans.order_url)
        if not isinstance(url, str) or (url and not url.startswith(("http://", "https://"))):
            raise ValueError(f"url: found a {type(url).__name__}, allowed http or https, host and path")
        self._scans.order_url = url
        return {"url": url}
