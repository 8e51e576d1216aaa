"""The `[wechat]` and `[[merchants]]` tables: an account, written out or taken from a credentials file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from cloud_bridge.wechat.settings import HOST, MerchantSettings, PlatformPublicKey, WechatSettings
from cloud_bridge.wechat.v2_account import SignType, V2Settings
from wire.settings import File, Pattern

_PRIVATE: Final = File(private=True)
_ACCOUNT: Final = ("mchid", "appid", "merchant_serial")
_SECRETS: Final = ("merchant_private_key_file", "api_v3_key_file")
_OLDER: Final = (
    "mchid",
    "appid",
    "api_v2_key_file",
    "merchant_certificate_file",
    "merchant_private_key_file",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WechatTable:
    """Either every field of the account, as the merchant console gives them, or `credentials_file`.

    `credentials_file` is a JSON object with the same names; `wxvend sim wechat` writes one. Its files are
    relative to its own folder.

    `api_v2_key_file` lets the merchant take order requests, at `order_url`. With `generation` v2 everything
    goes by APIv2, for a merchant without keys of APIv3; refunds then need his certificate.
    """

    notify_url: Annotated[str, Pattern(r"https?://\S{1,247}", "an https address of at most 255 characters")]
    base_url: Annotated[str, Pattern(r"https?://[^/?#@\s]+", f"scheme and host, such as {HOST}")] = HOST
    proxy_url: str = ""
    credentials_file: Annotated[Path, _PRIVATE] | None = None
    mchid: Annotated[str, Pattern("[0-9]{8,10}", "the 10 digits of the merchant id")] | None = None
    appid: Annotated[str, Pattern("wx[0-9A-Za-z]{16}", "wx and 16 letters or digits")] | None = None
    merchant_serial: Annotated[str, Pattern("[0-9A-Fa-f]{8,40}", "40 hex digits")] | None = None
    merchant_private_key_file: Annotated[Path, _PRIVATE] | None = None
    api_v3_key_file: Annotated[Path, _PRIVATE] | None = None
    merchant_certificate_file: Annotated[Path, File()] | None = None
    platform_public_keys: tuple[PlatformPublicKey, ...] = ()
    platform_certificate_files: tuple[Annotated[Path, File()], ...] = ()
    download_certificates: bool | None = None
    generation: Annotated[str, Pattern("v3|v2", "v3, or v2 for a merchant without keys of APIv3")] = "v3"
    api_v2_key_file: Annotated[Path, _PRIVATE] | None = None
    v2_sign_type: Annotated[str, Pattern("HMAC-SHA256|MD5", "HMAC-SHA256 or MD5")] = "HMAC-SHA256"
    order_url: Annotated[str, Pattern(r"|https?://[^/?#\s]+/[^?#\s]{1,200}", "https, host and path")] = ""

    def __post_init__(self) -> None:
        if self.generation == "v3":
            self.settings()
        self.older()
        if self.order_url and self.api_v2_key_file is None:
            raise ValueError("order_url without api_v2_key_file; order requests are signed with it")
        if self.order_url and urlsplit(self.order_url).path == urlsplit(self.notify_url).path:
            raise ValueError("order_url with the path of notify_url; each has a path of its own")

    def settings(self) -> WechatSettings:
        """The account as the adapter wants it. Raises ValueError with what does not go together."""
        account = self._from_file() if self.credentials_file is not None else self._from_table()
        return WechatSettings(
            notify_url=self.notify_url,
            base_url=self.base_url,
            proxy_url=self.proxy_url,
            download_certificates=self.download_certificates,
            **account,
        )

    def older(self) -> V2Settings | None:
        """The account for APIv2, if it is used. Raises ValueError with what does not go together."""
        if self.generation == "v2":
            missing = [name for name in _OLDER if getattr(self, name) is None]
            if missing:
                raise ValueError(f"generation v2 without {', '.join(missing)}")
        if self.api_v2_key_file is None:
            return None
        own = {"mchid": self.mchid, "appid": self.appid}
        if self.credentials_file is not None:
            account = self._from_file()
            own = {name: account[name] for name in own}
        certificate = self.merchant_certificate_file
        return V2Settings(
            **{name: value or "" for name, value in own.items()},
            notify_url=self.notify_url,
            base_url=self.base_url,
            proxy_url=self.proxy_url,
            api_v2_key_file=self.api_v2_key_file,
            sign_type=SignType(self.v2_sign_type),
            merchant_certificate_file=certificate,
            merchant_private_key_file=self.merchant_private_key_file if certificate is not None else None,
        )

    def _from_table(self) -> dict[str, Any]:
        missing = [name for name in (*_ACCOUNT, *_SECRETS) if getattr(self, name) is None]
        if missing:
            raise ValueError(f"no {', '.join(missing)}, and no credentials_file")
        names = (*_ACCOUNT, *_SECRETS, "merchant_certificate_file")
        return {name: getattr(self, name) for name in names} | {
            "platform_public_keys": self.platform_public_keys,
            "platform_certificate_files": self.platform_certificate_files,
        }

    def _from_file(self) -> dict[str, Any]:
        file = self.credentials_file
        assert file is not None
        beside = [name for name in (*_ACCOUNT, *_SECRETS) if getattr(self, name) is not None]
        if beside or self.platform_public_keys or self.platform_certificate_files:
            raise ValueError(f"credentials_file beside {', '.join(beside) or 'platform keys'}")
        try:
            found = json.loads(file.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise ValueError(f"credentials_file {file} that is no JSON ({type(error).__name__})") from None
        return _account(found, file)


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantTable(WechatTable):
    """One of the merchants beside that of `[wechat]`. Machines say by its name whose money theirs is.

    A sale keeps that name: a merchant stays in the settings, under it, as long as anything of his may come.
    """

    name: Annotated[str, Pattern(r"[a-z0-9][a-z0-9-]{0,31}", "1 to 32 of a-z 0-9 -")]


def accounts(first: WechatTable, others: tuple[MerchantTable, ...]) -> Mapping[str, WechatSettings]:
    """Accounts for APIv3 by name; that of `[wechat]` has none.

    Sales from before there were several merchants have no name; so have machines that say none.
    """
    tables = {"": first, **{merchant.name: merchant for merchant in others}}
    return {name: table.settings() for name, table in tables.items() if table.generation == "v3"}


def older_accounts(first: WechatTable, others: tuple[MerchantTable, ...]) -> Mapping[str, V2Settings]:
    """Accounts for APIv2 by name, of those who have a key for it."""
    tables = {"": first, **{merchant.name: merchant for merchant in others}}
    found = {name: table.older() for name, table in tables.items()}
    return {name: account for name, account in found.items() if account is not None}


def astray(first: WechatTable, others: tuple[MerchantTable, ...], machines: Mapping[str, str]) -> str:
    """What of the merchants does not go together, or empty; `machines` says who gets the money of each."""
    names = [merchant.name for merchant in others]
    everyone: list[MerchantSettings] = [
        *{**older_accounts(first, others), **accounts(first, others)}.values()
    ]
    paths = {urlsplit(account.notify_url).path for account in everyone}
    if len(set(names)) < len(names):
        return f"a name of a merchant twice in {', '.join(names)}"
    if len({account.mchid for account in everyone}) < len(everyone):
        return "an mchid twice in [wechat] and [[merchants]]; each has its own"
    if len(paths) > 1:
        return f"notify_url with several paths, {' and '.join(sorted(paths))}; all merchants have one path"
    asked = {urlsplit(table.order_url).path for table in (first, *others) if table.order_url}
    if len(asked) > 1:
        return f"order_url with several paths, {' and '.join(sorted(asked))}; all merchants have one path"
    lost = sorted(name for name, merchant in machines.items() if merchant and merchant not in names)
    if lost:
        return f"machine {lost[0]} with merchant {machines[lost[0]]}; known are {', '.join(names) or 'none'}"
    return ""


def orderless(first: WechatTable, others: tuple[MerchantTable, ...], machines: Mapping[str, str]) -> str:
    """A machine with codes for order requests whose merchant takes none, or empty; `machines` as above."""
    takes = {"": first.order_url, **{merchant.name: merchant.order_url for merchant in others}}
    return next((name for name, merchant in machines.items() if not takes.get(merchant)), "")


def _account(found: object, file: Path) -> dict[str, Any]:
    def text(name: str) -> str:
        value = found.get(name) if isinstance(found, dict) else None
        if not isinstance(value, str) or not value:
            raise ValueError(
                f"credentials_file {file} without a text {name}"
            )  # never quoted: it may be secret
        return value

    own = "merchant_certificate_file"
    return {
        **{name: text(name) for name in _ACCOUNT},
        **{name: file.parent / text(name) for name in _SECRETS},
        "platform_public_keys": (
            PlatformPublicKey(
                id=text("platform_public_key_id"), file=file.parent / text("platform_public_key_file")
            ),
        ),
        "platform_certificate_files": (file.parent / text("platform_certificate_file"),),
        own: file.parent / text(own) if isinstance(found, dict) and own in found else None,
    }
