"""A merchant and a platform with keys made for this run. They sign and seal without any code of ours."""

import base64
import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cloud_bridge.wechat.keys import Keys, load_keys
from cloud_bridge.wechat.settings import PlatformPublicKey, WechatSettings

NOW_S: Final = 1_780_000_000
SALE: Final = "k3vq7c2mzs5n4x6ahb7tdyfjwe"
MACHINE: Final = "vm-0001"
MCHID, APPID = "1900000109", "wxd678efh567hg6787"
API_V3_KEY: Final = "aVery1Secret2Key3Of4Thirty5Two6C"
KEY_ID: Final = "PUB_KEY_ID_0119000001092026052800388800001"
KEY_ID_2: Final = "PUB_KEY_ID_0119000001092026052800388800002"
TYPE: Final = "WECHATPAY2-SHA256-RSA2048"

Headers = dict[str, str]


def openssl(*arguments: str, data: bytes = b"") -> bytes:
    """Ask the openssl program: the second opinion."""
    program = shutil.which("openssl")
    if program is None:
        assert os.environ.get("CI") != "true", "openssl is not installed"
        pytest.skip("openssl is not installed")
    return subprocess.run([program, *arguments], input=data, capture_output=True, check=True).stdout


@dataclass(frozen=True)
class Parties:
    """Both ends. `serial` is the platform certificate's; its key is another than the public key's."""

    folder: Path
    settings: WechatSettings
    keys: Keys
    merchant: rsa.RSAPrivateKey
    by_public_key: rsa.RSAPrivateKey
    by_certificate: rsa.RSAPrivateKey
    serial: str

    def at(self, base_url: str, **changes: Any) -> WechatSettings:
        return replace(self.settings, base_url=base_url, notify_url="http://127.0.0.1:9/notify", **changes)

    def signed(self, body: bytes, *, at_s: int = NOW_S, serial: str = KEY_ID) -> Headers:
        """The headers with which the platform says `body`; names as on the wire."""
        key = self.by_certificate if serial == self.serial else self.by_public_key
        return signed(key, body, at_s=at_s, serial=serial)

    def notice(self, event: str, value: Any, *, at_s: int = NOW_S, **resource: Any) -> tuple[Headers, bytes]:
        """A notification whose plaintext is `value`; `resource` changes or (None) drops members of it."""
        body = letter(event, value, **resource)
        return lower(self.signed(body, at_s=at_s)), body


def signed(key: rsa.RSAPrivateKey, body: bytes, *, at_s: int = NOW_S, serial: str = KEY_ID) -> Headers:
    nonce = "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz"
    message = f"{at_s}\n{nonce}\n".encode() + body + b"\n"
    return {
        "Wechatpay-Timestamp": str(at_s),
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": base64.b64encode(key.sign(message, PKCS1v15(), hashes.SHA256())).decode(),
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature-Type": TYPE,
    }


def lower(headers: Headers) -> Headers:
    return {name.lower(): value for name, value in headers.items()}


def letter(event: str, value: Any, *, sealed_with: str = API_V3_KEY, **resource: Any) -> bytes:
    plain = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    nonce, named = "q1w2e3r4t5y6", "transaction"
    sealed = AESGCM(sealed_with.encode()).encrypt(nonce.encode(), plain, named.encode())
    members = {
        "original_type": named,
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": named,
        "nonce": nonce,
    } | resource
    notice = {
        "id": "3119dfba-e649-5eec-ab1e-3412bc4d2e18",
        "create_time": "2026-05-28T20:26:40+08:00",
        "resource_type": "encrypt-resource",
        "event_type": event,
        "summary": "支付成功",
        "resource": {name: each for name, each in members.items() if each is not None},
    }
    return json.dumps(notice, ensure_ascii=False).encode()


def payment(**changes: Any) -> dict[str, Any]:
    """What the platform tells of a paid order."""
    told: dict[str, Any] = {
        "appid": APPID,
        "mchid": MCHID,
        "out_trade_no": SALE,
        "transaction_id": "4200002500202605280000000001",
        "trade_type": "NATIVE",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": MACHINE,
        "success_time": "2026-05-28T20:26:38+08:00",
        "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        "amount": {"total": 350, "payer_total": 300, "currency": "CNY", "payer_currency": "HKD"},
        "a_member_of_next_year": [{"deep": {"er": 1.5}}],
    }
    return told | changes


def refund(status: str, name: str, **changes: Any) -> dict[str, Any]:
    """What the platform tells of a refund; `name` is the member that says how it stands."""
    told: dict[str, Any] = {
        "mchid": MCHID,
        "transaction_id": "4200002500202605280000000001",
        "out_trade_no": SALE,
        "refund_id": "50300000012026052800000000001",
        "out_refund_no": f"R{SALE}",
        name: status,
        "user_received_account": "支付用户零钱",
        "amount": {"total": 350, "refund": 350, "payer_total": 350, "payer_refund": 350},
    }
    return told | changes


def certificate(key: rsa.RSAPrivateKey, name: str, serial: int, *, days: int = 1825) -> x509.Certificate:
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    begins = datetime.fromtimestamp(NOW_S, UTC) - timedelta(days=30)
    builder = x509.CertificateBuilder(
        who, who, key.public_key(), serial, begins, begins + timedelta(days=days)
    )
    return builder.sign(key, hashes.SHA256())


def pem(thing: rsa.RSAPrivateKey | rsa.RSAPublicKey | x509.Certificate) -> bytes:
    encoding = serialization.Encoding.PEM
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(encoding)
    if isinstance(thing, rsa.RSAPublicKey):
        return thing.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    return thing.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def new_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def new_parties(folder: Path) -> Parties:
    merchant, by_public_key, by_certificate = new_key(), new_key(), new_key()
    number = 0x00DE10EF55877E3CF6C33255C2E7DEFFF7E427EC  # begins with a zero byte: serials are padded
    files = {
        "merchant.pem": pem(merchant),
        "merchant_certificate.pem": pem(certificate(merchant, MCHID, 0xBE6DCDA7A5931FA0)),
        "public_key.pem": pem(by_public_key.public_key()),
        "certificate.pem": pem(certificate(by_certificate, "platform", number)),
        "api_v3.key": API_V3_KEY.encode() + b"\n",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    settings = WechatSettings(
        mchid=MCHID,
        appid=APPID,
        merchant_serial="BE6DCDA7A5931FA0",
        merchant_private_key_file=folder / "merchant.pem",
        merchant_certificate_file=folder / "merchant_certificate.pem",
        api_v3_key_file=folder / "api_v3.key",
        notify_url="https://pay.example.com/wechat/v3",
        platform_public_keys=(PlatformPublicKey(id=KEY_ID, file=folder / "public_key.pem"),),
        platform_certificate_files=(folder / "certificate.pem",),
    )
    return Parties(
        folder=folder,
        settings=settings,
        keys=load_keys(settings),
        merchant=merchant,
        by_public_key=by_public_key,
        by_certificate=by_certificate,
        serial=f"{number:040X}",
    )
