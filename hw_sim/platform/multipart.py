"""Reading `multipart/form-data`, as far as an image upload needs it: small parts with a name each.

From "request headers" and "signing a request": only the part `meta` of an upload is signed.
"""

import re
from collections.abc import Mapping
from typing import Final

from hw_sim.platform.answers import ApiError

_BOUNDARY: Final = re.compile(r'boundary="?([0-9A-Za-z\'()+_,./:=?-]{1,70})"?')
_NAME: Final = re.compile(rb'\bname="([^"]*)"', re.IGNORECASE)


def is_multipart(headers: Mapping[str, str]) -> bool:
    """Tell whether a body comes in parts."""
    return headers.get("content-type", "").lower().startswith("multipart/form-data")


def parts(headers: Mapping[str, str], body: bytes) -> dict[str, bytes]:
    """Take a body apart: each part's content by its name. Raises ApiError 400 PARAM_ERROR."""
    boundary = _BOUNDARY.search(headers.get("content-type", ""))
    # A client in wide use leaves the boundary out of its header: then the first line has to say it.
    mark = b"--" + boundary[1].encode("ascii") if boundary else body.partition(b"\r\n")[0]
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    if not mark.startswith(b"--") or len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise ApiError(400, "PARAM_ERROR", "请求体不是合法的multipart/form-data")
    found: dict[str, bytes] = {}
    for piece in pieces[1:-1]:
        head, blank, content = piece.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if not blank or name is None:
            raise ApiError(400, "PARAM_ERROR", "请求体不是合法的multipart/form-data")
        found[name[1].decode("latin-1")] = content
    return found


def signed_part(headers: Mapping[str, str], body: bytes) -> bytes:
    """Give the bytes that a merchant signs. Raises ApiError 400 when they are missing."""
    if not is_multipart(headers):
        return body
    meta = parts(headers, body).get("meta")
    if meta is None:
        raise ApiError(400, "PARAM_ERROR", "缺少meta")
    return meta
