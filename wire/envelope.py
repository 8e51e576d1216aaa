"""Who vouches for a message: Ed25519 over domain, topic and the exact payload bytes.

    signature = Ed25519(key, domain || 0x00 || topic || 0x00 || payload)
    domain    = wxvend/v1/up | wxvend/v1/down | wxvend/v1/set

Key id and signature travel as MQTT 5 user properties `kid` and `sig`. The algorithm belongs to the key, so
there is nothing in a message to confuse it with. Bytes are verified as received; parsing comes after.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from wire.inbound import Inbound, Refusal, Refused, Verified
from wire.private_file import exposed_mode
from wire.topics import LIMIT_BYTES, ROOT, BadTopic, Branch, Topic, parse

KEY_ID: Final = "kid"
SIGNATURE: Final = "sig"
PrivateKey = Ed25519PrivateKey
PublicKey = Ed25519PublicKey
# The bridge's role in a keyring. A machine's role is its id, which can never hold a `*`.
BRIDGE: Final = "bridge*"
BRIDGE_KEYS: Final = 2


@dataclass(frozen=True, slots=True)
class Envelope:
    """`signature` is standard base64 of 64 bytes."""

    key_id: str
    signature: str

    @property
    def user_properties(self) -> tuple[tuple[str, str], ...]:
        """As they travel beside the payload."""
        return ((KEY_ID, self.key_id), (SIGNATURE, self.signature))


def signing_input(topic: Topic, payload: bytes) -> bytes:
    """Give the bytes under the signature. Raises ValueError for `state/`, which is never signed."""
    if topic.branch is Branch.STATE:
        raise ValueError(f"topic: found {topic}, allowed a topic below up/, down/ or set/")
    return b"\0".join((f"{ROOT}/{topic.branch}".encode(), str(topic).encode(), payload))


@dataclass(frozen=True, slots=True)
class Signer:
    """One end's voice."""

    key_id: str
    private_key: PrivateKey = field(repr=False)

    def sign(self, topic: Topic, payload: bytes) -> Envelope:
        """Vouch for `payload` on `topic`. The same input gives the same signature (RFC 8032)."""
        signature = self.private_key.sign(signing_input(topic, payload))
        return Envelope(self.key_id, base64.b64encode(signature).decode("ascii"))


class Keyring:
    """Which keys may speak in which role, and the check of a message against them."""

    def __init__(self, roles: Mapping[str, Mapping[str, PublicKey]], *, machine: str | None = None) -> None:
        """Take `roles` as role -> key id -> key. With `machine`, messages for others are foreign."""
        self._roles = {role: dict(keys) for role, keys in roles.items()}
        self._machine = machine

    @classmethod
    def of_edge(cls, machine: str, bridge_keys: Mapping[str, PublicKey]) -> "Keyring":
        """A machine hears the bridge: its current key and, during a rotation, the next one."""
        if not 1 <= len(bridge_keys) <= BRIDGE_KEYS:
            raise ValueError(f"bridge keys: found {len(bridge_keys)}, allowed 1 or {BRIDGE_KEYS}")
        return cls({BRIDGE: bridge_keys}, machine=machine)

    @classmethod
    def of_bridge(cls, machine_keys: Mapping[str, tuple[str, PublicKey]]) -> "Keyring":
        """The bridge hears machines: machine id -> (key id, key); each key speaks for its own machine."""
        return cls({machine: {key_id: key} for machine, (key_id, key) in machine_keys.items()})

    def open_(self, inbound: Inbound) -> Verified:
        """Check where it came on, how, how long it is and who signed it. Raises Refused."""
        topic = self._check_topic(inbound.topic)
        if inbound.retained and topic.branch is not Branch.SET:
            raise Refused(Refusal.RETAINED, f"{topic.branch}/ is never retained")
        if len(inbound.payload) > LIMIT_BYTES[topic.branch]:
            raise Refused(
                Refusal.OVERSIZE, f"{len(inbound.payload)} bytes, allowed {LIMIT_BYTES[topic.branch]}"
            )
        key_id, signature = _the_signature(inbound.user_properties)
        key = self._find(topic, key_id)
        try:
            key.verify(_signature_bytes(signature), signing_input(topic, inbound.payload))
        except InvalidSignature as error:
            raise Refused(Refusal.BAD_SIGNATURE) from error
        return Verified(topic, inbound.payload)

    def _check_topic(self, text: str) -> Topic:
        try:
            topic = parse(text)
        except BadTopic as error:
            raise Refused(Refusal.BAD_TOPIC, str(error)) from error
        if topic.branch is Branch.STATE:
            raise Refused(Refusal.BAD_TOPIC, "state/ is for dashboards; nothing is decided from it")
        if self._machine not in (None, topic.machine):
            raise Refused(Refusal.FOREIGN, f"for {topic.machine}")
        if _speaker(topic) not in self._roles:
            raise Refused(Refusal.FOREIGN, f"{_speaker(topic)} has no say here")
        return topic

    def _find(self, topic: Topic, key_id: str) -> PublicKey:
        key = self._roles[_speaker(topic)].get(key_id)
        if key is not None:
            return key
        if any(key_id in keys for keys in self._roles.values()):
            raise Refused(Refusal.FOREIGN, "signed with another role's key")
        raise Refused(Refusal.UNKNOWN_KEY)


