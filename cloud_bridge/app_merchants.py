"""The merchants of one run: each with his keys, read once, his own line to the platform, and their keeper."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Self

from cloud_bridge.ports import Clock, Log, Notices, Platform
from cloud_bridge.wechat.certificates import LIST, CertificateList
from cloud_bridge.wechat.client import Client
from cloud_bridge.wechat.keeper import Keeper, Say
from cloud_bridge.wechat.keys import BadCredentials, Keys, PlatformKeys, load_keys
from cloud_bridge.wechat.merchants import MerchantNotices
from cloud_bridge.wechat.notices import WechatNotices
from cloud_bridge.wechat.platform import WechatPlatform
from cloud_bridge.wechat.settings import WechatSettings
from cloud_bridge.wechat.watch import Watch, WatchedNotices


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """One merchant's side of the platform."""

    settings: WechatSettings
    keys: Keys
    held: PlatformKeys
    watch: Watch
    client: Client
    platform: Platform
    notices: Notices

    def keeper(self, name: str, *, say: Say, clock: Clock, log: Log) -> Keeper:
        """Who looks after these keys; run it as a task."""
        judge = CertificateList(self.keys, self.held, self.client.exchange, clock).judge
        fetch = partial(self.client.call, LIST, judge) if self.settings.downloads else None
        return Keeper(name=name, keys=self.keys, watch=self.watch, fetch=fetch, say=say, clock=clock, log=log)


class Merchants:
    """Made of every account by name, and closed in the end. Raises BadCredentials with all that is wrong."""

    def __init__(self, accounts: Mapping[str, WechatSettings], *, clock: Clock) -> None:
        found = _read(accounts)
        self._by_name: Final = {name: _merchant(accounts[name], *keys, clock) for name, keys in found.items()}

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

    def keepers(self, *, say: Say, clock: Clock, log: Log) -> tuple[Keeper, ...]:
        """Who looks after the keys of each."""
        return tuple(each.keeper(name, say=say, clock=clock, log=log) for name, each in self._by_name.items())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for merchant in self._by_name.values():
            merchant.client.close()


def _read(accounts: Mapping[str, WechatSettings]) -> dict[str, tuple[Keys, PlatformKeys]]:
    found: dict[str, tuple[Keys, PlatformKeys]] = {}
    mistakes: list[str] = []
    for name, settings in accounts.items():
        held = PlatformKeys()
        try:
            found[name] = load_keys(settings, held), held
        except BadCredentials as error:
            mistakes += error.mistakes
    if mistakes:
        raise BadCredentials(tuple(mistakes))
    return found


def _merchant(settings: WechatSettings, keys: Keys, held: PlatformKeys, clock: Clock) -> Merchant:
    watch = Watch()
    client = Client(settings, keys, clock=clock, nonce=lambda: secrets.token_hex(16), watch=watch)
    return Merchant(
        settings=settings,
        keys=keys,
        held=held,
        watch=watch,
        client=client,
        platform=WechatPlatform(settings, client),
        notices=WatchedNotices(WechatNotices(settings, keys), watch, clock),
    )
