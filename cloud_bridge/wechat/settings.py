"""Who the merchant is, where the platform is, and which files hold what. No secret stands in here."""

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

HOST: Final = "https://api.mch.weixin.qq.com"
_PUBLIC_KEY_ID: Final = "PUB_KEY_ID_"
_LONGEST_URL: Final = 255
_SHAPES: Final = (
    ("mchid", r"[0-9]{8,10}", "the 8 to 10 digits of the merchant id"),
    ("appid", r"wx[0-9A-Za-z]{16}", "wx and 16 letters or digits, of the account bound to the mchid"),
    ("base_url", r"https?://[^/?#@\s]+", f"scheme and host, such as {HOST}"),
    ("notify_url", r"https?://[^/?#@\s]+/[^?#\s\[\]]*", "https, host and path; no query, no fragment"),
    ("proxy_url", r"|https?://[^/?#\s]+", "scheme, host and port of an HTTP proxy, or nothing"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformPublicKey:
    """WeChat Pay's public key as the merchant console gives it: an id and a PEM file."""

    id: str
    file: Path

    def __post_init__(self) -> None:
        if not re.fullmatch(_PUBLIC_KEY_ID + "[0-9]{1,64}", self.id):
            raise ValueError(f"id: found {self.id!r}; allowed is {_PUBLIC_KEY_ID} followed by digits")


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantSettings:
    """What both generations want to know of a merchant. Raises ValueError with every field that is wrong.

    base_url: another address only for a simulated platform; http and loopback are for that alone.
    proxy_url: a proxy for the calls; the environment's own proxy settings are not read.
    terminal_ip: the payer's address of an order, compulsory there; a machine has no better one.
    """

    mchid: str
    appid: str
    notify_url: str
    base_url: str = HOST
    proxy_url: str = field(default="", repr=False)
    terminal_ip: str = "127.0.0.1"

    def __post_init__(self) -> None:
        wrong = self._wrong()
        if wrong:
            raise ValueError("; ".join(wrong))

    def _wrong(self) -> list[str]:
        return [*self._misshapen(), *self._unreachable()]

    def _misshapen(self) -> list[str]:
        wrong = [
            f"{name}: found {_shown(name, getattr(self, name))}; allowed is {words}"
            for name, shape, words in _SHAPES
            if not re.fullmatch(shape, getattr(self, name))
        ]
        if len(self.notify_url) > _LONGEST_URL:
            wrong.append(f"notify_url: found {len(self.notify_url)} characters; allowed are {_LONGEST_URL}")
        if _address(self.terminal_ip) is None:
            wrong.append(f"terminal_ip: found {self.terminal_ip!r}; allowed is an IPv4 or IPv6 address")
        return wrong

    def _unreachable(self) -> list[str]:
        """A real platform is called by TLS only, and calls back by TLS, to a public name."""
        base, notify = urlsplit(self.base_url), urlsplit(self.notify_url)
        if _is_here(base):
            return []
        wrong = []
        if base.scheme != "https":
            wrong.append(f"base_url: found {base.scheme}; allowed is https, or http to a loopback address")
        address = _address(notify.hostname or "")
        hidden = _is_here(notify) or (address is not None and not address.is_global)
        if notify.scheme != "https" or hidden:
            wrong.append(
                f"notify_url: found {notify.scheme}://{notify.netloc}; "
                "allowed is https and a host that the platform can reach"
            )
        return wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class WechatSettings(MerchantSettings):
    """One merchant at one platform, by APIv3. Raises ValueError with every field that is wrong.

    platform_public_keys, platform_certificate_files: with what the platform signs. One of either is enough;
        during a migration or a rotation all that may occur stand here. The first public key is the one with
        which answers are asked for.
    download_certificates: whether certificates are fetched from the platform and kept up to date. Without it
        they are when files of certificates stand here and no public key does.
    merchant_certificate_file: only looked at by `describe_keys`, to see that key, serial and date fit.
    """

    merchant_serial: str
    merchant_private_key_file: Path
    api_v3_key_file: Path
    platform_public_keys: tuple[PlatformPublicKey, ...] = ()
    platform_certificate_files: tuple[Path, ...] = ()
    download_certificates: bool | None = None
    merchant_certificate_file: Path | None = None

    def _wrong(self) -> list[str]:
        return [*MerchantSettings._wrong(self), *self._no_serial(), *self._keyless()]

    def _no_serial(self) -> list[str]:
        if re.fullmatch("[0-9A-Fa-f]{8,40}", self.merchant_serial):
            return []
        allowed = "the hex digits, mostly 40, of the merchant certificate's serial"
        return [f"merchant_serial: found {self.merchant_serial!r}; allowed is {allowed}"]

    def _keyless(self) -> list[str]:
        ids = [named.id for named in self.platform_public_keys]
        if len(set(ids)) < len(ids):
            return [f"platform_public_keys: found an id twice in {', '.join(ids)}; allowed is one file an id"]
        if self.platform_public_keys or self.platform_certificate_files or self.downloads:
            return []
        return [
            "platform_public_keys, platform_certificate_files: found none; "
            "allowed is one key or more, or download_certificates = true"
        ]

    @property
    def downloads(self) -> bool:
        """Whether certificates are fetched from the platform."""
        if self.download_certificates is None:
            return bool(self.platform_certificate_files) and not self.platform_public_keys
        return self.download_certificates


def _shown(name: str, value: str) -> str:
    """A proxy's address may hold a password."""
    return "something else" if name == "proxy_url" else repr(value)


def _is_here(url: SplitResult) -> bool:
    address = _address(url.hostname or "")
    return url.hostname == "localhost" or (address is not None and address.is_loopback)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
