"""A person takes an alarm away: one that stands, for a reason that is kept, and none that still warns."""

from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cloud_bridge.core.case import Case
from cloud_bridge.core.standing import Clearing, clearing
from cloud_bridge.engine_standing import clear_in
from cloud_bridge.ports import JournalRow, StandingAlarm, Store, Tx
from cloud_bridge.store.books import open_store
from cloud_bridge.store.looking import alarms
from tests.unit.bridge.rows import QUOTED

ALARM = StandingAlarm(machine="m1", name="amount_differs", lane=0, code="", text="paid 1", since_wall_ms=5)
ASKED = Clearing(name="amount_differs", machine="m1", by="ann", why="gave it back by hand")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    with closing(open_store(f"sqlite:///{tmp_path}/bridge.db", incarnation=lambda: "0" * 32)) as store:
        yield store


async def raised(store: Store, *each: StandingAlarm) -> None:
    def work(tx: Tx) -> None:
        for alarm in each:
            tx.set_alarm(alarm)

    await store.run(work)


async def clear(store: Store, asked: Clearing, *, running: bool = True) -> str:
    return await clear_in(store, asked, lambda: 7_000, running=running)


async def test_all_lanes_of_a_name_are_cleared_on_one_machine_and_nothing_else(store: Store) -> None:
    other, own = replace(ALARM, machine="m2"), replace(ALARM, machine="")
    await raised(store, ALARM, replace(ALARM, lane=3), replace(ALARM, name="brake_lane"), other, own)
    assert await clear(store, ASKED) == ""
    left = [(each.machine, each.name, each.lane) for each in await store.alarms()]
    assert left == [("", "amount_differs", 0), ("m1", "brake_lane", 0), ("m2", "amount_differs", 0)]


async def test_an_alarm_that_does_not_stand_is_said_to_stand_where_it_does(store: Store) -> None:
    assert "no such alarm on m1. Try: wxvend bridge alarms" in await clear(store, ASKED)
    await raised(store, replace(ALARM, machine="m2"), replace(ALARM, machine=""))
    assert "on m1; it stands on m2, the bridge" in await clear(store, ASKED)


@pytest.mark.parametrize(
    ("reason", "name"), [("amount_differs", "amount_differs"), ("foreign", "foreign_payment")]
)
async def test_an_alarm_of_an_open_case_ends_with_the_case_and_not_before(
    store: Store, reason: str, name: str
) -> None:
    await raised(store, replace(ALARM, name=name))

    def work(tx: Tx) -> None:
        tx.put(replace(QUOTED, machine="m1"))
        case = Case(sale_id=QUOTED.sale_id, machine="m1", reason=reason, evidence="", opened_wall_ms=6)
        tx.open_case(case)

    await store.run(work)
    assert "a case of this name is open" in await clear(store, replace(ASKED, name=name))
    assert len(await store.alarms()) == 1


async def test_a_journal_that_is_not_believed_keeps_its_alarm_until_the_machine_has_another(
    store: Store,
) -> None:
    await raised(store, replace(ALARM, name="journal_cloned"))
    asked = replace(ASKED, name="journal_cloned")
    doubted = JournalRow(machine="m1", jid="a", boot=1, bits="1", upto=0, doubt="cloned")
    await store.run(lambda tx: tx.put_journal(doubted))
    assert "the machine still speaks with that journal" in await clear(store, asked)
    await store.run(lambda tx: tx.put_journal(replace(doubted, jid="b", doubt="")))
    assert await clear(store, asked) == ""


async def test_a_bridge_that_has_stopped_selling_is_started_again_before_its_alarm_goes(store: Store) -> None:
    await raised(store, replace(ALARM, name="impossible"))
    asked = replace(ASKED, name="impossible")
    assert "Try: stop it, clear the alarm, start it" in await clear(store, asked)
    assert await clear(store, asked, running=False) == ""


@pytest.mark.parametrize("why", ["", "  ", "two\nlines", "x" * 201])
def test_a_reason_that_says_nothing_is_refused(why: str) -> None:
    with pytest.raises(ValueError, match="allowed 1 to 200 characters on one line"):
        clearing({"name": "a", "machine": "m1", "by": "ann", "why": why})
    asked = {"name": "a", "machine": "m1", "by": "ann", "why": "安装了新卡"}
    assert clearing(asked) == Clearing(**asked)


async def test_alarms_are_read_beside_the_daemon_as_they_stand(store: Store, tmp_path: Path) -> None:
    await raised(store, replace(ALARM, name="doubt", since_wall_ms=9), ALARM)
    found = alarms(f"sqlite:///{tmp_path}/bridge.db")
    assert [each.name for each in found] == ["amount_differs", "doubt"]
    assert found == await store.alarms()
