"""`wxvend bridge user | audit` without a daemon: what is written, what is said, and what is refused."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from cloud_bridge.store import looking
from hw_sim.platform.keys import open_keys
from tests.unit.people.house import PASSWORD
from tests.unit.people.whole import written

STRONG = "19 MiB and two rounds"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings, and a password in a file; these tests tell one story of the same books."""
    account, folder = tmp_path_factory.mktemp("account"), tmp_path_factory.mktemp("bridge")
    open_keys(account / "keys", now_ms=1_795_000_000_000)
    (folder / "password").write_text(f"{PASSWORD}\n")
    return written(folder, account)


def wxvend(config: Path, *command: str) -> Result:
    return CliRunner().invoke(main, ["bridge", *command, "--config", str(config)])


def user(config: Path, *command: str) -> Result:
    return wxvend(config, "user", *command)


def url(config: Path) -> str:
    return f"sqlite:///{config.parent}/bridge.db"


def with_password(config: Path) -> tuple[str, ...]:
    return ("--password-file", str(config.parent / "password"))


def test_the_first_admin_is_made_before_there_is_a_daemon_or_a_book(config: Path) -> None:
    said = user(
        config, "add", "ann", "--role", "admin", "--all", "--why", "the owner", *with_password(config)
    )
    assert (said.exit_code, said.output) == (
        0,
        "ann: admin on all; he looks only, until he set up a second factor\n",
    )
    ((ann,), _) = looking.people(url(config))
    assert ann.password.startswith("$argon2id$v=19$m=19456,t=2,p=1$"), STRONG
    assert (ann.everywhere, ann.totp, ann.disabled) == (True, "", False)


def test_rights_on_machines_and_merchants_are_given_and_changed(config: Path) -> None:
    made = user(config, "add", "carl", "--role", "technician", "--machine", "vm-0001", *with_password(config))
    assert made.output == "carl: technician on vm-0001\n"
    said = user(config, "roles", "carl", "--role", "viewer", "--merchant", "-", "--json")
    assert json.loads(said.output) == {"ok": True, "why": ""}
    told = json.loads(user(config, "list", "--json").output)
    assert [(each["name"], each["rights"]) for each in told["users"]] == [
        ("ann", "admin on all"),
        ("carl", "viewer on merchants -"),
    ]
    assert "carl" in user(config, "list").output


@pytest.mark.parametrize(
    ("command", "code", "word"),
    [
        (("add", "ann", "--role", "viewer", "--all"), 1, "is there already"),
        (("add", "local", "--role", "viewer", "--all"), 1, "somebody else"),
        (("add", "dora", "--role", "boss", "--all"), 2, "boss"),
        (("add", "dora", "--role", "viewer"), 1, "allowed machines"),
        (("add", "dora", "--role", "viewer", "--machine", "vm-9"), 1, "vm-9"),
        (("passwd", "nobody-here"), 1, "no user"),
        (("disable", "nobody-here"), 1, "no user"),
        (("revoke", "nothing"), 1, "no token"),
        (("enable", "carl", "--by", "x" * 65), 2, "by: found"),
        (("enable", "carl", "--why", "x" * 201), 2, "why: found"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(
    config: Path, command: tuple[str, ...], code: int, word: str
) -> None:
    more = with_password(config) if command[0] in ("add", "passwd") else ()
    said = user(config, *command, *more)
    assert (said.exit_code, word in said.output) == (code, True), said.output


def test_a_password_is_never_on_the_command_line_and_never_weak(config: Path) -> None:
    asked = user(config, "add", "dora", "--role", "viewer", "--all")
    assert (asked.exit_code, "--password-file" in asked.output) == (2, True)
    assert user(config, "add", "dora", "--role", "viewer", "--all", "--password", PASSWORD).exit_code == 2
    weak = config.parent / "weak"
    weak.write_text("short\n")
    said = user(config, "add", "dora", "--role", "viewer", "--all", "--password-file", str(weak))
    assert (said.exit_code, "found 5 characters" in said.output) == (2, True)


def test_a_token_is_shown_once_and_only_its_hash_is_kept(config: Path) -> None:
    shown = user(config, "token", "grafana", "--role", "viewer", "--all").output.strip()
    assert re.fullmatch(r"wxv_[A-Za-z0-9_-]{43}", shown)
    (_, (token,)) = looking.people(url(config))
    assert re.fullmatch("[0-9a-f]{64}", token.id)
    for path in config.parent.glob("bridge.db*"):
        assert shown.encode() not in path.read_bytes()
    assert "token: viewer on all" in user(config, "list").output
    assert "already" in user(config, "token", "ann", "--role", "viewer", "--all").output
    assert user(config, "revoke", "grafana").exit_code == 0
    assert looking.people(url(config))[1] == ()


def test_who_lost_his_phone_or_left_is_helped_or_shut_out(config: Path) -> None:
    for command, disabled in (("totp", False), ("passwd", False), ("disable", True), ("enable", False)):
        more = with_password(config) if command == "passwd" else ()
        assert user(config, command, "carl", *more).exit_code == 0
        (_, carl), _ = looking.people(url(config))
        assert (carl.disabled, carl.totp) == (disabled, "")


def test_everything_stands_in_the_audit_with_who_stood_there_and_why(config: Path) -> None:
    said = wxvend(config, "audit").output
    assert re.search(r"\(at the bridge\)  user_add  user ann: the owner  admin on all", said)
    lines = [json.loads(line) for line in wxvend(config, "audit", "--json").output.splitlines()]
    assert [line["id"] for line in lines] == list(range(1, len(lines) + 1))
    assert {"user_add", "user_rights", "token_add", "token_revoke", "user_disable"} <= {
        line["action"] for line in lines
    }
    rows = list(csv.DictReader(io.StringIO(wxvend(config, "audit", "--csv").output)))
    assert [row["hash"] for row in rows] == [line["hash"] for line in lines]
    for secret in ("argon2", "wxv_", PASSWORD):
        assert secret not in said + wxvend(config, "audit", "--csv").output


def test_the_audit_is_verified_by_a_command(config: Path) -> None:
    whole = json.loads(wxvend(config, "audit", "--check", "--json").output)
    assert (whole["ok"], whole["faults"], whole["lines"] > 8) == (True, [], True)
    assert wxvend(config, "audit", "--check", "--head", whole["head"]).exit_code == 0
    cut = wxvend(config, "audit", "--check", "--head", "0" * 64)
    assert (cut.exit_code, "cut off or written anew" in cut.output) == (1, True)
