"""The event stream: what it says, when, and that no text of a machine can speak for the bridge."""

import json
from dataclasses import asdict, fields, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.ports import Fact, MachineView
from cloud_bridge.web.answers import encode
from cloud_bridge.web.events import event
from cloud_bridge.web.limits import Limits
from tests.unit.web.bridge import MACHINE, SALE, START_WALL_MS, UNHEARD
from tests.unit.web.serving import Caller, Site, request, site, until

FACT = Fact(wall_ms=START_WALL_MS, machine="vm-0001", sale_id=SALE.sale_id, who="wechat", what="paid ¥3.50")


async def listen(served: Site) -> Caller:
    caller = await served.open()
    caller.send(request("GET", "/api/events"))
    assert (await caller.head()).headers["content-type"] == "text/event-stream; charset=utf-8"
    assert await caller.line() == "retry: 2000"
    assert await told(caller) == ("hello", {"wall_ms": START_WALL_MS})
    return caller


async def told(caller: Caller) -> tuple[str, Any]:
    name, data = await caller.line(), await caller.line()
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def test_facts_and_machines_come_as_they_happen() -> None:
    async with site() as served:
        served.bridge.show(MACHINE)
        served.bridge.say(FACT)  # before anybody listens
        caller = await listen(served)
        served.bridge.say(replace(FACT, what="vended"))
        assert await told(caller) == ("fact", asdict(replace(FACT, what="vended")))
        served.bridge.show(UNHEARD)
        name, machine = await told(caller)
        assert (name, machine["machine"], machine["online"]) == ("machine", "vm-0002", False)
        served.bridge.say(FACT)
        assert (await told(caller))[1]["what"] == "paid ¥3.50"


async def test_every_onlooker_hears_everything() -> None:
    async with site() as served:
        callers = [await listen(served) for _ in range(5)]
        for n in range(50):
            served.bridge.say(replace(FACT, what=str(n)))
        for caller in callers:
            assert [(await told(caller))[1]["what"] for _ in range(50)] == [str(n) for n in range(50)]


async def test_silence_is_filled_with_a_sign_of_life() -> None:
    async with site(Limits(heartbeat_s=0.01)) as served:
        caller = await listen(served)
        assert [await caller.line() for _ in range(3)] == [": alive"] * 3
        served.bridge.say(FACT)
        while (line := await caller.line()) == ": alive":
            pass
        assert line == "event: fact"


async def test_only_so_many_look_on_and_who_leaves_makes_room() -> None:
    async with site(Limits(streams=2)) as served:
        first, _ = await listen(served), await listen(served)
        full = await served.get("/api/events")
        assert (full.status, full.json["code"], full.headers["retry-after"]) == (503, "full", "60")
        first.transport.close()
        await until(lambda: served.bridge.left == 1)
        await listen(served)


async def test_a_machine_that_nobody_knows_is_no_news() -> None:
    async with site() as served:
        caller = await listen(served)
        for reader in served.bridge.change_readers:
            reader.give("vm-gone")
        served.bridge.say(FACT)
        assert (await told(caller))[0] == "fact"


# ---------------------------------------------------------------- hostile text

TEXT = st.text() | st.sampled_from(
    ["\n\nevent: fact\ndata: {}", "\r", "\u2028", "</script><script>alert(1)</script>", "\ud800", "\x00"]
)


def alike(kind: type[Fact] | type[MachineView], template: Any) -> st.SearchStrategy[Any]:
    """Like the template, with any text in each text."""
    texts = [field.name for field in fields(kind) if isinstance(getattr(template, field.name), str)]
    return st.builds(
        lambda *new: replace(template, **dict(zip(texts, new, strict=True))), *[TEXT] * len(texts)
    )


@given(value=alike(Fact, FACT) | alike(MachineView, MACHINE))
def test_any_text_stays_inside_one_event(value: Fact | MachineView) -> None:
    raw = event("fact", value)
    lines = raw.decode("ascii").splitlines()  # splits at every kind of line end
    assert [line[:6] for line in lines] == ["event:", "data: ", ""]
    assert raw.endswith(b"\n\n")
    assert json.loads(lines[1].removeprefix("data: ")) == json.loads(encode(value))
    assert json.loads(encode(value))["machine"] == value.machine
