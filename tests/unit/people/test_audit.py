"""T-OP-4 and T-OP-6: every change leaves a line bound to all before it, and rights need a second admin."""

from dataclasses import fields, replace
from typing import Any

import pytest
from sqlalchemy import Table, create_engine, text

from cloud_bridge.core.logins import Session, Token, User, Wish
from cloud_bridge.core.people import Person, Role
from cloud_bridge.ports import StoreFailed
from cloud_bridge.ports_people import Deed, Line
from cloud_bridge.store import looking, tables_people
from cloud_bridge.store.books import SqlStore
from cloud_bridge.store.people import bound
from tests.unit.people.house import House, scope_of

ONE = Deed(
    wall_ms=5, by="ann", action="refund", about="sale s", machine="vm-0001", why="安", before="a", after="b"
)


@pytest.mark.parametrize(
    ("table", "kept"),
    [
        (tables_people.user, User),
        (tables_people.session, Session),
        (tables_people.token, Token),
        (tables_people.wish, Wish),
        (tables_people.audit, Line),
    ],
    ids=["user", "session", "token", "wish", "audit"],
)
def test_every_field_has_its_column(table: Table, kept: type[Any]) -> None:
    assert {column.name for column in table.columns} == {each.name for each in fields(kept)}


# ---------------------------------------------------------------- the chain


def test_each_field_is_bound_and_none_runs_into_the_next() -> None:
    first = bound("", ONE)
    for change in (
        {"wall_ms": 6},
        {"by": "bob"},
        {"action": "vended"},
        {"about": "sale t"},
        {"machine": ""},
        {"why": ""},
        {"before": "ab", "after": ""},
        {"before": "", "after": "ab"},
    ):
        assert bound("", replace(ONE, **change)) != first, change
    assert bound("x", ONE) != first
    assert len(first) == 64


async def grown(store: SqlStore, count: int = 5) -> tuple[Line, ...]:
    for n in range(count):
        await store.record(replace(ONE, wall_ms=n, about=f"sale {n}"))
    return await store.deeds(limit=500)


def edited(home: House, *statements: str) -> tuple[str, ...]:
    """What the check finds once somebody with the file at hand did this."""
    url = str(home.store._database.engine.url)
    engine = create_engine(url)
    with engine.begin() as db:
        for name in ("audit_no_update", "audit_no_delete"):
            db.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
        for statement in statements:
            db.execute(text(statement))
    engine.dispose()
    return looking.audit_checked(url, "").faults


async def test_lines_are_numbered_and_found_whole(home: House) -> None:
    lines = await grown(home.store)
    assert [line.id for line in lines] == [5, 4, 3, 2, 1]
    assert [line.id for line in await home.store.deeds(before=3, limit=1)] == [2]
    found = looking.audit_checked(str(home.store._database.engine.url), lines[2].hash)
    assert (found.lines, found.head, found.faults) == (5, lines[0].hash, ())


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("UPDATE audit SET why = 'nothing' WHERE id = 3", 3),
        ("UPDATE audit SET by = 'bob' WHERE id = 1", 1),
        ("DELETE FROM audit WHERE id = 2", 3),
        ("UPDATE audit SET id = 9 WHERE id = 4", 5),
    ],
)
async def test_a_line_that_was_changed_taken_out_or_moved_shows(
    home: House, statement: str, line: int
) -> None:
    await grown(home.store)
    found = edited(home, statement)
    assert found
    assert found[0].startswith(f"audit line {line} ")


async def test_an_end_that_was_cut_off_shows_by_a_hash_that_was_kept_elsewhere(home: House) -> None:
    lines = await grown(home.store)
    assert edited(home, "DELETE FROM audit WHERE id > 3") == ()
    url = str(home.store._database.engine.url)
    assert looking.audit_checked(url, lines[2].hash).faults == ()
    (fault,) = looking.audit_checked(url, lines[0].hash).faults
    assert "cut off or written anew" in fault


async def test_a_deed_and_its_effect_are_durable_together_or_not_at_all(home: House) -> None:
    await home.user("ann", Role.VIEWER)

    def fails(tx: Any) -> None:
        tx.deed(ONE)
        tx.drop_sessions("ann")
        raise StoreFailed("in the middle")

    before = await home.deeds()
    with pytest.raises(StoreFailed):
        await home.store.on_people(fails)
    assert await home.deeds() == before


# ---------------------------------------------------------------- who did what


