"""The JSON API: its members, its refusals, and that no browser lends it to a stranger."""

from dataclasses import asdict, replace
from typing import Any

import pytest

from cloud_bridge.ports import StoreFailed
from tests.unit.web.bridge import ALARM, CASE, MACHINE, SALE, START_WALL_MS, UNHEARD
from tests.unit.web.serving import Site, request, site

READ = (
    "/api/machines",
    "/api/sales",
    f"/api/sales/{SALE.sale_id}",
    "/api/totals",
    "/api/alarms",
    "/api/cases",
)
ROUTES = {path: path.replace(SALE.sale_id, "{sale_id}") for path in READ}


def fill(served: Site) -> None:
    served.bridge.show(MACHINE)
    served.bridge.show(UNHEARD)
    served.bridge.put(SALE, "edge", "lane 12 chosen")
    served.bridge.put(replace(SALE, state="vended", paid_fen=350), "wechat", "paid", after_ms=900)
    served.bridge.standing.append(ALARM)


def plain(value: Any) -> Any:
    """As JSON has it: no tuples."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple | list) else value


async def test_members_carry_the_names_of_the_ports() -> None:
    async with site() as served:
        fill(served)
        sale = asdict(replace(SALE, state="vended", paid_fen=350))
        facts = [asdict(fact) for fact in served.bridge.timelines[SALE.sale_id]]
        assert (await served.get("/api/machines")).json == plain([asdict(MACHINE), asdict(UNHEARD)])
        assert (await served.get("/api/sales")).json == [sale]
        assert (await served.get(f"/api/sales/{SALE.sale_id}")).json == {**sale, "timeline": facts}
        assert (await served.get("/api/alarms")).json == [asdict(ALARM)]
        over = replace(CASE, reason="doubt", resolution="refunded", resolved_by="ann")
        served.bridge.open_cases += [CASE, over]
        assert (await served.get("/api/cases")).json == [asdict(CASE)]
        assert (await served.get("/api/cases?everything=true")).json == [asdict(CASE), asdict(over)]
        assert (await served.get("/api/totals")).json["paid_fen"] == 350
        assert [fact["what"] for fact in facts] == ["lane 12 chosen", "paid"]


async def test_sales_are_the_newest_of_a_machine_or_of_all() -> None:
    async with site() as served:
        for n in range(60):
            machine = f"vm-000{n % 2}"
            at = START_WALL_MS + n
            served.bridge.put(replace(SALE, sale_id=f"sale{n}", machine=machine, opened_wall_ms=at))
        assert len((await served.get("/api/sales")).json) == 50
        ids = [sale["sale_id"] for sale in (await served.get("/api/sales?machine=vm-0001&limit=2")).json]
        assert ids == ["sale59", "sale57"]
        assert (await served.get("/api/sales?machine=vm-9")).json == []


@pytest.mark.parametrize(
    ("path", "status", "code", "words"),
    [
        ("/api/sales?limit=0", 400, "bad_request", "query.limit: found '0'"),
        ("/api/sales?limit=501", 400, "bad_request", "query.limit: found '501'"),
        ("/api/sales?limit=all", 400, "bad_request", "query.limit: found 'all'"),
        (f"/api/sales?machine={'x' * 65}", 400, "bad_request", "query.machine: found 'xxx"),
        ("/api/sales/%3Cscript%3E", 400, "bad_request", "path.sale_id: found '<script>'"),
        (f"/api/sales/{'x' * 65}", 400, "bad_request", "path.sale_id: found"),
        ("/api/sales/unknown", 404, "not_found", "found unknown, which is not in the books"),
        ("/api/nothing", 404, "not_found", "path: found '/api/nothing'"),
        ("/docs", 404, "not_found", "path: found '/docs'"),
        ("/static/page.html", 404, "not_found", "path:"),
        ("/static/../words.py", 404, "not_found", "path:"),
        ("/static/%2e%2e/words.py", 404, "not_found", "path:"),
    ],
)
async def test_a_refusal_says_what_was_found(path: str, status: int, code: str, words: str) -> None:
    async with site() as served:
        answer = await served.get(path)
        assert (answer.status, answer.json["code"]) == (status, code)
        assert words in answer.json["message"]


@pytest.mark.parametrize("path", [*READ, "/healthz"][1:])
async def test_books_that_cannot_be_read_are_503_and_no_detail(path: str) -> None:
    async with site() as served:
        served.bridge.broken = StoreFailed("/var/lib/secret.db: disk I/O error")
        answer = await served.get(path)
        assert (answer.status, answer.json["code"]) == (503, "store_failed")
        assert b"secret" not in answer.body
        served.bridge.broken = None
        assert (await served.get("/healthz")).json == {"status": "ok"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", [*READ, "/api/events", "/", "/static/site.js", "/healthz"])
async def test_nothing_can_be_written(method: str, path: str) -> None:
    async with site() as served:
        answer = await served.say(request(method, path, Content_Length="0"))
        assert (answer.status, answer.json["code"]) == (405, "read_only")


# ---------------------------------------------------------------- described


async def test_each_answer_is_as_the_description_says() -> None:
    async with site() as served:
        fill(served)
        described = (await served.get("/api/openapi.json")).json
        for path, route in ROUTES.items():
            answers = described["paths"][route]["get"]["responses"]
            schema = answers["200"]["content"]["application/json"]["schema"]
            check((await served.get(path)).json, schema, described["components"]["schemas"])
            assert {"400", "404", "503"} <= set(answers)
        stream = described["paths"]["/api/events"]["get"]
        assert "text/event-stream" in stream["responses"]["200"]["content"]
        assert set(described["paths"]) == {
            "/healthz",
            "/api/events",
            "/api/person",
            "/api/waiting",
            *ROUTES.values(),
        }


def check(value: Any, schema: dict[str, Any], known: dict[str, Any]) -> None:
    """A little of JSON Schema: what our own description uses, and every member described."""
    if "$ref" in schema:
        check(value, known[schema["$ref"].rpartition("/")[2]], known)
    elif "anyOf" in schema:
        assert (value is None) or schema["anyOf"][-1] == {"type": "null"}
        if value is not None:
            check(value, schema["anyOf"][0], known)
    elif schema["type"] == "array":
        for item in value:
            check(item, schema["items"], known)
    elif "properties" in schema:
        assert set(value) == set(schema["properties"]) >= set(schema["required"])
        for name, item in value.items():
            check(item, schema["properties"][name], known)
    elif schema["type"] == "object":
        for item in value.values():
            check(item, schema["additionalProperties"], known)
    else:
        assert type(value) is {"string": str, "integer": int, "boolean": bool}[schema["type"]]


# ---------------------------------------------------------------- strangers


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST"])
async def test_it_answers_to_its_own_names(host: str) -> None:
    async with site() as served:
        for path in ("/", "/api/machines"):
            assert (await served.get(path, Host=host)).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "",
        "[::1",
        "localhost@evil",
        "[]:1",
        "[::1]evil",
        "localhost:x",
    ],
)
async def test_a_name_that_somebody_pointed_here_reads_nothing(host: str) -> None:
    async with site() as served:
        fill(served)
        for path in ("/", *READ, "/api/events", "/static/site.js"):
            answer = await served.get(path, Host=host)
            assert answer.status == 421, path
            assert "localhost" in answer.json["message"]


async def test_the_settings_may_give_it_other_names() -> None:
    async with site(hosts=["ops.example.com", "[fd00::1]"]) as served:
        assert (await served.get("/", Host="ops.example.com")).status == 200
        assert (await served.get("/", Host="[fd00::1]:80")).status == 200
        assert (await served.get("/", Host="localhost")).status == 421
        assert (await served.get("/healthz", Host="10.0.0.7")).status == 200


async def test_another_sites_page_gets_no_data_and_no_leave_to_ask() -> None:
    async with site() as served:
        for path in (*READ, "/api/events"):
            assert (await served.get(path, Sec_Fetch_Site="cross-site")).status == 403
        answer = await served.get("/api/sales", Origin="https://evil.example")
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", "/static/site.js", "/api/sales", "/nothing", "/api/sales?limit=0"])
async def test_every_answer_binds_the_browser(path: str) -> None:
    async with site() as served:
        headers = (await served.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "style-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
        cached = "no-cache" if path == "/static/site.js" else "no-store"
        assert headers["cache-control"] == cached
