"""Tell whoever installs a bridge which key file is which, and what is wrong with any of them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cloud_bridge.wechat.crypto import API_V3_KEY_BYTES, Certificate, belong_together, bits
from cloud_bridge.wechat.keys import Found, look, normal_serial
from cloud_bridge.wechat.settings import WechatSettings

SOON_S: Final = 60 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReport:
    """A line for each file that is as it should be, and one for each mistake. No secrets in either."""

    lines: tuple[str, ...]
    mistakes: tuple[str, ...]


def describe_keys(settings: WechatSettings, *, now_s: float) -> KeyReport:
    """Read every file that the settings name. `now_s` is Unix seconds."""
    found = look(settings)
    lines, mistakes = _ours(settings, found), list(found.mistakes)
    for named, key in found.public_keys:
        lines.append(
            f"platform_public_keys: {named.file}: WeChat Pay's public key {named.id}, {bits(key)} bits"
        )
    for file, certificate in found.certificates:
        words = f"platform_certificate_files: {file}: the platform's certificate {certificate.serial}"
        lines.append(f"{words}, {validity(certificate, now_s)}")
        mistakes += out_of_date(words, certificate, now_s)
    if found.merchant_certificate is not None:
        words = f"merchant_certificate_file: {settings.merchant_certificate_file}"
        own = found.merchant_certificate
        lines.append(f"{words}: the merchant's certificate {own.serial}, {validity(own, now_s)}")
        mistakes += [*out_of_date(words, own, now_s), *_mismatches(words, settings, found, own)]
    return KeyReport(lines=tuple(lines), mistakes=tuple(mistakes))


def _ours(settings: WechatSettings, found: Found) -> list[str]:
    lines = []
    if found.private_key is not None:
        size = bits(found.private_key)
        lines.append(
            f"merchant_private_key_file: {settings.merchant_private_key_file}: RSA private key of {size} "
            f"bits; signs our calls under serial {settings.merchant_serial.upper()}"
        )
    if found.api_v3_key is not None:
        lines.append(
            f"api_v3_key_file: {settings.api_v3_key_file}: {API_V3_KEY_BYTES} characters; opens notifications"
        )
    return lines


def _mismatches(words: str, settings: WechatSettings, found: Found, own: Certificate) -> list[str]:
    wrong = []
    if normal_serial(own.serial) != normal_serial(settings.merchant_serial):
        wrong.append(f"{words}: found serial {own.serial}; merchant_serial is {settings.merchant_serial}")
    if found.private_key is not None and not belong_together(found.private_key, own.key):
        wrong.append(f"{words}: found the certificate of another key than merchant_private_key_file")
    return wrong


def out_of_date(words: str, certificate: Certificate, now_s: float) -> list[str]:
    if certificate.from_s <= now_s <= certificate.until_s:
        return []
    span = f"{_day(certificate.from_s)} to {_day(certificate.until_s)}"
    return [f"{words}: found validity from {span}; allowed is one that covers today, {_day(now_s)}"]


def validity(certificate: Certificate, now_s: float) -> str:
    soon = ", SOON" if certificate.until_s - now_s < SOON_S else ""
    return f"{bits(certificate.key)} bits, ends {_day(certificate.until_s)}{soon}"


def _day(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).date().isoformat()
