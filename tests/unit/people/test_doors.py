"""T-OP-1 and T-OP-2: who is let in, how often he may try, and how long his session lives."""

import asyncio
import re
from pathlib import Path

import pytest

from cloud_bridge.core.logins import ABSOLUTE_MS, MINUTE_MS, OF_ACCOUNT, OF_ADDRESS
from cloud_bridge.core.people import Action, Role, actions
from cloud_bridge.engine_people import MOST_TRIED, hashed
from cloud_bridge.engine_totp import STEP_S, code_at
from cloud_bridge.ports_people import Busy, Entered, Tried
from cloud_bridge.web.passwords import FLOOR_KIB, MEMORY_KIB, ROUNDS, WAITING, Argon2
from tests.unit.people.house import PASSWORD, SECRET, House, house, people_of

WRONG = "name, password or code is wrong"


async def test_name_password_and_code_let_him_in_and_nothing_less_does(home: House) -> None:
    await home.user("ann", Role.OPERATOR)
    session = await home.inside("ann")
    found = home.people.by_session(session)
    assert found is not None
    assert (found.name, found.proven, found.program) == ("ann", True, False)
    assert Action.REFUND in actions(found)
    for name, password, code in [
        ("ann", PASSWORD, ""),
        ("ann", PASSWORD, "000000"),
        ("ann", PASSWORD + " ", None),
        ("ann", "", None),
        ("bob", PASSWORD, None),
        ("", "", ""),
    ]:
        assert (await home.enter(name, password, code=code)) == Entered(why=WRONG), (name, password, code)
    assert (await home.enter(" Ann ")).session


async def test_a_code_lets_in_once_also_when_two_use_it_at_once(home: House) -> None:
    await home.user("ann", Role.OPERATOR)
    code = home.code()
    tried = Tried(name="ann", password=PASSWORD, code=code, address="192.0.2.1")
    entered = await asyncio.gather(*(home.people.log_in(tried) for _ in range(4)))
    assert sorted(bool(each.session) for each in entered) == [False, False, False, True]
    assert (await home.people.log_in(tried)).why == WRONG


async def test_without_a_second_factor_he_looks_and_sets_one_up(home: House) -> None:
    await home.user("ann", Role.OPERATOR, second=False)
    session = await home.inside("ann")
    found = home.people.by_session(session)
    assert found is not None
    assert actions(found) == {Action.OWN_ACCOUNT, Action.SEE_FLEET, Action.SEE_SALES}
    assert (await home.people.offer_totp(session, "another password"))[1] == ""
    why, address = await home.people.offer_totp(session, PASSWORD)
    assert why == ""
    secret = re.findall(r"secret=([A-Z2-7]{32})&", address)[0]
    assert secret != SECRET
    assert (await home.people.take_totp(session, "000000")).session == ""
    now = home.clock.at_ms // 1000 // STEP_S
    taken = await home.people.take_totp(session, code_at(secret, now))
    renewed = home.people.by_session(taken.session)
    assert renewed is not None
    assert Action.REFUND in actions(renewed)
    assert home.people.by_session(session) is None
    assert (await home.enter("ann", code="")).why == WRONG
    assert (await home.people.take_totp(taken.session, code_at(secret, now))).session == ""


async def test_an_offered_factor_of_another_session_is_not_taken(home: House) -> None:
    await home.user("ann", Role.OPERATOR, second=False)
    first, second = await home.inside("ann"), await home.inside("ann")
    await home.people.offer_totp(first, PASSWORD)
    assert (await home.people.take_totp(second, "123456")).why.startswith("this session has ended")


# ---------------------------------------------------------------- how often


async def test_the_eleventh_try_at_a_name_waits_and_says_no_more_of_it_than_of_a_name_nobody_has(
    home: House,
) -> None:
    await home.user("ann", Role.OPERATOR)
    for name in ("ann", "nobody-here"):
        for n in range(OF_ACCOUNT.tries):
            assert (await home.enter(name, "wrong wrong wrong", address=f"192.0.2.{n}")).why == WRONG
        late = await home.enter(name, address="198.51.100.9")
        assert (late.why, late.session) == ("too many tries. Try: later", "")
        assert 0 < late.wait_s <= OF_ACCOUNT.window_ms // 1000
    home.clock.at_ms += OF_ACCOUNT.window_ms
    assert await home.inside("ann")


