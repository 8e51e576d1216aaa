"""The platform's words for errors and states, and what each of them means to us.

Codes come with and without underscores, on one and the same system: they are compared without.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cloud_bridge.core.model import RefundState

OTHER: Final = "other"
_ERRORS: Final = (
    *("param_error", "invalid_request", "appid_mchid_not_match", "mch_not_exists", "not_found"),
    *("sign_error", "no_auth", "rule_limit", "trade_error", "account_error", "request_blocked"),
    *("order_closed", "order_paid", "order_not_exist", "out_trade_no_used", "user_paying"),
    *("resource_not_exists", "not_enough", "user_account_abnormal"),
    *("frequency_limited", "frequency_limit_exceed", "ratelimit_exceeded", "system_error", "bank_error"),
    *("statement_creating", "no_statement_exist"),
)
_BY_LETTERS: Final[Mapping[str, str]] = MappingProxyType({name.replace("_", ""): name for name in _ERRORS})
# Said with a 4xx, and yet no answer: the same bytes may be taken later, or were taken already.
NOT_NOW: Final = frozenset(
    {
        *("frequency_limited", "frequency_limit_exceed", "ratelimit_exceeded"),
        *("system_error", "bank_error", "user_paying"),
    }
)
# A refund's order, or the refund itself, is not known there.
NOT_THERE: Final = frozenset({"resource_not_exists", "mch_not_exists", "order_not_exist"})

# REFUND says that a refund was begun, by whomever: the money came in. What went back is the refund's story.
GIVEN_BACK: Final = "REFUND"
PAID: Final = frozenset({"SUCCESS", GIVEN_BACK})
UNPAID: Final[Mapping[str, bool]] = MappingProxyType(  # and whether it can never be paid any more
    {
        "NOTPAY": False,
        "USERPAYING": False,
        "ACCEPT": False,
        "PAYERROR": False,
        "CLOSED": True,
        "REVOKED": True,
    }
)
REFUND: Final[Mapping[str, RefundState]] = MappingProxyType(
    {
        "PROCESSING": RefundState.PROCESSING,
        "SUCCESS": RefundState.SUCCESS,
        "CLOSED": RefundState.CLOSED,
        "ABNORMAL": RefundState.ABNORMAL,
    }
)


def error_name(code: str) -> str:
    """One name for all spellings of a code; `other` for those that nobody wrote down."""
    return _BY_LETTERS.get(code.replace("_", "").lower(), OTHER)
