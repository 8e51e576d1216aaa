"""Turns a notice into the bytes and headers of one POST, signed now, wrong in the ways a fault asks for.

From "notifications" of the APIv3 description: the envelope, the sealed resource, headers seen in the field.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from hw_sim.platform.answers import JsonObject, as_bytes, rfc3339
from hw_sim.platform.faults import Fault, Faults
from hw_sim.platform.ids import Ids
from hw_sim.platform.notices import Delivery, Notice, Part
from hw_sim.platform.signatures import Flaw, Signer

# Beyond what any receiver should read.
OVERSIZE_BYTES: Final = 80 * 1024
LIKE_THE_FIELD: Final = {
    "Content-Type": "application/json",
    "User-Agent": "Mozilla/4.0",
    "Accept": "*/*",
    "Connection": "close",
    "Pragma": "no-cache",
}
FLAWS: Final[Mapping[Fault, Flaw]] = MappingProxyType(
    {
        Fault.NOTICE_WRONG_SIGNATURE: Flaw.WRONG,
        Fault.NOTICE_SIGNTEST: Flaw.SIGNTEST,
        Fault.NOTICE_UNSIGNED: Flaw.UNSIGNED,
        Fault.NOTICE_UNKNOWN_SERIAL: Flaw.UNKNOWN_SERIAL,
        Fault.NOTICE_STALE: Flaw.STALE,
        Fault.NOTICE_FUTURE: Flaw.FUTURE,
    }
)
_Change: TypeAlias = Callable[[JsonObject], JsonObject]


def _other_amount(resource: JsonObject) -> JsonObject:
    amount = resource.get("amount", {})  # a complaint has none
    changed = {name: value + 1 for name, value in amount.items() if isinstance(value, int)}
    return resource | {"amount": amount | changed} if changed else resource


LIES: Final[Mapping[Fault, _Change]] = MappingProxyType(
    {
        Fault.NOTICE_UNKNOWN_ORDER: lambda resource: resource | {"out_trade_no": "nobody-knows-this-number"},
        Fault.NOTICE_OTHER_MERCHANT: lambda resource: resource | {"mchid": "1900000000"},
        Fault.NOTICE_OTHER_APP: lambda resource: resource | {"appid": "wx0000000000000000"},
        Fault.NOTICE_OTHER_AMOUNT: _other_amount,
        Fault.NOTICE_EXTRA_MEMBERS: lambda resource: resource | {"new_member": {"说明": ["新增", None, 1.5]}},
    }
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One POST to make. With `keep` only so many bytes of the body are sent, and the rest never.

    `wants` are the only words that count as an answer, where the status alone says nothing.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    keep: int | None = None
    wants: bytes = b""


class Courier:
    """Writes letters. Each is written and signed when it leaves, so a repeat is never stale.

    `older` writes those of APIv2.
    """

    def __init__(
        self, *, signer: Signer, faults: Faults, ids: Ids, older: Callable[[Notice], Letter] | None = None
    ) -> None:
        self._older = older
        self._signer = signer
        self._faults = faults
        self._ids = ids
        self._kept: dict[str, Letter] = {}

    def write(self, delivery: Delivery, now_ms: int) -> Letter:
        """Write the letter of a delivery; a replay is the first letter once more."""
        if delivery.part is Part.REPLAY and delivery.notice.id in self._kept:
            return self._kept.pop(delivery.notice.id)
        if delivery.notice.older is not None and self._older is not None:
            letter = self._older(delivery.notice)
        else:
            letter = self._fresh(delivery.notice, now_ms)
        if delivery.kept:
            self._kept[delivery.notice.id] = letter
        return letter

    def _fresh(self, notice: Notice, now_ms: int) -> Letter:
        strikes = {fault for fault in Fault if fault.startswith("notice_") and self._strikes(fault, notice)}
        body = self._body(notice, strikes)
        flaw = next((flaw for fault, flaw in FLAWS.items() if fault in strikes), None)
        signed = self._signer.headers(body, self._signer.for_notice(), now_ms, flaw)
        keep = len(body) // 2 if Fault.NOTICE_SLOW in strikes else None
        return Letter(notice.url, LIKE_THE_FIELD | signed, body, keep)

    def _strikes(self, fault: Fault, notice: Notice) -> bool:
        return self._faults.take(fault, notice.kind) is not None

    def _body(self, notice: Notice, strikes: set[Fault]) -> bytes:
        resource = dict(notice.resource)
        for fault, change in LIES.items():
            if fault in strikes:
                resource = change(resource)
        envelope: dict[str, Any] = {
            "id": notice.id,
            "create_time": rfc3339(notice.made_ms),
            "resource_type": "encrypt-resource",
            "event_type": notice.event_type,
            "summary": notice.summary,
            "resource": self._sealed(notice.kind, resource, strikes),
        }
        if Fault.NOTICE_EXTRA_MEMBERS in strikes:
            envelope["new_member"] = {"说明": ["新增", None, 1.5]}
        if Fault.NOTICE_OVERSIZE in strikes:
            envelope["padding"] = "x" * OVERSIZE_BYTES
        if Fault.NOTICE_SHUFFLED in strikes:
            envelope = self._ids.shuffled(envelope)
        body = as_bytes(envelope)
        return body.replace(b'":', b'"\t: ') + b"\r\n " if Fault.NOTICE_EXTRA_SPACE in strikes else body

    def _sealed(self, kind: str, resource: JsonObject, strikes: set[Fault]) -> JsonObject:
        if Fault.NOTICE_SHUFFLED in strikes:
            resource = self._ids.shuffled(resource)
        bare = Fault.NOTICE_NO_ASSOCIATED_DATA in strikes
        nonce_length = 16 if Fault.NOTICE_BAD_NONCE in strikes else 12
        sealed = dict(self._signer.sealed(as_bytes(resource), "" if bare else kind, nonce_length))
        if bare:
            del sealed["associated_data"]
        return {"original_type": kind, **sealed}
