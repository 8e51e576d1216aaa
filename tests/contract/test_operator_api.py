"""The operators' API answers whatever is asked of it as its OpenAPI document says: schemathesis makes it up.

The whole bridge stands behind it, with books; a program's token of each kind asks.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings

from cloud_bridge.core.people import Role
from hw_sim.platform.keys import open_keys
from tests.unit.people.whole import Caller, Whole, arrive, somebody, whole

EACH = int(os.environ.get("REQUESTS", "4"))  # made up for each operation and role
STREAMS = {"/api/events"}


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture
def bridge(tmp_path: Path, loop: asyncio.AbstractEventLoop) -> Iterator[Whole]:
    account = tmp_path / "account"
    account.mkdir()
    open_keys(account / "keys", now_ms=1_795_000_000_000)
    books = tmp_path / "books"
    books.mkdir()

    async def serve() -> AsyncIterator[Whole]:
        async with whole(books, account) as made:
            yield made

    serving = serve()
    yield loop.run_until_complete(anext(serving))
    loop.run_until_complete(serving.aclose())  # type: ignore[attr-defined]


def _target(case: Any) -> str:
    query = urlencode(case.query or {}, doseq=True)
    return f"{case.formatted_path}?{query}" if query else str(case.formatted_path)


def _wrong(operation: Any, document: dict[str, Any], status: int, kind: str, body: bytes) -> str:
    """What the document did not say of this answer; empty when it said all of it."""
    said = operation.definition.raw["responses"]
    if status >= 500:
        return f"{status} {body[:200]!r}"
    if str(status) not in said:
        return f"{status} is not among {sorted(said)}: {body[:200]!r}"
    schema = said[str(status)].get("content", {}).get("application/json", {}).get("schema")
    if schema is None or not kind.startswith("application/json"):
        return ""
    validator = jsonschema.Draft202012Validator({**schema, "components": document["components"]})
    found = next(validator.iter_errors(json.loads(body)), None)
    return "" if found is None else f"{status} {found.message[:200]}"


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.FINANCE])
def test_every_answer_is_one_that_the_document_names(
    role: Role, bridge: Whole, loop: asyncio.AbstractEventLoop
) -> None:
    (caller,) = loop.run_until_complete(arrive(bridge, somebody(role, own=False, program=True)))
    document = loop.run_until_complete(bridge.ask("GET", "/api/openapi.json", caller.heads)).json
    found: Any = schemathesis.openapi.from_dict(document).get_all_operations()
    operations = [each.ok() for each in found]
    wrong = [
        f"{operation.method.upper()} {operation.path}: {each}"
        for operation in operations
        if operation.path not in STREAMS
        for each in _asked(operation, document, caller, bridge, loop)
    ]
    assert len(operations) > 20
    assert "\n".join(wrong) == ""


def _asked(
    operation: Any, document: dict[str, Any], caller: Caller, bridge: Whole, loop: asyncio.AbstractEventLoop
) -> set[str]:
    wrong: set[str] = set()

    @seed(20_261_125)
    @settings(
        max_examples=EACH,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        body = b"" if case.body is None or not case.media_type else json.dumps(case.body).encode()
        answer = loop.run_until_complete(
            bridge.ask(operation.method.upper(), _target(case), caller.heads, body)
        )
        wrong.add(
            _wrong(operation, document, answer.status, answer.headers.get("content-type", ""), answer.body)
        )

    ask()
    return wrong - {""}
