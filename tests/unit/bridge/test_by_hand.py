"""What one person may do about money alone, when two have to agree, and that there is one way to a refund."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cloud_bridge.core.approval import (
    DAY_MS,
    Act,
    HandAct,
    HandLimits,
    Spent,
    Stand,
    as_it_stands,
    judge,
    names,
    objection,
)
from cloud_bridge.core.case import Resolution, Wish
from cloud_bridge.core.model import Decision, State
from cloud_bridge.core.people import Person, Role
from cloud_bridge.core.sale import Sale
from cloud_bridge.core.scan import TellLease
from cloud_bridge.engine_doing import Doing
from cloud_bridge.engine_frees import Frees
from cloud_bridge.ports import Tx
from cloud_bridge.ports_doing import Handled
from cloud_bridge.store.books import SqlStore, open_store
from tests.unit.bridge.test_commands import Deeds, Scene

HERE = "vm-0001"
LIMITS = HandLimits(
    operator_fen=1_000, finance_fen=5_000, person_day_fen=8_000, machine_day_fen=6_000, wait_s=600
)


def person(name: str, *roles: Role, machines: tuple[str, ...] = ()) -> Person:
    return Person(
        name=name,
        roles=frozenset(roles),
        machines=frozenset(machines),
        everywhere=not machines,
        proven=True,
    )


ANN = person("ann", Role.OPERATOR)
BOB = person("bob", Role.OPERATOR)
BOT = replace(person("bot", Role.OPERATOR), program=True)
FAY = person("fay", Role.FINANCE)
TOM = person("tom", Role.TECHNICIAN)
SITE = person("sue", Role.OPERATOR, machines=("vm-0002",))


# ---------------------------------------------------------------- the rules


@pytest.mark.parametrize(
    ("who", "act", "fen", "spent", "ends"),
    [
        (ANN, Act.REFUND, 1_000, Spent(), "alone"),
        (ANN, Act.REFUND, 1_001, Spent(), "two"),
        (FAY, Act.REFUND, 5_000, Spent(), "alone"),
        (FAY, Act.REFUND, 5_001, Spent(), "two"),
        (ANN, Act.REFUND, 1_000, Spent(person_fen=7_000), "alone"),
        (ANN, Act.REFUND, 1_000, Spent(person_fen=7_001), "never"),
        (FAY, Act.REFUND, 8_001, Spent(), "never"),
        (FAY, Act.REFUND, 1_000, Spent(machine_fen=5_000), "alone"),
        (FAY, Act.REFUND, 1_000, Spent(machine_fen=5_001), "two"),
        (ANN, Act.VENDED, 1, Spent(), "two"),
        (ANN, Act.VENDED, 100_000, Spent(person_fen=8_000), "two"),
        (ANN, Act.FREE_VEND, 1, Spent(), "two"),
        (ANN, Act.CLOSE, 1_000, Spent(), "alone"),
        (ANN, Act.CLOSE, 1_001, Spent(), "never"),
        (FAY, Act.CLOSE, 5_000, Spent(machine_fen=9_000), "alone"),
        (ANN, Act.FREE_VEND, 1, Spent(person_fen=8_000), "never"),
        (BOT, Act.REFUND, 1_000, Spent(), "alone"),
        (BOT, Act.REFUND, 1_001, Spent(), "never"),  # who has its token may agree to it by his login
        (BOT, Act.VENDED, 1, Spent(), "never"),
        (BOT, Act.FREE_VEND, 1, Spent(), "never"),
    ],
)
def test_who_may_give_how_much(who: Person, act: Act, fen: int, spent: Spent, ends: str) -> None:
    judged = judge(who, act, fen, spent, LIMITS)
    assert ("never" if judged.refused else "two" if judged.second else "alone") == ends


WAITS = HandAct(
    id=1,
    act=Act.REFUND,
    machine=HERE,
    sale_id="s",
    fen=2_000,
    by="ann",
    why="no goods",
    asked_wall_ms=1_000,
    until_wall_ms=601_000,
    stand=Stand.WAITING,
)


@pytest.mark.parametrize(
    ("act", "who", "at_ms", "words"),
    [
        (WAITS, BOB, 1_000, ""),
        (WAITS, FAY, 600_999, ""),
        (WAITS, FAY, 601_000, "time is over"),
        (WAITS, ANN, 1_000, "yourself: somebody else"),
        (WAITS, TOM, 1_000, "may not do this yourself"),
        (WAITS, SITE, 1_000, "no such act"),
        (WAITS, replace(BOB, proven=False), 1_000, "may not do this yourself"),
        (WAITS, replace(BOB, program=True), 1_000, "may not do this yourself"),
        (replace(WAITS, stand=Stand.DONE), BOB, 1_000, "it is done"),
        (replace(WAITS, stand=Stand.DECLINED), BOB, 1_000, "it is declined"),
        (None, BOB, 1_000, "no such act"),
    ],
)
def test_the_second_person_is_another_one_who_might_do_it_himself(
    act: HandAct | None, who: Person, at_ms: int, words: str
) -> None:
    said = objection(act, who, at_ms)
    assert (words in said) if words else said == ""


def test_an_act_whose_time_is_over_is_over_also_when_nobody_wrote_it_down() -> None:
    assert as_it_stands(WAITS, 600_999).stand is Stand.WAITING
    assert as_it_stands(WAITS, 601_000).stand is Stand.EXPIRED
    assert names(WAITS) == "ann"
    assert names(replace(WAITS, second="bob")) == "ann, agreed by bob"


# ---------------------------------------------------------------- the engine, on real books


class Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def wall_ms(self) -> int:
        return self.ms


class Shop:
    """Real books, and a table of sales that says yes unless the test makes it say no."""

    def __init__(self, store: SqlStore) -> None:
        self.store, self.clock, self.audit = store, Clock(), Deeds()
        self.wishes: list[Wish] = []
        self.leases: list[tuple[str, int, str]] = []
        self.says = ""
        self.doing = Doing(
            books=store,
            resolve=self.resolve,
            commands=Scene().commands,
            audit=self.audit,
            clock=self.clock,
            limits=LIMITS,
            frees=Frees(store, self._asked),
            price_of=lambda machine, lane: 350 if (machine, lane) == (HERE, 12) else 0,
        )

    async def _asked(self, machine: str, lease: TellLease) -> str:
        self.leases.append((machine, lease.lane, lease.request_id))
        return "offline"

    async def resolve(self, wish: Wish) -> str:
        if not self.says:
            self.wishes.append(wish)
        return self.says

    async def sale(self, sale_id: str, paid_fen: int, machine: str = HERE) -> str:
        sale = Sale(
            sale_id=sale_id,
            machine=machine,
            store="s",
            opened_wall_ms=self.clock.ms,
            state=State.CASE,
            decision=Decision.VEND,
            paid_fen=paid_fen,
            price_fen=paid_fen,
            case="brakes",
            transaction_id=f"t{sale_id}",
        )

        def put(tx: Tx) -> None:
            tx.put(sale)

        await self.store.run(put)
        return sale_id


@pytest.fixture
def books(tmp_path: Path) -> Iterator[SqlStore]:
    store = open_store(f"sqlite:///{tmp_path}/b.db", incarnation=lambda: "s" * 26, idle_s=600)
    yield store
    store.close()


async def test_a_refund_within_the_limit_goes_to_the_sales_own_table_and_to_the_audit(
    books: SqlStore,
) -> None:
    async def scene(shop: Shop) -> None:
        done = await shop.doing.refund(ANN, await shop.sale("a", 350), "nothing fell")
        assert done == Handled(done=True)
        wish = Wish(sale_id="a", resolution=Resolution.REFUND, by="ann", why="nothing fell")
        assert shop.wishes == [wish]
        (deed,) = shop.audit.lines
        assert (deed.by, deed.action, deed.about, deed.why) == ("ann", "refund", "sale a", "nothing fell")
        assert deed.before == "case vend paid ¥3.50"

    await _play(books, scene)


async def test_a_large_refund_waits_for_another_person_and_is_then_done_once(books: SqlStore) -> None:
    async def scene(shop: Shop) -> None:
        asked = await shop.doing.refund(ANN, await shop.sale("a", 2_000), "nothing fell")
        assert asked.waits
        assert not asked.done
        assert shop.wishes == []
        assert "somebody else" in (await shop.doing.agree(ANN, asked.waits, "")).why
        assert (await shop.doing.agree(TOM, asked.waits, "")).why
        assert "already" in (await shop.doing.refund(BOB, "a", "again")).why
        assert (await shop.doing.agree(BOB, asked.waits, "seen")).done
        assert (await shop.doing.agree(FAY, asked.waits, "")).why == "it is done"
        assert [wish.by for wish in shop.wishes] == ["ann, agreed by bob"]
        (act,) = await shop.doing.acts(FAY)
        assert (act.stand, act.second, act.second_why) == (Stand.DONE, "bob", "seen")

    await _play(books, scene)


async def test_an_act_that_nobody_agreed_to_in_time_is_dead_and_may_be_asked_for_anew(
    books: SqlStore,
) -> None:
    async def scene(shop: Shop) -> None:
        asked = await shop.doing.refund(ANN, await shop.sale("a", 2_000), "nothing fell")
        shop.clock.ms += LIMITS.wait_s * 1000
        assert "time is over" in (await shop.doing.agree(BOB, asked.waits, "")).why
        again = await shop.doing.refund(ANN, "a", "still")
        assert again.waits > asked.waits
        assert [each.stand for each in await shop.doing.acts(BOB)] == [Stand.WAITING, Stand.EXPIRED]
        assert shop.wishes == []

    await _play(books, scene)


async def test_a_decline_ends_it_and_whoever_asked_may_take_it_back(books: SqlStore) -> None:
    async def scene(shop: Shop) -> None:
        first = await shop.doing.refund(ANN, await shop.sale("a", 2_000), "nothing fell")
        assert await shop.doing.decline(TOM, first.waits, "") != ""
        assert await shop.doing.decline(BOB, first.waits, "the camera says otherwise") == ""
        assert (await shop.doing.agree(FAY, first.waits, "")).why == "it is declined"
        second = await shop.doing.refund(ANN, await shop.sale("b", 2_000), "nothing fell")
        assert await shop.doing.decline(ANN, second.waits, "") == ""
        assert shop.wishes == []
        assert shop.audit.lines[-1].action == "refund.declined"

    await _play(books, scene)


async def test_a_persons_day_is_capped_also_by_what_waits_and_begins_anew_after_it(books: SqlStore) -> None:
    async def scene(shop: Shop) -> None:
        for number in range(7):
            assert (await shop.doing.refund(ANN, await shop.sale(f"a{number}", 1_000), "x")).done is (
                number < 6
            )
        waits = (await shop.doing.acts(BOB))[0]
        assert (waits.sale_id, waits.stand) == ("a6", Stand.WAITING)  # the machine's own cap asks for two
        assert (await shop.doing.refund(ANN, await shop.sale("b", 1_001), "x")).why.startswith("found ¥10.01")
        other = await shop.doing.refund(BOB, await shop.sale("c", 900, "vm-0009"), "x")
        assert other.done
        shop.clock.ms += DAY_MS
        assert (await shop.doing.refund(ANN, "b", "x")).waits
        assert (await shop.doing.refund(ANN, await shop.sale("d", 900), "x")).done

    await _play(books, scene)


async def test_what_the_sales_table_refuses_gives_nothing_and_counts_for_no_cap(books: SqlStore) -> None:
    async def scene(shop: Shop) -> None:
        shop.says = "it is vended for good"
        for number in range(9):
            told = await shop.doing.refund(ANN, await shop.sale(f"a{number}", 1_000), "x")
            assert told == Handled(why="it is vended for good")
        shop.says = ""
        assert (await shop.doing.refund(ANN, await shop.sale("b", 1_000), "x")).done
        assert shop.audit.lines[0].after == "refused: it is vended for good"

    await _play(books, scene)


async def test_a_doubt_is_called_goods_out_only_by_two(books: SqlStore) -> None:
    async def scene(shop: Shop) -> None:
        asked = await shop.doing.vended(ANN, await shop.sale("a", 350), "the camera saw it")
        assert asked.waits
        assert (await shop.doing.agree(FAY, asked.waits, "")).done
        assert shop.wishes[-1].resolution is Resolution.VENDED

    await _play(books, scene)


async def test_money_that_is_owed_is_called_settled_within_a_limit_and_counts_for_the_day(
    books: SqlStore,
) -> None:
    async def scene(shop: Shop) -> None:
        large = await shop.doing.close(ANN, await shop.sale("a", 1_001), "paid in cash", "brakes")
        assert large.why.startswith("found ¥10.01 owed, allowed ¥10.00")
        assert (await shop.doing.acts(ANN), shop.wishes) == ((), [])
        assert (await shop.doing.close(ANN, await shop.sale("b", 1_000), "paid in cash", "brakes")).done
        said = Wish(sale_id="b", resolution=Resolution.CLOSED, by="ann", why="paid in cash", reason="brakes")
        assert shop.wishes == [said]
        (act,) = await shop.doing.acts(ANN)
        assert (act.act, act.stand, act.fen) == (Act.CLOSE, Stand.DONE, 1_000)
        assert [deed.action for deed in shop.audit.lines] == ["case.closed", "case.closed"]
        for number in range(7):
            await shop.doing.close(ANN, await shop.sale(f"c{number}", 1_000), "paid in cash", "brakes")
        capped = await shop.doing.close(ANN, await shop.sale("d", 1_000), "paid in cash", "brakes")
        assert capped.why == "found ¥10.00, allowed ¥0.00 more today by one person"

    await _play(books, scene)


async def test_nobody_touches_a_sale_of_a_machine_that_is_not_his_nor_without_the_right(
    books: SqlStore,
) -> None:
    async def scene(shop: Shop) -> None:
        sale_id = await shop.sale("a", 350)
        for who in (SITE, TOM, person("vic", Role.VIEWER), person("abe", Role.ADMIN)):
            assert (await shop.doing.refund(who, sale_id, "x")).why == "no such sale"
        for words in ("", "  ", "a\nb", "x" * 201):
            assert (await shop.doing.refund(ANN, sale_id, words)).why.startswith("why: found")
        asked = await shop.doing.refund(ANN, await shop.sale("b", 2_000), "x")
        assert await shop.doing.acts(SITE) == ()
        assert (await shop.doing.agree(SITE, asked.waits, "")).why == "no such act"
        assert shop.wishes == []

    await _play(books, scene)


async def test_a_product_goes_out_for_nothing_only_once_two_people_agreed_and_within_a_day(
    books: SqlStore,
) -> None:
    async def scene(shop: Shop) -> None:
        asked = await shop.doing.free_vend(ANN, HERE, 12, "the machine took his coin")
        assert asked.waits
        assert (await shop.doing.give(ANN, asked.waits)).why == "it is waiting"
        assert (await shop.doing.agree(ANN, asked.waits, "")).why
        assert (await shop.doing.agree(FAY, asked.waits, "")).why  # finance gives no goods away
        assert (await shop.doing.agree(BOB, asked.waits, "")).done
        assert shop.leases == []
        assert (await shop.doing.give(TOM, asked.waits)).why == "no such act"
        assert (await shop.doing.give(ANN, asked.waits)).why == "offline"
        assert (await shop.doing.give(BOB, asked.waits)).why == "offline"
        first, second = shop.leases
        assert first == second == (HERE, 12, first[2])
        shop.clock.ms += DAY_MS
        assert "day is over" in (await shop.doing.give(ANN, asked.waits)).why
        refund = await shop.doing.refund(ANN, await shop.sale("a", 350), "x")
        assert refund.done
        assert (await shop.doing.give(ANN, asked.waits + 1)).why == "no such act"
        assert (await shop.doing.free_vend(ANN, HERE, 99, "x")).why == "no such lane"
        assert (await shop.doing.free_vend(SITE, HERE, 12, "x")).why == "no such lane"

    await _play(books, scene)


async def _play(books: SqlStore, scene: Callable[[Shop], Awaitable[None]]) -> None:
    await scene(Shop(books))
