"""The words of APIv2 that APIv3 has not, and what each of them means to us.

An `err_code` that both generations know has one name for both; some are written with other letters here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cloud_bridge.wechat import codes

_OWN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "NOTENOUGH": "not_enough",
        "SIGNERROR": "sign_error",
        "APPIDNOTEXIST": "appid_mchid_not_match",
        "MCHIDNOTEXIST": "mch_not_exists",
        "REFUNDNOTEXIST": "resource_not_exists",
        "INVALIDTRANSACTIONID": "order_not_exist",
        "BIZERRNEEDRETRY": "bizerr_need_retry",
        "INVALIDREQTOOMUCH": "invalid_req_too_much",
        "TRADEOVERDUE": "trade_overdue",
        "LACKPARAMS": "lack_params",
        "XMLFORMATERROR": "xml_format_error",
        "REQUIREPOSTMETHOD": "require_post_method",
        "POSTDATAEMPTY": "post_data_empty",
        "NOTUTF8": "not_utf8",
    }
)
# Said as a failure, and yet no answer: the same call may be taken later, or was taken already.
NOT_NOW: Final = codes.NOT_NOW | {"bizerr_need_retry", "invalid_req_too_much"}
# What a refusal without a signature says in its words; the first that fits. All of them are no answer.
_SAID: Final = (
    ("签名", "sign_error"),
    ("证书", "no_certificate"),
    ("appid", "appid_mchid_not_match"),
    ("mch_id", "appid_mchid_not_match"),
    ("频", "frequency_limited"),
    ("系统", "system_error"),
    ("缺少", "lack_params"),
    ("xml", "xml_format_error"),
)
# How a refund stands, in the words of APIv3.
REFUND: Final[Mapping[str, str]] = MappingProxyType(
    {"SUCCESS": "SUCCESS", "PROCESSING": "PROCESSING", "REFUNDCLOSE": "CLOSED", "CHANGE": "ABNORMAL"}
)


def error_name(code: str) -> str:
    """One name for all spellings of an `err_code`; `other` for those that nobody wrote down."""
    return _OWN.get(code.replace("_", "").upper()) or codes.error_name(code)


def unsigned_name(words: str) -> str:
    """A name for counters for what a refusal without a signature says."""
    lower = words.lower()
    return next((name for piece, name in _SAID if piece in lower), "return_fail")
