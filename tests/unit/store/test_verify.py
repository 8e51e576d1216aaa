"""Books that somebody edited: each line that is not what was written is found and named."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text

from cloud_bridge.core.ledger import goods_out, payment_verified
from cloud_bridge.core.model import State
from cloud_bridge.core.trail import Change
from cloud_bridge.ports import Tx
from cloud_bridge.store.books import SqlStore
from tests.unit.bridge.rows import OFFERED, VENDED, VENDING
from tests.unit.store.samples import numbered

Opener = Callable[[str], SqlStore]
FIRST, SECOND = f"{1:026d}", f"{2:026d}"


def line(sale_id: str, after: str, number: int) -> Change:
    return Change(wall_ms=number, sale_id=sale_id, cause="x\0y", by="", before="-", after=after)


def two_sales(tx: Tx) -> None:
    """One sold, one that is being sold, whose cause of doubt holds what no database keeps."""
    for number in (1, 2):
        tx.put(numbered(OFFERED, number))
        tx.record(numbered(OFFERED, number), line(f"{number:026d}", "offered", number))
        paid = numbered(VENDING, number, doubt="a\0b")
        tx.put(paid)
        tx.post(paid.sale_id, payment_verified(350), 10 + number)
        tx.record(paid, line(paid.sale_id, "paid vend", 10 + number))
    sold = numbered(VENDED, 1)
    tx.put(sold)
    tx.post(sold.sale_id, goods_out(350), 20)
    tx.record(sold, line(sold.sale_id, "vended vend", 20))


async def edited(url: str, opened: Opener, *statements: str) -> tuple[str, ...]:
    """What is found after somebody with the database's password has been there."""
    store = opened(url)
    await store.run(two_sales)
    whole = await store.check()
    assert (whole.faults, whole.entries, whole.changes, whole.sales) == ((), 3, 5, 2)
    assert sum(whole.balances_fen.values()) == 0
    engine = create_engine(url)
    with engine.begin() as db:
        for table in ("ledger", "trail"):
            names = (
                [f"{table}_no_update", f"{table}_no_delete"]
                if engine.dialect.name == "sqlite"
                else [f"{table}_only_grows ON {table}"]
            )
            for name in names:
                db.execute(text(f"DROP TRIGGER {name}"))
        for statement in statements:
            db.execute(text(statement))
    engine.dispose()
    return (await store.check()).faults


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET fen = 349 WHERE id = 2",
        "UPDATE ledger SET credit = 'sales' WHERE id = 2",
        f"UPDATE ledger SET sale_id = '{FIRST}' WHERE id = 2",
        "UPDATE ledger SET wall_ms = wall_ms + 1 WHERE id = 2",
        "UPDATE ledger SET why = 'x' WHERE id = 2",
    ],
)
async def test_an_edited_entry_of_the_ledger_is_named(statement: str, url: str, opened: Opener) -> None:
    found = await edited(url, opened, statement)
    assert [words for words in found if words.startswith("ledger entry 2 of sale")]


@pytest.mark.parametrize("column", ["cause", "by", "before", "after", "row"])
async def test_an_edited_line_of_the_trail_is_named(column: str, url: str, opened: Opener) -> None:
    found = await edited(url, opened, f"UPDATE trail SET \"{column}\" = 'x' WHERE id = 3")
    assert f"trail line 3 of sale {SECOND} is not what was written" in found


@pytest.mark.parametrize(
    ("change", "shows"),
    [
        ("paid_fen = 1", True),
        ("state = 'refunded'", True),
        ("\"case\" = 'brakes'", True),
        ("doubt = ''", True),
        ("refund_no = 'R'", True),
        ("paid_at = paid_at", False),
    ],
)
async def test_a_row_edited_behind_its_trail_is_named(
    change: str, shows: bool, url: str, opened: Opener
) -> None:
    found = await edited(url, opened, f"UPDATE sale SET {change} WHERE sale_id = '{SECOND}'")
    words = f"sale {SECOND}: its row is not what the last line of its trail left"
    assert (words in found) == shows


async def test_a_line_taken_out_of_the_middle_is_noticed_at_the_next(url: str, opened: Opener) -> None:
    found = await edited(url, opened, "DELETE FROM ledger WHERE id = 1", "DELETE FROM trail WHERE id = 2")
    assert any(words.startswith("ledger entry 2 ") for words in found)
    assert any(words.startswith("trail line 3 ") for words in found)


async def test_an_end_that_was_cut_off_is_noticed_by_the_rows(url: str, opened: Opener) -> None:
    found = await edited(url, opened, "DELETE FROM ledger WHERE id = 3", "DELETE FROM trail WHERE id = 5")
    assert [words for words in found if words.startswith(f"sale {FIRST}: customer_liability: found 350 fen")]
    assert f"sale {FIRST}: its row is not what the last line of its trail left" in found


async def test_a_word_that_this_program_never_writes_is_a_fault_and_no_crash(
    url: str, opened: Opener
) -> None:
    found = await edited(url, opened, "UPDATE ledger SET debit = 'my_pocket' WHERE id = 1")
    assert [words for words in found if "my_pocket" in words]


async def test_money_that_no_entry_explains_is_named_by_its_sale(url: str, opened: Opener) -> None:
    store = opened(url)
    paid, sold = numbered(VENDING, 1), replace(numbered(VENDED, 2), state=State.VENDED)

    def work(tx: Tx) -> None:
        for sale in (paid, sold):
            tx.put(sale)
        tx.post(sold.sale_id, payment_verified(350), 1)

    await store.run(work)
    found = (await store.check()).faults
    assert f"sale {FIRST}: customer_liability: found 0 fen, expected 350 of a sale that is paid" in found
    assert [words for words in found if words.startswith(f"sale {SECOND}: sales: found 0 fen")]
