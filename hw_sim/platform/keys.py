"""The merchant the platform serves and the keys the platform signs with, kept in one directory.

The first start makes everything; a later start loads it unchanged. `credentials.json` names what a merchant
would have downloaded from the console; the platform's own private keys lie beside it.
"""

import json
import os
import re
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from hw_sim.platform import crypto

_T = TypeVar("_T")

CREDENTIALS: Final = "credentials.json"
_SHAPES: Final = {
    "mchid": "[0-9]{10}",
    "appid": "wx[0-9a-f]{16}",
    "api_v3_key": "[0-9A-Za-z]{32}",
    "merchant_serial": "[0-9A-F]{40}",
    "platform_public_key_id": "PUB_KEY_ID_[0-9]+",
    "platform_certificate_serial": "[0-9A-F]{40}",
}
_FILES: Final = {
    "api_v3_key_file": "api_v3.key",
    "merchant_private_key_file": "merchant_private_key.pem",
    "platform_public_key_file": "platform_public_key.pem",
    "platform_certificate_file": "platform_certificate.pem",
    "merchant_certificate_file": "merchant_certificate.pem",
}
_APP_FILE: Final = "app_secret.key"
_V2_FILE: Final = "api_v2.key"
_NEXT_CERTIFICATE: Final = "platform_next_certificate.pem"
_PLATFORM_KEYS: Final = (
    "platform_public_key.key",
    "platform_certificate.key",
    "platform_next_certificate.key",
)


class KeysDamaged(ValueError):
    """The key directory is not what an earlier start left behind."""


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who calls: `public_key` checks the signatures of its requests."""

    mchid: str
    appid: str
    serial: str
    api_v3_key: str = field(repr=False)
    public_key: crypto.PublicKey = field(repr=False)

    def seal(self, text: str) -> str:
        """Encrypt a sensitive member for the merchant's certificate."""
        return crypto.seal_for(self.public_key, text)


@dataclass(frozen=True, slots=True)
class Identity:
    """One key the platform signs with: a certificate, or the bare public key (`certificate` is None)."""

    serial: str
    key: crypto.PrivateKey = field(repr=False)
    certificate: crypto.Certificate | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Keys:
    """Everything in the directory."""

    merchant: Merchant
    public_key: Identity
    certificate: Identity
    next_certificate: Identity


def open_keys(directory: Path, *, now_ms: int) -> Keys:
    """Load the keys, or make them when the directory has none yet.

    Raises KeysDamaged when something is missing or does not fit together, OSError when the disk says no.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (directory / CREDENTIALS).exists():
        _refuse_leftovers(directory)
        _make(directory, now_ms=now_ms)
    return _load(directory)


def open_app_secret(directory: Path) -> str:
    """The secret of the merchant's mini-program, made on the first start. Raises OSError."""
    path = directory / _APP_FILE
    if not path.exists():
        _write(path, _draw("0123456789abcdef", 32).encode())
    return path.read_text("ascii")


def open_api_v2_key(directory: Path) -> str:
    """The key that merchant and platform share for APIv2, made on the first start. Raises OSError."""
    path = directory / _V2_FILE
    if not path.exists():
        _write(path, _draw(string.ascii_letters + string.digits, 32).encode())
    return path.read_text("ascii")


def _refuse_leftovers(directory: Path) -> None:
    ours = {*_FILES.values(), *_PLATFORM_KEYS, _NEXT_CERTIFICATE}
    found = sorted(path.name for path in directory.iterdir() if path.name in ours)
    if found:
        raise _damaged(directory / CREDENTIALS, f"missing, while {found[0]} is there")


