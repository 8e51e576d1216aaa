"""The machine's settings and its command: every mistake named with its place, and keys told apart."""

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from cloud_bridge.config_timings import TimingsTable
from edge.config import broker_settings, findings, read_settings
from edge.core.model import Session
from edge.journal import Fresh, open_journal
from wire.codec import decode_presence
from wire.envelope import generate, key_id, load_private, save_private, save_public
from wire.settings import BadSettings

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "edge.toml"
SESSION = Session(jid="j" * 26, boot=3, bits="0123456789abcdef")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example as it is shipped, with the bridge's public half beside it and `init` done."""
    (tmp_path / "edge.toml").write_text(EXAMPLE.read_text())
    save_public(tmp_path / "bridge.pub", generate().public_key())
    assert wxvend("edge", "init", "--config", str(tmp_path / "edge.toml")).exit_code == 0
    return tmp_path


def wxvend(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def change(folder: Path, old: str, new: str) -> Path:
    path = folder / "edge.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def test_the_example_works_as_it_is(folder: Path) -> None:
    settings = read_settings(folder / "edge.toml")
    assert (settings.machine, settings.bus.port) == ("vm-0001", folder / "board")
    assert settings.journal == folder / "edge.db"


def test_check_config_tells_the_keys_apart(folder: Path) -> None:
    good, lines = findings(folder / "edge.toml")
    own = key_id(load_private(folder / "vm-0001.key").public_key())
    assert good
    assert any(f"private key {own}" in line for line in lines)


def test_a_public_key_in_the_place_of_the_private_one_is_named(folder: Path) -> None:
    key = folder / "vm-0001.key"
    key.unlink()
    save_public(key, generate().public_key())
    key.chmod(0o600)
    result = wxvend("edge", "check-config", "--config", str(folder / "edge.toml"), "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 2
    assert not told["ok"]
    assert any("PUBLIC KEY" in line and "private key" in line for line in told["findings"])


def test_the_machines_own_key_is_not_the_bridges(folder: Path) -> None:
    good, lines = findings(change(folder, '"bridge.pub"', '"vm-0001.pub"'))
    assert not good
    assert "keys.bridge_public_key_files" in lines[-1]
    assert "found this machine's own key" in lines[-1]


def test_a_port_that_is_no_device_is_a_mistake_and_a_missing_one_a_warning(folder: Path) -> None:
    good, lines = findings(folder / "edge.toml")
    (warning,) = [line for line in lines if line.startswith("warning: ")]
    assert good
    assert f"bus.xy.port: {folder / 'board'}: found no device now" in warning
    (folder / "board").write_text("")
    good, lines = findings(folder / "edge.toml")
    assert (good, "found no serial port" in lines[-1], "/dev/serial/by-path" in lines[-1]) == (
        False,
        True,
        True,
    )
    (folder / "board").unlink()
    (folder / "board").symlink_to("/dev/ptmx")
    good, lines = findings(folder / "edge.toml")
    assert (good, f"bus.xy.port: {folder / 'board'}" in lines) == (True, True)


def test_a_lease_that_a_usual_bridge_refuses_is_warned_of(folder: Path) -> None:
    good, lines = findings(change(folder, "lease_s = 240", "lease_s = 59"))
    assert (good, any(line.startswith("warning: sale.lease_s: found 59") for line in lines)) == (True, True)
    _, lines = findings(change(folder, "lease_s = 59", f"lease_s = {TimingsTable().lease_min_s}"))
    assert not any("lease_s" in line for line in lines)


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('machine = "vm-0001"', 'machine = "VM 1"', "machine"),
        ("lease_s = 240", "lease_s = 4000", "sale.lease_s"),
        ("lease_s = 240", "leese_s = 240", "sale.leese_s"),
        ("width = 480", "width = 10", "display.width"),
        ('language = "both"', 'language = "latin"', "display.language"),
        ("width = 480\nheight = 800", "width = 200\nheight = 200", "display"),
        ('png = "screen.png"', 'pgn = "screen.png"', "display.pgn"),
        ("drop_sensor = true", "drop_sensor = 3", "bus.xy.drop_sensor"),
        ('host = "127.0.0.1"', 'host = "broker.example"', "mqtt"),
        ('bridge_public_key_files = ["bridge.pub"]', "bridge_public_key_files = []", "keys"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_is_allowed(
    folder: Path, old: str, new: str, where: str
) -> None:
    path = change(folder, old, new)
    with pytest.raises(BadSettings) as bad:
        read_settings(path)
    (mistake,) = bad.value.mistakes
    assert mistake.where.startswith(where)
    assert mistake.line > 1
    assert mistake.allowed


def test_every_panel_is_found_beside_the_settings(folder: Path) -> None:
    path = change(folder, 'png = "screen.png"', 'framebuffer = "/dev/fb0"\npage = "kiosk"\ndark = true')
    display = read_settings(path).display
    assert (display.png, display.framebuffer, display.page) == (None, Path("/dev/fb0"), folder / "kiosk")
    assert display.dark
    assert display.drawn


def test_check_config_tries_the_font_of_the_screen(folder: Path) -> None:
    good, lines = findings(folder / "edge.toml")
    assert good
    assert any(line.endswith("can write every sentence of the screen") for line in lines)
    good, lines = findings(change(folder, "[sale]", 'font_file = "no.otf"\n\n[sale]'))
    assert not good
    assert f"display.font_file: {folder / 'no.otf'}: no such file" in lines[-1]


def test_every_mistake_is_told_at_once(folder: Path) -> None:
    change(folder, "width = 480", "width = 10")
    path = change(folder, "lease_s = 240", "lease_s = 4000")
    result = wxvend("edge", "check-config", "--config", str(path))
    assert result.exit_code == 2
    assert "display.width" in result.stdout
    assert "sale.lease_s" in result.stdout


def test_the_daemon_does_not_start_on_bad_settings(folder: Path) -> None:
    path = change(folder, "width = 480", "width = 10")
    result = wxvend("edge", "run", "--config", str(path))
    assert result.exit_code == 2
    assert "display.width: found 10, allowed 160 to 4096 pixels" in result.stderr


def test_init_overwrites_neither_key_nor_journal(folder: Path) -> None:
    before = (folder / "vm-0001.key").read_bytes()
    assert wxvend("edge", "init", "--config", str(folder / "edge.toml")).exit_code == 0
    assert (folder / "vm-0001.key").read_bytes() == before
    with open_journal(folder / "edge.db", Fresh(jid="x" * 26, bits="0" * 16, wall_ms=0)) as journal:
        assert journal.session.jid != "x" * 26
        assert journal.confirmed


def test_init_needs_no_file_of_the_other_side(tmp_path: Path) -> None:
    (tmp_path / "edge.toml").write_text(EXAMPLE.read_text())
    assert wxvend("edge", "init", "--config", str(tmp_path / "edge.toml")).exit_code == 0
    assert (tmp_path / "vm-0001.key").stat().st_mode & 0o777 == 0o600


def test_a_new_journal_sells_only_after_a_person_confirmed_it(folder: Path) -> None:
    (folder / "edge.db").unlink()
    fresh = Fresh(jid="x" * 26, bits="0" * 16, wall_ms=0)
    with open_journal(folder / "edge.db", fresh) as journal:
        assert not journal.confirmed
        held = wxvend("edge", "confirm-journal", "--config", str(folder / "edge.toml"))
        assert (held.exit_code, "another daemon holds it" in held.stderr) == (1, True)
    assert wxvend("edge", "confirm-journal", "--config", str(folder / "edge.toml")).exit_code == 0
    with open_journal(folder / "edge.db", fresh) as journal:
        assert journal.confirmed


def test_a_journal_is_confirmed_where_the_keys_are_only_while_the_daemon_runs(folder: Path) -> None:
    path = change(folder, '"vm-0001.key"', '"$CREDENTIALS_DIRECTORY/machine.key"')
    assert wxvend("edge", "check-config", "--config", str(path)).exit_code == 2
    (folder / "edge.db").unlink()
    fresh = Fresh(jid="x" * 26, bits="0" * 16, wall_ms=0)
    open_journal(folder / "edge.db", fresh).close()
    told = wxvend("edge", "confirm-journal", "--config", str(path))
    assert (told.exit_code, str(folder / "edge.db") in told.output) == (0, True)
    with open_journal(folder / "edge.db", fresh) as journal:
        assert journal.confirmed
    assert wxvend("edge", "journal", "--check", "--config", str(path)).exit_code == 0


def test_init_and_check_config_take_keys_from_where_systemd_will(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = change(folder, '"vm-0001.key"', '"$CREDENTIALS_DIRECTORY/machine.key"')
    no_folder = wxvend("edge", "init", "--config", str(path))
    assert (no_folder.exit_code, "CREDENTIALS_DIRECTORY=FOLDER" in no_folder.stderr) == (1, True)
    (folder / "keys").mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder / "keys"))
    assert wxvend("edge", "init", "--config", str(path)).exit_code == 0
    assert (folder / "keys" / "machine.pub").is_file()
    assert wxvend("edge", "check-config", "--config", str(path)).exit_code == 0


def test_will_and_birth_name_the_same_session(folder: Path) -> None:
    broker = broker_settings(read_settings(folder / "edge.toml"), SESSION)
    assert broker.will is not None
    assert broker.birth is not None
    will, birth = decode_presence(broker.will.payload), decode_presence(broker.birth.payload)
    assert (will.online, birth.online) == (False, True)
    assert (will.boot, will.bits) == (birth.boot, birth.bits) == (3, SESSION.bits)


def test_the_link_asks_for_its_own_machine_only(folder: Path) -> None:
    broker = broker_settings(read_settings(folder / "edge.toml"), SESSION)
    assert broker.filters == ("wxvend/v1/vm-0001/down/#", "wxvend/v1/vm-0001/set/#")
    assert (broker.tls, broker.login, broker.client_id) == (None, None, "vm-0001")


def test_with_an_authority_the_link_is_tls(folder: Path) -> None:
    save_private(folder / "tls.key", generate())
    (folder / "ca.crt").write_text("")
    tls = 'host = "broker.example"\nca_file = "ca.crt"\nkey_file = "tls.key"'
    settings = read_settings(change(folder, 'host = "127.0.0.1"', tls))
    broker = broker_settings(settings, SESSION)
    assert broker.tls is not None
    assert broker.tls.ca_file == folder / "ca.crt"


@pytest.mark.parametrize("room", ["edge"])
def test_help_teaches_with_examples(room: str) -> None:
    told = wxvend(room, "--help").output
    assert "Examples:" in told
    assert f"wxvend {room} run" in told


def test_the_command_lists_every_room_without_importing_it() -> None:
    told = wxvend("--help").output
    for room in ("demo", "edge", "bridge", "sim", "tech"):
        assert f"  {room} " in told


def test_the_journal_is_checked_by_command_and_what_was_edited_is_named(folder: Path) -> None:
    asked = ("edge", "journal", "--check", "--config", str(folder / "edge.toml"))
    good = wxvend(*asked)
    assert (good.exit_code, good.output) == (0, "0 entries, all as they were written\n")
    db = sqlite3.connect(folder / "edge.db")
    db.execute("INSERT INTO chain VALUES (1, '[\"forged\"]', 'x')")
    db.commit()
    db.close()
    bad = wxvend(*asked, "--json")
    assert bad.exit_code == 1
    faults = ["chain entry 1 of sale forged was changed", "sale forged: its row is gone"]
    assert json.loads(bad.output) == {"ok": False, "entries": 1, "faults": faults}
    (folder / "edge.db").unlink()
    gone = wxvend(*asked)
    assert gone.exit_code == 1
    assert "unable to open" in gone.output
