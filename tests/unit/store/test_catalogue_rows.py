"""What every kind of books keeps of catalogue and stock: each value as it was put, and for ever."""

import pytest

from cloud_bridge.core.catalogue import Book, Key, Kind, Lane, Plan, Slot, applied, changes, lane_key
from cloud_bridge.core.rollout import At, Rollout, Stage, Standing, Stop
from cloud_bridge.core.stock import Hand, Moved, Stock
from cloud_bridge.ports import StoreFailed
from cloud_bridge.ports_catalogue import Bundle, CatalogueTx, Edition, LaneSums, Pending, Picture
from cloud_bridge.store.books import SqlStore
from cloud_bridge.store.catalogue import SqlCatalogueTx
from cloud_bridge.store.tables_catalogue import bundle, change, edition, moved
from tests.unit.goods.books import BOOK, COLA, ONE, TWO

FIRST = Edition(edition=8, wall_ms=1, by="bridge.toml", why="w", changes=changes({}, BOOK))
OFFER = Bundle(
    machine=ONE,
    version=8,
    wall_ms=1,
    phone="400",
    slots=(Slot(lane=1, name_zh="茶", name_en="T", price_fen=1),),
)
FILL = Moved(key="k", machine=ONE, lane=11, hand=Hand.REFILLED, pieces=7, by="安", why="补货", wall_ms=5)


async def put(store: SqlStore, *editions: Edition) -> None:
    def work(tx: CatalogueTx) -> None:
        for each in editions:
            tx.put_edition(each)

    await store.on_catalogue(work)


async def test_the_book_is_what_its_editions_made_of_it(sql_store: SqlStore) -> None:
    await put(sql_store, FIRST)
    wanted = {(Kind.PRODUCT, "tea"): None, lane_key(ONE, 11): Lane(product="cola", par=3)}
    second = Edition(edition=9, wall_ms=2, by="ann", why="w", agreed="bob", changes=changes(BOOK, wanted))
    await put(sql_store, second)

    def read(tx: CatalogueTx) -> tuple[Book, int, tuple[Edition, ...], tuple[Edition, ...]]:
        return tx.book(), tx.newest_edition(), tx.editions_after(8), tx.editions(before=9, limit=5)

    book, newest, later, older = await sql_store.read_catalogue(read)
    assert (book, newest) == (applied(BOOK, second.changes), 9)
    assert (later, [each.edition for each in older]) == ((second,), [8])
    kept: dict[Key, object] = {(each.kind, each.key): each.after for each in older[0].changes}
    assert kept == BOOK


@pytest.mark.parametrize("table", [edition, change, bundle, moved], ids=lambda table: table.name)
async def test_what_was_said_is_never_taken_back(sql_store: SqlStore, table: object) -> None:
    await put(sql_store, FIRST)
    await sql_store.on_catalogue(lambda tx: tx.put_bundle(OFFER))
    await sql_store.on_catalogue(lambda tx: tx.put_moved(FILL))

    def erase(tx: CatalogueTx) -> None:
        assert isinstance(tx, SqlCatalogueTx)
        tx._do(table.delete())  # type: ignore[attr-defined]

    with pytest.raises(StoreFailed, match="append-only"):
        await sql_store.on_catalogue(erase)


async def test_offers_and_what_machines_say_to_them_come_back(sql_store: SqlStore) -> None:
    standing = Standing(machine=ONE, jid="j", boot=2, runs=8, refused=9, why="发光", wall_ms=3)
    later = Bundle(machine=ONE, version=12, wall_ms=2, phone="", slots=())

    def work(tx: CatalogueTx) -> None:
        tx.put_bundle(OFFER)
        tx.put_bundle(later)
        tx.put_standing(standing)

    await sql_store.on_catalogue(work)
    read = sql_store.read_catalogue
    assert await read(lambda tx: (tx.bundle(ONE, 8), tx.newest_bundle(ONE))) == (OFFER, later)
    assert await read(lambda tx: (dict(tx.bundles()), tx.bundle(TWO, 8))) == ({ONE: later}, None)
    assert await read(lambda tx: (tx.standing(ONE), tx.standing(TWO))) == (standing, None)
    assert await read(lambda tx: dict(tx.standings())) == {ONE: standing}


async def test_a_rollout_and_what_waits_come_back(sql_store: SqlStore) -> None:
    rollout = Rollout(edition=9, stage=Stage.STOPPED, minutes=10, why="w")
    stops = tuple(Stop(edition=9, machine=name, wave=0, at=At.LATE, since_wall_ms=4) for name in (ONE, TWO))
    waits = Pending(
        id=0,
        by="ann",
        why="w",
        wall_ms=1,
        effective_wall_ms=9,
        minutes=5,
        at_once=True,
        daring=("¥1",),
        changes=changes({}, {(Kind.PRODUCT, "cola"): COLA, (Kind.MACHINE, ONE): Plan(route="北")}),
    )
    await sql_store.on_catalogue(lambda tx: tx.put_rollout(rollout, stops))
    numbers = [await sql_store.on_catalogue(lambda tx: tx.put_pending(waits)) for _ in range(2)]
    assert numbers == [1, 2]
    assert await sql_store.read_catalogue(lambda tx: tx.rollout()) == (rollout, stops)
    (first, second) = await sql_store.read_catalogue(lambda tx: tx.pending())
    assert (first.id, first.changes, first.daring, first.at_once) == (1, waits.changes, ("¥1",), True)
    assert second.id == 2


async def test_pictures_and_counts_are_kept_once(sql_store: SqlStore) -> None:
    picture = Picture(sha256="a" * 64, name="茶", by="ann", wall_ms=1, png=b"\x89PNG\0")
    for _ in range(2):
        await sql_store.on_catalogue(lambda tx: tx.put_picture(picture))
    taken = [await sql_store.on_catalogue(lambda tx: tx.put_moved(FILL)) for _ in range(2)]
    assert taken == [True, False]
    read = sql_store.read_catalogue
    assert await read(lambda tx: (tx.picture("a" * 64), tx.has_picture("b" * 64))) == (picture, False)
    assert [each.png for each in await read(lambda tx: tx.pictures())] == [b""]
    sums = LaneSums(machine=ONE, lane=11, stock=Stock(refilled=7, known=True), sold=0)
    assert await read(lambda tx: tx.lane_sums([ONE, TWO], 1)) == (sums,)
    assert [each for _, each in await read(lambda tx: tx.moves(machine=ONE, before=0, limit=9))] == [FILL]
    assert await read(lambda tx: tx.moves(machine=TWO, before=0, limit=9)) == ()
    assert await read(lambda tx: dict(tx.first_sold([ONE], 1))) == {}
