"""Our bill room against the simulated platform, over HTTP: what is fetched, kept, refused and read."""

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from cloud_bridge.core.bill import BillLine
from cloud_bridge.core.model import OrderDraft, OrderPlaced, RefundDraft
from cloud_bridge.ports_bills import BillBroken, BillFile, BillKind, NoBill, NotYet
from cloud_bridge.wechat.bill_files import opened
from cloud_bridge.wechat.bills import WechatBills
from cloud_bridge.wechat.client import Client
from cloud_bridge.wechat.keys import load_keys
from cloud_bridge.wechat.platform import WechatPlatform
from cloud_bridge.wechat.settings import PlatformPublicKey, WechatSettings
from tests.contract.simulated import Simulated

DAY_MS = 24 * 3_600_000
CHINA = timezone(timedelta(hours=8))
SALES = ("k3vq7c2mzs5n4x6ahb7tdyaaaa", "k3vq7c2mzs5n4x6ahb7tdybbbb")


class Clock:
    """This computer's."""

    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000


@dataclass
class Shop:
    """A day with two payments and one refund, seen from the day after tomorrow."""

    sim: Simulated
    client: Client
    bills: WechatBills
    day: str
    folder: Path

    async def fetch(self, kind: BillKind = BillKind.TRADE, day: str = "") -> BillFile | NoBill | NotYet:
        return await self.bills.fetch(day or self.day, kind, self.folder, told=lambda here, whole: None)

    async def got(self, kind: BillKind = BillKind.TRADE) -> BillFile:
        bill = await self.fetch(kind)
        assert isinstance(bill, BillFile), bill
        return bill

    def lines(self, bill: BillFile) -> list[BillLine]:
        with self.bills.reading(bill) as reading:
            return list(reading.lines())

    def fault(self, name: str, **more: Any) -> None:
        self.sim.desk("fault", name=name, **more)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulated, WechatSettings]]:
    keys = tmp_path_factory.mktemp("platform") / "keys"
    with Simulated(keys) as sim:
        known = sim.credentials()
        public = PlatformPublicKey(
            id=known["platform_public_key_id"], file=keys / known["platform_public_key_file"]
        )
        yield (
            sim,
            WechatSettings(
                mchid=known["mchid"],
                appid=known["appid"],
                merchant_serial=known["merchant_serial"],
                merchant_private_key_file=keys / known["merchant_private_key_file"],
                api_v3_key_file=keys / known["api_v3_key_file"],
                notify_url="http://127.0.0.1:1/notify",
                base_url=sim.url,
                platform_public_keys=(public,),
            ),
        )


@pytest.fixture
async def shop(served: tuple[Simulated, WechatSettings], tmp_path: Path) -> Any:
    sim, settings = served
    client = Client(settings, load_keys(settings), clock=Clock(), nonce=lambda: secrets.token_hex(16))
    platform = WechatPlatform(settings, client)
    now_ms = sim.desk("clock")["now_ms"]
    if not sim.desk("books")["orders"]:
        for sale_id in SALES:
            draft = OrderDraft(
                sale_id=sale_id,
                machine="vm-0001",
                description="可乐,`大",
                price_fen=350,
                pay_until_wall_ms=now_ms + 180_000,
            )
            placed = await platform.place(sale_id, platform.compose(draft))
            assert isinstance(placed, OrderPlaced), placed
            sim.desk("pay", code_url=placed.code_url)
        refund = RefundDraft(
            sale_id=SALES[0], refund_no=f"R{SALES[0]}", refund_fen=350, paid_fen=350, reason="x"
        )
        await platform.refund(refund)
        sim.desk("clock", advance_ms=2 * DAY_MS)
        now_ms += 2 * DAY_MS
    day = datetime.fromtimestamp(now_ms / 1000 - 2 * 86_400, CHINA).date().isoformat()
    sim.desk("fault", clear=True)
    yield Shop(sim, client, WechatBills("main", settings, client), day, tmp_path / "bills")
    client.close()


async def test_a_bill_is_fetched_zipped_and_kept_by_its_hash(shop: Shop) -> None:
    bill = await shop.got()
    assert bill.file.name == f"main-{shop.day}-trade-{bill.sha1[:12]}.csv.gz"
    assert bill.file.stat().st_mode & 0o077 == 0
    with opened(bill.file) as plain:
        content = plain.read()
    assert content.startswith(b"\xef\xbb\xbf")
    assert hashlib.sha1(content).hexdigest() == bill.sha1
    assert [path.name for path in shop.folder.iterdir()] == [bill.file.name]


