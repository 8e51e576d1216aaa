"""The platform's certificates as it lists them: opened with the APIv3 key, then held against its signature.

The first list is signed with a key that stands in it. It is sealed with the APIv3 key, which says whom it is
from; the signature is then checked with what was just opened (APIv3 "certificate mode").
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cloud_bridge.ports import Clock
from cloud_bridge.wechat import jsonio
from cloud_bridge.wechat.crypto import BadKey, NotDecrypted, decrypt, read_certificate
from cloud_bridge.wechat.exchange import NoAnswer, Reply, Success
from cloud_bridge.wechat.keys import Keys, PlatformKey, PlatformKeys, normal_serial
from cloud_bridge.wechat.signing import NotVerified, Request, verify
from cloud_bridge.wechat.watch import WatchedExchange

LIST: Final = Request("GET", "/v3/certificates")
_ALGORITHM: Final = "AEAD_AES_256_GCM"


class BadList(Exception):
    """A list of certificates that is not used, not a part of it. `why` is a name for counters."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def read_list(api_v3_key: bytes, content: bytes, *, now_s: float) -> Mapping[str, PlatformKey]:
    """Every certificate that has not ended, by its normal serial. Raises BadList."""
    try:
        value = jsonio.read(content)
        entries = value.get("data")
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise BadList("bad_json")
        found = dict(_certificate(api_v3_key, entry) for entry in entries)
    except jsonio.BadJson as error:
        raise BadList("bad_json") from error
    except NotDecrypted as error:
        raise BadList("not_decrypted") from error
    except BadKey as error:
        raise BadList("bad_certificate") from error
    valid = {serial: key for serial, key in found.items() if now_s <= key.until_s}
    if not valid:
        raise BadList("no_certificate")
    return valid


def _certificate(api_v3_key: bytes, entry: jsonio.Json) -> tuple[str, PlatformKey]:
    sealed = jsonio.thing(entry, "encrypt_certificate")
    if sealed.get("algorithm") != _ALGORITHM:
        raise BadList("algorithm")
    pem = decrypt(
        api_v3_key,
        nonce=jsonio.text(sealed, "nonce"),
        associated_data=jsonio.text(sealed, "associated_data") if "associated_data" in sealed else "",
        ciphertext=jsonio.text(sealed, "ciphertext"),
    )
    certificate = read_certificate(pem)
    serial = normal_serial(certificate.serial)
    if normal_serial(jsonio.text(entry, "serial_no")) != serial:
        raise BadList("other_serial")
    return serial, PlatformKey(key=certificate.key, from_s=certificate.from_s, until_s=certificate.until_s)


class CertificateList:
    """What an answer with the list is worth: a Success says that `held` has all of it now."""

    def __init__(self, keys: Keys, held: PlatformKeys, exchange: WatchedExchange, clock: Clock) -> None:
        self._keys: Final = keys
        self._held: Final = held
        self._exchange: Final = exchange
        self._clock: Final = clock

    def judge(self, status: int, headers: Mapping[str, str], content: bytes) -> Reply:
        """What the answer is worth."""
        if status != 200:
            return self._exchange.judge(status, headers, content)
        now_s = self._clock.wall_ms() / 1000
        lower = {name.lower(): value for name, value in headers.items()}
        try:
            found = read_list(self._keys.api_v3_key, content, now_s=now_s)
            verify(replace(self._keys, platform={**self._held, **found}), lower, content, now_s=now_s)
        except (BadList, NotVerified) as error:
            return NoAnswer(error.why)
        self._held.add(found, now_s=now_s)
        return Success(status)
