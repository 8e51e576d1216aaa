"""One merchant's bills over APIv3: ask for one, fetch it from the same host, hold it against its hash.

From the bill section of the operations description: the file answer is not signed, its hash is in the signed
answer before; the address is good for five minutes; T-1 is there from ten o'clock on.
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol
from urllib.parse import urlsplit

from cloud_bridge.ports_bills import BillBroken, BillFile, BillKind, BillReading, NoBill, NotYet
from cloud_bridge.wechat import jsonio
from cloud_bridge.wechat.bill_files import Incoming, kept, opened
from cloud_bridge.wechat.bill_reader import FundBill, TradeBill
from cloud_bridge.wechat.exchange import Caller, Failure, NoAnswer, Success
from cloud_bridge.wechat.settings import MerchantSettings
from cloud_bridge.wechat.signing import Request

_PATHS: Final[Mapping[BillKind, str]] = MappingProxyType(
    {
        BillKind.TRADE: "/v3/bill/tradebill?bill_date={day}&bill_type=ALL&tar_type=GZIP",
        BillKind.FUNDS: "/v3/bill/fundflowbill?bill_date={day}&account_type=BASIC&tar_type=GZIP",
    }
)
_SHA1: Final = re.compile(r"[0-9a-fA-F]{40}")


class Downloader(Caller, Protocol):
    """Calls, and files as they are."""

    async def download(
        self, asked: str | Request, into: Callable[[bytes], None], *, told: Callable[[int, int], None]
    ) -> Failure | NoAnswer | None:
        """Fetch a file, piece by piece; None when it came whole. `into` may raise, which ends it."""


class WechatBills:
    """Implements `ports_bills.Bills`."""

    def __init__(self, merchant: str, settings: MerchantSettings, client: Downloader) -> None:
        self.merchant: Final = merchant
        self._settings: Final = settings
        self._client: Final = client

    async def fetch(
        self, day: str, kind: BillKind, folder: Path, *, told: Callable[[int, int], None]
    ) -> BillFile | NoBill | NotYet:
        """Have a day's bill in `folder`. Never raises for what network, platform or disk do."""
        match await self._client.call(Request("GET", _PATHS[kind].format(day=day))):
            case Success(value=value):
                try:
                    sha1, target = self._told(value)
                except jsonio.BadJson as error:
                    return NotYet(why="bad_answer", detail=str(error))
            case Failure(why="no_statement_exist"):
                return NoBill(day=day)
            case Failure(why=why, detail=detail):
                return NotYet(why=why, detail=detail)
            case NoAnswer(why=why):
                return NotYet(why=why)
        name = f"{self.merchant or self._settings.mchid}-{day}-{kind}-{sha1[:12]}"
        here = await asyncio.to_thread(kept, folder, name, sha1)
        file = here or await self._fetched(target, folder, name, sha1, told=told)
        if isinstance(file, NotYet):
            return file
        return BillFile(merchant=self.merchant, day=day, kind=kind, sha1=sha1, file=file)

    async def _fetched(
        self, target: str, folder: Path, name: str, sha1: str, *, told: Callable[[int, int], None]
    ) -> Path | NotYet:
        try:
            incoming = Incoming(folder, name)
        except OSError as error:
            return NotYet(why="no_folder", detail=f"{folder}: {error.strerror}")
        try:
            match await self._client.download(target, incoming.write, told=told):
                case Failure(why=why, detail=detail):
                    return NotYet(why=why, detail=detail)
                case NoAnswer(why=why):
                    return NotYet(why=why)
            return await asyncio.to_thread(incoming.keep, sha1)
        except (BillBroken, OSError) as error:
            return NotYet(why="wrong_file", detail=str(error))
        finally:
            incoming.drop()

    def _told(self, value: jsonio.Json) -> tuple[str, str]:
        """Hash and target of an answer; a file at somebody else's is none of ours. Raises BadJson."""
        if value.get("hash_type") != "SHA1":
            raise jsonio.BadJson("hash_type: found another one; allowed is SHA1")
        sha1, url = jsonio.text(value, "hash_value", _SHA1), urlsplit(jsonio.text(value, "download_url"))
        ours = urlsplit(self._settings.base_url)
        if (url.scheme, url.netloc) != (ours.scheme, ours.netloc) or not url.path.startswith("/"):
            raise jsonio.BadJson(f"download_url: found {url.netloc[:80]}; allowed is {ours.netloc} alone")
        return sha1.lower(), f"{url.path}?{url.query}" if url.query else url.path

    @contextmanager
    def reading(self, bill: BillFile) -> Iterator[BillReading]:
        """Read a trade bill. Raises BillBroken."""
        try:
            with opened(bill.file) as file:
                yield TradeBill(file, self._settings.mchid)
        except (OSError, EOFError) as error:
            raise BillBroken(f"{bill.file}: cannot be read ({error})") from error

    def funds(self, bill: BillFile) -> Mapping[str, int]:
        """What moved, by kind. Raises BillBroken."""
        try:
            with opened(bill.file) as file:
                return FundBill(file).totals()
        except (OSError, EOFError) as error:
            raise BillBroken(f"{bill.file}: cannot be read ({error})") from error
