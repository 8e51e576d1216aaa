"""A second platform of APIv3, tiny, from the protocol's text alone: one file of the standard library and RSA.

It shares nothing with the simulator, so that the bridge's client is not only proven against our own reading
of the same text twice.
"""

import base64
import http.server
import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MCHID, APPID, SERIAL = "1900000109", "wxd678efh567hg6787", "5" * 40
SECRET = "0123456789abcdefABCDEF0123456789"
KEY_ID = "PUB_KEY_ID_0119000001090000000000000009"
Json = dict[str, Any]


@dataclass
class Tiny:
    """Orders and refunds by number; `mode` is what it signs with: the public key's id or the certificate."""

    merchant: rsa.RSAPrivateKey
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    by_certificate: bool = False
    orders: dict[str, Json] = field(default_factory=dict)
    refunds: dict[str, Json] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def serial(self) -> str:
        return f"{self.certificate.serial_number:X}" if self.by_certificate else KEY_ID

    # ---------------------------------------------------------------- section 4: what the platform says

    def signed(self, body: bytes) -> dict[str, str]:
        stamp, nonce = str(int(time.time())), secrets.token_hex(16)
        message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        signature = self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return {  # without a type, as in captures of real notifications
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
            "Wechatpay-Serial": self.serial,
        }

    def notice(self, event: str, value: Json) -> tuple[dict[str, str], bytes]:
        nonce, kind = secrets.token_hex(6), "transaction" if event.startswith("TRANS") else "refund"
        sealed = AESGCM(SECRET.encode()).encrypt(nonce.encode(), json.dumps(value).encode(), kind.encode())
        resource = {
            "nonce": nonce,
            "associated_data": kind,
            "ciphertext": base64.b64encode(sealed).decode(),
            "algorithm": "AEAD_AES_256_GCM",
            "original_type": kind,
        }
        told = {"resource": resource, "event_type": event, "id": secrets.token_hex(16), "summary": "支付成功"}
        body = json.dumps(told, ensure_ascii=False, indent=1).encode()
        return {name.lower(): each for name, each in self.signed(body).items()}, body

    # ---------------------------------------------------------------- section 3: who calls

    def admits(self, method: str, target: str, headers: Any, body: bytes) -> bool:
        scheme, _, rest = headers.get("Authorization", "").partition(" ")
        members = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        lines = f"{method}\n{target}\n{members['timestamp']}\n{members['nonce_str']}\n".encode()
        try:
            self.merchant.public_key().verify(
                base64.b64decode(members["signature"]),
                lines + body + b"\n",
                padding.PKCS1v15(),
                hashes.SHA256(),
            )
        except InvalidSignature:
            return False
        fresh = abs(time.time() - int(members["timestamp"])) <= 300
        known = (members["mchid"], members["serial_no"]) == (MCHID, SERIAL)
        return fresh and known and scheme == "WECHATPAY2-SHA256-RSA2048" and bool(headers.get("User-Agent"))

    # ---------------------------------------------------------------- sections 5 to 8, operations section 3

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, Json | None]:
        path, value = unquote(target.partition("?")[0]), json.loads(body) if body else {}
        self.calls.append(f"{method} {path}")
        order = re.fullmatch("/v3/pay/transactions/out-trade-no/([^/]+)(/close)?", path)
        refund = re.fullmatch("/v3/refund/domestic/refunds/([^/]+)", path)
        if path == "/v3/certificates":
            return 200, {"data": [self._listed()]} if self.by_certificate else None
        if path == "/v3/pay/transactions/native":
            return self._create(value)
        if path == "/v3/refund/domestic/refunds":
            return self._refund(value)
        if refund:
            found = self.refunds.get(refund[1])
            return (
                (200, found) if found else (404, {"code": "RESOURCE_NOT_EXISTS", "message": "退款单不存在"})
            )
        assert order, path
        return self._close(order[1]) if order[2] else self._query(order[1])

    def _create(self, asked: Json) -> tuple[int, Json]:
        assert (asked["mchid"], asked["appid"]) == (MCHID, APPID)
        assert re.fullmatch(r"[0-9A-Za-z_\-*|]{6,32}", asked["out_trade_no"])
        assert len(asked["description"].encode()) <= 127
        assert isinstance(asked["amount"]["total"], int)
        assert datetime.fromisoformat(asked["time_expire"]).tzinfo
        order = self.orders.setdefault(asked["out_trade_no"], {"asked": asked, "state": "NOTPAY"})
        if order["asked"] != asked:
            return 400, {"code": "INVALID_REQUEST", "message": "请求重入时，参数与首次请求时不一致"}
        if order["state"] != "NOTPAY":
            return 400, {
                "code": "ORDERPAID" if order["state"] == "SUCCESS" else "ORDER_CLOSED",
                "message": "x",
            }
        return 200, {"code_url": f"weixin://wxpay/bizpayurl/up?pr={secrets.token_hex(4)}&groupid=00"}

    def view(self, number: str) -> Json:
        order = self.orders[number]
        shown: Json = {"mchid": MCHID, "appid": APPID, "out_trade_no": number, "trade_state": order["state"]}
        shown |= {"trade_state_desc": "说明", "amount": {"total": order["asked"]["amount"]["total"]}}
        if order["state"] in ("SUCCESS", "REFUND"):
            shown |= {"transaction_id": "4200000000000000000000000001", "trade_type": "NATIVE"}
            shown |= {"success_time": "2026-01-01T08:00:00.120+08:00", "payer": {"openid": "o" + "p" * 27}}
            shown["amount"] |= {"currency": "CNY", "payer_total": 1, "payer_currency": "CNY"}
            shown["attach"] = order["asked"].get("attach", "")
        return shown

    def _query(self, number: str) -> tuple[int, Json]:
        if number not in self.orders:
            return 404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"}
        return 200, self.view(number)

    def _close(self, number: str) -> tuple[int, Json | None]:
        if number in self.orders and self.orders[number]["state"] in ("SUCCESS", "REFUND"):
            return 400, {"code": "ORDERPAID", "message": "该订单已支付"}
        if number in self.orders:
            self.orders[number]["state"] = "CLOSED"
        return 204, None

    def _refund(self, asked: Json) -> tuple[int, Json]:
        number, order = asked["out_refund_no"], self.orders.get(asked["out_trade_no"])
        if order is None or order["state"] not in ("SUCCESS", "REFUND"):
            return 404, {"code": "RESOURCE_NOT_EXISTS", "message": "订单不存在"}
        gone = sum(each["amount"]["refund"] for name, each in self.refunds.items() if name != number)
        if asked["amount"]["refund"] + gone > order["asked"]["amount"]["total"]:
            return 400, {"code": "INVALID_REQUEST", "message": "退款金额大于可退金额"}
        order["state"] = "REFUND"
        shown = {"out_refund_no": number, "out_trade_no": asked["out_trade_no"], "status": "PROCESSING"}
        shown |= {"refund_id": "5030000", "transaction_id": "4200", "channel": "ORIGINAL"}
        return 200, self.refunds.setdefault(number, shown | {"amount": asked["amount"] | {"payer_refund": 1}})

    def _listed(self) -> Json:
        nonce = secrets.token_hex(6)
        text = self.certificate.public_bytes(serialization.Encoding.PEM)
        sealed = AESGCM(SECRET.encode()).encrypt(nonce.encode(), text, b"certificate")
        return {
            "serial_no": self.serial,
            "effective_time": "2026-01-01T00:00:00+08:00",
            "expire_time": "2031-01-01T00:00:00+08:00",
            "encrypt_certificate": {
                "algorithm": "AEAD_AES_256_GCM",
                "nonce": nonce,
                "associated_data": "certificate",
                "ciphertext": base64.b64encode(sealed).decode(),
            },
        }


def write_keys(folder: Path, tiny: Tiny) -> None:
    """What the merchant console hands out."""
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = tiny.merchant.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    public = tiny.key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    for name, content in (("merchant.pem", private), ("public.pem", public), ("api_v3.key", SECRET.encode())):
        (folder / name).write_bytes(content)


@contextmanager
def tiny_platform(*, by_certificate: bool) -> Iterator[Tiny]:
    """Serve on a free port for the time of the block."""
    merchant, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Tenpay.com")])
    now = datetime.now(timezone(timedelta(hours=8)))
    serial = int("5DEA10EF55877E3CF6C33255C2E7DEFFF7E427EC", 16)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), serial, now - timedelta(days=1), now + timedelta(days=99)
    )
    tiny = Tiny(merchant, key, builder.sign(key, hashes.SHA256()), by_certificate)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if tiny.admits(self.command, self.path, self.headers, body):
                status, value = tiny.answer(self.command, self.path, body)
            else:
                status, value = 401, {"code": "SIGN_ERROR", "message": "错误的签名，验签失败"}
            content = b"" if value is None else json.dumps(value, ensure_ascii=False).encode()
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            for header, text in tiny.signed(content).items() if status < 300 else ():
                self.send_header(header, text)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tiny.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield tiny
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
