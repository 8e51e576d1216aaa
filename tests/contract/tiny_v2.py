"""A second platform of APIv2, as small as can be and written from its description alone, behind TLS.

It asks for the merchant's certificate where the real one does. Nothing of the other simulator is in here.
"""

import base64
import hashlib
import hmac
import ssl
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

Members = dict[str, str]


def sign(members: Members, key: str) -> str:
    """§1.1, HMAC-SHA256: this platform has merchants of no other kind."""
    text = "&".join(f"{k}={v}" for k, v in sorted(members.items()) if v != "" and k != "sign")
    return hmac.new(key.encode(), f"{text}&key={key}".encode(), hashlib.sha256).hexdigest().upper()


@dataclass
class Tiny:
    """One merchant's orders and refunds, by their numbers."""

    mchid: str
    appid: str
    key: str
    url: str = ""
    authority: str = ""
    orders: dict[str, Members] = field(default_factory=dict)
    refunds: dict[str, Members] = field(default_factory=dict)
    shown_certificates: list[str] = field(default_factory=list)

    def pay(self, number: str) -> bytes:
        """A payer pays; the notification that goes out."""
        order = self.orders[number]
        order["trade_state"] = "SUCCESS"
        order["transaction_id"] = f"42000000{len(self.orders):020d}"
        return self.message({"result_code": "SUCCESS", **self.paid(order)})

    def paid(self, order: Members) -> Members:
        names = ("out_trade_no", "total_fee", "transaction_id", "attach", "device_info")
        told = {name: order[name] for name in names if name in order}
        return told | {"trade_type": "NATIVE", "bank_type": "CMB_DEBIT", "time_end": "20260101080031"}

    def refund_notice(self, number: str) -> bytes:
        """The refund is done; the notification that goes out: sealed, and not signed."""
        refund = self.refunds[number]
        refund["refund_status"] = "SUCCESS"
        root = ET.Element("root")
        for name, value in refund.items():
            ET.SubElement(root, name).text = value
        plain = ET.tostring(root)
        pad = 16 - len(plain) % 16
        aes = Cipher(algorithms.AES(hashlib.md5(self.key.encode()).hexdigest().encode()), modes.ECB())
        lock = aes.encryptor()
        sealed = base64.b64encode(lock.update(plain + bytes([pad] * pad)) + lock.finalize()).decode()
        envelope = {"return_code": "SUCCESS", "appid": self.appid, "mch_id": self.mchid, "nonce_str": "n"}
        return self.xml(envelope | {"req_info": sealed})

    def message(self, members: Members) -> bytes:
        whole = {"return_code": "SUCCESS", "appid": self.appid, "mch_id": self.mchid, "nonce_str": "n"}
        whole |= members
        return self.xml(whole | {"sign": sign(whole, self.key)})

    def xml(self, members: Members) -> bytes:
        root = ET.Element("xml")
        for name, value in members.items():
            ET.SubElement(root, name).text = value
        return bytes(ET.tostring(root, encoding="utf-8"))

    def answer(self, path: str, body: bytes) -> bytes:
        asked = {element.tag: element.text or "" for element in ET.fromstring(body)}
        if sign(asked, self.key) != asked["sign"] or asked["sign_type"] != "HMAC-SHA256":
            return self.xml({"return_code": "FAIL", "return_msg": "签名错误"})
        done = getattr(self, path.rpartition("/")[2])(asked)
        result = "FAIL" if "err_code" in done else "SUCCESS"
        return self.message({"result_code": result, **done})

    def unifiedorder(self, asked: Members) -> Members:
        number = asked["out_trade_no"]
        kept = {k: v for k, v in asked.items() if k not in ("nonce_str", "sign")} | {"trade_state": "NOTPAY"}
        if self.orders.setdefault(number, kept) != kept:
            return {"err_code": "INVALID_REQUEST", "err_code_des": "201 商户订单号重复"}
        return {"trade_type": "NATIVE", "prepay_id": "wx1", "code_url": "weixin://wxpay/bizpayurl?pr=1"}

    def orderquery(self, asked: Members) -> Members:
        order = self.orders.get(asked["out_trade_no"])
        if order is None:
            return {"err_code": "ORDERNOTEXIST", "err_code_des": "此交易订单号不存在"}
        shown = {name: order[name] for name in ("out_trade_no", "trade_state")}
        return shown if order["trade_state"] in ("NOTPAY", "CLOSED") else self.paid(order) | shown

    def closeorder(self, asked: Members) -> Members:
        order = self.orders.get(asked["out_trade_no"], {"trade_state": ""})
        if order["trade_state"] == "SUCCESS":
            return {"err_code": "ORDERPAID", "err_code_des": "订单已支付"}
        order["trade_state"] = "CLOSED"
        return {"result_msg": "OK"}

    def refund(self, asked: Members) -> Members:
        names = ("out_trade_no", "out_refund_no", "refund_fee", "total_fee")
        number = asked["out_refund_no"]
        self.refunds.setdefault(number, {n: asked[n] for n in names} | {"refund_status": "PROCESSING"})
        self.orders[asked["out_trade_no"]]["trade_state"] = "REFUND"
        return {name: self.refunds[number][name] for name in names} | {"refund_id": "503"}

    def refundquery(self, asked: Members) -> Members:
        refund = self.refunds.get(asked["out_refund_no"])
        if refund is None:
            return {"err_code": "REFUNDNOTEXIST", "err_code_des": "退款订单查询失败"}
        own = {f"{n}_0": refund[n] for n in ("out_refund_no", "refund_fee", "refund_status")}
        return {
            "out_trade_no": refund["out_trade_no"],
            "refund_count": "1",
            "refund_recv_accout_0": "零钱",
            **own,
        }


