"""Who the merchant is in APIv2: two ids, the one secret that signs what both sides say, and a certificate."""

import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cloud_bridge.wechat.crypto import (
    BadKey,
    Certificate,
    belong_together,
    read_certificate,
    read_private_key,
)
from cloud_bridge.wechat.keys import BadCredentials
from cloud_bridge.wechat.settings import MerchantSettings

API_V2_KEY_BYTES: Final = 32


class SignType(enum.StrEnum):
    """`sign_type`, the weaker first."""

    MD5 = "MD5"
    HMAC_SHA256 = "HMAC-SHA256"


@dataclass(frozen=True, slots=True, kw_only=True)
class V2Settings(MerchantSettings):
    """One merchant at one platform, by APIv2. Raises ValueError with every field that is wrong.

    sign_type: how our calls are signed, and the least that is taken for an answer or a notification.
    merchant_certificate_file, merchant_private_key_file: for refunds, which the platform takes over a TLS
        connection with this certificate only. A merchant whose refunds go by APIv3 needs neither here.
    """

    api_v2_key_file: Path
    sign_type: SignType = SignType.HMAC_SHA256
    merchant_certificate_file: Path | None = None
    merchant_private_key_file: Path | None = None

    def _wrong(self) -> list[str]:
        wrong = MerchantSettings._wrong(self)
        if (self.merchant_certificate_file is None) != (self.merchant_private_key_file is None):
            wrong.append(
                "merchant_certificate_file, merchant_private_key_file: found one; allowed is both, or neither"
            )
        return wrong

    @property
    def certificate(self) -> tuple[str, str] | None:
        """The files of the certificate and its key, as a TLS library wants them."""
        if self.merchant_certificate_file is None or self.merchant_private_key_file is None:
            return None
        return str(self.merchant_certificate_file), str(self.merchant_private_key_file)


@dataclass(frozen=True, slots=True, kw_only=True)
class V2Account:
    """The merchant with his secret."""

    mchid: str
    appid: str
    key: bytes = field(repr=False)
    sign_type: SignType = SignType.HMAC_SHA256


@dataclass(frozen=True, slots=True, kw_only=True)
class V2Found:
    """What the files hold, as far as they can be used, and a line for each mistake."""

    key: bytes | None = field(repr=False)
    certificate: Certificate | None
    mistakes: tuple[str, ...]


def load_account(settings: V2Settings) -> V2Account:
    """Read every file. Raises BadCredentials with all that is wrong."""
    found = look_v2(settings)
    if found.mistakes or found.key is None:
        raise BadCredentials(found.mistakes)
    return V2Account(mchid=settings.mchid, appid=settings.appid, key=found.key, sign_type=settings.sign_type)


def look_v2(settings: V2Settings) -> V2Found:
    """Read every file that is named and note what is wrong; never raises for a file's contents."""
    mistakes: list[str] = []
    key, certificate = None, None
    try:
        key = read_api_v2_key(settings.api_v2_key_file.read_bytes())
    except (OSError, BadKey) as error:
        mistakes.append(_mistake("api_v2_key_file", settings.api_v2_key_file, error))
    own, private = settings.merchant_certificate_file, settings.merchant_private_key_file
    if own is not None and private is not None:
        try:
            certificate = read_certificate(own.read_bytes())
        except (OSError, BadKey) as error:
            mistakes.append(_mistake("merchant_certificate_file", own, error))
        try:
            theirs = read_private_key(private.read_bytes())
            if certificate is not None and not belong_together(theirs, certificate.key):
                raise BadKey("found the key of another certificate than merchant_certificate_file")
        except (OSError, BadKey) as error:
            mistakes.append(_mistake("merchant_private_key_file", private, error))
    return V2Found(key=key, certificate=certificate, mistakes=tuple(mistakes))


def read_api_v2_key(content: bytes) -> bytes:
    """The APIv2 key: 32 letters and digits; line ends around them are left out. Raises BadKey."""
    key = content.strip()
    if len(key) != API_V2_KEY_BYTES or not key.isalnum():
        allowed = f"exactly {API_V2_KEY_BYTES} letters and digits (the APIv2 key, not the one of APIv3)"
        raise BadKey(f"found {len(key)} bytes; allowed are {allowed}")
    return key


def _mistake(setting: str, file: Path, error: OSError | BadKey) -> str:
    found = f"{error.strerror}; allowed is a readable file" if isinstance(error, OSError) else error
    return f"{setting}: {file}: {found}"
