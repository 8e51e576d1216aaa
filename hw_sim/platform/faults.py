"""What can go wrong at the platform or on the way, switchable for the next n matching things or by chance.

Each name says what a merchant would see. `only` narrows a fault to one kind of call (`create`, `query`,
`close`, `refund`, `query_refund`, `certificates`) or of notification (`transaction`, `refund`).
"""

import random
from dataclasses import dataclass, replace
from enum import StrEnum


class Fault(StrEnum):
    """`answer_*` strike the answer to a call, `notice_*` a notification, the rest the platform itself."""

    ANSWER_WRONG_SIGNATURE = "answer_wrong_signature"
    ANSWER_SIGNTEST = "answer_signtest"
    ANSWER_UNSIGNED = "answer_unsigned"
    ANSWER_UNKNOWN_SERIAL = "answer_unknown_serial"
    ANSWER_STALE = "answer_stale"
    ANSWER_LOST = "answer_lost"  # took effect, then the connection closes without a byte
    ANSWER_TRUNCATED = "answer_truncated"  # took effect, half of the body arrives
    ANSWER_ERROR_500 = "answer_error_500"  # took effect, and says SYSTEM_ERROR
    ANSWER_HTML_502 = "answer_html_502"  # took effect, and a proxy's page comes back
    ANSWER_DELAYED = "answer_delayed"  # by `delay_ms`
    CALL_LIMITED_429 = "call_limited_429"  # did not take effect
    CALL_FAILED_500 = "call_failed_500"  # did not take effect, and looks like answer_error_500

    NOTICE_WRONG_SIGNATURE = "notice_wrong_signature"
    NOTICE_SIGNTEST = "notice_signtest"
    NOTICE_UNSIGNED = "notice_unsigned"
    NOTICE_UNKNOWN_SERIAL = "notice_unknown_serial"
    NOTICE_STALE = "notice_stale"
    NOTICE_LOST = "notice_lost"  # never sent, nor repeated
    NOTICE_DELAYED = "notice_delayed"  # by `delay_ms`
    NOTICE_DUPLICATED = "notice_duplicated"  # again after `delay_ms`, freshly signed; 0 is at once
    NOTICE_REPLAYED = "notice_replayed"  # again after `delay_ms`, the very same bytes and headers
    NOTICE_UNKNOWN_ORDER = "notice_unknown_order"
    NOTICE_OTHER_MERCHANT = "notice_other_merchant"
    NOTICE_OTHER_APP = "notice_other_app"
    NOTICE_OTHER_AMOUNT = "notice_other_amount"
    NOTICE_SHUFFLED = "notice_shuffled"
    NOTICE_EXTRA_MEMBERS = "notice_extra_members"
    NOTICE_EXTRA_SPACE = "notice_extra_space"
    NOTICE_OVERSIZE = "notice_oversize"
    NOTICE_NO_ASSOCIATED_DATA = "notice_no_associated_data"
    NOTICE_BAD_NONCE = "notice_bad_nonce"

    ORDER_UNKNOWN_YET = "order_unknown_yet"  # a query right after the order answers 404
    CLOSE_USER_PAYING = "close_user_paying"  # 202, and nothing is closed
    REFUND_NOT_ENOUGH = "refund_not_enough"
    REFUND_CLOSED = "refund_closed"
    REFUND_ABNORMAL = "refund_abnormal"


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
