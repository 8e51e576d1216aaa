"""The merchant's keys and the platform's: read once from their files, held in memory, found by serial.

What is downloaded later is added; nothing is taken away before it has ended.

One map holds every platform key, of certificates and of public keys alike; which one signed is said by the
serial that came with the signature, never by configuration (APIv3 "migration").
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from cloud_bridge.wechat.crypto import (
    BadKey,
    Certificate,
    PrivateKey,
    PublicKey,
    belong_together,
    read_api_v3_key,
    read_certificate,
    read_private_key,
    read_public_key,
)
from cloud_bridge.wechat.settings import PlatformPublicKey, WechatSettings

T = TypeVar("T")
_SERIAL_DIGITS: Final = 40
_NUMBER: Final = re.compile(r"[0-9A-Fa-f]+")


class BadCredentials(Exception):
    """Credentials that cannot be used: one line for each mistake, with its setting and file."""

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformKey:
    """A key that the platform signs with. A public key has no end; a certificate has (Unix seconds)."""

    key: PublicKey = field(repr=False)
    from_s: float = -math.inf
    until_s: float = math.inf


class PlatformKeys(Mapping[str, PlatformKey]):
    """The platform's keys by normal serial, of which there may come to be more while others look them up."""

    def __init__(self, first: Mapping[str, PlatformKey] = MappingProxyType({})) -> None:
        self._held: Mapping[str, PlatformKey] = dict(first)

    def add(self, found: Mapping[str, PlatformKey], *, now_s: float) -> None:
        """Hold these as well, and what has not ended. Whoever looks sees all of it before, or all after."""
        kept = {serial: key for serial, key in self._held.items() if now_s <= key.until_s}
        self._held = {**kept, **found}

    def __getitem__(self, serial: str) -> PlatformKey:
        return self._held[serial]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Everything secret, and the platform's keys by normal serial.

    `answer_with` is the public key id that calls ask to be answered with; empty with certificates alone.
    `own_until_s` is when the merchant's certificate ends, as far as its file is known.
    """

    mchid: str
    merchant_serial: str
    private_key: PrivateKey = field(repr=False)
    api_v3_key: bytes = field(repr=False)
    platform: Mapping[str, PlatformKey]
    answer_with: str
    own_until_s: float = math.inf

    def of_serial(self, serial: str) -> PlatformKey | None:
        """The key that a received serial names."""
        return self.platform.get(normal_serial(serial))

    def sealing(self, now_s: float) -> tuple[str, PublicKey] | None:
        """What to encrypt for the platform with, and the name to send: the public key, or the newest one."""
        if self.answer_with:
            return self.answer_with, self.platform[self.answer_with].key
        valid = {name: key for name, key in self.platform.items() if key.from_s <= now_s <= key.until_s}
        newest = max(valid, key=lambda name: valid[name].from_s, default="")
        return (newest.zfill(_SERIAL_DIGITS), valid[newest].key) if newest else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the files hold, as far as they can be used, and a line for each mistake."""

    private_key: PrivateKey | None = field(repr=False)
    api_v3_key: bytes | None = field(repr=False)
    public_keys: tuple[tuple[PlatformPublicKey, PublicKey], ...]
    certificates: tuple[tuple[Path, Certificate], ...]
    merchant_certificate: Certificate | None
    mistakes: tuple[str, ...]


def load_keys(settings: WechatSettings, held: PlatformKeys | None = None) -> Keys:
    """Read every file. Raises BadCredentials with all that is wrong.

    `held` gets the platform's keys, and whoever has it may add more.
    """
    found = look(settings)
    if found.mistakes or found.private_key is None or found.api_v3_key is None:
        raise BadCredentials(found.mistakes)
    platform = {named.id: PlatformKey(key=key) for named, key in found.public_keys}
    for _, certificate in found.certificates:
        platform[normal_serial(certificate.serial)] = PlatformKey(
            key=certificate.key, from_s=certificate.from_s, until_s=certificate.until_s
        )
    if held is not None:
        held.add(platform, now_s=-math.inf)
    own = found.merchant_certificate
    return Keys(
        mchid=settings.mchid,
        merchant_serial=settings.merchant_serial.upper(),
        private_key=found.private_key,
        api_v3_key=found.api_v3_key,
        platform=MappingProxyType(platform) if held is None else held,
        answer_with=next((named.id for named in settings.platform_public_keys), ""),
        own_until_s=own.until_s if own is not None else math.inf,
    )


def normal_serial(serial: str) -> str:
    """A public key id is opaque; a certificate's number is written in either case, with zeros or without."""
    return serial.upper().lstrip("0") if _NUMBER.fullmatch(serial) else serial


def look(settings: WechatSettings) -> Found:
    """Read every file that is named and note what is wrong; never raises for a file's contents."""
    reader = _Reader()
    private_key = reader.read(
        "merchant_private_key_file", settings.merchant_private_key_file, read_private_key
    )
    public_keys = [
        (named, key)
        for named in settings.platform_public_keys
        if (key := reader.read("platform_public_keys", named.file, read_public_key)) is not None
    ]
    certificates = [
        (file, certificate)
        for file in settings.platform_certificate_files
        if (certificate := reader.read("platform_certificate_files", file, read_certificate)) is not None
    ]
    api_v3_key = reader.read("api_v3_key_file", settings.api_v3_key_file, read_api_v3_key)
    own = None
    if settings.merchant_certificate_file is not None:
        own = reader.read("merchant_certificate_file", settings.merchant_certificate_file, read_certificate)
    if private_key is not None:
        theirs = [(f"platform_public_keys: {named.file}", key) for named, key in public_keys]
        theirs += [(f"platform_certificate_files: {file}", one.key) for file, one in certificates]
        reader.refuse_own(private_key, theirs)
    return Found(
        private_key=private_key,
        api_v3_key=api_v3_key,
        public_keys=tuple(public_keys),
        certificates=tuple(certificates),
        merchant_certificate=own,
        mistakes=tuple(reader.mistakes),
    )


class _Reader:
    """Reads files and keeps what is wrong with them."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def read(self, setting: str, file: Path, parse: Callable[[bytes], T]) -> T | None:
        try:
            return parse(file.read_bytes())
        except OSError as error:
            self.mistakes.append(f"{setting}: {file}: {error.strerror}; allowed is a readable file")
        except BadKey as error:
            self.mistakes.append(f"{setting}: {file}: {error}")
        return None

    def refuse_own(self, private_key: PrivateKey, keys: list[tuple[str, PublicKey]]) -> None:
        """The most common confusion of all: the merchant's own certificate where the platform's should be."""
        self.mistakes += [
            f"{where}: found the merchant's own key; allowed is WeChat Pay's, from the merchant console"
            for where, key in keys
            if belong_together(private_key, key)
        ]