async def test_coming_going_and_failing_to_come_are_each_a_line(home: House) -> None:
    await home.user("ann", Role.VIEWER, second=False)
    session = await home.inside("ann")
    await home.enter("ann", "wrong wrong wrong", address="203.0.113.8")
    await home.enter("my-password-typed-as-a-name", "x")
    await home.people.log_out(session)
    assert (await home.deeds())[-4:] == [
        ("ann", "login", "user ann"),
        ("nobody", "login_refused", "user ann"),
        ("nobody", "login_refused", "a name that nobody has"),
        ("ann", "logout", "user ann"),
    ]
    shown = repr(await home.store.deeds(limit=500))
    assert "203.0.113.8" in shown
    assert not [secret for secret in ("my-password", session, "argon2", "horse") if secret in shown]


def wish(name: str, *roles: Role, by: str, enable: bool = False) -> Wish:
    scope = scope_of(*roles)
    return Wish(
        name=name, roles=scope.roles, everywhere=True, by=by, why="he is back", wall_ms=9, enable=enable
    )


def admin(name: str, *more: Role) -> Person:
    return Person(name=name, roles=frozenset({Role.ADMIN, *more}), everywhere=True, proven=True)


async def rights(home: House, name: str) -> frozenset[Role]:
    return next(user.roles for user in home.people.users if user.name == name)


async def test_rights_wait_for_another_admin_and_end_the_sessions_they_are_about(home: House) -> None:
    await home.user("carl", Role.VIEWER)
    session = await home.inside("carl")
    assert await home.people.ask_rights(wish("carl", Role.OPERATOR, by="ann")) == ""
    assert await rights(home, "carl") == {Role.VIEWER}
    assert [each.name for each in home.people.wishes] == ["carl"]
    assert "asked for it himself" in await home.people.agree("carl", admin("ann"), yes=True)
    assert await rights(home, "carl") == {Role.VIEWER}
    assert home.people.lives(session)
    assert await home.people.agree("carl", admin("bob"), yes=True) == ""
    assert await rights(home, "carl") == {Role.OPERATOR}
    assert not home.people.lives(session)
    assert home.people.wishes == ()
    assert "nothing that waits" in await home.people.agree("carl", admin("bob"), yes=True)
    (line,) = await home.store.deeds(limit=1)
    assert (line.by, line.action, line.before, line.after) == (
        "bob",
        "user_rights",
        "viewer on all",
        "operator on all",
    )
    assert line.why == "ann asked: he is back"


async def test_nobody_agrees_to_his_own_rights_and_who_is_no_admin_to_none(home: House) -> None:
    await home.user("bob", Role.ADMIN)
    await home.people.ask_rights(wish("bob", Role.ADMIN, Role.FINANCE, by="ann"))
    for other in (
        admin("bob"),
        Person(name="fin", roles=frozenset({Role.FINANCE}), everywhere=True, proven=True),
        replace(admin("eve"), proven=False),
        replace(admin("robot"), program=True),
    ):
        assert await home.people.agree("bob", other, yes=True) != "", other.name
    assert await rights(home, "bob") == {Role.ADMIN}


async def test_an_admin_says_no_and_whoever_asked_takes_it_back(home: House) -> None:
    await home.user("carl", Role.VIEWER)
    for other in ("bob", "ann"):
        await home.people.ask_rights(wish("carl", Role.OPERATOR, by="ann"))
        assert await home.people.agree("carl", admin(other), yes=False) == ""
        assert home.people.wishes == ()
        assert await rights(home, "carl") == {Role.VIEWER}
    assert [action for _, action, _ in await home.deeds()].count("user_rights_refused") == 2


async def test_who_was_shut_out_comes_back_only_when_two_want_it(home: House) -> None:
    await home.user("carl", Role.VIEWER)
    await home.people.disable("carl", "ann", "left us")
    for enable, out in ((False, True), (True, False)):
        await home.people.ask_rights(wish("carl", Role.VIEWER, by="ann", enable=enable))
        await home.people.agree("carl", admin("bob"), yes=True)
        assert [user.disabled for user in home.people.users] == [out]


async def test_rights_that_cannot_be_given_are_not_asked_for(home: House) -> None:
    await home.user("carl", Role.VIEWER)
    for asked, word in [
        (wish("nobody-here", Role.VIEWER, by="ann"), "no user"),
        (replace(wish("carl", by="ann")), "roles"),
        (replace(wish("carl", Role.VIEWER, by="ann"), machines=frozenset({"vm-9"})), "vm-9"),
    ]:
        assert word in await home.people.ask_rights(asked)
    assert home.people.wishes == ()
