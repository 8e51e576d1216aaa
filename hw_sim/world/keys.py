"""Keys of a world: in place of RSA and Ed25519, a keyed hash that answers to the same calls.

A world of a few sales signs and verifies hundreds of times, and the arithmetic of the two schemes says
nothing about our programs. What is signed, with which key, and who looks at it is theirs and runs as it does
outside; nobody in a world can make a signature without the key, and a changed byte is found.
"""

import hashlib
import hmac
from typing import Final, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class OpenKey:
    """The half that verifies."""

    def __init__(self, secret: bytes) -> None:
        self._secret: Final = secret

    def verify(self, signature: bytes, data: bytes, *scheme: object) -> None:
        """Raises InvalidSignature."""
        if not hmac.compare_digest(signature, _tag(self._secret, data)):
            raise InvalidSignature

    def public_bytes_raw(self) -> bytes:
        """What names the key."""
        return hashlib.sha256(b"public" + self._secret).digest()


class SecretKey:
    """The half that signs. `secret` is 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._secret: Final = secret

    def sign(self, data: bytes, *scheme: object) -> bytes:
        """64 bytes, the same for the same data."""
        return _tag(self._secret, data)

    def public_key(self) -> OpenKey:
        """Its other half."""
        return OpenKey(self._secret)


def rsa_key(name: str) -> RSAPrivateKey:
    """A key for the merchant or the platform: the same name, the same key."""
    return cast(RSAPrivateKey, SecretKey(hashlib.sha256(name.encode()).digest()))


def ed25519_key(secret: bytes) -> Ed25519PrivateKey:
    """A key for a machine or the bridge."""
    return cast(Ed25519PrivateKey, SecretKey(secret))


def _tag(secret: bytes, data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=64, key=secret).digest()