async def test_its_lines_are_what_was_paid_and_given_back(shop: Shop) -> None:
    lines = shop.lines(await shop.got())
    assert [(line.sale_id, line.refund_no, line.fen) for line in lines] == [
        (SALES[0], "", 350),
        (SALES[1], "", 350),
        (SALES[0], f"R{SALES[0]}", 350),
    ]


async def test_the_flow_of_funds_fits_the_trades(shop: Shop) -> None:
    moved = shop.bills.funds(await shop.got(BillKind.FUNDS))
    assert moved == {"交易": 700, "扣除交易手续费": -4, "退款": -350, "退还交易手续费": 2}


async def test_what_lies_there_already_is_not_fetched_again(shop: Shop) -> None:
    first = await shop.got()
    before = first.file.stat().st_ino
    shop.fault("answer_truncated", only="bill_file", times=1)
    assert await shop.got() == first
    assert first.file.stat().st_ino == before


async def test_a_file_that_was_changed_on_the_disk_is_fetched_anew(shop: Shop) -> None:
    first = await shop.got()
    first.file.write_bytes(b"\x1f\x8b not a bill any more")
    assert await shop.got() == first
    assert len(shop.lines(first)) == 3


async def test_progress_is_told_up_to_the_last_byte(shop: Shop) -> None:
    told: list[tuple[int, int]] = []
    bill = await shop.bills.fetch(
        shop.day, BillKind.TRADE, shop.folder, told=lambda here, whole: told.append((here, whole))
    )
    assert isinstance(bill, BillFile)
    size = bill.file.stat().st_size
    assert told[-1] == (size, size)


@pytest.mark.parametrize(
    ("fault", "more", "why"),
    [
        ("bill_creating", {}, "statement_creating"),
        ("bill_wrong_hash", {}, "wrong_file"),
        ("bill_old_token", {}, "invalid_request"),
        ("bill_other_host", {}, "bad_answer"),
        ("bill_recoded", {}, "encoded_on_the_way"),
        ("answer_truncated", {"only": "bill_file"}, "connection"),
        ("answer_lost", {"only": "bill_file"}, "connection"),
        ("answer_wrong_signature", {"only": "tradebill"}, "bad_signature"),
        ("call_limited_429", {"only": "tradebill"}, "rate_limited"),
    ],
)
async def test_what_goes_wrong_on_the_way_is_no_bill_and_leaves_nothing_behind(
    shop: Shop, fault: str, more: dict[str, str], why: str
) -> None:
    shop.fault(fault, times=1, **more)
    failed = await shop.fetch()
    assert isinstance(failed, NotYet)
    assert failed.why == why
    assert not shop.folder.exists() or list(shop.folder.iterdir()) == []
    await shop.got()


async def test_a_day_without_trades_has_no_bill(shop: Shop) -> None:
    before = (datetime.fromisoformat(shop.day) - timedelta(days=1)).date().isoformat()
    assert await shop.fetch(day=before) == NoBill(day=before)


async def test_more_columns_and_odd_names_change_nothing(shop: Shop) -> None:
    plain = shop.lines(await shop.got())
    shop.fault("bill_extra_columns", times=1)
    shop.fault("bill_odd_names", times=1)
    odd = await shop.got()
    with opened(odd.file) as file:
        assert "优惠标记" in file.read().decode()
    assert shop.lines(odd) == plain


async def test_a_bill_that_does_not_fit_its_own_summary_is_refused(shop: Shop) -> None:
    shop.fault("bill_summary_off", times=1)
    bill = await shop.got()
    with pytest.raises(BillBroken, match="总金额: found"):
        shop.lines(bill)


async def test_a_folder_that_cannot_be_made_is_said(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    failed = await shop.bills.fetch(
        shop.day, BillKind.TRADE, tmp_path / "taken" / "bills", told=lambda here, whole: None
    )
    assert isinstance(failed, NotYet)
    assert failed.why == "no_folder"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_what_root_fetches_is_the_folder_owners(shop: Shop, tmp_path: Path) -> None:
    owned = tmp_path / "state"
    owned.mkdir()
    os.chown(owned, 4_321, 4_321)
    bill = await shop.bills.fetch(shop.day, BillKind.TRADE, owned / "bills", told=lambda here, whole: None)
    assert isinstance(bill, BillFile)
    for place in (bill.file, bill.file.parent):
        assert (place.stat().st_uid, place.stat().st_mode & 0o077) == (4_321, 0)