def _speaker(topic: Topic) -> str:
    return topic.machine if topic.branch is Branch.UP else BRIDGE


def _the_signature(user_properties: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    key_ids = [value for name, value in user_properties if name == KEY_ID]
    signatures = [value for name, value in user_properties if name == SIGNATURE]
    if len(key_ids) > 1 or len(signatures) > 1:
        raise Refused(Refusal.TWO_SIGNATURES)
    if not key_ids or not signatures:
        raise Refused(Refusal.UNSIGNED)
    return key_ids[0], signatures[0]


def _signature_bytes(text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(Refusal.BAD_SIGNATURE, "not base64") from error
    if base64.b64encode(found).decode("ascii") != text:  # several texts stand for the same bytes: allow one
        raise Refused(Refusal.BAD_SIGNATURE, "not canonical base64")
    return found


class BadKeyFile(Exception):
    """A key file that cannot be used: which, what was found, what to do."""


def generate() -> PrivateKey:
    """Make a new key from the system's random source."""
    return Ed25519PrivateKey.generate()


def key_id(key: PublicKey) -> str:
    """Name a key after itself: the first 16 hex digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def save_private(path: Path, key: PrivateKey) -> None:
    """Write a new PKCS#8 PEM file with mode 0600. Raises FileExistsError: a key is never overwritten."""
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)


def save_public(path: Path, key: PublicKey) -> None:
    """Write the SubjectPublicKeyInfo PEM file that the other side is given."""
    path.write_bytes(
        key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def load_private(path: Path) -> PrivateKey:
    """Read an Ed25519 private key (PKCS#8 PEM, no pass phrase) that only its owner can read.

    Raises BadKeyFile.
    """
    pem = _read(path)
    _check_mode(path)
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        found = "a key with a pass phrase" if isinstance(error, TypeError) else _pem_kind(pem)
        raise BadKeyFile(_wrong_key(path, found, "private")) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKeyFile(_wrong_key(path, f"a private key of another kind ({type(key).__name__})", "private"))
    return key


def load_public(path: Path) -> PublicKey:
    """Read an Ed25519 public key (SubjectPublicKeyInfo PEM). Raises BadKeyFile."""
    pem = _read(path)
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadKeyFile(_wrong_key(path, _pem_kind(pem), "public")) from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadKeyFile(_wrong_key(path, f"a public key of another kind ({type(key).__name__})", "public"))
    return key


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadKeyFile(
            f"{path}: found {error.strerror}, allowed a readable key file. Try: check the path and owner"
        ) from error


def _check_mode(path: Path) -> None:
    mode = exposed_mode(path)
    if mode is not None:
        raise BadKeyFile(
            f"{path}: found mode {mode:04o}, allowed 0600 or 0400 for a private key. Try: chmod 600 {path}"
        )


def _pem_kind(pem: bytes) -> str:
    """Say what a file holds by its PEM label, which is no secret."""
    first = pem.lstrip().split(b"\n", 1)[0].strip()
    if first.startswith(b"-----BEGIN ") and len(first) < 60:
        return first.strip(b"-").decode("ascii", "replace").removeprefix("BEGIN ")
    return "no PEM" if pem else "an empty file"


def _wrong_key(path: Path, found: str, half: str) -> str:
    make = "openssl genpkey -algorithm ed25519" if half == "private" else "openssl pkey -pubout"
    return f"{path}: found {found}, allowed an Ed25519 {half} key in PEM. Try: {make}"
