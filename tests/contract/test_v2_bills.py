"""Bills by APIv2 against the simulated platform, over HTTP: a file, or XML that says why there is none."""

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from cloud_bridge.core.model import OrderDraft, OrderPlaced, RefundDraft
from cloud_bridge.ports_bills import BillBroken, BillFile, BillKind, NoBill, NotYet
from cloud_bridge.wechat.client import Wire
from cloud_bridge.wechat.v2_account import SignType, V2Settings, load_account
from cloud_bridge.wechat.v2_bills import V2Bills
from cloud_bridge.wechat.v2_exchange import V2Exchange
from cloud_bridge.wechat.v2_platform import V2Platform
from tests.contract.simulated import Simulated
from tests.contract.v2_bench import Clock, nonce

CHINA = timezone(timedelta(hours=8))
SALE = "k3vq7c2mzs5n4x6ahb7tdyaaaa"


@dataclass
class Office:
    """A day with one payment and its refund, seen from the afternoon after."""

    sim: Simulated
    bills: V2Bills
    day: str
    folder: Path

    async def fetch(self, kind: BillKind = BillKind.TRADE, day: str = "") -> BillFile | NoBill | NotYet:
        return await self.bills.fetch(day or self.day, kind, self.folder, told=lambda *_: None)

    async def got(self, kind: BillKind = BillKind.TRADE) -> BillFile:
        bill = await self.fetch(kind)
        assert isinstance(bill, BillFile), bill
        return bill


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated(tmp_path_factory.mktemp("platform") / "keys", "--refund-delay-ms", "30") as sim:
        yield sim


@pytest.fixture(scope="module")
def settings(sim: Simulated) -> V2Settings:
    known = sim.credentials()
    return V2Settings(
        mchid=known["mchid"],
        appid=known["appid"],
        notify_url="http://127.0.0.1:9/notify",
        base_url=sim.url,
        api_v2_key_file=sim.keys / "api_v2.key",
        sign_type=SignType.MD5,  # and yet the flow of funds is asked for with HMAC-SHA256
    )


@pytest.fixture(scope="module")
def day(sim: Simulated, settings: V2Settings) -> str:
    account = load_account(settings)
    wire = Wire(settings, V2Exchange(account), clock=Clock())
    platform = V2Platform(settings, account, wire, nonce=nonce)
    draft = OrderDraft(
        sale_id=SALE,
        machine="vm-0001",
        description="可乐, Cola",
        price_fen=350,
        pay_until_wall_ms=Clock().wall_ms() + 180_000,
    )

    async def trade() -> None:
        placed = await platform.place(SALE, platform.compose(draft))
        assert isinstance(placed, OrderPlaced)
        sim.desk("pay", code_url=placed.code_url)
        back = RefundDraft(sale_id=SALE, refund_no=f"R{SALE}", refund_fen=350, paid_fen=350, reason="退款")
        await platform.refund(back)

    asyncio.run(trade())
    wire.close()
    now = datetime.fromtimestamp(sim.desk("clock")["now_ms"] / 1000, CHINA)
    noon = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), CHINA) + timedelta(hours=12)
    sim.desk("clock", advance_ms=int((noon - now).total_seconds() * 1000))
    return now.date().isoformat()


@pytest.fixture
def office(sim: Simulated, settings: V2Settings, day: str, tmp_path: Path) -> Iterator[Office]:
    account = load_account(settings)
    wire = Wire(settings, V2Exchange(account), clock=Clock())
    yield Office(sim, V2Bills("", settings, account, wire, nonce=nonce), day, tmp_path / "bills")
    wire.close()
    sim.desk("fault", clear=True)


async def test_a_bill_is_fetched_read_and_adds_up(office: Office) -> None:
    bill = await office.got()
    assert (bill.file.name, bill.day) == (
        f"{office.sim.credentials()['mchid']}-{office.day}-trade.csv.gz",
        office.day,
    )
    with office.bills.reading(bill) as reading:
        lines = list(reading.lines())
        assert reading.summary is not None
    assert {line.sale_id for line in lines} == {SALE}
    assert len(lines) == 2
    again = await office.got()
    assert (again.sha1, again.file) == (bill.sha1, bill.file)


async def test_the_flow_of_funds_is_asked_for_with_the_only_algorithm_it_takes(office: Office) -> None:
    bill = await office.got(BillKind.FUNDS)
    assert office.bills.funds(bill)["交易"] == 350


async def test_a_day_without_trades_has_no_bill_and_today_has_none_yet(office: Office) -> None:
    before = (datetime.fromisoformat(office.day) - timedelta(days=3)).date().isoformat()
    assert await office.fetch(day=before) == NoBill(day=before)
    tomorrow = (datetime.fromisoformat(office.day) + timedelta(days=1)).date().isoformat()
    assert await office.fetch(day=tomorrow) == NotYet(why="return_fail", detail="invalid bill_date")
    office.sim.desk("fault", name="bill_creating")
    assert await office.fetch() == NotYet(why="statement_creating", detail="Bill Creating")
    assert list(office.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("answer_html_502", "http_502"),
        ("answer_lost", "connection"),
        ("answer_truncated", "connection"),
    ],
)
async def test_a_file_that_did_not_come_is_none(office: Office, name: str, why: str) -> None:
    office.sim.desk("fault", name=name, only="tradebill")
    assert await office.fetch() == NotYet(why=why)
    assert list(office.folder.iterdir()) == []


@pytest.mark.parametrize(("name", "why"), [("xml_html", "xml_doctype"), ("xml_nested", "xml_nested")])
async def test_a_refusal_in_bad_xml_is_named(office: Office, name: str, why: str) -> None:
    office.sim.desk("fault", name=name, only="tradebill")
    office.sim.desk("fault", name="bill_creating")
    assert await office.fetch() == NotYet(why=why)


async def test_a_bill_that_does_not_add_up_is_broken(office: Office) -> None:
    office.sim.desk("fault", name="bill_summary_off")
    bill = await office.got()

    def read() -> list[Any]:
        with office.bills.reading(bill) as reading:
            return list(reading.lines())

    with pytest.raises(BillBroken):
        read()


async def test_a_key_that_is_not_the_merchants_gets_no_bill(office: Office, settings: V2Settings) -> None:
    account = load_account(settings)
    wire = Wire(settings, V2Exchange(account), clock=Clock())
    stranger = type(account)(mchid=account.mchid, appid=account.appid, key=secrets.token_hex(16).encode())
    bills = V2Bills("", settings, stranger, wire, nonce=nonce)
    told = await bills.fetch(office.day, BillKind.TRADE, office.folder, told=lambda *_: None)
    assert told == NotYet(why="sign_error", detail="签名错误")
    wire.close()
