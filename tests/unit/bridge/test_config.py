"""The bridge's settings and its command: every mistake named with its place, and keys told apart."""

import json
import shutil
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from cloud_bridge.config import broker_settings, findings, key_place, machine_keys, read_settings
from cloud_bridge.core.timings import Limits, Timings
from hw_sim.platform.keys import open_keys
from wire.envelope import BadKeyFile, generate, key_id, load_private, load_public, save_private, save_public
from wire.settings import BadSettings

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "bridge.toml"
NOW_S = time.time()  # the command looks at the clock itself
CREDENTIALS = 'credentials_file = "keys/credentials.json"'


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a merchant gets from the console, made by the simulated platform."""
    folder = tmp_path_factory.mktemp("account")
    open_keys(folder / "keys", now_ms=round(NOW_S * 1000))
    return folder


@pytest.fixture
def folder(tmp_path: Path, account: Path) -> Path:
    """The example as it is shipped, with the files that it names."""
    shutil.copytree(account / "keys", tmp_path / "keys")
    (tmp_path / "bridge.toml").write_text(EXAMPLE.read_text())
    save_public(tmp_path / "vm-0001.pub", generate().public_key())
    assert wxvend("init", tmp_path).exit_code == 0
    return tmp_path


def wxvend(command: str, folder: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["bridge", command, "--config", str(folder / "bridge.toml"), *more])


def change(folder: Path, old: str, new: str) -> Path:
    path = folder / "bridge.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


# ---------------------------------------------------------------- what it reads


def test_the_example_works_as_it_is(folder: Path) -> None:
    settings = read_settings(folder / "bridge.toml")
    assert settings.store.url == f"sqlite:///{folder / 'bridge.db'}"
    (shelf,) = settings.shelves
    assert (shelf.machine, shelf.version, shelf.phone) == ("vm-0001", 1, "400-800-1234")
    assert [(product.lane, product.price_fen) for product in shelf.products] == [
        (11, 350),
        (12, 200),
        (13, 400),
    ]
    good, lines = findings(folder / "bridge.toml", now_s=NOW_S)
    assert good, lines


def test_without_the_tables_waits_and_limits_are_those_of_a_shop(folder: Path) -> None:
    settings = read_settings(folder / "bridge.toml")
    for name in Timings.__slots__:
        assert getattr(settings.timings, name) == getattr(Timings(), name)
    for name in Limits.__slots__:
        assert getattr(settings.limits, name) == getattr(Limits(), name)


def test_waits_and_limits_can_be_set(folder: Path) -> None:
    path = change(
        folder, "[[machines]]", "[timings]\nquery_past_s = [1, 2.5]\n[limits]\nlane = 1\n[[machines]]"
    )
    settings = read_settings(path)
    assert (settings.timings.query_past_s, settings.limits.lane) == ((1.0, 2.5), 1)


def test_a_merchants_account_can_be_written_out(folder: Path) -> None:
    found = json.loads((folder / "keys" / "credentials.json").read_text())
    fields = [f"{name} = {found[name]!r}" for name in ("mchid", "appid", "merchant_serial")]
    files = ("merchant_private_key_file", "api_v3_key_file")
    fields += [f'{name} = "keys/{found[name]}"' for name in files]
    key = f'{{ id = "{found["platform_public_key_id"]}", file = "keys/{found["platform_public_key_file"]}" }}'
    path = change(folder, CREDENTIALS, "\n".join([*fields, f"platform_public_keys = [{key}]"]))
    written_out = read_settings(path).wechat.settings()
    path = change(folder, "\n".join([*fields, f"platform_public_keys = [{key}]"]), CREDENTIALS)
    from_file = read_settings(path).wechat.settings()
    for name in ("mchid", "appid", "merchant_serial", *files, "platform_public_keys", "notify_url"):
        assert getattr(written_out, name) == getattr(from_file, name)


def test_the_link_asks_for_what_the_bridge_may_hear(folder: Path) -> None:
    broker = broker_settings(read_settings(folder / "bridge.toml"))
    rules = (EXAMPLE.parents[2] / "systemd" / "mosquitto.acl").read_text()
    own = rules.split("user bridge")[1].split("\n\n")[0]
    may_read = {line.split()[-1] for line in own.splitlines() if line.startswith("topic read")}
    assert set(broker.filters) == may_read
    assert broker.client_id == "bridge"


def test_books_on_another_database_are_named_in_a_file_that_only_we_can_read(folder: Path) -> None:
    path = change(folder, 'file = "bridge.db"', 'url_file = "books.url"')
    (folder / "books.url").write_text("postgresql+psycopg://wxvend:secret@db/books\n")
    with pytest.raises(BadSettings, match="only its owner can read"):
        read_settings(path)
    (folder / "books.url").chmod(0o600)
    assert read_settings(path).store.url == "postgresql+psycopg://wxvend:secret@db/books"
    assert "secret" not in str(findings(path, now_s=NOW_S))


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("old", "new", "where", "allowed"),
    [
        ("port = 8080", "port = 80800", "web.port", "0 to 65535"),
        ("price_fen = 200", "price_fen = 0", "machines[1].lanes[2].price_fen", "1 to 10000000 fen"),
        ("lane = 13,", "lane = 12,", "machines[1]", "values that go together"),
        (
            'name_zh = "可乐"',
            'name_zh = ""',
            "machines[1].lanes[1].name_zh",
            "1 to 40 characters on one line",
        ),
        ('name_en = "Cola"', 'name_en = "a\\nb"', "machines[1].lanes[1].name_en", "on one line"),
        ('id = "vm-0001"', 'id = "VM 1"', "machines[1].id", "4 to 32 of a-z 0-9 -"),
        ('id = "vm-0001"', 'id = "bridge"', "machines[1]", "values that go together"),
        ("catalogue_version = 1", "catalogue_version = 0", "machines[1].catalogue_version", "1 to"),
        ('host = "127.0.0.1"\nport = 1883', 'host = "broker.cn"', "mqtt", "values that go together"),
        (CREDENTIALS, 'credentials_file = "nowhere"', "wechat.credentials_file", "only its owner can read"),
        (CREDENTIALS, "", "wechat", "values that go together"),
        (CREDENTIALS, f'{CREDENTIALS}\nmchid = "1900000001"', "wechat", "values that go together"),
        ('base_url = "http://127.0.0.1:8081"\n', "", "wechat.notify_url", "https and a host"),
        ("[[machines]]", "[timings]\npay_s = 9999\n[[machines]]", "timings.pay_s", "1 to 600 s"),
        ("[[machines]]", "[timings]\nlease_min_s = 700\n[[machines]]", "timings", "values that go together"),
        ("[[machines]]", "[timings]\nrefund_poll_s = []\n[[machines]]", "timings", "values that go together"),
        ("[[machines]]", "[limits]\nlanes = 3\n[[machines]]", "limits.lanes", "lane, machine, fleet"),
        ('file = "bridge.db"', "", "store", "values that go together"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_is_allowed(
    folder: Path, old: str, new: str, where: str, allowed: str
) -> None:
    path = change(folder, old, new)
    with pytest.raises(BadSettings) as bad:
        read_settings(path)
    (mistake,) = bad.value.mistakes
    assert mistake.where == where
    assert allowed in mistake.allowed
    assert mistake.line > 1


def test_a_mistake_in_a_list_of_lanes_stands_on_its_own_line(folder: Path) -> None:
    path = change(folder, "price_fen = 200", "price_fen = 0")
    with pytest.raises(BadSettings) as bad:
        read_settings(path)
    (mistake,) = bad.value.mistakes
    assert "price_fen = 0" in path.read_text().splitlines()[mistake.line - 1]


def test_every_mistake_is_told_at_once_and_a_daemon_does_not_start_on_them(folder: Path) -> None:
    change(folder, "port = 8080", "port = 80800")
    change(folder, "price_fen = 200", "price_fen = 0")
    for command in ("check-config", "run"):
        result = wxvend(command, folder)
        assert result.exit_code == 2
        assert "web.port: found 80800, allowed 0 to 65535" in result.output
        assert "machines[1].lanes[2].price_fen" in result.output


def test_a_machine_needs_something_to_sell_and_the_bridge_a_machine(folder: Path) -> None:
    text = (folder / "bridge.toml").read_text()
    (folder / "bridge.toml").write_text("machines = []\n" + text[: text.index("[[machines]]")])
    with pytest.raises(BadSettings, match="at least one is needed"):
        read_settings(folder / "bridge.toml")
    (folder / "bridge.toml").write_text(text[: text.index("lanes = [")] + "lanes = []\n")
    with pytest.raises(BadSettings, match="0 lanes; 1 to 200 are allowed"):
        read_settings(folder / "bridge.toml")


def test_a_catalogue_that_no_machine_would_take_is_a_mistake(folder: Path) -> None:
    lane = '{{ lane = {}, name_zh = "{}", name_en = "{}", price_fen = 1, picture = "{}" }}'
    lanes = [lane.format(number, "饮" * 40, "饮" * 60, "饮" * 120) for number in range(1, 201)]
    text = (folder / "bridge.toml").read_text()
    (folder / "bridge.toml").write_text(f"{text[: text.index('lanes = [')]}lanes = [\n{','.join(lanes)}\n]\n")
    with pytest.raises(BadSettings, match="bytes; 65536 are allowed"):
        read_settings(folder / "bridge.toml")


@pytest.mark.parametrize("content", ["{", "[]", '{"mchid": 7}', "\udcff", "[" * 100_000])
def test_a_credentials_file_that_is_none_is_named_and_never_quoted(folder: Path, content: str) -> None:
    file = folder / "keys" / "credentials.json"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(BadSettings) as bad:
        read_settings(folder / "bridge.toml")
    assert str(file) in str(bad.value)
    assert "7" not in str(bad.value).replace(str(folder), "")


# ---------------------------------------------------------------- keys


def test_check_config_tells_the_keys_apart(folder: Path) -> None:
    result = wxvend("check-config", folder, "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["ok"]) == (0, True)
    own = key_id(load_private(folder / "bridge.key").public_key())
    machine = key_id(load_public(folder / "vm-0001.pub"))
    lines = "\n".join(told["findings"])
    assert f"keys.bridge_key_file: private key {own}" in lines
    assert f"machines: vm-0001: public key {machine}; catalogue 1 with 3 lanes" in lines
    assert "wechat.merchant_private_key_file" in lines
    assert "wechat.api_v3_key_file" in lines
    secret = json.loads((folder / "keys" / "credentials.json").read_text())["api_v3_key"]
    assert secret not in result.output


def test_the_wrong_half_of_a_key_is_named(folder: Path) -> None:
    shutil.copy(folder / "bridge.key", folder / "vm-0001.pub")
    result = wxvend("check-config", folder)
    assert result.exit_code == 2
    assert "vm-0001.pub: found PRIVATE KEY, allowed an Ed25519 public key" in result.stdout


def test_the_merchants_key_where_the_platforms_should_be_is_named(folder: Path) -> None:
    found = json.loads((folder / "keys" / "credentials.json").read_text())
    shutil.copy(
        folder / "keys" / found["merchant_private_key_file"], folder / "keys" / "platform_public_key.pem"
    )
    good, lines = findings(folder / "bridge.toml", now_s=NOW_S)
    assert not good
    assert any("wechat.platform_public_keys" in line and "platform_public_key.pem" in line for line in lines)


def test_the_merchants_own_certificate_in_the_platforms_place_is_named_by_its_setting(folder: Path) -> None:
    found = json.loads((folder / "keys" / "credentials.json").read_text())
    theirs = folder / "keys" / found["platform_certificate_file"]
    shutil.copy(folder / "keys" / found["merchant_certificate_file"], theirs)
    good, lines = findings(folder / "bridge.toml", now_s=NOW_S)
    assert not good
    assert f"wechat.platform_certificate_files: {theirs}: found the merchant's own key" in "\n".join(lines)


def test_two_machines_cannot_have_one_key(folder: Path) -> None:
    text = (folder / "bridge.toml").read_text()
    second = text[text.index("[[machines]]") :].replace("vm-0001", "vm-0002")
    path = folder / "bridge.toml"
    path.write_text(f"{text}\n{second}")
    shutil.copy(folder / "vm-0001.pub", folder / "vm-0002.pub")
    with pytest.raises(BadKeyFile, match="found the key of vm-0001, allowed one of vm-0002's own"):
        machine_keys(read_settings(path))
    good, lines = findings(path, now_s=NOW_S)
    assert not good
    assert any("found the key of vm-0001" in line for line in lines)


def test_the_bridges_own_key_is_no_machines(folder: Path) -> None:
    shutil.copy(folder / "bridge.pub", folder / "vm-0001.pub")
    good, lines = findings(folder / "bridge.toml", now_s=NOW_S)
    assert not good
    assert "found the key of the bridge, allowed one of vm-0001's own" in lines[-1]


@pytest.mark.parametrize(
    ("host", "warned"), [("0.0.0.0", True), ("::", True), ("shop.example", True), ("::1", False)]
)
def test_a_page_that_others_can_reach_is_warned_of(folder: Path, host: str, warned: bool) -> None:
    path = change(folder, 'host = "127.0.0.1"', f'host = "{host}"')
    good, lines = findings(path, now_s=NOW_S)
    assert good
    assert any(line.startswith(f"warning: web.host: found {host}") for line in lines) is warned


def test_two_machines_cannot_have_one_name(folder: Path) -> None:
    text = (folder / "bridge.toml").read_text()
    (folder / "bridge.toml").write_text(f"{text}\n{text[text.index('[[machines]]') :]}")
    with pytest.raises(BadSettings, match="machine vm-0001 twice"):
        read_settings(folder / "bridge.toml")


# ---------------------------------------------------------------- the command


def test_init_needs_no_other_file_and_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text(EXAMPLE.read_text())
    first = wxvend("init", tmp_path, "--json")
    made = json.loads(first.stdout)
    assert (first.exit_code, made["key_file"]) == (0, str(tmp_path / "bridge.key"))
    assert made["key_id"] == key_id(load_public(tmp_path / "bridge.pub"))
    assert (tmp_path / "bridge.key").stat().st_mode & 0o777 == 0o600
    assert json.loads(wxvend("init", tmp_path, "--json").stdout) == made


def test_init_makes_the_key_where_systemd_will_take_it_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = EXAMPLE.read_text().replace('"bridge.key"', '"$CREDENTIALS_DIRECTORY/bridge.key"')
    (tmp_path / "bridge.toml").write_text(text)
    no_folder = wxvend("init", tmp_path)
    assert (no_folder.exit_code, "CREDENTIALS_DIRECTORY=FOLDER" in no_folder.stderr) == (1, True)
    (tmp_path / "keys").mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "keys"))
    assert wxvend("init", tmp_path).exit_code == 0
    assert (tmp_path / "keys" / "bridge.pub").is_file()


def test_init_does_not_take_a_foreign_file_for_its_key(tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text(EXAMPLE.read_text())
    save_private(tmp_path / "other.key", generate())
    (tmp_path / "bridge.key").write_text("my diary")
    (tmp_path / "bridge.key").chmod(0o600)
    result = wxvend("init", tmp_path)
    assert (result.exit_code, "found no PEM" in result.stderr) == (2, True)
    assert (tmp_path / "bridge.key").read_text() == "my diary"


def test_init_says_what_is_missing_when_the_settings_name_no_key(tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text("[keys]\n")
    with pytest.raises(BadSettings, match=r"keys\.bridge_key_file: found nothing"):
        key_place(tmp_path / "bridge.toml")
    assert wxvend("init", tmp_path).exit_code == 2


def test_a_folder_that_cannot_be_written_is_a_failure_not_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text('[keys]\nbridge_key_file = "no/such/folder/bridge.key"\n')
    result = wxvend("init", tmp_path)
    assert (result.exit_code, "No such file" in result.stderr) == (1, True)


def test_help_teaches_with_examples() -> None:
    told = CliRunner().invoke(main, ["bridge", "--help"]).output
    assert "Examples:" in told
    assert told.count("wxvend bridge ") >= 3


def test_books_without_a_folder_are_a_mistake(folder: Path) -> None:
    path = change(folder, 'file = "bridge.db"', 'file = "nowhere/bridge.db"')
    good, lines = findings(path, now_s=NOW_S)
    assert not good
    assert lines[-1].startswith(f"store.file: found no folder {folder / 'nowhere'} to write in. Try: mkdir")


def test_check_config_says_where_everything_is(folder: Path) -> None:
    _, lines = findings(folder / "bridge.toml", now_s=NOW_S)
    assert f"store: {folder / 'bridge.db'}" in lines
    assert "web: http://127.0.0.1:8080; notifications come to http://127.0.0.1:8080/wechat/notify" in lines
    assert "mqtt: 127.0.0.1:1883 in the clear, as bridge" in lines
