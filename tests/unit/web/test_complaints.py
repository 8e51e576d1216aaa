"""Complaints over HTTP: read by whoever may look, acted on by a person whom the proxy names."""

import json
from typing import Any

import pytest

from tests.browser.complaints import DELIVERED, Complaints
from tests.unit.web.serving import Answer, Site, request, site

ID = DELIVERED.complaint_id
WHO = {"X_Forwarded_User": "ann"}


def desk(**stories: Any) -> Complaints:
    return Complaints(stories={ID: DELIVERED, **stories})


async def act(
    served: Site, name: str = "answer", *, token: str = "", words: str = "", **headers: str
) -> Answer:
    body = json.dumps({"words": words}).encode()
    heads = {"Content_Length": str(len(body)), "Content_Type": "application/json", "X_Wxvend_Token": token}
    return await served.say(request("POST", f"/api/complaints/{ID}/{name}", body, **heads, **headers))


async def token_of(served: Site) -> str:
    found = (await served.get("/api/person", **WHO)).json
    assert found["name"] == "ann"
    return str(found["token"])


def ours(served: Site) -> dict[str, str]:
    return {"Origin": served.url, **WHO}


async def test_complaints_are_read_without_a_phone() -> None:
    async with site(complaints=desk()) as served:
        (row,) = (await served.get("/api/complaints")).json
        assert (row["complaint_id"], row["next"]) == (ID, "send_prepared")
        story = (await served.get(f"/api/complaints/{ID}")).json
        assert [fact["what"] for fact in story["timeline"]][-1] == "a payer complains"
        assert "phone" not in json.dumps([row, story])
        assert (await served.get("/api/complaints/nobody")).status == 404


async def test_a_bridge_without_a_desk_has_no_complaints_to_show() -> None:
    async with site() as served:
        assert (await served.get("/api/complaints")).status == 404


async def test_a_person_whom_the_proxy_names_answers_from_our_page() -> None:
    complaints = desk()
    async with site(complaints=complaints, person_header="X-Forwarded-User") as served:
        answer = await act(served, token=await token_of(served), words=" 正在核实 ", **ours(served))
        assert (answer.status, answer.json) == (200, {"why": "", "said": ""})
    assert complaints.asked == [("answer", ID, "正在核实", "ann")]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"X_Forwarded_User": ""}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": ""}, 403),
        ({"X_Wxvend_Token": "guessed"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Host": "evil.example"}, 421),
    ],
)
async def test_nobody_else_and_no_other_page_acts(changes: dict[str, str], status: int) -> None:
    complaints = desk()
    async with site(complaints=complaints, person_header="X-Forwarded-User") as served:
        headers = {"token": await token_of(served), **ours(served)}
        if "X_Wxvend_Token" in changes:
            headers["token"] = changes.pop("X_Wxvend_Token")
        answer = await act(served, **{**headers, **changes})
        assert answer.status == status
    assert complaints.asked == []


async def test_where_nobody_is_asked_whoever_is_here_acts_from_our_page_whatever_name_he_gives() -> None:
    complaints = desk()
    async with site(complaints=complaints) as served:
        here = (await served.get("/api/person", **WHO)).json
        assert here["name"] == "local"
        assert (await act(served, **ours(served))).status == 403
        assert (await act(served, token=here["token"], Origin=served.url)).status == 200
    assert complaints.asked == [("answer", ID, "", "local")]


async def test_where_a_proxy_asks_and_names_nobody_he_looks_and_no_more() -> None:
    async with site(complaints=desk(), person_header="X-Forwarded-User") as served:
        found = (await served.get("/api/person")).json
        assert (found["name"], found["token"]) == ("guest", "")
        assert (await served.get("/api/complaints")).status == 200
        assert (await act(served, Origin=served.url)).status == 403


async def test_words_have_a_bound_and_acts_have_names() -> None:
    complaints = desk()
    async with site(complaints=complaints, person_header="X-Forwarded-User") as served:
        token = await token_of(served)
        assert "200" in (await act(served, token=token, words="x" * 201, **ours(served))).json["why"]
        assert (await act(served, "refund", token=token, **ours(served))).status == 400
        assert (await act(served, token=token, words="x" * 5000, **ours(served))).status == 413
        assert (await act(served, "phone", token=token, **ours(served))).json["said"] == "13900001234"
    assert complaints.asked == [("phone", ID, "ann")]
