"""Who may do what: the table of roles and actions, scopes, what a second factor and a token change."""

from dataclasses import replace
from itertools import product

import pytest

from cloud_bridge.core.logins import (
    ABSOLUTE_MS,
    OF_ACCOUNT,
    Scope,
    Session,
    Token,
    User,
    lives,
    person_of,
    wait_ms,
    wrong_name,
    wrong_password,
    wrong_scope,
)
from cloud_bridge.core.people import LOCAL, NOBODY, Action, Person, Role, actions, may, may_approve

# As people read it: a line an action, a column a role, in the order of `Role`. x: may, -: may not.
TABLE = """
                   viewer technician operator finance admin
own_account        x      x          x        x       x
see_fleet          x      x          x        x       x
see_sales          x      x          x        x       x
see_money          x      -          x        x       x
handle_machine     -      x          x        -       -
refill             -      x          x        -       -
refund             -      -          x        x       -
approve            -      -          x        x       x
decide_case        -      -          x        x       -
free_vend          -      -          x        -       -
edit_catalogue     -      -          x        -       x
acknowledge_alarm  -      x          x        -       x
manage_people      -      -          -        -       x
see_audit          -      -          -        x       x
"""
ROWS = {line.split()[0]: line.split()[1:] for line in TABLE.strip().splitlines()[1:]}
GIVEN = {
    (role, action): ROWS[action.value][list(Role).index(role)] == "x"
    for role, action in product(Role, Action)
}
LOOK = {Action.OWN_ACCOUNT, Action.SEE_FLEET, Action.SEE_SALES}
MONEY = (Action.REFUND, Action.DECIDE_CASE, Action.FREE_VEND)


def somebody(*roles: Role, name: str = "ann", machines: tuple[str, ...] = ("m1",)) -> Person:
    return Person(name=name, roles=frozenset(roles), machines=frozenset(machines), proven=True)


def test_every_action_stands_in_the_table() -> None:
    assert set(ROWS) == {action.value for action in Action}


@pytest.mark.parametrize("role", Role)
def test_a_role_gives_what_the_table_says_and_nothing_else(role: Role) -> None:
    assert actions(somebody(role)) == {action for action in Action if GIVEN[role, action]}


def test_several_roles_give_what_each_of_them_gives() -> None:
    assert actions(somebody(Role.TECHNICIAN, Role.FINANCE)) == {
        action for action in Action if GIVEN[Role.TECHNICIAN, action] or GIVEN[Role.FINANCE, action]
    }


def test_who_makes_people_gives_no_money_back_and_who_gives_money_back_makes_no_people() -> None:
    for role in Role:
        assert not (GIVEN[role, Action.MANAGE_PEOPLE] and any(GIVEN[role, action] for action in MONEY))


def test_nobody_may_nothing_and_somebody_without_a_role_neither() -> None:
    assert actions(NOBODY) == actions(replace(LOCAL, name="")) == actions(somebody()) == frozenset()


def test_whoever_is_here_where_nobody_is_asked_may_everything() -> None:
    assert actions(LOCAL) == set(Action)
    assert may(LOCAL, Action.REFUND, "any machine")


def test_a_machine_of_others_is_not_his_whatever_his_role() -> None:
    for role, action in product(Role, Action):
        assert not may(somebody(role), action, "m2")
        assert may(somebody(role), action, "m1") == GIVEN[role, action]


def test_what_belongs_to_no_machine_is_of_whoever_is_everywhere() -> None:
    assert not somebody(Role.VIEWER).sees("")
    assert replace(somebody(Role.VIEWER), everywhere=True).sees("")
    assert not replace(somebody(Role.VIEWER), machines=frozenset({""})).sees("")


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.FINANCE, Role.ADMIN])
def test_whoever_decides_about_money_or_people_only_looks_until_he_proved_himself_twice(role: Role) -> None:
    assert actions(replace(somebody(role), proven=False)) == LOOK
    assert actions(replace(somebody(role, Role.TECHNICIAN), proven=False)) == LOOK


def test_who_decides_about_neither_needs_no_second_factor() -> None:
    for role in (Role.VIEWER, Role.TECHNICIAN):
        assert actions(replace(somebody(role), proven=False)) == actions(somebody(role))


@pytest.mark.parametrize("role", Role)
def test_a_program_is_no_second_pair_of_eyes_and_makes_no_people(role: Role) -> None:
    program = replace(somebody(role), program=True)
    barred = {Action.OWN_ACCOUNT, Action.APPROVE, Action.MANAGE_PEOPLE}
    assert actions(program) == actions(somebody(role)) - barred


def test_a_second_pair_of_eyes_is_another_person_who_might_do_it_himself() -> None:
    bob = somebody(Role.OPERATOR, name="bob")
    assert may_approve(bob, Action.REFUND, by="ann", machine="m1")
    assert not may_approve(bob, Action.REFUND, by="bob", machine="m1")
    assert not may_approve(bob, Action.REFUND, by="ann", machine="m2")
    assert not may_approve(somebody(Role.ADMIN), Action.REFUND, by="bob")
    assert not may_approve(somebody(Role.FINANCE), Action.MANAGE_PEOPLE, by="bob")
    assert not may_approve(somebody(Role.TECHNICIAN), Action.REFILL, by="bob")


