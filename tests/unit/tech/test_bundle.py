"""The archive that leaves a machine: what is in it, what is not, and whether anybody changed it."""

import json
import subprocess
import warnings
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from cli import main
from edge.drivers.recorder import FILES, Flight, write
from edge.drivers.trace import Head, Piece
from edge.tech.bundle import LEFT_OUT, LIMIT_BYTES, BadBundle, check, pack, redacted
from tests.unit.tech.test_visit import kept
from wire.envelope import generate, save_private, save_public

SETTINGS = """
machine = "m-0001"
journal = "edge.db"
[keys]
machine_key_file = "machine.key"
bridge_public_key_files = ["bridge.pub"]
[mqtt]
host = "broker.example"
port = 8883
username = "PRIVATE-user"
password_file = "PRIVATE-file"
[bus.tcn]
port = "/dev/ttyUSB7"
lanes = [11, 12]
[keypad]
port = "/dev/ttyUSB8"
[display]
font_file = "/PRIVATE/font"
language = "zh"
[sale]
lease_s = 240
[unknown]
text = "PRIVATE-text"
"""


def tech(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["tech", *arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A machine: settings, key, journal, and more traces than an archive takes."""
    (tmp_path / "edge.toml").write_text(SETTINGS)
    key = generate()
    save_private(tmp_path / "machine.key", key)
    save_public(tmp_path / "machine.pub", key.public_key())
    kept(tmp_path)
    head = Head(bus="tcn", baud=9600, start_wall_ms=0, note="<b>jam</b>")
    for number in range(12):
        pieces = (Piece(at_ms=0, direction="tx", data=bytes([number])),)
        write(tmp_path / "traces", Flight(sale_id=f"S{number:02}", head=head, pieces=pieces))
    assert FILES > 12
    return tmp_path


def made(folder: Path) -> tuple[Result, Path]:
    out = folder / "out.zip"
    return tech("bundle", str(out), "--config", str(folder / "edge.toml")), out


def test_an_archive_says_how_the_machine_is_and_opens_offline(folder: Path) -> None:
    told, out = made(folder)
    assert (told.exit_code, "signed" in told.output, out.stat().st_mode & 0o777) == (0, True, 0o600)
    with zipfile.ZipFile(out) as opened:
        names = set(opened.namelist())
        raw = {name: opened.read(name) for name in names}
    assert {"README.txt", "index.html", "manifest.json", "manifest.sig"} < names
    assert len([name for name in names if name.startswith("traces/")]) == 10
    assert "wxvend" in json.loads(raw["versions.json"])
    assert json.loads(raw["journal.json"]) == {"planned": [11], "states": {}, "reports": 0}
    assert json.loads(raw["health.json"])["journal"]["faults"] == 0
    assert b"&lt;b&gt;jam" in raw["index.html"]
    assert b"<b>jam" not in raw["index.html"]
    assert b"<script" not in raw["index.html"]


def test_no_secret_address_or_path_of_a_key_leaves_the_machine(folder: Path) -> None:
    _, out = made(folder)
    with zipfile.ZipFile(out) as opened:
        told = json.loads(opened.read("settings.json"))
        everything = b"".join(opened.read(name) for name in opened.namelist())
    for word in (b"PRIVATE", b"broker.example", b"machine.key", b"bridge.pub"):
        assert word not in everything, word
    assert told == {
        "machine": "m-0001",
        "journal": LEFT_OUT,
        "keys": LEFT_OUT,
        "mqtt": {"host": LEFT_OUT, "port": 8883, "username": LEFT_OUT, "password_file": LEFT_OUT},
        "bus": {"tcn": {"port": "/dev/ttyUSB7", "lanes": [11, 12]}},
        "keypad": {"port": "/dev/ttyUSB8"},
        "display": {"font_file": LEFT_OUT, "language": "zh"},
        "sale": {"lease_s": 240},
        "unknown": {"text": LEFT_OUT},
    }


@given(st.text(), st.text())
def test_a_word_of_a_table_that_nobody_listed_is_left_out(name: str, value: str) -> None:
    if name not in ("machine", "bus", "keypad", "display"):
        assert redacted({"table": {name: value, "list": [value]}})["table"]["list"] == [LEFT_OUT]
        assert redacted({"table": {name: value}}) == {"table": {name: LEFT_OUT}}


def test_the_signature_is_one_that_openssl_accepts(folder: Path) -> None:
    _, out = made(folder)
    with zipfile.ZipFile(out) as opened:
        opened.extractall(folder / "x")
    told = subprocess.run(
        [
            *("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "machine.pub", "-rawin"),
            *("-in", "x/manifest.json", "-sigfile", "x/manifest.sig"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Verified Successfully" in told.stdout, told.stderr


def test_a_whole_archive_is_confirmed_and_another_machines_is_not(folder: Path) -> None:
    _, out = made(folder)
    good = tech("check-bundle", str(out), "--key", str(folder / "machine.pub"))
    save_public(folder / "other.pub", generate().public_key())
    foreign = tech("check-bundle", str(out), "--key", str(folder / "other.pub"))
    assert (good.exit_code, "signed by this key" in good.output) == (0, True)
    assert (foreign.exit_code, "another signature" in foreign.output) == (1, True)


def test_without_a_key_an_archive_is_made_and_says_that_nobody_signed_it(folder: Path) -> None:
    (folder / "machine.key").unlink()
    told, out = made(folder)
    assert (told.exit_code, "not signed" in told.output) == (0, True)
    assert "signature not looked at" in tech("check-bundle", str(out)).output
    unsigned = tech("check-bundle", str(out), "--key", str(folder / "machine.pub"))
    assert (unsigned.exit_code, "found none" in unsigned.output) == (1, True)


@pytest.mark.parametrize("change", ["edit", "add", "drop"])
def test_a_changed_added_or_missing_file_is_named(change: str) -> None:
    whole = pack({"a.json": "{}"}, machine="m", wall_ms=1_764_036_600_000, sign=None)
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(whole)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if (change, name) != ("drop", "a.json"):
                new.writestr(name, "{ }" if (change, name) == ("edit", "a.json") else old.read(name))
        if change == "add":
            new.writestr("b.json", "{}")
    with pytest.raises(BadBundle, match=r"^b\.json: " if change == "add" else r"^a\.json: "):
        check(out.getvalue(), None)


@given(st.binary(max_size=200), st.integers(0, 2000), st.integers(0, 255))
def test_any_bytes_are_refused_in_words_or_are_the_archive(noise: bytes, at: int, value: int) -> None:
    whole = pack({"a.json": "{}"}, machine="m", wall_ms=1_764_036_600_000, sign=None)
    spoiled = bytearray(whole)
    spoiled[at % len(whole)] = value
    with pytest.raises(BadBundle, match="found"):
        check(noise, None)
    try:
        manifest = check(bytes(spoiled), None)
    except BadBundle:
        return
    assert manifest == check(whole, None)


def test_an_archive_with_a_name_twice_or_too_large_inside_is_refused() -> None:
    whole = pack({}, machine="m", wall_ms=1_764_036_600_000, sign=None)
    for name, size, words in (("README.txt", 1, "a name twice"), ("big", LIMIT_BYTES, "found more than")):
        out = BytesIO(whole)
        with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the library, too, finds a name twice strange
            archive.writestr(name, bytes(size))
        with pytest.raises(BadBundle, match=words):
            check(out.getvalue(), None)


def test_a_trace_that_leads_elsewhere_is_left_out(folder: Path) -> None:
    (folder / "secret").write_text("PRIVATE")
    (folder / "traces" / "S99.trace").symlink_to(folder / "secret")
    _, out = made(folder)
    with zipfile.ZipFile(out) as opened:
        assert "traces/S99.trace" not in opened.namelist()


def test_an_archive_is_never_written_over_another_file(folder: Path) -> None:
    made(folder)
    told, _ = made(folder)
    assert (told.exit_code, "allowed is a new file" in told.output) == (2, True)
    assert tech("bundle", str(folder / "b.zip"), "--config", str(folder / "none.toml")).exit_code == 2
