"""One merchant's bills over APIv2: the file itself is the answer, or XML that says why there is none.

Nothing of it is signed, and no hash is told: what a bill says of itself at its end is all that it can be held
against. From "bills" of the APIv2 description; a first byte `<` means an error.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cloud_bridge.ports_bills import BillBroken, BillFile, BillKind, NoBill, NotYet
from cloud_bridge.wechat import v2_xml
from cloud_bridge.wechat.bill_files import Incoming
from cloud_bridge.wechat.bills import Downloader, WechatBills
from cloud_bridge.wechat.exchange import Failure, NoAnswer
from cloud_bridge.wechat.signing import Request
from cloud_bridge.wechat.v2_account import SignType, V2Account, V2Settings
from cloud_bridge.wechat.v2_codes import unsigned_name
from cloud_bridge.wechat.v2_exchange import body
from cloud_bridge.wechat.words import within

_PATHS: Final[Mapping[BillKind, tuple[str, Mapping[str, str]]]] = MappingProxyType(
    {
        BillKind.TRADE: ("/pay/downloadbill", {"bill_type": "ALL"}),
        BillKind.FUNDS: ("/pay/downloadfundflow", {"account_type": "Basic"}),
    }
)
_NONE: Final = "no bill exist"
_CREATING: Final = "bill creating"
_ERROR: Final = b"<"
_SHOWN_BYTES: Final = 160


class V2Bills(WechatBills):
    """Implements `ports_bills.Bills`; what a file holds is read as APIv3's is."""

    def __init__(
        self,
        merchant: str,
        settings: V2Settings,
        account: V2Account,
        client: Downloader,
        *,
        nonce: Callable[[], str],
    ) -> None:
        super().__init__(merchant, settings, client)
        self._account: Final = account
        self._nonce: Final = nonce

    async def fetch(
        self, day: str, kind: BillKind, folder: Path, *, told: Callable[[int, int], None]
    ) -> BillFile | NoBill | NotYet:
        """Have a day's bill in `folder`, fetched each time. Never raises for network, platform or disk."""
        name = f"{self.merchant or self._account.mchid}-{day}-{kind}"
        try:
            incoming = Incoming(folder, name)
        except OSError as error:
            return NotYet(why="no_folder", detail=f"{folder}: {error.strerror}")
        try:
            answer = _Answer(incoming)
            match await self._client.download(self._request(day, kind), answer.take, told=told):
                case Failure(why=why, detail=detail):
                    return NotYet(why=why, detail=detail)
                case NoAnswer(why=why):
                    return NotYet(why=why)
            if answer.error or not incoming.bytes:
                return _why_not(day, answer.error)
            sha1 = await asyncio.to_thread(incoming.sha1)
            file = await asyncio.to_thread(incoming.keep, sha1)
        except (BillBroken, OSError) as error:
            return NotYet(why="wrong_file", detail=str(error))
        finally:
            incoming.drop()
        return BillFile(merchant=self.merchant, day=day, kind=kind, sha1=sha1, file=file)

    def _request(self, day: str, kind: BillKind) -> Request:
        path, members = _PATHS[kind]
        account = self._account
        if kind is BillKind.FUNDS:  # of which the platform takes nothing weaker
            account = replace(account, sign_type=SignType.HMAC_SHA256)
        members = {"bill_date": day.replace("-", ""), "tar_type": "GZIP", **members}
        return Request("POST", path, body(account, members, nonce=self._nonce()))


class _Answer:
    """Pieces of a file for the disk, or of an error to be read."""

    def __init__(self, incoming: Incoming) -> None:
        self._incoming: Final = incoming
        self.error = b""

    def take(self, piece: bytes) -> None:
        """Take the next piece. Raises BillBroken."""
        if not self.error and (self._incoming.bytes or not piece.startswith(_ERROR)):
            self._incoming.write(piece)
            return
        self.error += piece
        if len(self.error) > v2_xml.LARGEST:
            raise BillBroken(f"found more than {v2_xml.LARGEST} bytes of XML; allowed is a short refusal")


def _why_not(day: str, error: bytes) -> NoBill | NotYet:
    try:
        said = v2_xml.read(error).get("return_msg", "")
    except v2_xml.BadXml as bad:
        return NotYet(why=bad.why)
    if said.lower() == _NONE:
        return NoBill(day=day)
    why = "statement_creating" if said.lower() == _CREATING else unsigned_name(said)
    return NotYet(why=why, detail=within(said, _SHOWN_BYTES))
