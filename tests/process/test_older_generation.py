"""The main job by APIv2 alone, with real programs: the same sale, and nothing else knows the difference."""

import asyncio
import json
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from cloud_bridge.sheets import COLUMNS, ROWS
from tests.process.programs import WXVEND, Program
from tests.process.shop import MACHINE, PRICE_FEN, Shop, exchange

CREDENTIALS = 'credentials_file = "keys/credentials.json"'


def by_the_older_one(shop: Shop) -> None:
    """The merchant has no keys of APIv3 any more."""
    known = json.loads((shop.folder / "keys" / "credentials.json").read_text())
    account = f'''generation = "v2"
mchid = "{known["mchid"]}"
appid = "{known["appid"]}"
api_v2_key_file = "keys/api_v2.key"
merchant_certificate_file = "keys/merchant_certificate.pem"
merchant_private_key_file = "keys/merchant_private_key.pem"'''
    text = shop.bridge_config.read_text()
    assert CREDENTIALS in text
    shop.bridge_config.write_text(text.replace(CREDENTIALS, account, 1))


def asked_for_orders(shop: Shop) -> None:
    """The merchant's labels are printed, and the platform knows where to ask."""
    text = shop.bridge_config.read_text()
    text = text.replace("[wechat]\n", f'[wechat]\norder_url = "{shop.web}/wechat/orders"\n', 1)
    # Beside the keys of APIv3, where those are.
    text = text.replace(CREDENTIALS, f'{CREDENTIALS}\napi_v2_key_file = "keys/api_v2.key"', 1)
    text = text.replace(f'id = "{MACHINE}"', f'id = "{MACHINE}"\nprinted_codes = 1', 1)
    shop.bridge_config.write_text(text)
    exchange(f"{shop.wechat}/_sim/order_url", {"url": f"{shop.web}/wechat/orders"})


async def printed(shop: Shop) -> list[str]:
    """What a phone reads off the sheet of labels, row by row, as lanes stand in the settings."""
    where = ("--config", str(shop.bridge_config), "--machine", MACHINE, "--out", str(shop.folder), "--png")
    async with Program(WXVEND, "bridge", "codes", *where) as codes:
        assert await codes.ended() == 0, codes.lines
    (sheet,) = shop.folder.glob(f"{MACHINE}-codes-1*.png")
    with Image.open(sheet) as picture:
        across, down = picture.width / COLUMNS, picture.height / ROWS
        found = [(each.position.top_left, each.text) for each in zxingcpp.read_barcodes(picture)]
    return [text for _, text in sorted(found, key=lambda at: (at[0].y // down, at[0].x // across))]


async def told(shop: Shop, *, refunded_fen: int) -> None:
    """A refund that somebody made by hand is sealed XML: the bridge asks, and then it stands in the books."""
    async with asyncio.timeout(20):
        while (await shop.sale())["refunded_fen"] != refunded_fen:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("alone", [True, False], ids=["older alone", "beside the newer"])
async def test_a_label_on_a_machine_sells_what_it_names_to_one_after_the_other(
    tmp_path: Path, alone: bool
) -> None:
    async with Shop(tmp_path, broker="iotcore") as shop:
        if alone:
            by_the_older_one(shop)
        asked_for_orders(shop)
        labels = await printed(shop)
        assert len(labels) == len(set(labels)) == 3
        async with shop.bridge() as bridge, shop.edge() as edge:
            await bridge.says(event="daemon.ready")
            await edge.says(event="daemon.status", status="selling")
            for count in (1, 2):
                paid = await shop.pays(labels[0])
                sale = await shop.ends("vended")
                assert (paid["out_trade_no"], sale["paid_fen"]) == (sale["sale_id"], paid["amount_fen"])
                assert await shop.pieces_dropped() == count
            by_hand = {"out_trade_no": sale["sale_id"], "refund_fen": 100, "xml": True}
            exchange(f"{shop.wechat}/_sim/console_refund", by_hand)
            await told(shop, refunded_fen=100)
            said = str([*bridge.lines, *edge.lines])
            assert not any(label in said for label in labels)


async def test_a_sale_is_paid_notified_and_vended(tmp_path: Path) -> None:
    async with Shop(tmp_path, broker="iotcore") as shop:
        by_the_older_one(shop)
        async with shop.bridge() as bridge, shop.edge() as edge:
            code = await shop.selects(edge)
            await shop.pays(code)
            sale = await shop.ends("vended")
            assert (sale["paid_fen"], await shop.pieces_dropped()) == (PRICE_FEN, 1)
            notified = await shop.platform.says(fact="notice.answered")
            assert notified["verdict"] == "200"  # in the very words; anything else is told again
            key = (shop.folder / "keys" / "api_v2.key").read_text()
            said = str([*bridge.lines, *edge.lines])
            assert code not in said
            assert key not in said


async def test_goods_that_did_not_come_out_are_paid_back(tmp_path: Path) -> None:
    async with Shop(tmp_path, broker="iotcore", board=("--fault", "no_drop:1")) as shop:
        by_the_older_one(shop)
        async with shop.bridge(), shop.edge() as edge:
            await shop.pays(await shop.selects(edge))
            sale = await shop.ends("refunded")
            assert (sale["paid_fen"], sale["refunded_fen"]) == (PRICE_FEN, PRICE_FEN)
            (order,) = await shop.orders()
            assert (order["trade_state"], order["refunded_fen"]) == ("REFUND", PRICE_FEN)
