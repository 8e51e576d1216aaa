"""Editions on real books: who speaks for a machine, what a sale goes by, and who stops a roll-out."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cloud_bridge.core.catalogue import Kind, Lane, Plan, Product, lane_key
from cloud_bridge.core.rollout import Stage
from cloud_bridge.ports_catalogue import SETTINGS, Edit, Picture
from tests.unit.goods.books import ONE, TWO, shelf
from tests.unit.goods.shop import START_MS, Kiosk

FIVE = [f"vm-000{number}" for number in range(1, 6)]
HOUR_MS = 3_600_000


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    with Kiosk(tmp_path) as made:
        yield made


# ---------------------------------------------------------------- the settings


async def test_the_settings_are_taken_in_under_their_own_versions_once(tmp_path: Path) -> None:
    shelves = (shelf(ONE, version=8), shelf(TWO, version=3, price_fen=360))
    for _ in range(2):
        with Kiosk(tmp_path, *shelves) as kiosk:
            await kiosk.catalogues.open()
            assert (kiosk.price(ONE), kiosk.price(TWO)) == ((8, 350), (3, 360))
            assert kiosk.offered == [(ONE, 8), (TWO, 3)]
            (only,) = await kiosk.catalogues.history()
            assert (only.edition, only.by) == (8, SETTINGS)


async def test_the_settings_speak_for_a_machine_until_somebody_edits_it_in_the_books(tmp_path: Path) -> None:
    with Kiosk(tmp_path, shelf(ONE), shelf(TWO)) as kiosk:
        await kiosk.catalogues.open()
        await kiosk.edit({lane_key(ONE, 12): Lane(product="cola")})
    changed = (shelf(ONE, version=9, price_fen=370), shelf(TWO, version=9, price_fen=370))
    with Kiosk(tmp_path, *changed) as kiosk:
        await kiosk.catalogues.open()
        assert (kiosk.price(ONE), kiosk.price(TWO)) == ((2, 350), (9, 370))
        assert "catalogue.settings_unread" in kiosk.log.said
        shown = {each.machine: each.settings_differ for each in (await kiosk.catalogues.view()).machines}
        assert shown == {ONE: True, TWO: False}


async def test_a_price_in_the_settings_never_changes_another_machines_price(tmp_path: Path) -> None:
    with Kiosk(tmp_path, shelf(ONE), shelf(TWO)) as kiosk:
        await kiosk.catalogues.open()
    with Kiosk(tmp_path, shelf(ONE), shelf(TWO, price_fen=370)) as kiosk:
        await kiosk.catalogues.open()
        assert (kiosk.price(ONE), kiosk.price(TWO)) == ((1, 350), (2, 370))


async def test_a_new_phone_number_is_a_new_version(tmp_path: Path) -> None:
    with Kiosk(tmp_path) as kiosk:
        await kiosk.catalogues.open()
        await kiosk.priced(360)
    with Kiosk(tmp_path, shelf(phone="500")) as kiosk:
        await kiosk.catalogues.open()
        assert (kiosk.price(), kiosk.sold_from[ONE].phone) == ((3, 360), "500")


# ---------------------------------------------------------------- people


async def test_an_edit_is_offered_and_sold_by_at_once_and_told_with_its_difference(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    done = await kiosk.priced(360)
    assert (done.edition, done.machines) == (2, (ONE,))
    assert (kiosk.price(), kiosk.offered[-1]) == ((2, 360), (ONE, 2))
    newest, _ = await kiosk.catalogues.history()
    assert (newest.by, newest.why, newest.wall_ms) == ("ann", "w", START_MS)
    cola = next(each for each in newest.changes if each.kind is Kind.PRODUCT)
    assert (getattr(cola.before, "price_fen", 0), getattr(cola.after, "price_fen", 0)) == (350, 360)


async def test_what_somebody_else_changed_meanwhile_is_not_written_over(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    await kiosk.priced(360)
    stale = Edit(wanted=await kiosk.cola(365), base=1, by="bob", why="w", minutes=10)
    done = await kiosk.catalogues.edit(stale)
    assert "somebody was faster" in done.why_not
    assert kiosk.price() == (2, 360)


async def test_an_edit_with_a_mistake_changes_nothing(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    done = await kiosk.edit({**await kiosk.cola(360), lane_key(ONE, 13): Lane(product="juice")})
    assert [each.field for each in done.faults] == ["product"]
    assert (await kiosk.catalogues.view()).edition == 1
    assert (await kiosk.priced(350)).why_not == "nothing would change"


async def test_a_product_shows_a_picture_only_when_there_is_one(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    pictured = Product(name_zh="可乐", name_en="Cola", price_fen=350, picture="a" * 64)
    wanted = {(Kind.PRODUCT, "cola"): pictured}
    assert (await kiosk.edit(wanted)).faults[0].field == "picture"
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 20
    picture = Picture(sha256="a" * 64, name="cola", by="ann", wall_ms=0, png=png)
    assert await kiosk.catalogues.upload(replace(picture, png=b"GIF89a")) != ""
    assert "100000" in await kiosk.catalogues.upload(replace(picture, png=png + b"0" * 100_000))
    assert await kiosk.catalogues.upload(picture) == ""
    assert (await kiosk.edit(wanted)).edition == 2
    assert await kiosk.catalogues.picture("a" * 64) == png
    assert kiosk.sold_from[ONE].products[0].picture == "a" * 64


async def test_any_version_comes_back_as_a_new_one(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    await kiosk.born()
    for price_fen in (360, 370):
        done = await kiosk.priced(price_fen)
        await kiosk.says(ONE, done.edition)
    done = await kiosk.catalogues.undo(1, "bob", "too dear")
    assert (done.edition, kiosk.price()) == (4, (4, 350))
    assert (await kiosk.catalogues.undo(4, "bob", "w")).why_not.startswith("edition: found 4")


async def test_tables_are_taken_whole_or_not_at_all(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    tables = await kiosk.catalogues.tables()
    edit = Edit(wanted={}, base=0, by="ann", why="w", minutes=10)
    done, mistakes = await kiosk.catalogues.take_tables(list(tables.values()), edit)
    assert (done.why_not, mistakes) == ("nothing would change", ())
    dearer = tables["products"].replace(",350,", ",360,")
    broken = tables["lanes"].replace(f"{ONE},12,green-tea", f"{ONE},12,juice")
    done, mistakes = await kiosk.catalogues.take_tables([dearer, broken], edit)
    assert mistakes == ("file 2, row 4, column product: found 'juice', allowed the code of a product",)
    assert kiosk.price() == (1, 350)
    done, mistakes = await kiosk.catalogues.take_tables([dearer], edit)
    assert (done.edition, mistakes, kiosk.price()) == (2, (), (2, 360))


# ---------------------------------------------------------------- a second person, and an hour


async def test_a_program_sets_prices_but_none_that_want_a_second_person(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    await kiosk.born()
    edit = Edit(wanted=await kiosk.cola(35), base=1, by="bot", why="w", minutes=10, program=True)
    assert "found a program" in (await kiosk.catalogues.edit(edit)).why_not
    assert (await kiosk.catalogues.edit(replace(edit, wanted=await kiosk.cola(360)))).edition == 2
    await kiosk.says(ONE, 2)
    assert (await kiosk.priced(36)).pending == 1
    await kiosk.catalogues.agree(1, "bob")
    back = await kiosk.catalogues.undo(2, "bot", "w", program=True)
    assert ("found a program" in back.why_not, kiosk.price()) == (True, (3, 36))
    assert (await kiosk.catalogues.view()).pending == ()


async def test_a_price_far_from_the_old_one_waits_for_somebody_else(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    done = await kiosk.priced(35)
    assert (done.edition, done.pending, kiosk.price()) == (0, 1, (1, 350))
    assert done.daring == (f"{ONE} lane 11: ¥0.35 is far from ¥3.50",)
    assert "somebody else" in (await kiosk.catalogues.agree(1, "ann")).why_not
    assert (await kiosk.catalogues.agree(1, "bob")).edition == 2
    assert kiosk.price() == (2, 35)
    newest = (await kiosk.catalogues.history())[0]
    assert (newest.by, newest.agreed) == ("ann", "bob")
    assert (await kiosk.catalogues.agree(1, "bob")).why_not != ""


async def test_an_undo_to_such_a_price_waits_as_well(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    await kiosk.priced(35)
    await kiosk.catalogues.agree(1, "bob")
    done = await kiosk.catalogues.undo(1, "bob", "w")
    assert (done.pending, kiosk.price()) == (2, (2, 35))
    assert await kiosk.catalogues.drop(2, "bob") == ""
    assert (await kiosk.catalogues.view()).pending == ()


async def test_an_edition_takes_effect_at_its_hour(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    done = await kiosk.priced(360, effective_ms=START_MS + HOUR_MS)
    kiosk.clock.ms += HOUR_MS - 1
    await kiosk.looks()
    assert (done.pending, kiosk.price()) == (1, (1, 350))
    kiosk.clock.ms += 1
    await kiosk.looks()
    assert kiosk.price() == (2, 360)
    assert (await kiosk.catalogues.view()).pending == ()


async def test_an_edition_whose_ground_changed_before_its_hour_is_dropped_and_told(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    await kiosk.priced(360, effective_ms=START_MS + HOUR_MS)
    await kiosk.born()
    await kiosk.says(ONE, (await kiosk.priced(340)).edition)
    kiosk.clock.ms += HOUR_MS
    await kiosk.looks()
    assert (kiosk.price(), "catalogue.overtaken" in kiosk.log.said) == ((2, 340), True)


# ---------------------------------------------------------------- machines


async def test_a_machine_that_cannot_use_a_version_goes_on_selling_by_the_one_before(
    kiosk: Kiosk,
) -> None:
    await kiosk.catalogues.open()
    await kiosk.born()
    await kiosk.says(ONE, 1)
    await kiosk.priced(360)
    await kiosk.says(ONE, 1, offered=2, why="lanes[0].glow: found 9")
    assert kiosk.price() == (1, 350)
    view = await kiosk.catalogues.view()
    assert view.rollout is not None
    assert (view.rollout.stage, view.machines[0].state) == (Stage.STOPPED, "refused")
    (alarm,) = await kiosk.store.alarms()
    assert (alarm.name, "lanes[0].glow: found 9" in alarm.text) == ("rollout_stopped", True)
    assert "on its way" in (await kiosk.priced(365)).why_not


async def test_after_a_restart_it_still_sells_by_the_version_that_the_machine_runs(tmp_path: Path) -> None:
    with Kiosk(tmp_path) as kiosk:
        await kiosk.catalogues.open()
        await kiosk.born()
        await kiosk.priced(360)
        await kiosk.says(ONE, 1, offered=2, why="lanes[0].glow")
    with Kiosk(tmp_path) as kiosk:
        await kiosk.catalogues.open()
        assert (kiosk.price(), kiosk.offered) == ((1, 350), [(ONE, 2)])


async def test_a_refused_version_is_undone_where_it_was_offered_and_nowhere_else(tmp_path: Path) -> None:
    with Kiosk(tmp_path, *(shelf(name) for name in FIVE)) as kiosk:
        await kiosk.catalogues.open()
        for name in FIVE:
            await kiosk.born(name)
            await kiosk.says(name, 1)
        await kiosk.priced(360)
        kiosk.offered.clear()
        await kiosk.says(FIVE[0], 1, offered=2, why="lanes[0].glow")
        await kiosk.catalogues.undo(1, "bob", "it is refused")
        assert kiosk.offered == [(FIVE[0], 3)]
        assert await kiosk.store.alarms() == ()
        assert [kiosk.price(name) for name in FIVE] == [(3, 350), *[(1, 350)] * 4]


async def test_an_edition_goes_on_from_wave_to_wave_as_machines_take_it(tmp_path: Path) -> None:
    with Kiosk(tmp_path, *(shelf(name) for name in FIVE)) as kiosk:
        await kiosk.catalogues.open()
        for name in FIVE:
            await kiosk.born(name)
        kiosk.offered.clear()
        kiosk.away = {FIVE[4]}
        await kiosk.priced(360)
        assert kiosk.offered == [(FIVE[0], 2)]
        assert (kiosk.price(FIVE[0]), kiosk.price(FIVE[1])) == ((2, 360), (1, 350))
        await kiosk.says(FIVE[0], 2)
        assert kiosk.offered[1:] == [(name, 2) for name in FIVE[1:3]]
        for name in FIVE[1:4]:
            await kiosk.says(name, 2)
        assert kiosk.offered[3:] == [(name, 2) for name in FIVE[3:]]
        await kiosk.looks()
        view = await kiosk.catalogues.view()
        assert view.rollout is not None
        assert view.rollout.stage is Stage.DONE


async def test_a_session_that_is_not_believed_says_nothing_of_what_runs(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    await kiosk.says(ONE, 7)
    await kiosk.born(doubt="replaced")
    await kiosk.says(ONE, 7)
    await kiosk.born()
    await kiosk.says(ONE, 7, boot=2)
    view = await kiosk.catalogues.view()
    assert (view.machines[0].state, view.edition) == ("silent", 1)


async def test_restored_books_offer_what_they_have_above_what_the_machine_runs(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    await kiosk.born()
    await kiosk.says(ONE, 40)
    assert (kiosk.price(), kiosk.offered[-1]) == ((41, 350), (ONE, 41))
    assert (await kiosk.catalogues.history())[0].by == "bridge"
    await kiosk.says(ONE, 41)
    assert (await kiosk.priced(360)).edition == 42


async def test_a_template_is_changed_for_all_machines_that_have_it(tmp_path: Path) -> None:
    with Kiosk(tmp_path, shelf(ONE), shelf(TWO)) as kiosk:
        await kiosk.catalogues.open()
        plans = {(Kind.MACHINE, name): Plan(template="#corner") for name in (ONE, TWO)}
        lanes = {lane_key(name, lane): None for name in (ONE, TWO) for lane in (11, 12)}
        await kiosk.edit({**plans, **lanes, lane_key("#corner", 1): Lane(product="cola", price_fen=360)})
        assert (kiosk.price(ONE), kiosk.price(TWO)) == ((2, 360), (2, 360))
        for name in (ONE, TWO):
            await kiosk.born(name)
            await kiosk.says(name, 2)
        await kiosk.edit({lane_key("#corner", 1): Lane(product="cola", price_fen=370)})
        assert (kiosk.price(ONE), kiosk.price(TWO)) == ((3, 370), (3, 370))


async def test_each_change_is_in_the_audit_with_who_why_and_what(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    await kiosk.priced(35)
    await kiosk.catalogues.agree(1, "bob")
    told = [(each.by, each.action, each.about, each.why) for each in await kiosk.store.deeds()]
    assert told == [
        ("ann", "edit_catalogue", "catalogue version 2", "w"),
        ("bob", "approve", "catalogue change 1", "w"),
        ("ann", "edit_catalogue", "catalogue change 1", "w"),
        (SETTINGS, "edit_catalogue", "catalogue version 1", "the settings say so"),
    ]
    (newest, *_) = await kiosk.store.deeds()
    assert "~ product cola: price_fen 350 → 35" in newest.after


async def test_what_waited_for_somebody_is_not_made_on_other_ground(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    await kiosk.born()
    await kiosk.priced(35)
    await kiosk.says(ONE, (await kiosk.priced(360)).edition)
    done = await kiosk.catalogues.agree(1, "bob")
    assert done.why_not.startswith("product cola was changed meanwhile")
    assert (kiosk.price(), (await kiosk.catalogues.view()).pending) == ((2, 360), ())


async def test_an_undo_that_waited_for_somebody_goes_to_all_that_differ_though_a_rollout_stopped(
    tmp_path: Path,
) -> None:
    with Kiosk(tmp_path, *(shelf(name) for name in FIVE)) as kiosk:
        await kiosk.catalogues.open()
        for name in FIVE:
            await kiosk.born(name)
        await kiosk.priced(35)
        await kiosk.catalogues.agree(1, "bob")
        await kiosk.says(FIVE[0], 1, offered=2, why="lanes[0].glow")
        assert (await kiosk.catalogues.undo(1, "ann", "w")).pending == 2
        done = await kiosk.catalogues.agree(2, "bob")
        assert (done.edition, done.machines) == (3, (FIVE[0],))
        assert {kiosk.price(name)[1] for name in FIVE} == {350}
        assert await kiosk.store.alarms() == ()


async def test_a_machine_never_loses_its_plan(kiosk: Kiosk) -> None:
    await kiosk.catalogues.open()
    lanes = {lane_key(ONE, number): None for number in (11, 12)}
    done = await kiosk.edit({(Kind.MACHINE, ONE): None, **lanes})
    assert [str(each) for each in done.faults] == [
        f"machine {ONE}: machine: found nothing, allowed a plan of its own"
    ]