# ---------------------------------------------------------------- rows


def user(**more: object) -> User:
    fields: dict[str, object] = {
        "name": "ann",
        "roles": frozenset({Role.OPERATOR}),
        "machines": frozenset({"m1"}),
        "password": "$argon2id$secret",
        "totp": "SECRETSECRET",
        "made_wall_ms": 0,
        "changed_wall_ms": 0,
    }
    return User(**(fields | more))  # type: ignore[arg-type]


def test_the_machines_of_his_merchants_are_his() -> None:
    merchant_of = {"m1": "", "m2": "east", "m3": "west", "m4": ""}
    found = person_of(user(merchants=frozenset({"east"})), merchant_of=merchant_of, proven=True)
    assert found.machines == {"m1", "m2"}
    assert found.sees_merchant("east")
    assert not found.sees_merchant("")
    first = person_of(user(merchants=frozenset({""})), merchant_of=merchant_of, proven=True)
    assert first.machines == {"m1", "m4"}


def test_a_token_is_a_program_and_no_secret_is_ever_shown() -> None:
    token = Token(id="hash-of-it", name="p", roles=frozenset({Role.VIEWER}), by="ann", made_wall_ms=0)
    assert person_of(token, merchant_of={}, proven=True).program
    session = Session(id="hash-of-a-session", name="ann", proven=True, made_wall_ms=0, seen_wall_ms=0)
    shown = repr((user(), token, session))
    assert not [secret for secret in ("argon2", "SECRET", "hash-of") if secret in shown]


@pytest.mark.parametrize(
    ("now", "living"),
    [
        (1000, True),
        (1000 + 60_000 - 1, True),
        (1000 + 60_000, False),
        (999, False),
    ],
)
def test_a_session_ends_after_a_while_without_a_request_or_when_the_clock_went_back(
    now: int, living: bool
) -> None:
    session = Session(id="s", name="ann", proven=True, made_wall_ms=1000, seen_wall_ms=1000)
    assert lives(session, now, 60_000) == living


def test_a_session_ends_after_eight_hours_however_busy_it_is() -> None:
    session = Session(id="s", name="ann", proven=True, made_wall_ms=0, seen_wall_ms=ABSOLUTE_MS - 1)
    assert lives(session, ABSOLUTE_MS - 1, 60_000)
    assert not lives(replace(session, seen_wall_ms=ABSOLUTE_MS), ABSOLUTE_MS, 60_000)


def test_the_tenth_failure_closes_an_account_until_the_first_of_them_is_old() -> None:
    failed = tuple(range(0, 9000, 1000))
    assert wait_ms(failed, OF_ACCOUNT, 9000) == 0
    failed = (*failed, 9000)
    assert wait_ms(failed, OF_ACCOUNT, 9000) == OF_ACCOUNT.window_ms - 9000
    assert wait_ms(failed, OF_ACCOUNT, OF_ACCOUNT.window_ms - 1) == 1
    assert wait_ms(failed, OF_ACCOUNT, OF_ACCOUNT.window_ms) == 0


@pytest.mark.parametrize("name", ["ann", "a1", "ann@example.com", "0-9", "ann.lee_2", "a" * 64])
def test_a_name_is_of_plain_letters(name: str) -> None:
    assert wrong_name(name) == ""


@pytest.mark.parametrize(
    "name", ["", "a", "Ann", "-ann", "a b", "ann\n", "安妮", "a" * 65, "a'b", "local", "guest"]
)
def test_other_names_and_those_of_others_are_refused(name: str) -> None:
    assert wrong_name(name).startswith("name: found ")


def test_a_password_is_long_and_is_not_the_name() -> None:
    assert wrong_password("correct horse battery", "ann") == ""
    assert wrong_password("密码很长很长很长很长很长安全", "ann") == ""
    for words in ("short", "x" * 201, "aaaaaaaaaaaaaaa", "121212121212121212", "Annual meeting 7"):
        assert wrong_password(words, "ann").startswith("password: found "), words


def test_rights_name_what_is_in_the_settings() -> None:
    machines, merchants = frozenset({"m1", "m2"}), frozenset({"", "east"})
    good = Scope(roles=frozenset({Role.VIEWER}), machines=frozenset({"m1"}))
    assert wrong_scope(good, machines, merchants) == ""
    assert wrong_scope(replace(good, machines=frozenset(), everywhere=True), machines, merchants) == ""
    for change, field in [
        ({"roles": frozenset()}, "roles"),
        ({"machines": frozenset({"m9"})}, "machines"),
        ({"merchants": frozenset({"north"})}, "merchants"),
        ({"machines": frozenset()}, "machines"),
    ]:
        wrong = wrong_scope(replace(good, **change), machines, merchants)  # type: ignore[arg-type]
        assert wrong.startswith(f"{field}: found "), change
