"""Notices of orders and refunds that came by APIv2, as XML: a payment's is signed, a refund's is sealed.

From "payment notification" and "refund notification" of the APIv2 description.
"""

from typing import Final

from hw_sim.platform.answers import JsonObject
from hw_sim.platform.courier import LIES, LIKE_THE_FIELD, OVERSIZE_BYTES, Letter
from hw_sim.platform.faults import Fault, Faults
from hw_sim.platform.ids import Ids
from hw_sim.platform.notices import Notice
from hw_sim.platform.v2_spoil import spoil
from hw_sim.platform.v2_wire import ACKNOWLEDGED, HMAC, MD5, Members, sealed, with_sign, write
from hw_sim.platform.v2_words import paid_view, refund_notice_view

_HEADERS: Final = {**LIKE_THE_FIELD, "Content-Type": "text/xml"}


class V2Letters:
    """Writes letters with the secret of merchant and platform."""

    def __init__(self, *, key: str, faults: Faults, ids: Ids) -> None:
        self._key = key
        self._faults = faults
        self._ids = ids

    def write(self, notice: Notice) -> Letter:
        """The letter of a notice, signed now, wrong in the ways a fault asks for."""
        strikes = {fault for fault in Fault if fault.startswith("notice_") and self._strikes(fault, notice)}
        resource = dict(notice.resource)
        for fault, change in LIES.items():
            if fault in strikes:
                resource = change(resource)
        members = {
            "return_code": "SUCCESS",
            "appid": str(resource.get("appid") or (notice.older or {}).get("appid", "")),
            "mch_id": resource["mchid"],
            "nonce_str": self._ids.nonce(32),
        }
        if Fault.NOTICE_OVERSIZE in strikes:
            members["attach_2"] = "x" * OVERSIZE_BYTES
        members |= self._refund(resource, strikes) if notice.kind == "refund" else {}
        if notice.kind != "refund":
            members = self._payment(members | paid_view(resource), notice, strikes)
        if Fault.NOTICE_SHUFFLED in strikes:
            members = {name: str(value) for name, value in self._ids.shuffled(dict(members)).items()}
        body = spoil(write(members), self._faults, notice.kind)
        if Fault.NOTICE_EXTRA_SPACE in strikes:
            body = body.replace(b">\n<", b">\r\n\t <") + b"\r\n "
        keep = len(body) // 2 if Fault.NOTICE_SLOW in strikes else None
        return Letter(notice.url, _HEADERS, body, keep, wants=ACKNOWLEDGED)

    def _strikes(self, fault: Fault, notice: Notice) -> bool:
        return self._faults.take(fault, notice.kind) is not None

    def _payment(self, members: Members, notice: Notice, strikes: set[Fault]) -> Members:
        kind = str((notice.older or {}).get("sign_type", MD5))
        told = members | {"result_code": "SUCCESS"}
        if Fault.NOTICE_EXTRA_MEMBERS in strikes:
            told |= {"new_member": "新增", "coupon_fee": "0"}
        if self._faults.take(Fault.XML_COUPONS, notice.kind):
            told |= _coupons(int(told["total_fee"]))
        if kind == HMAC and self._ids.chance(0.5):
            told["sign_type"] = HMAC  # it may be missing
        if Fault.NOTICE_UNSIGNED in strikes:
            return told
        weaker = self._faults.take(Fault.XML_WEAKER, notice.kind) is not None
        if weaker:
            told.pop("sign_type", None)
        key = self._key[::-1] if Fault.NOTICE_WRONG_SIGNATURE in strikes else self._key
        return with_sign(told, key, MD5 if weaker else kind)

    def _refund(self, resource: JsonObject, strikes: set[Fault]) -> Members:
        key = self._key[::-1] if Fault.NOTICE_WRONG_SIGNATURE in strikes else self._key
        plain = write(refund_notice_view(resource), root="root")
        return {"req_info": sealed(plain, key)}


def _coupons(total_fen: int) -> Members:
    """Two coupons, the second worth nothing; zero is a value and is signed."""
    return {
        "coupon_fee": str(total_fen // 2),
        "coupon_count": "2",
        "coupon_type_0": "CASH",
        "coupon_id_0": "10000",
        "coupon_fee_0": str(total_fen // 2),
        "coupon_type_1": "NO_CASH",
        "coupon_id_1": "10001",
        "coupon_fee_1": "0",
        "cash_fee": str(total_fen - total_fen // 2),
    }
