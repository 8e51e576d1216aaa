"""A merchant and the platform in virtual time, without a wire: signed calls in, answers and letters out."""

import base64
import json
import random
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hw_sim.platform.answers import Answer, Call
from hw_sim.platform.api import Api
from hw_sim.platform.courier import Courier, Letter
from hw_sim.platform.events import Events
from hw_sim.platform.faults import Armed, Fault, Faults
from hw_sim.platform.ids import Ids
from hw_sim.platform.keys import Keys
from hw_sim.platform.model import Platform, Rules
from hw_sim.platform.orders import Shop
from hw_sim.platform.signatures import KeyMode, Signer

START_MS = 1_800_000_000_000
NUMBER = "order-000001"
NOTIFY = "https://shop.example/notify"
ORDERS = "/v3/pay/transactions"
REFUNDS = "/v3/refund/domestic/refunds"
MINUTE_MS = 60_000
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """An answer as a client reads it."""

    status: int
    code: str
    body: Json
    answer: Answer


@dataclass(slots=True)
class Bench:
    """One merchant's day. Every call is signed with `key` unless a test says otherwise."""

    keys: Keys
    key: RSAPrivateKey
    rules: Rules = field(default_factory=Rules)
    mode: str = "public_key"
    seed: int = 1
    now_ms: int = START_MS
    verdict: int | str = 204
    letters: list[tuple[int, Letter]] = field(default_factory=list)
    events: Events = field(default_factory=Events)
    faults: Faults = field(init=False)
    platform: Platform = field(init=False)
    signer: Signer = field(init=False)
    courier: Courier = field(init=False)
    api: Api = field(init=False)

    def __post_init__(self) -> None:
        merchant, rng = self.keys.merchant, random.Random(self.seed)
        ids = Ids(rng)
        self.faults = Faults(rng)
        self.signer = Signer(keys=self.keys, mode=KeyMode.parse(self.mode), ids=ids)
        shop = Shop(merchant.mchid, merchant.appid, "Shop")
        self.platform = Platform(shop=shop, rules=self.rules, faults=self.faults, events=self.events, rng=rng)
        self.api = Api(
            platform=self.platform,
            merchant=merchant,
            signer=self.signer,
            faults=self.faults,
            events=self.events,
            ids=ids,
        )
        self.courier = Courier(signer=self.signer, faults=self.faults, ids=ids)

    # ------------------------------------------------------------ calls

    def authorization(self, method: str, target: str, body: bytes, **changed: str) -> str:
        members = {
            "mchid": self.keys.merchant.mchid,
            "nonce_str": "593BEC0C930BF1AFEB40B4A08C8FB242",
            "timestamp": str(self.now_ms // 1000),
            "serial_no": self.keys.merchant.serial,
        } | changed
        lines = (method, target, members["timestamp"], members["nonce_str"])
        message = "".join(f"{line}\n" for line in lines).encode() + body + b"\n"
        if "signature" not in members:
            signature = self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
            members["signature"] = base64.b64encode(signature).decode()
        return "WECHATPAY2-SHA256-RSA2048 " + ",".join(f'{name}="{v}"' for name, v in members.items())

    def call(self, method: str, target: str, body: Any = b"", **headers: str) -> Result:
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        sent = {"accept": "application/json", "user-agent": "bench", "content-type": "application/json"}
        sent["authorization"] = self.authorization(method, target, raw)
        return self.send(Call(method, target, sent | headers, raw))

    def send(self, call: Call) -> Result:
        answer = self.api.handle(call, now_ms=self.now_ms, wall_ms=self.now_ms)
        body = json.loads(answer.body) if answer.body and answer.status != 502 else {}
        return Result(answer.status, body.get("code", ""), body, answer)

    def order_body(self, number: str = NUMBER, **changed: Any) -> Json:
        merchant = self.keys.merchant
        return {
            "appid": merchant.appid,
            "mchid": merchant.mchid,
            "description": "可乐 Cola",
            "out_trade_no": number,
            "notify_url": NOTIFY,
            "amount": {"total": 350, "currency": "CNY"},
        } | changed

    def order(self, number: str = NUMBER, **changed: Any) -> str:
        result = self.call("POST", f"{ORDERS}/native", self.order_body(number, **changed))
        assert result.status == 200, result
        return str(result.body["code_url"])

    def create(self, number: str = NUMBER, **changed: Any) -> Result:
        return self.call("POST", f"{ORDERS}/native", self.order_body(number, **changed))

    def query(self, number: str = NUMBER) -> Result:
        return self.call("GET", f"{ORDERS}/out-trade-no/{number}?mchid={self.keys.merchant.mchid}")

    def close(self, number: str = NUMBER) -> Result:
        body = {"mchid": self.keys.merchant.mchid}
        return self.call("POST", f"{ORDERS}/out-trade-no/{number}/close", body)

    def refund_body(self, refund_no: str = "R1", fen: int = 350, **changed: Any) -> Json:
        amount = {"refund": fen, "total": 350, "currency": "CNY"}
        asked = {"out_trade_no": NUMBER, "out_refund_no": refund_no, "amount": amount}
        return asked | {"notify_url": NOTIFY} | changed

    def refund(self, refund_no: str = "R1", fen: int = 350, **changed: Any) -> Result:
        return self.call("POST", REFUNDS, self.refund_body(refund_no, fen, **changed))

    def refund_status(self, refund_no: str = "R1") -> Result:
        return self.call("GET", f"{REFUNDS}/{refund_no}")

    # ------------------------------------------------------------ the world

    def arm(self, fault: Fault, **more: Any) -> None:
        self.faults.arm(Armed(fault, **more))

    def pay(self, code_url: str, *, race: bool = False, account: str = "somebody") -> None:
        self.platform.pay(code_url, self.now_ms, race=race, account=account)

    def paid(self, number: str = NUMBER) -> str:
        code_url = self.order(number)
        self.pay(code_url)
        return code_url

    def pass_ms(self, span_ms: int) -> None:
        """Let time pass, and take every letter that comes with `verdict`, at once."""
        end_ms = self.now_ms + span_ms
        while True:
            next_ms = self.platform.next_wakeup_ms()
            if next_ms is None or next_ms > end_ms:
                break
            self.now_ms = max(self.now_ms, next_ms)
            for delivery in self.platform.due(self.now_ms):
                self.letters.append((self.now_ms, self.courier.write(delivery, self.now_ms)))
                self.platform.report(delivery, self.verdict, self.now_ms)
        self.now_ms = end_ms

    def row(self, number: str = NUMBER) -> Json:
        rows = self.platform.books(self.now_ms)["orders"]
        return next(row for row in rows if row["out_trade_no"] == number)

    def opened(self, letter: Letter) -> Json:
        """Verify as a merchant with the platform's public key does, and decrypt."""
        assert self.verifies(letter.headers, letter.body)
        sealed = json.loads(letter.body)["resource"]
        data = sealed.get("associated_data", "").encode()
        cipher = AESGCM(self.keys.merchant.api_v3_key.encode())
        plain = cipher.decrypt(sealed["nonce"].encode(), base64.b64decode(sealed["ciphertext"]), data)
        found: Json = json.loads(plain)
        return found

    def verifies(self, headers: Any, body: bytes) -> bool:
        identities = (self.keys.public_key, self.keys.certificate, self.keys.next_certificate)
        by_serial = {each.serial: each.key.public_key() for each in identities}
        key = by_serial.get(headers["Wechatpay-Serial"])
        return key is not None and signed_by(key, headers, body)


def signed_by(key: RSAPublicKey, headers: Any, body: bytes) -> bool:
    """Whether the signature in the headers is good; a value that is no base64 is not."""
    head = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode()
    try:
        signature = base64.b64decode(headers["Wechatpay-Signature"], validate=True)
        key.verify(signature, head + body + b"\n", padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
