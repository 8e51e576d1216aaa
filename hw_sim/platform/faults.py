"""What can go wrong at the platform or on the way, switchable for the next n matching things or by chance.

Each name says what a merchant would see. `only` narrows a fault to one kind of call or of notification.
"""

import random
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

KINDS: Final = (
    *("create", "query", "close", "refund", "query_refund", "certificates"),
    "transaction",  # a notice of a payment; `refund` is also one of a refund
    *("complaint", "violation", "security"),  # notices
    *("refund_abnormal", "echo"),
    *("complaint_list", "complaint_detail", "complaint_history", "complaint_response", "complaint_complete"),
    *("complaint_progress", "complaint_address", "image_upload", "image_download"),
    *("tradebill", "fundflowbill", "bill_file"),
    *("short_url", "order_request"),  # of APIv2; the second is what a scan makes the platform ask
)


class Fault(StrEnum):
    """`answer_*` strike the answer to a call, `*_notice` a notification's way, `notice_*` its bytes."""

    words: str

    def __new__(cls, name: str, words: str) -> "Fault":
        """Each has its words for people."""
        fault = str.__new__(cls, name)
        fault._value_ = name
        fault.words = words
        return fault

    ANSWER_WRONG_SIGNATURE = "answer_wrong_signature", "signed over other bytes"
    ANSWER_SIGNTEST = "answer_signtest", "a signature probe: WECHATPAY/SIGNTEST/ and noise"
    ANSWER_UNSIGNED = "answer_unsigned", "no signature headers"
    ANSWER_UNKNOWN_SERIAL = "answer_unknown_serial", "signed by a key that nobody knows"
    ANSWER_STALE = "answer_stale", "signed 301 s ago"
    ANSWER_FUTURE = "answer_future", "signed 301 s from now"
    ANSWER_DATE_OFF = "answer_date_off", "its Date is delay_ms ahead, as if our clock were behind"
    ANSWER_SHUFFLED = "answer_shuffled", "members in another order"
    ANSWER_EXTRA_MEMBERS = "answer_extra_members", "members that nobody knows yet"
    ANSWER_EXTRA_SPACE = "answer_extra_space", "white space between the members"
    ANSWER_LOST = "answer_lost", "took effect, then the connection closes without a byte"
    ANSWER_TRUNCATED = "answer_truncated", "took effect, half of the body arrives"
    ANSWER_ERROR_500 = "answer_error_500", "took effect, and says SYSTEM_ERROR"
    ANSWER_HTML_502 = "answer_html_502", "took effect, and a proxy's page comes back"
    ANSWER_DELAYED = "answer_delayed", "comes delay_ms later"
    ANSWER_SLOW = "answer_slow", "takes delay_ms for each byte"
    CALL_LIMITED_429 = "call_limited_429", "did not take effect: FREQUENCY_LIMITED"
    CALL_FAILED_500 = "call_failed_500", "did not take effect, and looks like answer_error_500"

    LOST_NOTICE = "lost_notice", "never sent, nor repeated"
    LATE_NOTICE = "late_notice", "sent delay_ms later"
    DOUBLE_NOTICE = "double_notice", "again after delay_ms, freshly signed; 0 is at once"
    REPLAYED_NOTICE = "replayed_notice", "again after delay_ms, the very same bytes and headers"

    NOTICE_WRONG_SIGNATURE = "notice_wrong_signature", "signed over other bytes"
    NOTICE_SIGNTEST = "notice_signtest", "a signature probe: WECHATPAY/SIGNTEST/ and noise"
    NOTICE_UNSIGNED = "notice_unsigned", "no signature headers"
    NOTICE_UNKNOWN_SERIAL = "notice_unknown_serial", "signed by a key that nobody knows"
    NOTICE_STALE = "notice_stale", "signed 301 s ago"
    NOTICE_FUTURE = "notice_future", "signed 301 s from now"
    NOTICE_UNKNOWN_ORDER = "notice_unknown_order", "about an order that nobody made"
    NOTICE_OTHER_MERCHANT = "notice_other_merchant", "with another mchid"
    NOTICE_OTHER_APP = "notice_other_app", "with another appid"
    NOTICE_OTHER_AMOUNT = "notice_other_amount", "with one fen more"
    NOTICE_SHUFFLED = "notice_shuffled", "members in another order"
    NOTICE_EXTRA_MEMBERS = "notice_extra_members", "members that nobody knows yet"
    NOTICE_EXTRA_SPACE = "notice_extra_space", "white space between the members"
    NOTICE_OVERSIZE = "notice_oversize", "80 KiB"
    NOTICE_SLOW = "notice_slow", "half of the body, then silence"
    NOTICE_NO_ASSOCIATED_DATA = "notice_no_associated_data", "sealed without associated_data"
    NOTICE_BAD_NONCE = "notice_bad_nonce", "sealed with a nonce of 16"

    ORDER_UNKNOWN_YET = "order_unknown_yet", "a query right after the order answers 404"
    CLOSE_USER_PAYING = "close_user_paying", "202, and nothing is closed"
    PAYMENT_BEATS_ANSWER = "payment_beats_answer", "paid before the answer to the order arrives"
    PAYMENT_BEATS_CLOSE = "payment_beats_close", "paid just before: the close answers ORDERPAID"
    PAYMENT_FOLLOWS_CLOSE = "payment_follows_close", "the close answers 204, and then it is paid"
    REFUND_STUCK = "refund_stuck", "PROCESSING for ever"
    REFUND_NOT_ENOUGH = "refund_not_enough", "403 NOT_ENOUGH; the same number may be asked again"
    REFUND_CLOSED = "refund_closed", "accepted, ends CLOSED; a new number may be asked for"
    REFUND_ABNORMAL = "refund_abnormal", "accepted, ends ABNORMAL"

    BILL_CREATING = "bill_creating", "STATEMENT_CREATING, though it is past ten"
    BILL_WRONG_HASH = "bill_wrong_hash", "the hash is another file's"
    BILL_OLD_TOKEN = "bill_old_token", "the token is over when it comes"
    BILL_OTHER_HOST = "bill_other_host", "the file is said to be at a stranger's"
    BILL_RECODED = "bill_recoded", "something on the way compresses the file once more"
    BILL_EXTRA_COLUMNS = "bill_extra_columns", "one more column in the middle"
    BILL_ODD_NAMES = "bill_odd_names", "commas and back-ticks in products' names"
    BILL_LINE_LOST = "bill_line_lost", "a payment or refund is not in the bill"
    BILL_STRANGER = "bill_stranger", "a payment that no order explains"
    BILL_OTHER_AMOUNT = "bill_other_amount", "one fen more in the first line"
    BILL_SUMMARY_OFF = "bill_summary_off", "one fen more in the summary alone"

    XML_DOCTYPE = "xml_doctype", "APIv2: with a document type that fetches a file"
    XML_ENTITIES = "xml_entities", "APIv2: with entities within entities"
    XML_DUPLICATE = "xml_duplicate", "APIv2: an element twice, the second time with another value"
    XML_NESTED = "xml_nested", "APIv2: an element within an element"
    XML_ATTRIBUTE = "xml_attribute", "APIv2: an attribute"
    XML_GBK = "xml_gbk", "APIv2: in GBK, and says so"
    XML_NUL = "xml_nul", "APIv2: a NUL in a value"
    XML_HUGE = "xml_huge", "APIv2: 10 MiB"
    XML_HTML = "xml_html", "APIv2: a page where XML should be"
    XML_EMPTY = "xml_empty", "APIv2: nothing at all"
    XML_WEAKER = "xml_weaker", "APIv2: signed with MD5, whatever was agreed"
    XML_UNSIGNED_FAIL = "xml_unsigned_fail", "APIv2: did not take effect: return_code FAIL, unsigned"
    XML_SPELLING = "xml_spelling", "APIv2: codes written as APIv3 writes them"
    XML_NEED_RETRY = "xml_need_retry", "APIv2: did not take effect: BIZERR_NEED_RETRY"
    XML_NO_CERTIFICATE = "xml_no_certificate", "APIv2: as if no client certificate had been shown"
    XML_COUPONS = "xml_coupons", "APIv2: paid with two coupons"


