"""The merchants of one run: each with his keys, read once, and his own line to the platform."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from cloud_bridge.ports import Clock, Notices, Platform
from cloud_bridge.wechat.client import Client
from cloud_bridge.wechat.keys import BadCredentials, Keys, load_keys
from cloud_bridge.wechat.merchants import MerchantNotices
from cloud_bridge.wechat.notices import WechatNotices
from cloud_bridge.wechat.platform import WechatPlatform
from cloud_bridge.wechat.settings import WechatSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """One merchant's side of the platform."""

    settings: WechatSettings
    client: Client
    platform: Platform
    notices: Notices


class Merchants:
    """Made of every account by name, and closed in the end. Raises BadCredentials with all that is wrong."""

    def __init__(self, accounts: Mapping[str, WechatSettings], *, clock: Clock) -> None:
        found = _read(accounts)
        self._by_name: Final = {name: _merchant(accounts[name], keys, clock) for name, keys in found.items()}

    @property
    def first(self) -> Merchant:
        """Whose the sales without a name of a merchant are."""
        return self._by_name[""]

    @property
    def others(self) -> Mapping[str, Platform]:
        """The platforms of the named ones."""
        return {name: each.platform for name, each in self._by_name.items() if name}

    @property
    def notices(self) -> Notices:
        """What opens notifications, whosever they are."""
        if len(self._by_name) == 1:
            return self.first.notices
        return MerchantNotices({name: each.notices for name, each in self._by_name.items()})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for merchant in self._by_name.values():
            merchant.client.close()


def _read(accounts: Mapping[str, WechatSettings]) -> dict[str, Keys]:
    found: dict[str, Keys] = {}
    mistakes: list[str] = []
    for name, settings in accounts.items():
        try:
            found[name] = load_keys(settings)
        except BadCredentials as error:
            mistakes += error.mistakes
    if mistakes:
        raise BadCredentials(tuple(mistakes))
    return found


def _merchant(settings: WechatSettings, keys: Keys, clock: Clock) -> Merchant:
    client = Client(settings, keys, clock=clock, nonce=lambda: secrets.token_hex(16))
    return Merchant(
        settings=settings,
        client=client,
        platform=WechatPlatform(settings, client),
        notices=WechatNotices(settings, keys),
    )
