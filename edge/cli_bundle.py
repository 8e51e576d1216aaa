"""`wxvend tech bundle` and `check-bundle`: what of a machine may leave it, in one signed archive."""

import json
import os
import platform
import shutil
import sys
import tomllib
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, NoReturn

import click
from cryptography.exceptions import InvalidSignature

from edge.config import places
from edge.host import SystemClock
from edge.journal_rows import check_journal
from edge.ports import JournalFailed
from edge.tech.books import NoBooks, books
from edge.tech.bundle import BadBundle, check, pack, redacted
from edge.tech.choice import BadChoice, Options, PortTaken, claim, tapped
from wire.envelope import BadKeyFile, load_private, load_public
from wire.settings import BadSettings

NOT_WELL: Final = 1
BAD_INPUT: Final = 2
TRACES: Final = 10
TRACE_BYTES: Final = 2_000_000
_PARTS: Final = ("wxvend", "paho-mqtt", "pyserial", "pyserial-asyncio", "msgspec", "cryptography", "pillow")
_PATH: Final = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("out", type=_PATH)
@click.option("--config", type=_PATH, required=True, help="The machine's settings.")
def bundle(out: Path, config: Path) -> None:
    """Write OUT.zip: versions, settings, health, sums of the journal, the last traces. Opens offline.

    Keys, secrets, addresses, payers and amounts stay in the machine. Signed with the machine's key where it
    can be read. The daemon may run. OUT must not exist yet.
    """
    clock = SystemClock()
    try:
        key_file, journal = places(config)
        table = tomllib.loads(config.read_text("utf-8"))
    except (BadSettings, OSError, ValueError) as error:
        _fail(str(error), BAD_INPUT)
    files = {
        "versions.json": _text(_versions()),
        "settings.json": _text(redacted(table)),
        "health.json": _text(_health(config, journal)),
        "journal.json": _text(_summary(journal)),
        **_traces(journal.parent / "traces"),
    }
    sign, words = _signer(key_file)
    archive = pack(files, machine=str(table.get("machine", "?")), wall_ms=clock.wall_ms(), sign=sign)
    try:
        with open(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
            written.write(archive)
    except OSError as error:
        _fail(f"{out}: {error.strerror}; allowed is a new file in a folder that is there", BAD_INPUT)
    click.echo(f"{out}: {len(files)} files, {len(archive)} bytes, {words}")


@click.command("check-bundle")
@click.argument("file", type=_PATH)
@click.option("--key", type=_PATH, help="The machine's public key; without: only the sums are checked.")
def check_bundle(file: Path, key: Path | None) -> None:
    """Say whether an archive is as the machine wrote it. Exit code 1 when it is not."""
    try:
        verify = None if key is None else _verifier(key)
        manifest = check(file.read_bytes(), verify)
    except BadBundle as error:
        _fail(f"{file}: {error}", NOT_WELL)
    except BadKeyFile as error:
        _fail(str(error), BAD_INPUT)
    except OSError as error:
        _fail(f"{file}: {error.strerror}", BAD_INPUT)
    signed = "signature not looked at; give --key" if key is None else "signed by this key"
    click.echo(f"{manifest.get('machine')}: {len(manifest['sha256'])} files as written, {signed}")


def _signer(key_file: Path) -> tuple[Callable[[bytes], bytes] | None, str]:
    try:
        return load_private(key_file).sign, "signed"
    except BadKeyFile:
        return None, "not signed: no machine key can be read here"


def _verifier(key_file: Path) -> Callable[[bytes, bytes], bool]:
    key = load_public(key_file)

    def verify(signature: bytes, data: bytes) -> bool:
        try:
            key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    return verify


def _versions() -> dict[str, str]:
    told = {"python": platform.python_version(), "system": platform.platform()}
    for part in _PARTS:
        try:
            told[part] = version(part)
        except PackageNotFoundError:
            told[part] = "not installed"
    return told


def _health(config: Path, journal: Path) -> dict[str, Any]:
    """Whether the port can be had, whether the journal is as it was written, room on the disk."""
    try:
        claim(tapped(Options(config=config)).port)
        port = "free: the daemon does not run, or waits for it"
    except PortTaken as error:
        port = str(error)
    except BadChoice:
        port = "the settings name none"
    try:
        entries, faults = check_journal(journal)
        chain: dict[str, Any] = {"entries": entries, "faults": len(faults)}
    except JournalFailed as error:
        chain = {"error": str(error)}
    try:
        free = shutil.disk_usage(journal.parent).free
    except OSError:
        free = None
    return {"port": port, "journal": chain, "disk_free_bytes": free}


def _summary(journal: Path) -> dict[str, Any]:
    try:
        told = asdict(books(journal))
    except NoBooks as error:
        return {"error": str(error)}
    return {**told, "planned": sorted(told["planned"]) if told["planned"] is not None else None}


def _traces(folder: Path) -> dict[str, str]:
    """The newest, by name; what cannot be read is left out."""
    found: dict[str, str] = {}
    try:
        files = sorted(folder.glob("*.trace"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    except OSError:
        return found
    for file in files[:TRACES]:
        try:
            if file.is_file() and not file.is_symlink() and file.stat().st_size <= TRACE_BYTES:
                found[f"traces/{file.name}"] = file.read_text("ascii", errors="replace")
        except OSError:
            continue
    return found


def _text(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, indent=1, default=str) + "\n"


def _fail(words: str, code: int) -> NoReturn:
    click.echo(f"wxvend tech: {words}", err=True)
    sys.exit(code)
