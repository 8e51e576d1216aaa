"""People and the audit in SQLite and PostgreSQL: rows come back, the chain holds, no line is changed."""

from typing import Any

import pytest
from sqlalchemy import text

from cloud_bridge.core.logins import Session, Token, User, Wish
from cloud_bridge.core.people import Role
from cloud_bridge.ports import StoreFailed
from cloud_bridge.ports_people import Deed, PeopleTx
from cloud_bridge.store.books import SqlStore
from cloud_bridge.store.people import check_audit

SCOPE: dict[str, Any] = {
    "roles": frozenset({Role.FINANCE, Role.ADMIN}),
    "machines": frozenset({"vm-0001"}),
    "merchants": frozenset({"", "east"}),
}
USER = User(name="ann", **SCOPE, password="$x", totp="T", step=7, made_wall_ms=1, changed_wall_ms=2)
TOKEN = Token(id="hash", name="p", **SCOPE, by="ann", made_wall_ms=3)
WISH = Wish(name="ann", **SCOPE, enable=True, by="bob", why="安 \0", wall_ms=4)
SESSION = Session(id="s", name="ann", proven=True, made_wall_ms=5, seen_wall_ms=6)
DEED = Deed(wall_ms=5, by="ann", action="refund", about="sale s", why="安 \0")


def into(tx: PeopleTx) -> None:
    tx.put_user(USER)
    tx.put_token(TOKEN)
    tx.put_wish(WISH)
    tx.put_session(SESSION)


async def test_people_come_back_and_go(sql_store: SqlStore) -> None:
    await sql_store.on_people(into)
    found = await sql_store.on_people(lambda tx: (tx.users(), tx.tokens(), tx.sessions(), tx.user("bob")))
    assert found == ((USER,), (TOKEN,), (SESSION,), None)
    (wish,) = await sql_store.on_people(lambda tx: tx.wishes())
    assert wish.why == "安 \N{REPLACEMENT CHARACTER}"

    def away(tx: PeopleTx) -> None:
        tx.drop_token("p")
        tx.drop_wish("ann")
        tx.drop_session("s")

    await sql_store.on_people(away)
    gone = await sql_store.on_people(lambda tx: (tx.tokens(), tx.wishes(), tx.sessions()))
    assert gone == ((), (), ())


async def test_the_audit_holds_and_refuses_a_change(sql_store: SqlStore) -> None:
    for _ in range(3):
        await sql_store.record(DEED)
    found = await sql_store._read(check_audit)
    assert (found.lines, found.faults) == (3, ())
    for statement in ("UPDATE audit SET why = 'x'", "DELETE FROM audit"):
        with pytest.raises(StoreFailed, match="append-only"):
            await sql_store.on_people(lambda tx, said=statement: tx._do(text(said)))  # type: ignore[misc]
    assert len(await sql_store.deeds()) == 3