@contextmanager
def tiny(folder: Path, *, mchid: str, appid: str, key: str) -> Iterator[Tiny]:
    """Serve it for the time of the block, its certificates and the merchant's made in `folder`."""
    platform = Tiny(mchid, appid, key, authority=_certificates(folder, mchid))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert isinstance(self.connection, ssl.SSLSocket)
            shown = self.connection.getpeercert() or {}
            names = dict(pair for part in shown.get("subject", ()) for pair in part)  # type: ignore[misc]
            if self.path.startswith("/secapi/") and names.get("commonName") != mchid:
                self._say(400, b"<html><title>400 No required SSL certificate was sent</title></html>")
                return
            if self.path.startswith("/secapi/"):
                platform.shown_certificates.append(str(names["commonName"]))
            self._say(200, platform.answer(self.path, body))

        def _say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_verify_locations(platform.authority)
    context.verify_mode = ssl.CERT_OPTIONAL
    server.socket = context.wrap_socket(server.socket, server_side=True)
    platform.url = f"https://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _certificates(folder: Path, mchid: str) -> str:
    """An authority, and what it vouches for: the platform at its address, and the merchant."""
    authority = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority")])
    _write(folder / "authority.pem", _issued(authority, name, name, authority, ca=True))
    for file, common in (("server", "127.0.0.1"), ("merchant", mchid)):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])
        _write(folder / f"{file}.pem", _issued(key, subject, name, authority, ca=False))
        private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        (folder / f"{file}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *private))
    return str(folder / "authority.pem")


def _issued(
    key: ec.EllipticCurvePrivateKey,
    subject: x509.Name,
    issuer: x509.Name,
    by: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        issuer, subject, key.public_key(), x509.random_serial_number(), now - timedelta(1), now + timedelta(1)
    ).add_extension(x509.BasicConstraints(ca, None), critical=True)
    if not ca:
        address = x509.IPAddress(ip_address("127.0.0.1"))
        builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    return builder.sign(by, hashes.SHA256())


def _write(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
