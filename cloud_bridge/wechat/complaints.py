"""One merchant's calls about complaints (complaints 2.0), all of APIv3.

An error is a refusal only in the platform's own words; everything doubtful is Unclear. What is said to a
payer is never sent again by itself: after an unclear answer the history tells whether he has read it.
"""

import hashlib
from typing import Final
from urllib.parse import quote

from cloud_bridge.core.complaint import Told
from cloud_bridge.core.model import Refused, Unclear
from cloud_bridge.ports_desk import Line, Page
from cloud_bridge.wechat import codes, complaint_facts, jsonio
from cloud_bridge.wechat.crypto import NotDecrypted, PrivateKey, open_sealed
from cloud_bridge.wechat.exchange import Caller, Failure, NoAnswer, Reply, Success
from cloud_bridge.wechat.signing import Request

PAGE: Final = 50
HISTORY: Final = 300
_BASE: Final = "/v3/merchant-service"
_LIST: Final = f"{_BASE}/complaints-v2"
_ADDRESS: Final = f"{_BASE}/complaint-notifications"
_LARGEST_PICTURE: Final = 8 * 1024 * 1024


class WechatComplaints:
    """Implements `ports_desk.ComplaintCalls`."""

    def __init__(self, mchid: str, key: PrivateKey, client: Caller) -> None:
        self._mchid: Final = mchid
        self._key: Final = key
        self._client: Final = client

    # ------------------------------------------------------------ the address

    async def address(self) -> str | Unclear:
        """Where notifications go; empty when nowhere."""
        match await self._client.call(Request("GET", _ADDRESS)):
            case Success(value=value):
                found = value.get("url")
                return found if isinstance(found, str) else ""
            case Failure(why=why) if why not in codes.NOT_NOW:
                return ""  # the platform has several words for it; setting one will tell
            case Failure(why=why) | NoAnswer(why=why):
                return Unclear(sale_id="", why=why)

    async def set_address(self, url: str, *, first: bool) -> Refused | Unclear | None:
        """Have them sent there."""
        method = "POST" if first else "PUT"
        return _done(await self._client.call(Request(method, _ADDRESS, jsonio.write({"url": url}))))

    async def drop_address(self) -> Refused | Unclear | None:
        """Have them sent nowhere."""
        return _done(await self._client.call(Request("DELETE", _ADDRESS)))

    # ------------------------------------------------------------ reading

    async def list(self, begin: str, end: str, offset: int) -> Page | Refused | Unclear:
        """Those made on these days, 30 at most; a page from `offset` on."""
        query = f"limit={PAGE}&offset={offset}&begin_date={begin}&end_date={end}"
        reply = await self._client.call(Request("GET", f"{_LIST}?{query}&complainted_mchid={self._mchid}"))
        if not isinstance(reply, Success):
            return _not(reply)
        try:
            return complaint_facts.page(reply.value)
        except jsonio.BadJson:
            return Unclear(sale_id="", why="bad_answer")

    async def detail(self, complaint_id: str) -> Told | Refused | Unclear:
        """One complaint as it stands now."""
        reply = await self._client.call(Request("GET", _one(complaint_id)))
        if not isinstance(reply, Success):
            return _not(reply)
        try:
            told = complaint_facts.told(reply.value)
        except jsonio.BadJson:
            return Unclear(sale_id="", why="bad_answer")
        return told if told.complaint_id == complaint_id else Unclear(sale_id="", why="other_complaint")

    async def history(self, complaint_id: str) -> tuple[Line, ...] | Refused | Unclear:
        """What was said, the newest line first."""
        target = f"{_one(complaint_id)}/negotiation-historys?limit={HISTORY}&offset=0"
        reply = await self._client.call(Request("GET", target))
        if not isinstance(reply, Success):
            return _not(reply)
        try:
            found = complaint_facts.lines(reply.value)
        except jsonio.BadJson:
            return Unclear(sale_id="", why="bad_answer")
        return tuple(sorted(found, key=lambda line: -line.wall_ms))

    # ------------------------------------------------------------ acting

    async def answer(
        self, complaint_id: str, words: str, pictures: tuple[str, ...] = ()
    ) -> Refused | Unclear | None:
        """Say this to the payer."""
        body: dict[str, object] = {"complainted_mchid": self._mchid, "response_content": words}
        if pictures:
            body["response_images"] = list(pictures)
        return await self._act(complaint_id, "response", body)

    async def approve(self, complaint_id: str) -> Refused | Unclear | None:
        """Say that the money goes back today. That moves no money."""
        body = {"action": "APPROVE", "launch_refund_day": 0}
        return await self._act(complaint_id, "update-refund-progress", body)

    async def reject(self, complaint_id: str, why: str) -> Refused | Unclear | None:
        """Say that no money goes back, and why."""
        body = {"action": "REJECT", "reject_reason": why}
        return await self._act(complaint_id, "update-refund-progress", body)

    async def complete(self, complaint_id: str) -> Refused | Unclear | None:
        """Say that it is settled."""
        return await self._act(complaint_id, "complete", {"complainted_mchid": self._mchid})

    async def _act(self, complaint_id: str, name: str, body: jsonio.Json) -> Refused | Unclear | None:
        target = f"{_one(complaint_id)}/{name}"
        return _done(await self._client.call(Request("POST", target, jsonio.write(body))))

    # ------------------------------------------------------------ pictures and phones

    async def send_picture(self, name: str, picture: bytes) -> str | Refused | Unclear:
        """Upload a picture; its id for an answer. Only the part `meta` is signed."""
        digest = hashlib.sha256(picture).hexdigest()
        meta = jsonio.write({"filename": name, "sha256": digest})
        request = Request(
            "POST",
            f"{_BASE}/images/upload",
            _parts(meta, name, picture, digest),
            content_type=f"multipart/form-data; boundary={digest}",
            signs=meta,
        )
        reply = await self._client.call(request)
        if not isinstance(reply, Success):
            return _not(reply)
        found = reply.value.get("media_id")
        return found if isinstance(found, str) else Unclear(sale_id="", why="bad_answer")

    async def picture(self, path: str) -> bytes | Refused | Unclear:
        """A picture of the payer's, by its path at the platform."""
        reply = await self._client.call(Request("GET", path, most_bytes=_LARGEST_PICTURE))
        return reply.content if isinstance(reply, Success) else _not(reply)

    def phone(self, sealed: str) -> str:
        """The payer's number; empty when it cannot be opened."""
        try:
            return open_sealed(self._key, sealed) if sealed else ""
        except NotDecrypted:
            return ""


def _one(complaint_id: str) -> str:
    return f"{_LIST}/{quote(complaint_id, safe='')}"


def _done(reply: Reply) -> Refused | Unclear | None:
    return None if isinstance(reply, Success) else _not(reply)


def _not(reply: Failure | NoAnswer) -> Refused | Unclear:
    if isinstance(reply, Failure) and reply.why not in codes.NOT_NOW:
        return Refused(sale_id="", why=reply.why, detail=reply.detail)
    return Unclear(sale_id="", why=reply.why)


def _parts(meta: bytes, name: str, picture: bytes, boundary: str) -> bytes:
    """The two parts of an upload. No picture holds its own hash, so that makes a good boundary."""
    clean = "".join(each for each in name if each.isalnum() or each in "._-") or "picture"
    mark = f"--{boundary}\r\n".encode()
    return b"".join(
        (
            mark,
            b'Content-Disposition: form-data; name="meta"\r\nContent-Type: application/json\r\n\r\n',
            meta + b"\r\n" + mark,
            f'Content-Disposition: form-data; name="file"; filename="{clean}"\r\n'.encode(),
            b"Content-Type: application/octet-stream\r\n\r\n" + picture + b"\r\n",
            f"--{boundary}--\r\n".encode(),
        )
    )
