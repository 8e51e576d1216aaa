"""T-OP-2 and T-OP-3 over HTTP: the cookie, the login's answers, what a page may do, what headers bind it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from http.cookies import Morsel, SimpleCookie
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from cloud_bridge.core.logins import MINUTE_MS
from cloud_bridge.core.people import Role
from cloud_bridge.web.account import account_routes
from cloud_bridge.web.doorman import token_of
from cloud_bridge.web.people import people_routes
from tests.browser.complaints import DELIVERED, Complaints
from tests.unit.people.house import PASSWORD, House, house
from tests.unit.web.bridge import LANE, MACHINE, SALE
from tests.unit.web.serving import Answer, Site, request, site

HERE = "http://127.0.0.1:8080"
ROWS = ("101", "010", "101")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[tuple[House, Site]]:
    with house(tmp_path) as home:
        await home.user("ann", Role.OPERATOR, machines="vm-0001")
        async with served(home) as open_site:
            yield home, open_site


def served(home: House, **more: Any) -> Any:
    rooms = (
        account_routes(home.people, picture=lambda _: ROWS, address_header="X-Real-IP"),
        people_routes(home.people, home.store, home.clock),
    )
    return site(people=home.people, rooms=rooms, **more)


async def post(served: Site, path: str, told: object, **headers: str) -> Answer:
    body = json.dumps(told).encode()
    heads = {"Content_Length": str(len(body)), "Content_Type": "application/json", "Origin": HERE} | headers
    return await served.say(
        request("POST", path, body, **{name: value for name, value in heads.items() if value})
    )


async def log_in(home: House, served: Site, name: str = "ann", **headers: str) -> Answer:
    home.clock.at_ms += 30_000
    return await post(
        served, "/api/login", {"name": name, "password": PASSWORD, "code": home.code()}, **headers
    )


def cookie_of(answer: Answer) -> Morsel[str]:
    (morsel,) = SimpleCookie(answer.headers["set-cookie"]).values()
    return morsel


def inside(answer: Answer) -> dict[str, str]:
    morsel = cookie_of(answer)
    return {"Cookie": f"{morsel.key}={morsel.value}", "X_Wxvend_Token": token_of(morsel.value)}


async def test_a_cookie_is_bound_to_tls_and_to_our_own_pages(shop: tuple[House, Site]) -> None:
    home, served = shop
    morsel = cookie_of(await log_in(home, served, Origin="https://localhost"))
    assert morsel.key == "__Host-wxvend"
    assert (morsel["secure"], morsel["httponly"], morsel["samesite"]) == (True, True, "strict")
    assert (morsel["path"], morsel["domain"], morsel["max-age"], morsel["expires"]) == ("/", "", "", "")
    assert len(morsel.value) == 64


async def test_on_this_computer_alone_it_goes_without_tls_and_nowhere_else(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        await home.user("ann", Role.OPERATOR)
        async with served(home, hosts=["127.0.0.1", "ops.example.com"]) as ours:
            morsel = cookie_of(await log_in(home, ours))
            assert (morsel.key, morsel["secure"], morsel["httponly"]) == ("wxvend", "", True)
            cookie = {"Cookie": f"wxvend={morsel.value}"}
            assert (await ours.get("/api/person", **cookie)).json["name"] == "ann"
            afar = await ours.get("/api/person", **cookie, Host="ops.example.com")
            assert afar.json["name"] == ""
            clear = await log_in(home, ours, Origin="http://ops.example.com", Host="ops.example.com")
            assert (clear.status, clear.json["code"]) == (403, "not_safe")
            assert "https" in clear.json["message"]
            safe = await log_in(home, ours, Origin="https://ops.example.com", Host="ops.example.com")
            assert cookie_of(safe).key == "__Host-wxvend"


async def test_whoever_is_nobody_is_sent_to_the_login_and_a_program_is_told_so(
    shop: tuple[House, Site],
) -> None:
    _, served = shop
    page = await served.get("/sales")
    assert (page.status, page.headers["location"]) == (303, "/login?next=/sales")
    said = await served.get("/api/sales")
    assert (said.status, said.json["code"]) == (401, "nobody")
    for path in ("/login", "/static/site.js", "/healthz"):
        assert (await served.get(path)).status == 200, path
    assert "<nav" not in (await served.get("/login")).body.decode()


async def test_what_is_wrong_is_not_told_apart(shop: tuple[House, Site]) -> None:
    home, served = shop
    home.clock.at_ms += 60_000
    said = {
        (await post(served, "/api/login", {"name": name, "password": password, "code": code})).body
        for name, password, code in [
            ("ann", "wrong wrong wrong", home.code()),
            ("ann", PASSWORD, "123456"),
            ("ann", PASSWORD, ""),
            ("nobody-here", PASSWORD, home.code()),
        ]
    }
    assert len(said) == 1
    assert "set-cookie" not in (await post(served, "/api/login", {"name": "ann", "password": ""})).headers


async def test_too_many_tries_are_told_with_when_to_come_back_by_who_really_called(
    shop: tuple[House, Site],
) -> None:
    home, served = shop
    for _ in range(10):
        await post(
            served, "/api/login", {"name": "ann", "password": "x"}, X_Real_IP="198.51.100.1, 203.0.113.9"
        )
    late = await log_in(home, served)
    assert (late.status, int(late.headers["retry-after"]) > 0) == (429, True)
    assert await home.store.deeds(limit=1)
    assert (await home.store.deeds(limit=1))[0].after == "from 203.0.113.9"


async def test_what_is_no_login_is_refused_before_any_password_is_looked_at_and_never_quoted_back(
    shop: tuple[House, Site],
) -> None:
    home, served = shop
    for told in (
        {"name": "x" * 257, "password": "hunter2"},
        {"name": "hunter2"},
        ["hunter2"],
        {"name": 1, "password": {"hunter2": 1}},
        {"name": "ann", "passwort": "hunter2-secret"},
    ):
        said = await post(served, "/api/login", told)
        assert said.status == 400
        assert b"hunter2" not in said.body
    assert "login_refused" not in {action for _, action, _ in await home.deeds()}


async def test_a_page_has_the_token_that_its_changes_carry_and_a_logout_ends_it(
    shop: tuple[House, Site],
) -> None:
    home, served = shop
    who = inside(await log_in(home, served))
    page = (await served.get("/account", Cookie=who["Cookie"])).body.decode()
    assert f'<meta name="token" content="{who["X_Wxvend_Token"]}">' in page
    assert who["Cookie"].partition("=")[2] not in page
    gone = await post(served, "/api/logout", {}, **who)
    assert gone.status == 200
    assert "Max-Age=0" in gone.headers["set-cookie"]
    assert (await served.get("/api/person", Cookie=who["Cookie"])).json["name"] == ""
    assert (await post(served, "/api/logout", {}, **who)).status == 401


async def test_a_cookie_that_somebody_put_there_before_is_not_the_one_he_gets(
    shop: tuple[House, Site],
) -> None:
    home, served = shop
    planted = "0" * 64
    morsel = cookie_of(await log_in(home, served, Cookie=f"wxvend={planted}"))
    assert morsel.value != planted
    assert (await served.get("/api/person", Cookie=f"wxvend={planted}")).json["name"] == ""


async def test_one_changes_ones_password_and_goes_on_with_a_new_session(shop: tuple[House, Site]) -> None:
    home, served = shop
    who = inside(await log_in(home, served))
    wrong = await post(
        served, "/api/account/password", {"old": "no", "new": "x" * 20}, **who, Accept_Language="zh"
    )
    assert wrong.json["why"] == "当前密码不正确"
    told = {"old": PASSWORD, "new": "three more words here"}
    changed = await post(served, "/api/account/password", told, **who)
    assert (changed.json["why"], cookie_of(changed).key) == ("", "wxvend")
    assert (await served.get("/api/person", Cookie=who["Cookie"])).json["name"] == ""
    assert (await served.get("/api/person", **inside(changed))).json["name"] == "ann"


async def test_a_second_factor_is_offered_as_a_picture_once_the_password_was_said_again(
    shop: tuple[House, Site],
) -> None:
    home, served = shop
    who = inside(await log_in(home, served))
    refused = (await post(served, "/api/account/second-factor", {"password": "no"}, **who)).json
    assert (bool(refused["why"]), refused["address"], refused["rows"]) == (True, "", [])
    offered = (await post(served, "/api/account/second-factor", {"password": PASSWORD}, **who)).json
    assert offered["address"].startswith("otpauth://totp/wxvend:ann?secret=")
    assert offered["rows"] == list(ROWS)
    missed = await post(served, "/api/account/second-factor/take", {"code": "000000"}, **who)
    assert missed.json["why"]


async def test_a_stream_ends_with_the_session_that_opened_it(shop: tuple[House, Site]) -> None:
    home, served = shop
    who = inside(await log_in(home, served))
    caller = await served.open()
    caller.send(request("GET", "/api/events", Cookie=who["Cookie"], Connection="close"))
    assert (await caller.head()).status == 200
    assert (await caller.line()).startswith("retry")
    served.bridge.show(MACHINE)
    while "machine" not in await caller.line():
        pass
    home.clock.at_ms += 15 * MINUTE_MS
    served.bridge.show(MACHINE)
    rest = await caller.closed()
    assert b"vm-0001" not in rest.split(b"event: machine")[-1] or rest.count(b"event: machine") == 0


async def test_what_a_page_asks_by_itself_keeps_no_session_alive(shop: tuple[House, Site]) -> None:
    home, served = shop
    cookie = {"Cookie": inside(await log_in(home, served))["Cookie"]}
    for watching, alive in ((True, True), (False, True), (True, True), (True, True), (True, False)):
        home.clock.at_ms += 7 * MINUTE_MS
        heads = cookie | ({"X_Wxvend_Watching": "1"} if watching else {})
        assert ((await served.get("/sales", **heads)).status == 200) == alive


async def test_a_stream_shows_what_is_his_and_nothing_of_others(shop: tuple[House, Site]) -> None:
    home, served = shop
    who = inside(await log_in(home, served))
    caller = await served.open()
    caller.send(request("GET", "/api/events", Cookie=who["Cookie"]))
    await caller.head()
    await caller.line()
    foreign = replace(SALE, sale_id="f" * 26, machine="vm-0002")
    served.bridge.put(foreign, who="edge", what="of others")
    served.bridge.put(SALE, who="edge", what="his own")
    served.bridge.show(replace(MACHINE, machine="vm-0002", lanes=(LANE,)))
    served.bridge.show(MACHINE)
    heard: list[str] = []
    async with asyncio.timeout(10):
        while not ("his own" in "".join(heard) and '"machine":"vm-0001","online"' in "".join(heard)):
            heard.append(await caller.line())
    assert not [line for line in heard if "of others" in line or "vm-0002" in line]


# ---------------------------------------------------------------- programs


async def test_a_program_reads_with_its_token_and_needs_no_page(shop: tuple[House, Site]) -> None:
    home, served = shop
    words = await home.token("grafana", Role.VIEWER)
    token = {"Authorization": f"Bearer {words}"}
    assert (await served.get("/api/sales", **token)).status == 200
    assert (await served.get("/api/sales", Authorization="Bearer wxv_guessed")).status == 401
    assert (await served.get("/api/sales", Authorization=f"Basic {words}")).status == 401
    assert (await post(served, "/api/people/ann/disable", {"why": "x"}, **token)).status == 403
    assert (await served.get("/account", **token)).status == 403


async def test_a_page_of_somebody_else_cannot_use_a_token_either(shop: tuple[House, Site]) -> None:
    home, _ = shop
    token = {"Authorization": f"Bearer {await home.token('robot', Role.OPERATOR)}"}
    path = f"/api/complaints/{DELIVERED.complaint_id}/complete"
    async with served(home, complaints=Complaints(stories={DELIVERED.complaint_id: DELIVERED})) as ours:
        for origin, status in [("https://evil.example", 403), ("", 200), (HERE, 200)]:
            assert (await post(ours, path, {}, **token, Origin=origin)).status == status, origin


async def test_a_wrong_token_is_nobody_also_with_a_good_cookie(shop: tuple[House, Site]) -> None:
    home, served = shop
    who = inside(await log_in(home, served))
    said = await served.get("/api/sales", Cookie=who["Cookie"], Authorization="Bearer wxv_guessed")
    assert said.status == 401


# ---------------------------------------------------------------- a proxy


async def test_whom_the_proxy_names_is_that_user_and_nobody_else(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        await home.user("ann", Role.TECHNICIAN, second=False)
        await home.user("eve", Role.OPERATOR)
        await home.people.disable("eve", "root", "left us")
        async with served(home, person_header="X-Forwarded-User") as ours:
            for name, found in [("ann", "ann"), ("Ann", "ann"), ("eve", ""), ("bob", ""), ("x" * 65, "")]:
                said = (await ours.get("/api/person", X_Forwarded_User=name)).json
                assert said["name"] == found, name
            actions = (await ours.get("/api/person", X_Forwarded_User="ann")).json["actions"]
            assert "refill" in actions
            assert "refund" not in actions
            assert (await ours.get("/api/person")).json["name"] == ""


async def test_one_whom_the_proxy_spells_in_two_ways_is_one_person(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        async with served(home, person_header="X-Forwarded-User") as ours:
            said = [
                (await ours.get("/api/person", X_Forwarded_User=name)).json["name"]
                for name in ("ann", "Ann", " ANN ")
            ]
    assert said == ["ann", "ann", "ann"]


# ---------------------------------------------------------------- pages


async def test_each_page_is_drawn_in_both_languages(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        for name in ("ann", "bob"):
            await home.user(name, Role.ADMIN, Role.FINANCE)
        await home.user("carl", Role.TECHNICIAN, machines="vm-0001", second=False)
        async with served(home) as ours:
            who = inside(await log_in(home, ours))
            rights = {"why": "<b>summer</b>", "roles": ["operator"], "machines": ["vm-0002"]}
            assert (await post(ours, "/api/people/carl/rights", rights, **who)).json == {"why": ""}
            for language, (path, marks) in product(
                ("zh", "en"),
                [
                    ("/account", ['id="renew"', "ann"]),
                    ("/people", ["wish-carl", "user-bob", "&lt;b&gt;summer", "vm-0002"]),
                    ("/audit", ["carl", "→"]),
                ],
            ):
                page = await ours.get(path, Cookie=who["Cookie"], Accept_Language=language)
                text = page.body.decode()
                assert (page.status, f'<html lang="{language}">' in text) == (200, True), path
                assert [mark for mark in marks if mark not in text] == [], path
                assert "<b>summer" not in text
                policy = page.headers["content-security-policy"]
                assert "unsafe" not in policy
                assert "frame-ancestors 'none'" in policy
                assert "form-action 'self'" in policy


async def test_who_may_not_see_a_page_is_told_so_by_a_page(shop: tuple[House, Site]) -> None:
    home, served = shop
    who = inside(await log_in(home, served))
    page = await served.get("/people", Cookie=who["Cookie"])
    assert (page.status, 'id="no-right"' in page.body.decode()) == (403, True)


async def test_where_nobody_is_asked_the_login_says_so(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        await home.people.ready()
        async with served(home) as ours:
            assert 'id="login"' not in (await ours.get("/login")).body.decode()
            assert "user add" in (await ours.get("/account")).body.decode()
            assert "user add" in (await ours.get("/people")).body.decode()
