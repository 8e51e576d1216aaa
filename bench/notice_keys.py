"""A merchant, his keys, and a platform that signs notifications for him, for benchmarks."""

import base64
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cloud_bridge.wechat.settings import PlatformPublicKey, WechatSettings

KEY_ID: Final = "PUB_KEY_ID_0119000001090000000000000001"
MCHID: Final = "1900000109"
APPID: Final = "wx0123456789abcdef"
_SECRET: Final = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Signing:
    """The platform's side."""

    key: rsa.RSAPrivateKey

    def notice(self, sale_id: str, number: int, machine: str = "vm-0001") -> tuple[dict[str, str], bytes]:
        """A payment's notification, signed now: headers in lower case, and the body."""
        paid = {
            "appid": APPID,
            "mchid": MCHID,
            "out_trade_no": sale_id,
            "transaction_id": f"42000000002026{number:014d}",
            "trade_type": "NATIVE",
            "trade_state": "SUCCESS",
            "bank_type": "OTHERS",
            "attach": machine,
            "success_time": "2026-01-01T08:00:00+08:00",
            "payer": {"openid": "o" + "x" * 27},
            "amount": {"total": 350, "payer_total": 350, "currency": "CNY", "payer_currency": "CNY"},
        }
        body = self._envelope(json.dumps(paid).encode())
        stamp, nonce = str(int(time.time_ns() / 1e9)), "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz"
        message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        signature = self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return {
            "wechatpay-timestamp": stamp,
            "wechatpay-nonce": nonce,
            "wechatpay-signature": base64.b64encode(signature).decode(),
            "wechatpay-serial": KEY_ID,
            "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048",
        }, body

    def _envelope(self, plain: bytes) -> bytes:
        sealed = AESGCM(_SECRET.encode()).encrypt(b"q1w2e3r4t5y6", plain, b"transaction")
        resource: dict[str, Any] = {
            "original_type": "transaction",
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(sealed).decode(),
            "associated_data": "transaction",
            "nonce": "q1w2e3r4t5y6",
        }
        return json.dumps({"event_type": "TRANSACTION.SUCCESS", "resource": resource}).encode()


def make(folder: Path) -> Signing:
    """Write the merchant's files."""
    merchant, platform = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    pem = serialization.Encoding.PEM
    (folder / "merchant.pem").write_bytes(
        merchant.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "public_key.pem").write_bytes(
        platform.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    (folder / "api_v3.key").write_text(_SECRET)
    return Signing(platform)


def account(folder: Path) -> WechatSettings:
    """The merchant's account, with the files that `make` wrote."""
    return WechatSettings(
        mchid=MCHID,
        appid=APPID,
        merchant_serial="5" * 40,
        merchant_private_key_file=folder / "merchant.pem",
        api_v3_key_file=folder / "api_v3.key",
        notify_url="http://127.0.0.1/wechat/notify",
        base_url="http://127.0.0.1:1",
        platform_public_keys=(PlatformPublicKey(id=KEY_ID, file=folder / "public_key.pem"),),
    )