async def test_an_address_that_tries_many_names_waits_and_others_do_not(home: House) -> None:
    await home.user("ann", Role.OPERATOR)
    home.clock.at_ms += 10**9
    for n in range(OF_ADDRESS.tries):
        tried = Tried(name=f"name-{n}", password="wrong", address="203.0.113.5")
        await home.people.ready()
        assert (await home.people.log_in(tried)).why == WRONG
    assert (await home.enter("ann", address="203.0.113.5")).wait_s > 0
    assert (await home.enter("ann", address="203.0.113.6")).session


async def test_who_gets_in_is_not_counted_as_one_who_tried(home: House) -> None:
    await home.user("ann", Role.OPERATOR)
    for _ in range(OF_ADDRESS.tries + 5):
        assert await home.inside("ann")


async def test_tries_at_the_same_moment_are_counted_before_they_are_looked_at(home: House) -> None:
    await home.user("ann", Role.OPERATOR)
    await home.people.ready()
    tried = [Tried(name="ann", password="wrong wrong", address=f"192.0.2.{n}") for n in range(20)]
    said = [each.why for each in await asyncio.gather(*map(home.people.log_in, tried))]
    assert said.count(WRONG) == OF_ACCOUNT.tries


async def test_what_was_tried_is_forgotten_when_too_many_names_were(home: House) -> None:
    await home.people.ready()
    for n in range(MOST_TRIED + 50):
        home.people._note(f"name {n}", n)
    assert len(home.people._failed) == MOST_TRIED


async def test_his_own_password_is_asked_for_again_and_no_more_often_than_at_the_door(home: House) -> None:
    await home.user("ann", Role.OPERATOR)
    session = await home.inside("ann")
    for _ in range(OF_ACCOUNT.tries):
        assert (await home.people.change_password(session, "wrong", "x" * 20)).session == ""
    said = await home.people.change_password(session, PASSWORD, "another horse battery")
    assert said.why == "too many tries. Try: later"


# ---------------------------------------------------------------- how long


async def test_only_the_hash_of_a_session_is_kept(home: House) -> None:
    await home.user("ann", Role.OPERATOR)
    session = await home.inside("ann")
    assert re.fullmatch("[0-9a-f]{64}", session)
    assert [each.id for each in await home.kept()] == [hashed(session)]
    assert home.people.by_session(hashed(session)) is None


async def test_a_session_ends_when_nobody_asks_for_a_while_and_lives_on_when_somebody_does(
    home: House,
) -> None:
    await home.user("ann", Role.VIEWER)
    session = await home.inside("ann")
    for _ in range(5):
        home.clock.at_ms += 14 * MINUTE_MS
        assert home.people.by_session(session) is not None
    home.clock.at_ms += 15 * MINUTE_MS
    assert not home.people.lives(session)
    assert home.people.by_session(session) is None


async def test_looking_whether_a_session_lives_does_not_keep_it_alive(home: House) -> None:
    await home.user("ann", Role.VIEWER)
    session = await home.inside("ann")
    home.clock.at_ms += 14 * MINUTE_MS
    assert home.people.lives(session)
    home.clock.at_ms += MINUTE_MS
    assert not home.people.lives(session)


