"""The main job, with real programs on the shipped examples: the product comes out, or the money goes back."""

import signal
from pathlib import Path

import pytest

from tests.process.programs import until
from tests.process.shop import LANE, MACHINE, PRICE_FEN, Shop
from tests.shell.broker import BROKERS
from tests.unit.store.cluster import Cluster, need_cluster


@pytest.mark.parametrize("broker", BROKERS)
async def test_a_paid_sale_ends_with_the_product_and_all_books_agree(broker: str, tmp_path: Path) -> None:
    async with Shop(tmp_path, broker=broker) as shop, shop.bridge() as bridge, shop.edge() as edge:
        await bridge.says(event="daemon.ready")
        code = await shop.selects(edge)
        await shop.pays(code)
        sale = await shop.ends("vended")
        assert (sale["machine"], sale["lane"], sale["paid_fen"]) == (MACHINE, LANE, PRICE_FEN)
        assert (sale["refunded_fen"], await shop.pieces_dropped()) == (0, 1)
        assert shop.journal(sale["sale_id"]) == "delivered"
        (order,) = await shop.orders()
        assert (order["trade_state"], order["paid_fen"], order["refunded_fen"]) == ("SUCCESS", PRICE_FEN, 0)
        who = [fact["who"] for fact in sale["timeline"]]
        assert {"edge", "bridge", "wechat"} == set(who)
        said = str([*bridge.lines, *edge.lines])
        assert code not in said
        assert await edge.stop() == 0
        assert await bridge.stop() == 0


@pytest.mark.parametrize("broker", BROKERS)
async def test_goods_that_did_not_come_out_are_paid_back(broker: str, tmp_path: Path) -> None:
    board = ("--fault", "no_drop:1")
    async with Shop(tmp_path, broker=broker, board=board) as shop, shop.bridge(), shop.edge() as edge:
        await shop.pays(await shop.selects(edge))
        sale = await shop.ends("refunded")
        assert (sale["paid_fen"], sale["refunded_fen"]) == (PRICE_FEN, PRICE_FEN)
        assert (await shop.pieces_dropped(), shop.journal(sale["sale_id"])) == (0, "not_delivered")
        (order,) = await shop.orders()
        assert order["refunded_fen"] == PRICE_FEN


@pytest.mark.parametrize("broker", BROKERS)
async def test_a_bridge_that_is_killed_before_the_payment_still_gets_the_product_out_once(
    broker: str, tmp_path: Path
) -> None:
    async with Shop(tmp_path, broker=broker) as shop, shop.edge() as edge:
        async with shop.bridge() as first:
            code = await shop.selects(edge)
            first.signal(signal.SIGKILL)
            await first.ended()
        await shop.pays(code)
        async with shop.bridge() as second:
            await second.says(event="daemon.ready")
            sale = await shop.ends("vended")
            assert (sale["paid_fen"], await shop.pieces_dropped()) == (PRICE_FEN, 1)


@pytest.mark.parametrize("broker", BROKERS)
async def test_a_broker_that_is_away_while_the_shopper_pays_delays_and_doubles_nothing(
    broker: str, tmp_path: Path
) -> None:
    async with Shop(tmp_path, broker=broker) as shop, shop.bridge() as bridge, shop.edge() as edge:
        code = await shop.selects(edge)
        shop.broker.stop()
        await bridge.says(event="link.down")
        await edge.says(event="link.down")
        await shop.pays(code)
        await shop.ends("paid")
        assert await shop.pieces_dropped() == 0
        shop.broker.start()
        await shop.ends("vended")
        assert await shop.pieces_dropped() == 1


async def test_books_in_postgresql_keep_what_a_shopper_paid_when_the_database_goes(tmp_path: Path) -> None:
    need_cluster()
    with Cluster() as cluster:
        async with Shop(tmp_path, broker="iotcore") as shop, shop.edge() as edge:
            shop.keep_books_at(cluster.empty_database())
            async with shop.bridge() as bridge:
                await bridge.says(event="daemon.ready")
                code = await shop.selects(edge)
                cluster.crash()
                await shop.pays(code)
                assert await bridge.ended() == 1
            cluster.start()
            async with shop.bridge() as again:
                await again.says(event="daemon.ready")
                sale = await shop.ends("vended")
                assert (sale["paid_fen"], await shop.pieces_dropped()) == (PRICE_FEN, 1)


async def test_the_page_shows_the_machine_as_it_shows_itself(tmp_path: Path) -> None:
    async with Shop(tmp_path, broker="iotcore") as shop, shop.bridge() as bridge, shop.edge() as edge:
        await bridge.says(event="daemon.ready")
        await edge.says(event="daemon.status", status="selling")
        await until(lambda: shop.shown()["selling"] and bool(shop.shown()["lanes"]), "a machine that sells")
        shown = shop.shown()
        assert (shown["machine"], shown["online"], shown["catalogue_version"]) == (MACHINE, True, 1)
        assert next(lane["stock"] for lane in shown["lanes"] if lane["lane"] == LANE) == 5
        assert await edge.stop() == 0
        await until(lambda: not shop.shown()["online"], "a machine that left")
