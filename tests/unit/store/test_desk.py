"""Rows that people work with, in SQLite and PostgreSQL: complaints, deliveries, who knows which alarm."""

from dataclasses import fields, replace
from typing import Any

import pytest
from sqlalchemy import Table

from cloud_bridge.core.complaint import Act, Complaint, Doing, Standing, Verdict
from cloud_bridge.core.delivery import Delivery, Outcome, Report
from cloud_bridge.core.model import Decision, State
from cloud_bridge.store import tables_desk
from cloud_bridge.store.books import SqlStore
from tests.unit.desk.shop import put
from tests.unit.desk.test_monitors import PAID

ONE = Complaint(
    complaint_id="c1",
    standing=Standing.PENDING,
    sale_id=PAID.sale_id,
    transaction_id="T1",
    amount_fen=350,
    problem="refund",
    words="没有出货 \0 of a NUL",
    phone_sealed="abc=",
    pictures="/v3/x",
    full_refunded=True,
    spoke=True,
    times=2,
    made_wall_ms=10,
    merchant="",
    seen_wall_ms=11,
    changed_wall_ms=12,
    waits_since_wall_ms=10,
    verdict=Verdict.DELIVERED,
    stale=True,
)
SAID = Doing(
    complaint_id="c1", key="answer.auto.1", kind=Act.ANSWER, words="好", by="bridge", asked_wall_ms=5
)


@pytest.mark.parametrize(
    ("table", "kept"),
    [(tables_desk.complaint, Complaint), (tables_desk.act, Doing), (tables_desk.delivery, Delivery)],
    ids=["complaint", "act", "delivery"],
)
def test_every_field_has_its_column(table: Table, kept: type[Any]) -> None:
    assert {column.name for column in table.columns} == {each.name for each in fields(kept)}


async def sold(store: SqlStore, **row: Any) -> None:
    await store.run(lambda tx: put(tx, replace(PAID, **row)))


async def test_a_complaint_comes_back_as_it_was_put(sql_store: SqlStore) -> None:
    await sql_store.on_desk(lambda tx: tx.put_complaint(ONE))
    found = await sql_store.on_desk(lambda tx: tx.complaint("c1"))
    assert found == replace(ONE, words="没有出货 \N{REPLACEMENT CHARACTER} of a NUL")
    assert await sql_store.on_desk(lambda tx: tx.complaint("c2")) is None


async def test_who_waits_longest_comes_first_and_settled_ones_last(sql_store: SqlStore) -> None:
    def write(tx: Any) -> None:
        tx.put_complaint(replace(ONE, complaint_id="calm", waits_since_wall_ms=0, made_wall_ms=1))
        tx.put_complaint(replace(ONE, complaint_id="late", waits_since_wall_ms=5))
        tx.put_complaint(replace(ONE, complaint_id="soon", waits_since_wall_ms=50))
        tx.put_complaint(replace(ONE, complaint_id="over", standing=Standing.PROCESSED))

    await sold(sql_store)
    await sql_store.on_desk(write)
    found = await sql_store.complaints(settled=1)
    assert [row.complaint_id for row, _, _ in found] == ["late", "soon", "calm", "over"]
    assert {sale.sale_id for _, _, sale in found if sale is not None} == {PAID.sale_id}
    assert len(await sql_store.complaints()) == 3


async def test_an_act_is_written_once_under_its_key(sql_store: SqlStore) -> None:
    def write(tx: Any) -> None:
        tx.put_complaint(ONE)
        tx.put_act(SAID)
        tx.put_act(replace(SAID, key="complete.2", kind=Act.COMPLETE, asked_wall_ms=6))
        tx.put_act(replace(SAID, outcome="done", tries=1))

    await sql_store.on_desk(write)
    assert await sql_store.on_desk(lambda tx: [each.key for each in tx.due_acts()]) == ["complete.2"]
    first, second = await sql_store.on_desk(lambda tx: tx.acts("c1"))
    assert (first.outcome, first.tries, second.outcome) == ("done", 1, "")


async def test_a_delivery_follows_each_change_of_its_sale(sql_store: SqlStore) -> None:
    await sold(sql_store, paid_fen=0, state=State.OFFERED, transaction_id="")
    assert await sql_store.on_desk(lambda tx: tx.delivery(PAID.sale_id)) is None
    await sold(sql_store, changed_wall_ms=1_000)
    late = await sql_store.on_desk(lambda tx: tx.overdue(10_000_000))
    assert [each.sale_id for each in late] == [PAID.sale_id]
    assert await sql_store.on_desk(lambda tx: tx.overdue(2_000)) == ()
    await sold(sql_store, changed_wall_ms=2_000, state=State.VENDED)
    row = await sql_store.on_desk(lambda tx: tx.delivery(PAID.sale_id))
    assert row is not None
    assert (row.outcome, row.paid_wall_ms, row.ended_wall_ms) == (Outcome.DELIVERED, 1_000, 2_000)
    assert await sql_store.on_desk(lambda tx: tx.last_delivered("vm-0001", 12)) == 2_000
    assert await sql_store.on_desk(lambda tx: tx.last_delivered("vm-0001", 13)) == 0
    assert await sql_store.on_desk(lambda tx: tx.overdue(10_000_000)) == ()


async def test_failed_ones_come_back_in_their_order_and_not_for_ever(sql_store: SqlStore) -> None:
    for number in (1, 2, 3):
        await sold(
            sql_store,
            sale_id=f"{number}" * 26,
            transaction_id=f"T{number}",
            decision=Decision.REFUND,
            changed_wall_ms=number * 1_000,
        )
    found = await sql_store.on_desk(lambda tx: [each.ended_wall_ms for each in tx.failed_since(1_000)])
    assert found == [2_000, 3_000]


async def test_a_report_is_due_once_and_stays_where_it_is_put(sql_store: SqlStore) -> None:
    await sold(sql_store, changed_wall_ms=2_000, state=State.VENDED)
    (fresh,) = await sql_store.on_desk(lambda tx: tx.unreported(0, 10))
    due = replace(fresh, report=Report.DUE, report_wall_ms=5_000)
    await sql_store.on_desk(lambda tx: tx.put_delivery(due))
    assert await sql_store.on_desk(lambda tx: tx.unreported(0, 10)) == ()
    assert await sql_store.on_desk(lambda tx: tx.to_report(4_999, 10)) == ()
    assert await sql_store.on_desk(lambda tx: tx.to_report(5_000, 10)) == (due,)
    await sold(sql_store, changed_wall_ms=9_000, state=State.VENDED, case="contradiction")
    assert await sql_store.on_desk(lambda tx: tx.delivery(PAID.sale_id)) == due  # nobody forgets the report


async def test_each_sink_knows_its_own_alarms(sql_store: SqlStore) -> None:
    key = ("vm-0001", "lane_jam", 12)

    def write(tx: Any) -> None:
        tx.put_told("ops", key, 5)
        tx.put_told("ops", key, 7)
        tx.put_told("mqtt", key, 5)
        tx.drop_told("mqtt", key)

    await sql_store.on_desk(write)
    assert await sql_store.on_desk(lambda tx: (dict(tx.told("ops")), dict(tx.told("mqtt")))) == ({key: 7}, {})
