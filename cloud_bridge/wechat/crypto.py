"""The cryptography of APIv3, and nothing that decides: RSA with SHA-256, AES-256-GCM, keys from PEM files.

Sources: APIv3 "signing a request", "verifying a response or a notification", "AEAD_AES_256_GCM".
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PrivateKey: TypeAlias = RSAPrivateKey
PublicKey: TypeAlias = RSAPublicKey
KEY_BITS: Final = 2048
API_V3_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16


class BadKey(ValueError):
    """A file that does not hold the key it should: what was found, what is allowed."""


class NotDecrypted(Exception):
    """A ciphertext that was not made with our key, or was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate's key, its serial as 40 upper-case hex digits, and its validity in Unix seconds."""

    serial: str
    key: PublicKey = field(repr=False)
    from_s: float
    until_s: float


def sign(key: PrivateKey, message: bytes) -> str:
    """PKCS#1 v1.5 with SHA-256, in base64."""
    return base64.b64encode(key.sign(message, PKCS1v15(), hashes.SHA256())).decode("ascii")


def verifies(key: PublicKey, message: bytes, signature: str) -> bool:
    """Whether the signature is good. A signature that is no base64 is a bad one, not an error."""
    try:
        key.verify(_unpacked(signature), message, PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def decrypt(api_v3_key: bytes, *, nonce: str, associated_data: str, ciphertext: str) -> bytes:
    """AES-256-GCM; `ciphertext` is base64 with the tag at its end. Raises NotDecrypted."""
    try:
        sealed, number = _unpacked(ciphertext), nonce.encode("ascii")
        if len(number) != _NONCE_BYTES or len(sealed) < _TAG_BYTES:
            raise NotDecrypted
        return AESGCM(api_v3_key).decrypt(number, sealed, associated_data.encode("ascii"))
    except (InvalidTag, ValueError) as error:
        raise NotDecrypted from error


def open_sealed(key: PrivateKey, sealed: str) -> str:
    """A sensitive member that was encrypted for us: OAEP with SHA-1, in base64. Raises NotDecrypted."""
    try:
        oaep = OAEP(MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303 - as the platform makes them
        return key.decrypt(_unpacked(sealed), oaep).decode()
    except ValueError as error:
        raise NotDecrypted from error


def seal(key: PublicKey, text: str) -> str:
    """A sensitive member encrypted for the platform: OAEP with SHA-1, in base64."""
    oaep = OAEP(MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303 - as the platform opens them
    return base64.b64encode(key.encrypt(text.encode(), oaep)).decode("ascii")


def _unpacked(text: str) -> bytes:
    """Base64, with one spelling for each value: a changed character is a changed value. Raises ValueError."""
    value = base64.b64decode(text, validate=True)
    if base64.b64encode(value).decode("ascii") != text:
        raise binascii.Error
    return value


def read_private_key(pem: bytes) -> PrivateKey:
    """The merchant's RSA key. Raises BadKey."""
    allowed = "the merchant's private key, without a password (apiclient_key.pem)"
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _misplaced(pem, ("PRIVATE KEY", "RSA PRIVATE KEY"), allowed) from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < KEY_BITS:
        raise BadKey(f"found another kind or size of private key; allowed is RSA of {KEY_BITS} bits or more")
    return key


def read_public_key(pem: bytes) -> PublicKey:
    """WeChat Pay's public key. Raises BadKey."""
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _misplaced(pem, ("PUBLIC KEY",), "the public key of WeChat Pay (pub_key.pem)") from error
    return _large_enough(key)


def read_certificate(pem: bytes) -> Certificate:
    """A certificate, of the platform or of the merchant. Raises BadKey."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise _misplaced(pem, ("CERTIFICATE",), "a certificate") from error
    return Certificate(
        serial=f"{certificate.serial_number:040X}",
        key=_large_enough(key),
        from_s=certificate.not_valid_before_utc.timestamp(),
        until_s=certificate.not_valid_after_utc.timestamp(),
    )


def read_api_v3_key(content: bytes) -> bytes:
    """The APIv3 key: 32 letters and digits; line ends around them are left out. Raises BadKey."""
    key = content.strip()
    if len(key) != API_V3_KEY_BYTES or not key.isalnum():
        allowed = f"exactly {API_V3_KEY_BYTES} letters and digits (the APIv3 key, not the one of APIv2)"
        raise BadKey(f"found {len(key)} bytes; allowed are {allowed}")
    return key


def bits(key: PrivateKey | PublicKey) -> int:
    """The size of a key."""
    return key.key_size


def belong_together(private: PrivateKey, public: PublicKey) -> bool:
    """Whether these are the halves of one pair."""
    return private.public_key() == public


def _large_enough(key: object) -> PublicKey:
    if not isinstance(key, RSAPublicKey) or key.key_size < KEY_BITS:
        raise BadKey(f"found another kind or size of public key; allowed is RSA of {KEY_BITS} bits or more")
    return key


def _misplaced(pem: bytes, labels: tuple[str, ...], allowed: str) -> BadKey:
    """Say what a file holds by its PEM label, which is no secret; `labels` are the ones that were right."""
    first = pem.lstrip().split(b"\n", 1)[0].strip()
    is_pem = first.startswith(b"-----BEGIN ") and first.endswith(b"-----")
    label = first[11:-5].decode("ascii", "replace")[:40] if is_pem else "no PEM"
    damaged = ", damaged" if label in labels else ""
    return BadKey(f"found {label}{damaged}; allowed is PEM with {allowed}")
