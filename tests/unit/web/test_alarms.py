"""The alarms' page and its routes: what stands, who has it, and that only our own page may say so."""

import json
from dataclasses import dataclass, field, replace

import pytest

from cloud_bridge.core.alarm import Ask, Weight
from cloud_bridge.core.people import Person, Role
from cloud_bridge.ports_alarms import AlarmView
from cloud_bridge.web.alarms import alarm_routes
from tests.unit.web.bridge import START_WALL_MS
from tests.unit.web.serving import Answer, Site, request, site

JAM = AlarmView(
    machine="vm-0001",
    name="lane_jam",
    lane=12,
    text="lane 12: 2 failures in a row",
    since_wall_ms=START_WALL_MS - 600_000,
    over_wall_ms=0,
    weight=Weight.WARNING,
    begun=1,
    acked_by="",
    acked_why="",
    acked_wall_ms=0,
    snoozed_by="",
    snoozed_until_wall_ms=0,
    told=("ops",),
)
POOR = replace(JAM, machine="", name="refund_not_enough", lane=0, weight=Weight.URGENT, told=())
WISH = {"machine": "vm-0001", "name": "lane_jam", "lane": 12, "why": "on my way"}


@dataclass
class Care:
    """Alarms, and what was said about them."""

    found: tuple[AlarmView, ...] = (POOR, JAM)
    ended: tuple[AlarmView, ...] = (replace(JAM, lane=3, over_wall_ms=START_WALL_MS),)
    asked: list[Ask] = field(default_factory=list)
    why: str = ""

    async def views(self) -> tuple[AlarmView, ...]:
        return self.found

    async def over(self) -> tuple[AlarmView, ...]:
        return self.ended

    async def ask(self, ask: Ask) -> str:
        self.asked.append(ask)
        return self.why


class Programs:
    """A program that may look after the alarms of one machine, and one that may only look."""

    asks = True
    users = 1

    async def ready(self) -> None:
        return None

    def by_token(self, token: str) -> Person | None:
        role = {"hand": Role.TECHNICIAN, "eye": Role.VIEWER}.get(token)
        if role is None:
            return None
        return Person(name=token, roles=frozenset({role}), machines=frozenset({"vm-0001"}), program=True)

    def by_session(self, session: str) -> None:
        return None

    def lives(self, session: str) -> bool:
        return False

    def by_name(self, name: str) -> None:
        return None


async def says(served: Site, act: str, wished: dict[str, object], **headers: str) -> Answer:
    body = json.dumps(wished).encode()
    heads = {"Content_Length": str(len(body)), "Content_Type": "application/json"}
    return await served.say(request("POST", f"/api/alarms/{act}", body, **heads, **headers))


async def ours(served: Site) -> dict[str, str]:
    token = (await served.get("/api/person")).json["token"]
    return {"Origin": served.url, "X_Wxvend_Token": token}


async def test_the_page_says_each_fault_its_next_step_and_who_knows() -> None:
    async with site(rooms=(alarm_routes(Care()),)) as served:
        page = (await served.get("/alarms?language=en")).body.decode()
        assert page.index("balance") < page.index("a product is stuck")
        assert "free the product" in page
        assert "Told to: ops" in page
        assert "nobody was told yet" in page
        assert 'href="/machines/vm-0001"' in page
        assert "Over within 24 hours" in page
        chinese = (await served.get("/alarms?language=zh")).body.decode()
        assert "卡货" in chinese
        assert "货道 12：连续失败 2 次" in chinese


async def test_what_somebody_has_is_calm_and_says_who_and_until_when() -> None:
    taken = replace(JAM, acked_by="ann", acked_why="<on my way>", acked_wall_ms=START_WALL_MS, begun=5)
    asleep = replace(POOR, snoozed_by="ben", snoozed_until_wall_ms=START_WALL_MS + 1)
    async with site(rooms=(alarm_routes(Care(found=(asleep, taken))),)) as served:
        page = (await served.get("/alarms?language=en")).body.decode()
        assert "Looked after by ann" in page
        assert "&lt;on my way&gt;" in page
        assert "(ben)" in page
        assert "comes and goes, times within the hour 5" in page
        assert page.count("Tell others again") == 2
        assert 'class="stop"' not in page.split("<form")[0].split("alarm-list")[1]