def _make(directory: Path, *, now_ms: int) -> None:
    merchant, platform, current, following = (crypto.new_private_key() for _ in range(4))
    mchid = "19" + _draw(string.digits, 8)
    certificates = {
        _FILES["merchant_certificate_file"]: crypto.new_certificate(merchant, name=mchid, now_ms=now_ms),
        _FILES["platform_certificate_file"]: crypto.new_certificate(current, name="platform", now_ms=now_ms),
        _NEXT_CERTIFICATE: crypto.new_certificate(following, name="platform, next", now_ms=now_ms),
    }
    contents = {name: crypto.certificate_pem(certificate) for name, certificate in certificates.items()}
    contents[_FILES["merchant_private_key_file"]] = crypto.private_pem(merchant)
    contents[_FILES["platform_public_key_file"]] = crypto.public_pem(platform.public_key())
    for name, key in zip(_PLATFORM_KEYS, (platform, current, following), strict=True):
        contents[name] = crypto.private_pem(key)
    api_v3_key = _draw(string.ascii_letters + string.digits, 32)
    contents[_FILES["api_v3_key_file"]] = api_v3_key.encode()
    credentials = {
        "mchid": mchid,
        "appid": "wx" + _draw("0123456789abcdef", 16),
        "api_v3_key": api_v3_key,
        "merchant_serial": crypto.serial_of(certificates[_FILES["merchant_certificate_file"]]),
        "platform_public_key_id": "PUB_KEY_ID_01" + mchid + _draw(string.digits, 16),
        "platform_certificate_serial": crypto.serial_of(certificates[_FILES["platform_certificate_file"]]),
        **_FILES,
    }
    # Last, so that its presence says that everything it names is there.
    contents[CREDENTIALS] = json.dumps(credentials, indent=2).encode() + b"\n"
    for name, content in contents.items():
        _write(directory / name, content)


def _draw(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _load(directory: Path) -> Keys:
    credentials = _credentials(directory / CREDENTIALS)
    merchant_key = _part(directory / credentials["merchant_private_key_file"], crypto.read_private)
    merchant_certificate = _certificate(directory / credentials["merchant_certificate_file"], merchant_key)
    _same(directory, "merchant_serial", credentials, crypto.serial_of(merchant_certificate))
    public, current, following = (_part(directory / name, crypto.read_private) for name in _PLATFORM_KEYS)
    published = directory / credentials["platform_public_key_file"]
    if crypto.public_pem(_part(published, crypto.read_public)) != crypto.public_pem(public.public_key()):
        raise _damaged(published, f"another key than {_PLATFORM_KEYS[0]}")
    certificate = _certificate(directory / credentials["platform_certificate_file"], current)
    _same(directory, "platform_certificate_serial", credentials, crypto.serial_of(certificate))
    next_certificate = _certificate(directory / _NEXT_CERTIFICATE, following)
    return Keys(
        merchant=Merchant(
            mchid=credentials["mchid"],
            appid=credentials["appid"],
            serial=credentials["merchant_serial"],
            api_v3_key=credentials["api_v3_key"],
            public_key=merchant_key.public_key(),
        ),
        public_key=Identity(credentials["platform_public_key_id"], public),
        certificate=Identity(crypto.serial_of(certificate), current, certificate),
        next_certificate=Identity(crypto.serial_of(next_certificate), following, next_certificate),
    )


def _credentials(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_bytes())
    except ValueError as exc:
        raise _damaged(path, "no JSON") from exc
    if not isinstance(found, dict) or set(found) != {*_SHAPES, *_FILES}:
        raise _damaged(path, f"other members than {', '.join([*_SHAPES, *_FILES])}")
    for name, value in found.items():
        if not isinstance(value, str) or not re.fullmatch(_SHAPES.get(name, r"[^/\0]+"), value):
            # The value stays unsaid: one of these is a secret.
            raise _damaged(path, f"a {name} that is not {_SHAPES.get(name, 'a file name')}")
    return found


def _part(path: Path, read: Callable[[bytes], _T]) -> _T:
    try:
        return read(path.read_bytes())
    except FileNotFoundError as exc:
        raise _damaged(path, "missing") from exc
    except crypto.NotUsable as exc:
        raise _damaged(path, str(exc).removeprefix("found ")) from exc


def _certificate(path: Path, key: crypto.PrivateKey) -> crypto.Certificate:
    certificate = _part(path, crypto.read_certificate)
    if crypto.public_pem(crypto.key_of(certificate)) != crypto.public_pem(key.public_key()):
        raise _damaged(path, "a certificate of another key")
    return certificate


def _same(directory: Path, member: str, credentials: dict[str, str], serial: str) -> None:
    if credentials[member] != serial:
        raise _damaged(
            directory / CREDENTIALS, f"{member} {credentials[member]}, the certificate has {serial}"
        )


def _damaged(path: Path, found: str) -> KeysDamaged:
    return KeysDamaged(
        f"{path}: found {found}; allowed what the first start wrote. "
        f"Restore it, or remove {path.parent} to start with a new merchant"
    )
