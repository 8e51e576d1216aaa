"""What people are to know of faults: weights, spells, those that come and go, and who is told of what."""

from dataclasses import replace

import pytest

from cloud_bridge.core.alarm import (
    FLAPS,
    HOUR_MS,
    LONGEST_SNOOZE_MIN,
    QUIET_MS,
    Ask,
    Held,
    Spell,
    Wants,
    Weight,
    cared,
    chased,
    held,
    offer,
    rule,
)
from cloud_bridge.core.alert import ANEW, News, known, news

NOW = 1_800_000_000_000
MINUTE = 60_000
JAM = Spell(machine="vm-0001", name="lane_jam", lane=12, since_wall_ms=NOW - MINUTE, text="jam")
KEY = JAM.key
ASK = Ask(machine="vm-0001", name="lane_jam", lane=12, by="ann", why="on my way")


def spells(*begun: int, stands: bool = True) -> list[Spell]:
    """One that began so many minutes ago each time, and was over half a minute later."""
    all_ = [replace(JAM, since_wall_ms=NOW - ago * MINUTE) for ago in begun]
    over = [replace(each, over_wall_ms=each.since_wall_ms + MINUTE // 2) for each in all_]
    return [*over[:-1], all_[-1]] if stands else over


# ---------------------------------------------------------------- rules


@pytest.mark.parametrize(
    ("name", "weight", "patience_s"),
    [
        ("machine_offline", Weight.URGENT, 0),
        ("doubt", Weight.URGENT, 0),
        ("brake_lane", Weight.URGENT, 0),
        ("refund_not_enough", Weight.URGENT, 0),
        ("complaint_unanswered", Weight.URGENT, 0),
        ("temperature_range", Weight.URGENT, 900),
        ("door_open", Weight.WARNING, 600),
        ("complaint", Weight.WARNING, 0),
        ("keys_own_end_north", Weight.WARNING, 0),
        ("no_sale", Weight.WARNING, 0),
        ("link_flapping", Weight.WARNING, 0),
        ("vend_failed", Weight.NOTE, 0),
        ("something_new", Weight.WARNING, 0),
    ],
)
def test_each_alarm_has_a_weight_by_the_beginning_of_its_name(
    name: str, weight: Weight, patience_s: int
) -> None:
    assert (rule(name).weight, rule(name).patience_s) == (weight, patience_s)


# ---------------------------------------------------------------- spells


def test_a_spell_begins_changes_its_words_and_is_over() -> None:
    assert chased([JAM], [], NOW) == (JAM,)
    assert chased([JAM], [JAM], NOW) == ()
    assert chased([replace(JAM, text="jam, again")], [JAM], NOW) == (replace(JAM, text="jam, again"),)
    assert chased([], [JAM], NOW) == (replace(JAM, over_wall_ms=NOW),)


def test_one_that_ended_and_began_between_two_looks_is_two_spells() -> None:
    again = replace(JAM, since_wall_ms=NOW - 10)
    assert chased([again], [JAM], NOW) == (replace(JAM, over_wall_ms=NOW - 10), again)


def test_a_spell_is_never_over_before_it_began_though_a_clock_was_set_back() -> None:
    (over,) = chased([], [JAM], JAM.since_wall_ms - HOUR_MS)
    assert over.over_wall_ms > over.since_wall_ms


def test_what_stands_is_held_the_gravest_first_and_then_the_oldest() -> None:
    gone = replace(JAM, name="machine_offline", lane=0, since_wall_ms=NOW)
    older = replace(JAM, lane=3, since_wall_ms=NOW - 9 * MINUTE)
    assert [each.spell for each in held([JAM, gone, older], NOW)] == [gone, older, JAM]


def test_what_may_stand_a_while_is_nothing_before_that() -> None:
    door = replace(JAM, name="door_open", lane=0, since_wall_ms=NOW - 599_000)
    assert held([door], NOW) == ()
    assert held([door], NOW + 1_000) != ()
    assert held([replace(door, over_wall_ms=NOW)], NOW + 60_000) == ()


def test_one_that_begins_three_times_within_an_hour_comes_and_goes_until_it_was_quiet() -> None:
    assert [each.begun for each in held(spells(40, 20), NOW)] == [2]
    (found,) = held(spells(40, 20, 1), NOW)
    assert (found.begun, found.flaps, found.stands) == (FLAPS, True, True)
    gone = spells(40, 20, 1, stands=False)
    (found,) = held(gone, NOW)
    assert (found.flaps, found.stands) == (True, False)
    assert held(gone, gone[-1].over_wall_ms + QUIET_MS - 1) != ()
    assert held(gone, gone[-1].over_wall_ms + QUIET_MS) == ()
    assert held(spells(40, 20, stands=False), NOW) == ()


def test_a_thousand_flaps_are_told_a_handful_of_times() -> None:
    """It begins and ends each half minute for hours; whoever looks each 5 s is told as one fault."""
    told: dict[tuple[str, str, int], int] = {}
    history: list[Spell] = []
    said = 0
    for at in range(NOW, NOW + 8 * HOUR_MS, 5_000):
        stands = at < NOW + 6 * HOUR_MS and at // 30_000 % 2 == 0
        standing = [replace(JAM, since_wall_ms=at // 30_000 * 30_000)] if stands else []
        for each in chased(standing, [each for each in history if not each.over_wall_ms], at):
            history = [old for old in history if old.since_wall_ms != each.since_wall_ms] + [each]
        history = [each for each in history if not each.over_wall_ms or at - each.over_wall_ms < HOUR_MS]
        offered = offer(held(history, at), {}, Wants(), at).news
        found = news(offered, told)
        said += len(found)
        for new in (*found, *known(offered, told)):
            if new.over:
                del told[new.key]
            else:
                told[new.key] = new.stamp
    assert said <= 6
    assert told == {}


# ---------------------------------------------------------------- who is told


def test_whoever_wants_only_grave_ones_hears_of_no_others() -> None:
    found = (Held(spell=JAM, weight=Weight.WARNING), Held(spell=replace(JAM, lane=1), weight=Weight.URGENT))
    offered = offer(found, {}, Wants(least=Weight.URGENT), NOW)
    assert [each.lane for each in offered.news] == [1]
    assert offered.silent == {KEY}


def test_further_sinks_are_told_of_what_nobody_took_in_time() -> None:
    found = (Held(spell=JAM, weight=Weight.WARNING),)
    wants = Wants(after_s=90)
    assert offer(found, {}, wants, NOW).news == ()
    assert len(offer(found, {}, wants, NOW + 30_000).news) == 1
    taken = {KEY: cared(None, ASK, NOW)}
    assert offer(found, taken, wants, NOW + HOUR_MS).news == ()


def test_what_is_in_somebodys_hands_is_neither_told_nor_said_to_be_over() -> None:
    offered = offer((Held(spell=JAM, weight=Weight.WARNING),), {KEY: cared(None, ASK, NOW)}, Wants(), NOW)
    assert offered.news == ()
    assert offered.silent == {KEY}


def test_a_snoozed_alarm_is_news_again_when_its_time_is_over() -> None:
    care = cared(None, replace(ASK, snooze_min=60), NOW)
    found = (Held(spell=JAM, weight=Weight.WARNING),)
    told = {KEY: JAM.since_wall_ms}
    assert offer(found, {KEY: care}, Wants(), NOW + HOUR_MS - 1).news == ()
    again = offer(found, {KEY: care}, Wants(), NOW + HOUR_MS).news
    assert [each.stamp for each in news(again, told)] == [NOW + HOUR_MS]
    assert news(again, {KEY: again[0].stamp}) == ()


def test_one_that_comes_and_goes_is_told_after_a_snooze_as_well() -> None:
    each = News(machine="m", name="n", lane=0, since_wall_ms=9, begun=5, again_wall_ms=7)
    assert news([each], {each.key: 3}) == (each,)
    assert news([each], {each.key: 8}) == ()
    assert known([each], {each.key: 8}) == (each,)
    assert known([each], {each.key: 9}) == ()
    assert news([each], {each.key: ANEW}) == (each,)


# ---------------------------------------------------------------- what a person says


def test_a_person_takes_it_snoozes_it_and_gives_it_back() -> None:
    taken = cared(None, ASK, NOW)
    assert (taken.acked_by, taken.acked_why, taken.acked_wall_ms) == ("ann", "on my way", NOW)
    asleep = cared(taken, replace(ASK, by="ben", snooze_min=5), NOW)
    assert (asleep.acked_by, asleep.snoozed_by) == ("ann", "ben")
    assert asleep.snoozed_until_wall_ms == NOW + 5 * MINUTE
    back = cared(asleep, replace(ASK, wake=True), NOW)
    assert (back.acked_by, back.snoozed_until_wall_ms) == ("", NOW)
    assert offer((Held(spell=JAM, weight=Weight.WARNING),), {KEY: back}, Wants(), NOW).news != ()


@pytest.mark.parametrize("why", ["", "  ", "x" * 201, "two\nlines"])
def test_a_reason_that_says_nothing_is_no_reason(why: str) -> None:
    with pytest.raises(ValueError, match="why: found"):
        replace(ASK, why=why)


@pytest.mark.parametrize("minutes", [-1, LONGEST_SNOOZE_MIN + 1])
def test_a_snooze_has_an_end(minutes: int) -> None:
    with pytest.raises(ValueError, match="snooze_min: found"):
        replace(ASK, snooze_min=minutes)