async def test_no_alarm_is_said_so() -> None:
    async with site(rooms=(alarm_routes(Care(found=(), ended=())),)) as served:
        page = (await served.get("/alarms?language=en")).body.decode()
        assert "No alarm stands" in page
        assert (await served.get("/api/alarms/standing")).json == []
        assert (await served.get("/api/alarms/over")).json == []


@pytest.mark.parametrize(
    ("act", "more", "asked"),
    [
        ("acknowledge", {}, {}),
        ("snooze", {"snooze_min": 60}, {"snooze_min": 60}),
        ("wake", {}, {"wake": True}),
        ("acknowledge", {"snooze_min": 60}, {}),
    ],
)
async def test_a_person_says_something_from_our_page(
    act: str, more: dict[str, object], asked: dict[str, object]
) -> None:
    care = Care()
    async with site(rooms=(alarm_routes(care),)) as served:
        answer = await says(served, act, WISH | more, **await ours(served))
        assert (answer.status, answer.json) == (200, {"why": ""})
    whole = Ask(machine="vm-0001", name="lane_jam", lane=12, by="local", why="on my way")
    assert care.asked == [replace(whole, **asked)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("act", "more", "why"),
    [
        ("snooze", {}, "snooze_min: found 0"),
        ("snooze", {"snooze_min": 99_999}, "snooze_min: found 99999"),
        ("acknowledge", {"why": " "}, "why: found ''"),
        ("acknowledge", {"why": "x" * 201}, "why: found"),
        ("forget", {}, ""),
        ("acknowledge", {"lane": "a"}, ""),
    ],
)
async def test_what_cannot_be_said_is_refused_by_its_field(
    act: str, more: dict[str, object], why: str
) -> None:
    care = Care()
    async with site(rooms=(alarm_routes(care),)) as served:
        answer = await says(served, act, WISH | more, **await ours(served))
        assert answer.status == 400
        assert why in answer.json["message"]
    assert care.asked == []


async def test_another_page_says_nothing() -> None:
    care = Care()
    async with site(rooms=(alarm_routes(care),)) as served:
        headers = await ours(served)
        assert (
            await says(served, "wake", WISH, **headers | {"Origin": "https://evil.example"})
        ).status == 403
        assert (await says(served, "wake", WISH, **headers | {"X_Wxvend_Token": "guessed"})).status == 403
    assert care.asked == []


async def test_who_has_one_machine_sees_and_says_nothing_of_others() -> None:
    care = Care(found=(POOR, JAM, replace(JAM, machine="vm-0002")))
    async with site(rooms=(alarm_routes(care),), people=Programs()) as served:
        hand, eye = {"Authorization": "Bearer hand"}, {"Authorization": "Bearer eye"}
        rows = (await served.get("/api/alarms/standing", **hand)).json
        assert [row["machine"] for row in rows] == ["vm-0001"]
        assert (await says(served, "wake", WISH | {"machine": "vm-0002"}, **hand)).status == 404
        assert (await says(served, "wake", WISH | {"machine": ""}, **hand)).status == 404
        assert (await says(served, "wake", WISH, **eye)).status == 403
        assert (await says(served, "wake", WISH, **hand)).status == 200
        assert (await served.get("/api/alarms/standing")).status == 401
    assert [ask.by for ask in care.asked] == ["hand"]


async def test_an_alarm_that_is_over_meanwhile_is_said_so() -> None:
    async with site(rooms=(alarm_routes(Care(why="no such alarm stands any more")),)) as served:
        answer = await says(served, "wake", WISH, **await ours(served))
        assert answer.json == {"why": "no such alarm stands any more"}
