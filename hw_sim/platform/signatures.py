"""With which key the platform signs, and how a signature can be wrong.

From "verification", "platform keys" and "public-key migration" of the APIv3 description.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, Final

from hw_sim.platform import crypto
from hw_sim.platform.answers import ApiError, rfc3339
from hw_sim.platform.ids import Ids
from hw_sim.platform.keys import Identity, Keys

SIGNTEST: Final = "WECHATPAY/SIGNTEST/"
SIGNTEST_TAIL: Final = 336
STALE_MS: Final = 301_000
ALGORITHM: Final = "WECHATPAY2-SHA256-RSA2048"


class Mode(StrEnum):
    """Which platform keys exist for the merchant."""

    CERTIFICATE = "certificate"
    ROTATING = "rotating"  # two certificates, both in traffic
    MIGRATING = "migrating"  # certificate, and a share of the notices by the public key
    PUBLIC_KEY = "public_key"


@dataclass(frozen=True, slots=True)
class KeyMode:
    """A mode; `share` of the notices is signed by the public key while migrating."""

    mode: Mode
    share: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "KeyMode":
        """Read `certificate`, `rotating`, `public_key` or `migrating:0.2`. Raises ValueError."""
        name, colon, share = text.partition(":")
        allowed = "certificate, rotating, public_key or migrating:SHARE with a share from 0 to 1"
        try:
            mode = cls(Mode(name), float(share) if colon else 0.0)
        except ValueError as exc:
            raise ValueError(f"key mode: found {text}, allowed {allowed}") from exc
        if bool(colon) != (mode.mode is Mode.MIGRATING) or not 0 <= mode.share <= 1:
            raise ValueError(f"key mode: found {text}, allowed {allowed}")
        return mode


class Flaw(Enum):
    """A way to sign wrongly."""

    WRONG = "wrong"
    SIGNTEST = "signtest"
    UNSIGNED = "unsigned"
    UNKNOWN_SERIAL = "unknown_serial"
    STALE = "stale"
    FUTURE = "future"


_OFF_MS: Final[Mapping[Flaw | None, int]] = {Flaw.STALE: -STALE_MS, Flaw.FUTURE: STALE_MS}


class Signer:
    """Signs answers and notices. The mode may change at any time, as on a merchant's migration day."""

    def __init__(self, *, keys: Keys, mode: KeyMode, ids: Ids) -> None:
        self.mode = mode
        self._keys = keys
        self._ids = ids

    def for_answer(self, asked_serial: str) -> Identity:
        """Choose the key that the request's `Wechatpay-Serial` names, if it is enabled, else by the mode."""
        named = {identity.serial: identity for identity in self._enabled()}.get(asked_serial.upper())
        return named or (self._either() if self.mode.mode is Mode.ROTATING else self._enabled()[0])

    def named(self, serial: str) -> crypto.PrivateKey | None:
        """Give what opens a member that was sealed for the key of this serial, if it is enabled."""
        return next((each.key for each in self._enabled() if each.serial == serial.upper()), None)

    def for_notice(self) -> Identity:
        """Choose a key by the mode."""
        match self.mode.mode:
            case Mode.ROTATING:
                return self._either()
            case Mode.MIGRATING if self._ids.chance(self.mode.share):
                return self._keys.public_key
        return self._enabled()[0]

    def _either(self) -> Identity:
        return self._keys.next_certificate if self._ids.chance(0.5) else self._keys.certificate

    def _enabled(self) -> tuple[Identity, ...]:
        match self.mode.mode:
            case Mode.CERTIFICATE:
                return (self._keys.certificate,)
            case Mode.ROTATING:
                return (self._keys.certificate, self._keys.next_certificate)
            case Mode.MIGRATING:
                return (self._keys.certificate, self._keys.public_key)
            case Mode.PUBLIC_KEY:
                return (self._keys.public_key,)

    def headers(self, body: bytes, by: Identity, now_ms: int, flaw: Flaw | None = None) -> dict[str, str]:
        """Make the five headers for the exact bytes of `body`; with a flaw they are not good."""
        if flaw is Flaw.UNSIGNED:
            return {}
        timestamp = str((now_ms + _OFF_MS.get(flaw, 0)) // 1000)
        nonce = self._ids.nonce(32)
        signed = body + b" " if flaw is Flaw.WRONG else body
        signature = crypto.sign(by.key, b"%s\n%s\n%s\n" % (timestamp.encode(), nonce.encode(), signed))
        if flaw is Flaw.SIGNTEST:
            signature = SIGNTEST + self._ids.base64_text(SIGNTEST_TAIL)
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": signature,
            "Wechatpay-Serial": self._ids.serial() if flaw is Flaw.UNKNOWN_SERIAL else by.serial,
            "Wechatpay-Signature-Type": ALGORITHM,
        }

    def certificates(self) -> Mapping[str, Any]:
        """Give the encrypted certificate list. Raises ApiError 404 when the merchant has none."""
        found = [identity for identity in self._enabled() if identity.certificate is not None]
        if not found:
            message = "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥"
            raise ApiError(404, "RESOURCE_NOT_EXISTS", message)
        return {"data": [self._listed(one.certificate) for one in found if one.certificate is not None]}

    def _listed(self, certificate: crypto.Certificate) -> Mapping[str, Any]:
        begin_ms, end_ms = crypto.validity_ms(certificate)
        return {
            "serial_no": crypto.serial_of(certificate),
            "effective_time": rfc3339(begin_ms),
            "expire_time": rfc3339(end_ms),
            "encrypt_certificate": self.sealed(crypto.certificate_pem(certificate), "certificate"),
        }

    def sealed(self, plaintext: bytes, associated_data: str, nonce_length: int = 12) -> Mapping[str, str]:
        """Encrypt under the APIv3 key: `{algorithm, nonce, associated_data, ciphertext}`."""
        nonce = self._ids.nonce(nonce_length)
        key = self._keys.merchant.api_v3_key
        return {
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": nonce,
            "associated_data": associated_data,
            "ciphertext": crypto.encrypt(plaintext, key=key, nonce=nonce, associated_data=associated_data),
        }
