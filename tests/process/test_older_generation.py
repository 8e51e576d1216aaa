"""The main job by APIv2 alone, with real programs: the same sale, and nothing else knows the difference."""

import json
from pathlib import Path

from tests.process.shop import PRICE_FEN, Shop

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
