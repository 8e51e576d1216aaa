"""The `[wechat]` table: the merchant's account, written out or taken from a credentials file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from cloud_bridge.wechat.settings import HOST, PlatformPublicKey, WechatSettings
from wire.settings import File, Pattern

_PRIVATE: Final = File(private=True)
_ACCOUNT: Final = ("mchid", "appid", "merchant_serial")
_SECRETS: Final = ("merchant_private_key_file", "api_v3_key_file")


@dataclass(frozen=True, slots=True, kw_only=True)
class WechatTable:
    """Either every field of the account, as the merchant console gives them, or `credentials_file`.

    `credentials_file` is a JSON object with the same names; `wxvend sim wechat` writes one. Its files are
    relative to its own folder.
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

    def __post_init__(self) -> None:
        self.settings()

    def settings(self) -> WechatSettings:
        """The account as the adapter wants it. Raises ValueError with what does not go together."""
        account = self._from_file() if self.credentials_file is not None else self._from_table()
        return WechatSettings(
            notify_url=self.notify_url, base_url=self.base_url, proxy_url=self.proxy_url, **account
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