def fault_named(name: str) -> Fault:
    """Read a name. Raises ValueError."""
    found = next((fault for fault in Fault if fault == name), None)
    if found is None:
        raise ValueError(f"fault: found {name}, allowed {', '.join(Fault)}")
    return found


_ARMED: Final = re.compile(
    r"(?P<name>[^@:~]+)(?:@(?P<only>[^:~]+))?(?::(?:(?P<times>\d{1,9})|(?P<share>\d{1,3}(?:\.\d{1,6})?)%))?"
    r"(?:~(?P<delay_ms>\d{1,9}))?"
)


@dataclass(frozen=True, slots=True)
class Armed:
    """A fault waiting: for the next `times` matches, or with `probability` at each of them for ever."""

    fault: Fault
    times: int = 1
    probability: float | None = None
    only: str = ""
    delay_ms: int = 1000

    def __post_init__(self) -> None:
        """Raise ValueError for a number out of range."""
        if self.times < 0:
            raise ValueError(f"times: found {self.times}, allowed 0 (off) or more")
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise ValueError(f"probability: found {self.probability}, allowed 0 (off) to 1")
        if not 0 <= self.delay_ms <= 3_600_000:
            raise ValueError(f"delay_ms: found {self.delay_ms}, allowed 0 to 3600000")
        if self.only and self.only not in KINDS:
            raise ValueError(f"only: found {self.only}, allowed {', '.join(KINDS)}")


def armed(text: str) -> Armed:
    """Read `NAME`, with `@KIND`, `:TIMES` or `:SHARE%`, and `~MS` as far as wanted. Raises ValueError."""
    found = _ARMED.fullmatch(text)
    if found is None:
        raise ValueError(f"fault: found {text}, allowed NAME[@KIND][:TIMES|:SHARE%][~MS]")
    usual = Armed(fault_named(found["name"]))
    return Armed(
        usual.fault,
        times=int(found["times"] or usual.times),
        probability=None if found["share"] is None else float(found["share"]) / 100,
        only=found["only"] or "",
        delay_ms=int(found["delay_ms"] or usual.delay_ms),
    )


class Faults:
    """The switchboard. At most one setting per fault and `only`; a new one replaces it."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._armed: dict[tuple[Fault, str], Armed] = {}

    def arm(self, armed: Armed) -> None:
        """Switch a fault on, or off with `times` or `probability` 0."""
        self._armed.pop((armed.fault, armed.only), None)
        if armed.times and armed.probability != 0:
            self._armed[armed.fault, armed.only] = armed

    def clear(self) -> None:
        """Switch everything off."""
        self._armed.clear()

    def armed(self) -> tuple[Armed, ...]:
        """Give what is still waiting."""
        return tuple(self._armed.values())

    def take(self, fault: Fault, kind: str) -> Armed | None:
        """Ask whether `fault` strikes this thing of `kind`; counts it when it does."""
        key = (fault, kind) if (fault, kind) in self._armed else (fault, "")
        armed = self._armed.get(key)
        if armed is None:
            return None
        if armed.probability is not None:
            return armed if self._rng.random() < armed.probability else None
        self.arm(replace(armed, times=armed.times - 1))
        return armed
