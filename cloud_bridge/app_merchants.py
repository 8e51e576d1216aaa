"""The merchants of one run: each with his keys, read once, his own line to the platform, and their keeper."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final, Self

from cloud_bridge.app_older import OlderSide, older_side
from cloud_bridge.ports import Clock, Log, Notices, Platform
from cloud_bridge.ports_bills import Bills
from cloud_bridge.wechat.bills import WechatBills
from cloud_bridge.wechat.certificates import LIST, CertificateList
from cloud_bridge.wechat.client import Client
from cloud_bridge.wechat.generations import BothNotices, BothPlatforms
from cloud_bridge.wechat.keeper import Keeper, Say
from cloud_bridge.wechat.keys import BadCredentials, Keys, PlatformKeys, load_keys
from cloud_bridge.wechat.merchants import MerchantNotices, MerchantRequests
from cloud_bridge.wechat.notices import WechatNotices
from cloud_bridge.wechat.platform import WechatPlatform
from cloud_bridge.wechat.settings import WechatSettings
from cloud_bridge.wechat.v2_account import V2Settings, look_v2
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
    """Made of every account by name, and closed in the end. Raises BadCredentials with all that is wrong.

    `older` are the accounts of those who speak APIv2, beside APIv3 or alone.
    """

    def __init__(
        self,
        accounts: Mapping[str, WechatSettings],
        older: Mapping[str, V2Settings] = MappingProxyType({}),
        *,
        clock: Clock,
    ) -> None:
        found = _read(accounts, older)
        self._by_name: Final = {name: _merchant(accounts[name], *keys, clock) for name, keys in found.items()}
        self._older: Final = {name: older_side(name, settings, clock) for name, settings in older.items()}

    @property
    def first(self) -> Merchant:
        """Whose the sales without a name of a merchant are. Raises KeyError when he speaks APIv2 alone."""
        return self._by_name[""]

    @property
    def by_name(self) -> Mapping[str, Merchant]:
        """Everyone who speaks APIv3; the first of all has no name."""
        return self._by_name

    @property
    def platforms(self) -> Mapping[str, Platform]:
        """Everyone's platform; that of the first has no name."""
        both = {
            name: BothPlatforms(self._by_name[name].platform, each.platform)
            for name, each in self._older.items()
            if name in self._by_name
        }
        return {**_platforms(self._older), **_platforms(self._by_name), **both}

    @property
    def notices(self) -> Notices:
        """What opens notifications, whosever they are and of whichever generation."""
        v3, v2 = _notices(self._by_name), _notices(self._older)
        if v3 is not None and v2 is not None:
            return BothNotices(v3, v2)
        notices = v3 or v2
        assert notices is not None, "settings name a merchant at least"
        return notices

    @property
    def bills(self) -> Mapping[str, Bills]:
        """Everyone's bills, by APIv3 where that is spoken."""
        v3 = {name: WechatBills(name, each.settings, each.client) for name, each in self._by_name.items()}
        return {**{name: each.bills for name, each in self._older.items()}, **v3}

    @property
    def requests(self) -> MerchantRequests:
        """What order requests are read and answered with, whosever they are."""
        return MerchantRequests({name: each.requests for name, each in self._older.items()})

    def keepers(self, *, say: Say, clock: Clock, log: Log) -> tuple[Keeper, ...]:
        """Who looks after the keys of each."""
        return tuple(each.keeper(name, say=say, clock=clock, log=log) for name, each in self._by_name.items())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for merchant in self._by_name.values():
            merchant.client.close()
        for each in self._older.values():
            each.wire.close()


def _platforms(sides: Mapping[str, Merchant] | Mapping[str, OlderSide]) -> dict[str, Platform]:
    return {name: each.platform for name, each in sides.items()}


def _notices(sides: Mapping[str, Merchant] | Mapping[str, OlderSide]) -> Notices | None:
    if list(sides) == [""]:
        return sides[""].notices
    return MerchantNotices({name: each.notices for name, each in sides.items()}) if sides else None


def _read(
    accounts: Mapping[str, WechatSettings], older: Mapping[str, V2Settings]
) -> dict[str, tuple[Keys, PlatformKeys]]:
    found: dict[str, tuple[Keys, PlatformKeys]] = {}
    mistakes: list[str] = []
    for name, settings in accounts.items():
        held = PlatformKeys()
        try:
            found[name] = load_keys(settings, held), held
        except BadCredentials as error:
            mistakes += error.mistakes
    mistakes += [mistake for settings in older.values() for mistake in look_v2(settings).mistakes]
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
