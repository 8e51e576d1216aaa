"""The bytes of APIv2 as the platform writes and reads them: flat XML, and the digest over its members.

From "conventions", "signature" and "refund notification" of the APIv2 description.
"""

import base64
import hashlib
import hmac
import html
import re
from collections.abc import Mapping
from typing import Final, TypeAlias

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

Members: TypeAlias = dict[str, str]
MD5: Final = "MD5"
HMAC: Final = "HMAC-SHA256"
ACKNOWLEDGED: Final = (
    b"<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>"
)
_DECLARATION: Final = re.compile(r"\s*<\?xml[^>]*\?>")
_ROOT: Final = re.compile(r"\s*<xml>(.*)</xml>\s*", re.DOTALL)
_CDATA: Final = r"<!\[CDATA\[(.*?)\]\]>"
_ELEMENT: Final = re.compile(rf"\s*<([A-Za-z_][\w.-]*)>((?:{_CDATA}|[^<])*)</\1>\s*", re.DOTALL)
_PIECE: Final = re.compile(rf"{_CDATA}|([^<]+)", re.DOTALL)
_BLOCK: Final = 16


class NotXml(ValueError):
    """Not a message of APIv2."""


def parse(body: bytes) -> Members:
    """Read a message. Raises NotXml, UnicodeDecodeError."""
    root = _ROOT.fullmatch(_DECLARATION.sub("", body.decode("utf-8"), count=1))
    if root is None:
        raise NotXml("found no <xml>")
    inside, at, members = root[1], 0, Members()
    while inside[at:].strip():
        element = _ELEMENT.match(inside, at)
        if element is None or element[1] in members:
            raise NotXml(f"found something else at {at}")
        pieces = (found[1] or html.unescape(found[2] or "") for found in _PIECE.finditer(element[2]))
        members[element[1]] = "".join(pieces)
        at = element.end()
    return members


def write(members: Mapping[str, str], *, root: str = "xml") -> bytes:
    """Write a message as the platform does: a line for each element, texts in CDATA, numbers bare."""
    lines = [f"<{name}>{_value(value)}</{name}>" for name, value in members.items()]
    return "\n".join([f"<{root}>", *lines, f"</{root}>"]).encode()


def _value(value: str) -> str:
    return value if value.isdigit() else f"<![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]>"


def digest(members: Mapping[str, str], key: str, kind: str) -> str:
    """The signature over members that are not empty."""
    names = sorted(name for name in members if name != "sign" and members[name] != "")
    text = "".join(f"{name}={members[name]}&" for name in names) + f"key={key}"
    if kind == HMAC:
        return hmac.new(key.encode(), text.encode(), "sha256").hexdigest().upper()
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def with_sign(members: Mapping[str, str], key: str, kind: str) -> Members:
    """The members and their signature."""
    return {**members, "sign": digest(members, key, kind)}


def sealed(text: bytes, key: str) -> str:
    """`req_info`: AES-256-ECB with PKCS#7, the key being the MD5 of the merchant's in lower-case hex."""
    hidden = hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()
    missing = _BLOCK - len(text) % _BLOCK
    lock = Cipher(algorithms.AES(hidden.encode()), modes.ECB()).encryptor()  # noqa: S305 - the platform's way
    return base64.b64encode(lock.update(text + bytes([missing]) * missing) + lock.finalize()).decode()
