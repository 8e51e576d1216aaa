"""The platform's own RSA, X.509 and AES-GCM, written from the APIv3 rules (signing, platform keys, AEAD).

The only file of this room that imports `cryptography`. It decides nothing.
"""

import base64
import binascii
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

PrivateKey = rsa.RSAPrivateKey
PublicKey = rsa.RSAPublicKey
Certificate = x509.Certificate

_T = TypeVar("_T")

KEY_BITS: Final = 2048
VALIDITY_DAYS: Final = 5 * 365


class NotUsable(ValueError):
    """The bytes are not the key or certificate they should be."""


def new_private_key() -> PrivateKey:
    """Make an RSA-2048 key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def new_certificate(key: PrivateKey, *, name: str, now_ms: int) -> Certificate:
    """Issue a certificate to itself, valid for five years, with a serial of exactly 40 hex digits."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime.fromtimestamp(now_ms // 1000, UTC) - timedelta(days=1)
    # Twenty bytes, positive (top bit clear) and without a leading zero digit.
    serial = ((1 + secrets.randbelow(7)) << 156) | secrets.randbits(156)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
    builder = builder.public_key(key.public_key()).serial_number(serial)
    builder = builder.not_valid_before(begin).not_valid_after(begin + timedelta(days=VALIDITY_DAYS))
    return builder.sign(key, hashes.SHA256())


def serial_of(certificate: Certificate) -> str:
    """Give the serial as WeChat Pay writes it: 40 hex digits, upper case."""
    return f"{certificate.serial_number:040X}"


def validity_ms(certificate: Certificate) -> tuple[int, int]:
    """Give the first and the last instant of validity."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return int(begin.timestamp()) * 1000, int(end.timestamp()) * 1000


def key_of(certificate: Certificate) -> PublicKey:
    """Give the RSA key a certificate is about. Raises NotUsable for another kind of key."""
    key = certificate.public_key()
    if not isinstance(key, PublicKey):
        raise NotUsable("found a certificate without an RSA key")
    return key


def private_pem(key: PrivateKey) -> bytes:
    """Write as unencrypted PKCS#8."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key: PublicKey) -> bytes:
    """Write as `PUBLIC KEY`, the form in which the merchant console hands it out."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def certificate_pem(certificate: Certificate) -> bytes:
    """Write as `CERTIFICATE`."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def read_private(pem: bytes) -> PrivateKey:
    """Read an unencrypted RSA private key. Raises NotUsable."""
    key = _read(lambda: serialization.load_pem_private_key(pem, password=None), "private key")
    if not isinstance(key, PrivateKey):
        raise NotUsable("found another kind of key, allowed an RSA private key")
    return key


def read_public(pem: bytes) -> PublicKey:
    """Read an RSA public key. Raises NotUsable."""
    key = _read(lambda: serialization.load_pem_public_key(pem), "public key")
    if not isinstance(key, PublicKey):
        raise NotUsable("found another kind of key, allowed an RSA public key")
    return key


def read_certificate(pem: bytes) -> Certificate:
    """Read a certificate. Raises NotUsable."""
    return _read(lambda: x509.load_pem_x509_certificate(pem), "certificate")


def sign(key: PrivateKey, message: bytes) -> str:
    """Sign as `WECHATPAY2-SHA256-RSA2048` does: PKCS#1 v1.5 with SHA-256, standard base64 in one line."""
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode("ascii")


def verifies(key: PublicKey, message: bytes, signature: str) -> bool:
    """Tell whether `signature` (base64) is good. What does not decode is not good."""
    try:
        key.verify(base64.b64decode(signature, validate=True), message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def encrypt(plaintext: bytes, *, key: str, nonce: str, associated_data: str) -> str:
    """Seal as `AEAD_AES_256_GCM`: base64 of ciphertext and tag; key, nonce and data are ASCII text."""
    cipher = AESGCM(key.encode("ascii"))
    sealed = cipher.encrypt(nonce.encode("ascii"), plaintext, associated_data.encode("ascii"))
    return base64.b64encode(sealed).decode("ascii")


def seal_for(key: PublicKey, text: str) -> str:
    """Encrypt a sensitive member: RSA-OAEP with SHA-1 for both digest and MGF1, base64."""
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303
    return base64.b64encode(key.encrypt(text.encode(), oaep)).decode("ascii")


def open_sealed(key: PrivateKey, sealed: str) -> str:
    """Decrypt a sensitive member that was sealed for `key`. Raises NotUsable."""
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303
    try:
        return key.decrypt(base64.b64decode(sealed, validate=True), oaep).decode()
    except ValueError as exc:
        raise NotUsable("found no text that was sealed for this key") from exc


def _read(load: Callable[[], _T], what: str) -> _T:
    try:
        return load()
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise NotUsable(f"found no usable {what} in PEM form") from exc
