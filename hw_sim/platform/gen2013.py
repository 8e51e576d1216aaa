"""The platform's protocol before September 2014, as history: its records, made and checked as it was then.

Nothing runs on it any more. It is here to show that what the old guide asked for is understood, and
`gen2013_today` turns each record into what does its duty now.
From "the 2013 generation" of the APIv2 description, and "delivery", "complaints" and "alerts" of operations.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias
from urllib.parse import quote, unquote

from hw_sim.platform.v2_wire import MD5, Members, digest, parse, with_sign, write

Fields: TypeAlias = Mapping[str, str]
SHA1: Final = "sha1"
ACKNOWLEDGED: Final = b"success"  # the bare word, where today exact XML or a 204 is wanted
_PICTURES: Final = re.compile(rb"<PicInfo>.*?</PicInfo>\s*", re.DOTALL)
_PICTURE: Final = re.compile(rb"<PicUrl><!\[CDATA\[(.*?)\]\]></PicUrl>")
_APP: Final = ("AppSignature", "SignMethod")
# Which fields each record signs, `appkey` among them; the names in lower case, whatever they are on the wire.
SIGNED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "native_url": ("appid", "noncestr", "productid", "timestamp"),
        "order_request": (*("appid", "productid", "timestamp", "noncestr", "openid", "issubscribe"),),
        "order_reply": ("appid", "package", "timestamp", "noncestr", "retcode", "reterrmsg"),
        "payment": ("appid", "timestamp", "noncestr", "openid", "issubscribe"),
        "order_query": ("appid", "package", "timestamp"),
        "delivery": (
            *("appid", "openid", "transid", "out_trade_no", "deliver_timestamp", "deliver_status"),
            "deliver_msg",
        ),
        "rights": ("appid", "timestamp", "openid"),
        "alarm": ("alarmcontent", "appid", "description", "errortype", "timestamp"),
    }
)


class NotBelieved(ValueError):
    """A record whose signature is not that of the account."""


@dataclass(frozen=True, slots=True)
class Account:
    """The five values of an account then. `pay_sign_key` is the 128 characters of `appkey`."""

    app_id: str
    app_secret: str = field(repr=False)
    pay_sign_key: str = field(repr=False)
    partner_id: str
    partner_key: str = field(repr=False)


def app_signature(account: Account, kind: str, fields: Fields) -> str:
    """SHA-1 over the fields of that kind of record and `appkey`: names lower case and sorted, values raw."""
    lower = {name.lower(): value for name, value in fields.items()}
    said = {name: lower[name] for name in SIGNED[kind]} | {"appkey": account.pay_sign_key}
    text = "&".join(f"{name}={said[name]}" for name in sorted(said))
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def native_url(account: Account, product: str, *, timestamp: int, nonce: str) -> str:
    """What a permanent code held."""
    fields = {
        "appid": account.app_id,
        "productid": product,
        "timestamp": str(timestamp),
        "noncestr": nonce,
    }
    rest = "&".join(f"{name}={value}" for name, value in fields.items())
    return f"weixin://wxpay/bizpayurl?sign={app_signature(account, 'native_url', fields)}&{rest}"


def package(account: Account, fields: Fields) -> str:
    """The order inside another record, signed with the partner's key; escapes are in capitals (`%2F`)."""
    told = {name: value for name, value in sorted(fields.items()) if value}
    sign = digest(told, account.partner_key, MD5)
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in told.items()) + f"&sign={sign}"


def read_package(account: Account, text: str) -> Members:
    """The order in a package, in either case of escapes. Raises NotBelieved."""
    pairs = (pair.partition("=") for pair in text.split("&"))
    fields = {name: unquote(value) for name, _, value in pairs}
    _check(digest(fields, account.partner_key, MD5), fields.pop("sign", ""))
    return fields


def emitted(account: Account, kind: str, fields: Fields) -> bytes:
    """A record in XML as it came over the wire: an order request, its reply, a payment, rights, an alarm."""
    told = {"AppId": account.app_id, **fields}
    signed = {"AppSignature": app_signature(account, kind, told), "SignMethod": SHA1}
    return write({**told, **signed})


def read(account: Account, kind: str, body: bytes) -> Members:
    """A record whose signature is good. Raises NotBelieved, NotXml."""
    fields = parse(body)
    if fields.get("SignMethod") != SHA1 or fields.get("AppId") != account.app_id:
        raise NotBelieved(f"{kind}: another account or method")
    try:
        _check(app_signature(account, kind, fields), fields["AppSignature"])
    except KeyError as missing:
        raise NotBelieved(f"{kind}: no {missing}") from None
    return {name: value for name, value in fields.items() if name not in _APP}


def rights(account: Account, fields: Fields, pictures: Sequence[str] = ()) -> bytes:
    """A rights record: a complaint, or what the payer says to its settlement. The pictures are nested."""
    items = "".join(f"<item><PicUrl><![CDATA[{url}]]></PicUrl></item>\n" for url in pictures)
    nested = f"<PicInfo>\n{items}</PicInfo>\n</xml>" if pictures else "</xml>"
    return emitted(account, "rights", fields).replace(b"</xml>", nested.encode())


def read_rights(account: Account, body: bytes) -> tuple[Members, tuple[str, ...]]:
    """A rights record and the addresses of its pictures. Raises NotBelieved, NotXml.

    The signature covers who and when alone: neither the words nor the pictures.
    """
    pictures = tuple(url.decode() for url in _PICTURE.findall(body))
    return read(account, "rights", _PICTURES.sub(b"", body)), pictures


def payment_query(account: Account, fields: Fields) -> str:
    """The query of a payment notification, whose XML body said who paid; MD5 with the partner's key."""
    told = with_sign({name: value for name, value in fields.items() if value}, account.partner_key, MD5)
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in told.items())


def read_payment(account: Account, query: str, body: bytes) -> Members:
    """A payment from both halves of its notification. Raises NotBelieved, NotXml."""
    return {**read_package(account, query), **read(account, "payment", body)}


def delivery(account: Account, fields: Fields) -> bytes:
    """What a merchant had to POST to `pay/delivernotify` for every order, in time."""
    told = {"appid": account.app_id, **fields}
    sign = app_signature(account, "delivery", told)
    return json.dumps({**told, "app_signature": sign, "sign_method": SHA1}, ensure_ascii=False).encode()


def read_delivery(account: Account, body: bytes) -> Members:
    """The delivery that a merchant reports. Raises NotBelieved."""
    fields = {str(name): str(value) for name, value in json.loads(body).items()}
    if fields.pop("sign_method", "") != SHA1 or fields.get("appid") != account.app_id:
        raise NotBelieved("delivery: another account or method")
    try:
        _check(app_signature(account, "delivery", fields), fields.pop("app_signature", ""))
    except KeyError as missing:
        raise NotBelieved(f"delivery: no {missing}") from None
    return fields


def _check(good: str, found: str) -> None:
    if not hmac.compare_digest(good.encode(), found.encode()):
        raise NotBelieved("signature")
