"""`[web]`: who is asked for a login, and what check-config says of it."""

from dataclasses import replace

import pytest

from cloud_bridge.config_web import WebTable, described_web
from cloud_bridge.web.passwords import MEMORY_KIB, ROUNDS, Argon2


@pytest.mark.parametrize(
    ("login", "words"),
    [(None, "as soon as there is a user"), (True, "is asked for"), (False, "nobody is asked")],
)
def test_it_says_who_is_asked(login: bool | None, words: str) -> None:
    (line,) = described_web(WebTable(login=login))
    assert line.startswith("web.login: ")
    assert words in line


def test_it_warns_where_others_reach_a_page_that_need_not_ask() -> None:
    open_to_all = WebTable(host="0.0.0.0")
    assert "warning: web.host" in described_web(open_to_all)[-1]
    assert "warning: web.host" in described_web(replace(open_to_all, login=False))[-1]
    assert not [line for line in described_web(replace(open_to_all, login=True)) if "warning" in line]


def test_it_warns_where_anybody_may_write_a_name_into_the_proxys_header() -> None:
    proxied = WebTable(login=True, person_header="X-Forwarded-User")
    assert not [line for line in described_web(proxied) if "warning" in line]
    assert "warning: web.person_header" in described_web(replace(proxied, host="::"))[-1]


def test_a_password_costs_what_is_recommended_by_itself() -> None:
    table = WebTable()
    assert (table.password_memory_kib, table.password_rounds) == (MEMORY_KIB, ROUNDS)
    Argon2(memory_kib=table.password_memory_kib, rounds=table.password_rounds).close()
