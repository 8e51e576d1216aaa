"""T-OP-5: every route of the whole bridge, asked by everybody about his own and about others' machines.

The routes are those that the application really has. One that names no action, and one that answers somebody
whom the table of roles does not name, fails here, whoever added it.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest
import pytest_asyncio
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from cloud_bridge.core.people import PROVEN_TWICE, Action, Person, Role
from cloud_bridge.web.doorman import Doorman
from cloud_bridge.web.who import Needs, contexts, said
from hw_sim.platform.keys import open_keys
from tests.unit.people.test_rights import GIVEN, LOOK
from tests.unit.people.whole import FOREIGN, GOODS, OWN, SALES, Caller, Whole, arrive, somebody, whole

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOBODY = Caller(Person(name=""))
# What is open to all, and why: a login has to be reached without one, a file of ours says nothing of anybody,
# and who asks who he is learns that he is nobody.
OPEN = re.compile(r"/login|/api/login|/api/person|/healthz|/static/[a-z_.-]+")
REFUSED = {303, 401, 403}
PEOPLE = (
    *(somebody(role, own=own) for role in Role for own in (True, False)),
    *(somebody(role, own=False, proven=False) for role in sorted(PROVEN_TWICE)),
    *(somebody(role, own=False, program=True) for role in Role),
)
OBJECTS = {"machine", "sale_id"}
ECHO = f"machine={FOREIGN}"  # a link to the same page in the other language
BARRED = {Action.OWN_ACCOUNT, Action.APPROVE, Action.MANAGE_PEOPLE}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bridge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    account = tmp_path_factory.mktemp("account")
    open_keys(account / "keys", now_ms=1_795_000_000_000)
    async with whole(tmp_path_factory.mktemp("bridge"), account) as made:
        yield made


def routes(bridge: Whole) -> list[tuple[str, str, Needs | None]]:
    """Each method of each path, the logout last: it ends the session that the others need."""
    found = [
        (method, str(route.path), said(route))
        for route in contexts(bridge.doorman._pages.routes)  # type: ignore[attr-defined]
        for method in sorted(route.methods or {"GET"})
    ]
    return sorted(found, key=lambda each: each[1] == "/api/logout")


def path_of(path: str, machine: str) -> str:
    """A path with names in its places: of a machine, of a sale of it, of something that is not there."""
    named = {"machine": machine, "sale_id": SALES[machine], "day": "2026-01-31", "lane": "11", "edition": "1"}
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda place: named.get(place[1], "x1"), path)


def listed(person: Person, needs: Needs) -> bool:
    """Whether the table of roles, as people read it, names him for this."""
    if needs.action is None:
        return True
    (role,) = person.roles or (None,)
    given = role is not None and GIVEN[role, needs.action]
    if person.program:
        given = given and needs.action not in BARRED
    elif role in PROVEN_TWICE and not person.proven:
        given = given and needs.action in LOOK
    return given and (person.everywhere or not needs.everywhere)


@dataclass(slots=True)
class Walk:
    """What went wrong: who was let in or kept out, and who saw what is of others or did something to it."""

    asked: int = 0
    let_in: list[tuple[str, ...]] = field(default_factory=list)
    kept_out: list[tuple[str, ...]] = field(default_factory=list)
    done: list[tuple[str, ...]] = field(default_factory=list)
    shown: list[tuple[str, ...]] = field(default_factory=list)

    async def ask(self, bridge: Whole, caller: Caller, method: str, path: str, allowed: bool) -> None:
        """One route by one caller: about what is his, and when he is not everywhere about what is not."""
        person, self.asked = caller.person, self.asked + 1
        if allowed and (person.program or (not person.proven and person.name)):
            return  # his likes of flesh and blood, or with a second factor, are asked
        name = person.name or "nobody"
        answer = await bridge.ask(method, path_of(path, OWN), caller.heads, b"{}")
        if answer.status not in REFUSED and not allowed:
            self.let_in.append((name, method, path, str(answer.status)))
        if answer.status in REFUSED and allowed:
            self.kept_out.append((name, method, path, str(answer.status)))
        if person.everywhere or not allowed:
            return
        if any(mark in answer.words for mark in (FOREIGN, SALES[FOREIGN], GOODS[FOREIGN])):
            self.shown.append((name, method, path))
        if OBJECTS & set(re.findall(r"\{(\w+)", path)):
            answer = await bridge.ask(method, path_of(path, FOREIGN), caller.heads, b"{}")
            did = answer.did
        else:
            answer = await bridge.ask(method, f"{path_of(path, OWN)}?machine={FOREIGN}", caller.heads, b"{}")
            did = FOREIGN in answer.words.replace(ECHO, "")
        if 200 <= answer.status < 300 and did:
            self.done.append((name, method, path, answer.words[:200]))


async def test_every_route_says_what_it_needs_and_what_is_open_to_all_is_listed(bridge: Whole) -> None:
    found = routes(bridge)
    assert len(found) > 60
    assert [(method, path) for method, path, needs in found if needs is None] == []
    opened = [path for _, path, needs in found if needs is not None and needs.action is None]
    assert [path for path in opened if not OPEN.fullmatch(path)] == []
    changes = [path for method, path, needs in found if method != "GET" and method != "HEAD"]
    assert [path for path in changes if not path.startswith("/api/")] == []


async def test_a_route_that_names_no_action_is_not_reached_by_anybody(bridge: Whole) -> None:
    reached: list[str] = []
    app = FastAPI()

    @app.get("/forgotten")
    @app.post("/forgotten")
    async def forgotten() -> str:
        reached.append("it")
        return "it"

    door = replace(bridge, app=Doorman(app, hosts=["127.0.0.1"], secret=b"s"))
    for method in ("GET", "POST"):
        assert (await door.ask(method, "/forgotten", {})).status == 403

    async def later(_: Request) -> Response:
        reached.append("later")
        return Response()

    app.add_route("/later", later, methods=["GET"])  # after the doorman looked
    assert (await door.ask("GET", "/later", {})).status == 404
    assert reached == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def walk(bridge: Whole) -> Walk:
    """Everybody at every route, once."""
    found = Walk()
    for caller in (NOBODY, *await arrive(bridge, *PEOPLE)):
        for method, path, needs in routes(bridge):
            if needs is not None and not path.startswith("/static/"):
                await found.ask(bridge, caller, method, path, listed(caller.person, needs))
    return found


async def test_nobody_and_nobody_else_than_the_table_names_gets_an_answer(walk: Walk) -> None:
    assert (walk.let_in, walk.kept_out) == ([], [])
    assert walk.asked > 1000


async def test_no_route_gives_away_a_machine_of_others_or_does_anything_to_it(walk: Walk) -> None:
    assert (walk.done, walk.shown) == ([], [])


async def test_what_is_his_is_shown_to_him(bridge: Whole) -> None:
    (caller,) = await arrive(bridge, somebody(Role.VIEWER, own=True))
    for path in ("/api/machines", "/api/sales", "/api/alarms", "/api/cases", f"/api/sales/{SALES[OWN]}"):
        assert OWN in (await bridge.ask("GET", path, caller.heads)).body.decode(), path
    (everywhere,) = await arrive(bridge, somebody(Role.VIEWER, own=False))
    for path in ("/api/machines", "/api/sales", "/api/alarms", "/api/cases"):
        assert FOREIGN in (await bridge.ask("GET", path, everywhere.heads)).body.decode(), path


async def test_a_change_needs_our_origin_and_the_sessions_own_token_on_every_route(bridge: Whole) -> None:
    """T-OP-3: the browser sends the cookie by itself, so the cookie alone is nothing."""
    person = Person(name="all", roles=frozenset(Role), everywhere=True, proven=True)
    (caller,) = await arrive(bridge, person)
    cookie = {"cookie": caller.heads["cookie"]}
    wrong: list[tuple[str, str, int]] = []
    for method, path, needs in routes(bridge):
        if method in ("GET", "HEAD") or (needs is not None and needs.action is None):
            continue
        for name, heads, origin in [
            ("no token", cookie, "http://127.0.0.1"),
            ("empty token", cookie | {"x-wxvend-token": ""}, "http://127.0.0.1"),
            ("another token", cookie | {"x-wxvend-token": "0" * 32}, "http://127.0.0.1"),
            ("another origin", caller.heads, "https://evil.example"),
            ("a null origin", caller.heads, "null"),
            ("no origin", caller.heads, ""),
        ]:
            answer = await bridge.ask(method, path_of(path, OWN), heads, b"{}", origin=origin)
            if (answer.status, answer.json.get("code")) != (403, "not_ours"):
                wrong.append((name, path, answer.status))
    assert wrong == []
    assert (await bridge.ask("POST", "/api/login", {}, b"{}", origin="https://evil.example")).status == 403


async def test_a_reading_changes_nothing_so_that_a_link_cannot_be_a_trap(bridge: Whole) -> None:
    changing = (
        "delete",
        "disable",
        "refund",
        "approve",
        "agree",
        "logout",
        "login",
        "refill",
        "stop",
        "edit",
    )
    reads = [path for method, path, _ in routes(bridge) if method == "GET" and path.startswith("/api/")]
    assert [path for path in reads if path.rpartition("/")[2] in changing] == []
