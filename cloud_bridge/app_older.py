"""APIv2 for one merchant of a run: his line, his calls, his notifications and his order requests."""

import secrets
from dataclasses import dataclass

from cloud_bridge.ports import Clock, Notices, Platform
from cloud_bridge.wechat.client import Wire
from cloud_bridge.wechat.v2_account import V2Settings, load_account
from cloud_bridge.wechat.v2_bills import V2Bills
from cloud_bridge.wechat.v2_exchange import V2Exchange
from cloud_bridge.wechat.v2_notices import V2Notices
from cloud_bridge.wechat.v2_platform import V2Platform
from cloud_bridge.wechat.v2_scans import V2OrderRequests


@dataclass(frozen=True, slots=True, kw_only=True)
class OlderSide:
    """One merchant's side of the platform by APIv2."""

    wire: Wire
    bills: V2Bills
    platform: Platform
    notices: Notices
    requests: V2OrderRequests


def older_side(name: str, settings: V2Settings, clock: Clock) -> OlderSide:
    """Make it from its files, read once; `name` is the merchant's. Raises BadCredentials."""
    account = load_account(settings)
    wire = Wire(settings, V2Exchange(account), clock=clock, certificate=settings.certificate)
    return OlderSide(
        wire=wire,
        bills=V2Bills(name, settings, account, wire, nonce=_nonce),
        platform=V2Platform(settings, account, wire, nonce=_nonce),
        notices=V2Notices(settings, account),
        requests=V2OrderRequests(account, nonce=_nonce),
    )


def _nonce() -> str:
    return secrets.token_hex(16)