async def test_a_busy_session_ends_after_eight_hours(home: House) -> None:
    await home.user("ann", Role.VIEWER)
    session = await home.inside("ann")
    for _ in range(ABSOLUTE_MS // (10 * MINUTE_MS) - 1):
        home.clock.at_ms += 10 * MINUTE_MS
        assert home.people.by_session(session) is not None
    home.clock.at_ms += 10 * MINUTE_MS
    assert home.people.by_session(session) is None


async def test_each_login_has_a_number_of_its_own_and_a_logout_ends_that_one(home: House) -> None:
    await home.user("ann", Role.VIEWER)
    first, second = await home.inside("ann"), await home.inside("ann")
    assert first != second
    await home.people.log_out(first)
    assert [home.people.lives(each) for each in (first, second)] == [False, True]
    assert [each.id for each in await home.kept()] == [hashed(second)]
    await home.people.log_out(first)


async def test_a_new_password_ends_every_other_session_and_gives_this_one_a_new_number(home: House) -> None:
    await home.user("ann", Role.OPERATOR)
    here, elsewhere = await home.inside("ann"), await home.inside("ann")
    assert (await home.people.change_password(here, PASSWORD, "short")).why.startswith("password: found 5")
    said = await home.people.change_password(here, PASSWORD, "another horse battery")
    assert said.why == ""
    assert [home.people.lives(each) for each in (here, elsewhere, said.session)] == [False, False, True]
    assert (await home.enter("ann")).why == WRONG
    assert (await home.enter("ann", "another horse battery")).session


async def test_sessions_outlive_a_new_start_and_those_that_ended_do_not(home: House) -> None:
    await home.user("ann", Role.VIEWER)
    session, gone = await home.inside("ann"), await home.inside("ann")
    await home.people.log_out(gone)
    people = home.anew()
    await people.ready()
    assert [people.lives(each) for each in (session, gone)] == [True, False]


async def test_a_session_that_was_ended_is_not_written_down_again(home: House) -> None:
    await home.user("ann", Role.VIEWER)
    session = await home.inside("ann")
    home.people.by_session(session)
    await home.store.on_people(lambda tx: tx.drop_sessions("ann"))
    await home.store.on_people(lambda tx: tx.touch_session(hashed(session), 1))
    assert await home.kept() == ()


# ---------------------------------------------------------------- who is asked at all


async def test_the_first_user_turns_the_login_on_unless_the_settings_say_otherwise(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        asked = []
        for settings in ({}, {"login": False}, {"login": True}):
            people = people_of(home.store, home.passwords, home.clock, home.entropy, **settings)
            await people.ready()
            asked.append(people.asks)
        await home.user("ann", Role.ADMIN)
        for settings in ({}, {"login": False}, {"login": True}):
            people = people_of(home.store, home.passwords, home.clock, home.entropy, **settings)
            await people.ready()
            asked.append(people.asks)
        assert asked == [False, False, True, True, False, True]


async def test_who_was_shut_out_is_out_at_once_and_stays_out(home: House) -> None:
    await home.user("ann", Role.OPERATOR)
    session = await home.inside("ann")
    assert await home.people.disable("ann", "eve", "left us") == ""
    assert home.people.by_session(session) is None
    assert home.people.by_name("ann") is None
    assert (await home.enter("ann")).why == WRONG


# ---------------------------------------------------------------- Argon2


def test_what_is_asked_for_by_itself_is_what_is_recommended() -> None:
    assert (MEMORY_KIB, ROUNDS) == (19 * 1024, 2)
    kept = Argon2().kept_now(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    for less in ({"memory_kib": FLOOR_KIB - 1}, {"rounds": 0}):
        with pytest.raises(ValueError, match="allowed"):
            Argon2(**less)


async def test_a_password_kept_with_less_work_is_kept_anew_when_it_is_next_used(home: House) -> None:
    await home.user("ann", Role.VIEWER)
    home.passwords = Argon2(memory_kib=16, rounds=1)
    people = home.anew()
    assert (await home.enter("ann")).session
    (user,) = people.users
    assert "m=16,t=1" in user.password
    assert (await home.enter("ann")).session


async def test_a_name_that_nobody_has_costs_as_much_and_a_damaged_row_fits_nothing(home: House) -> None:
    assert not await home.passwords.fits("", "a password that nobody has")
    assert not await home.passwords.fits("$argon2id$broken", PASSWORD)
    looked: list[str] = []

    class Counting(Argon2):
        def _fits(self, kept: str, password: str) -> bool:
            looked.append(kept[:30])
            return super()._fits(kept, password)

    home.passwords = Counting(memory_kib=FLOOR_KIB, rounds=1)
    await home.user("ann", Role.VIEWER)
    home.anew()
    await home.enter("ann", "wrong wrong wrong")
    await home.enter("nobody-here", "wrong wrong wrong")
    assert [each[:27] for each in looked] == ["$argon2id$v=19$m=8,t=1,p=1$"] * 2


async def test_so_many_passwords_are_looked_at_and_no_more(home: House) -> None:
    asked = [home.passwords.fits("", "x") for _ in range(WAITING + 8)]
    said = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(each, Busy) for each in said) == 8
    assert not await home.passwords.fits("", "x")
