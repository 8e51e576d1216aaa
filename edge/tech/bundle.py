"""One archive of a machine for somebody far away: redacted, summed, signed, and read offline. Pure.

What may leave is listed, not what may not: numbers and switches of the settings, and the words of those
tables that describe the board and the screen. Everything else is replaced.
"""

import hashlib
import html
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
WHAT: Final = "wxvend/v1/bundle"
LEFT_OUT: Final = "(left out)"
LIMIT_BYTES: Final = 64 * 1024 * 1024  # an archive that unpacks to more is not one of ours
_WORDS_OF: Final = frozenset({"bus", "keypad", "display"})
_NEVER: Final = re.compile(r"key(?!pad)|secret|pass|token|login|user|cert|phone|host|url|_files?$", re.I)
_README: Final = """\
What a wxvend machine says of itself. Open index.html in a browser; it needs no network and runs nothing.

manifest.json has the SHA-256 of every other file. Where manifest.sig is there, it is the machine's Ed25519
signature over the bytes of manifest.json:

    wxvend tech check-bundle FILE.zip --key machine.pub
    openssl pkeyutl -verify -pubin -inkey machine.pub -rawin -in manifest.json -sigfile manifest.sig

Secrets, keys, addresses, payers and amounts are not in here. Traces hold the bytes of the machine's own bus.
"""
_PAGE: Final = """\
<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}
pre{{overflow:auto;background:#f3f3f3;color:#111;padding:.75rem}}
summary{{cursor:pointer;padding:.4rem 0}}</style>
<h1>{title}</h1><p>{made}</p>{parts}</html>
"""


class BadBundle(Exception):
    """An archive that is not what was written: which file, what was found."""


def redacted(table: Mapping[str, Any], *, words: bool = False) -> dict[str, Any]:
    """Settings as they may leave the machine. `words`: strings of this table may, too."""
    return {name: _redacted(name, value, words=words or name in _WORDS_OF) for name, value in table.items()}


def _redacted(name: str, value: Any, *, words: bool) -> Any:
    if isinstance(value, Mapping):
        return redacted(value, words=words) if not _NEVER.search(name) else LEFT_OUT
    if _NEVER.search(name):
        return LEFT_OUT
    if isinstance(value, list):
        return [_redacted(name, each, words=words) for each in value]
    if isinstance(value, bool | int | float) or words or name == "machine":
        return value
    return LEFT_OUT


def pack(
    files: Mapping[str, str], *, machine: str, wall_ms: int, sign: Callable[[bytes], bytes] | None
) -> bytes:
    """The archive. `wall_ms`: Unix milliseconds at which it is made; `sign`: Ed25519, 64 bytes."""
    when = datetime.fromtimestamp(wall_ms / 1000, UTC)
    made = f"Made {when.isoformat(timespec='seconds')}, {'signed by the machine' if sign else 'not signed'}."
    whole = {
        "README.txt": _README,
        "index.html": _PAGE.format(title=html.escape(machine), made=made, parts=_parts(files)),
        **files,
    }
    raw = {name: text.encode() for name, text in whole.items()}
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(raw.items())}
    manifest = {"what": WHAT, "machine": machine, "made_wall_ms": wall_ms, "sha256": sums}
    raw[MANIFEST] = (json.dumps(manifest, indent=1) + "\n").encode()
    if sign is not None:
        raw[SIGNATURE] = sign(raw[MANIFEST])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in raw.items():
            entry = zipfile.ZipInfo(name, when.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, data)
    return out.getvalue()


def _parts(files: Mapping[str, str]) -> str:
    return "".join(
        f"<details><summary>{html.escape(name)}</summary><pre>{html.escape(text)}</pre></details>"
        for name, text in files.items()
    )


def check(archive: bytes, verify: Callable[[bytes, bytes], bool] | None) -> dict[str, Any]:
    """The manifest of an archive whose files are as they were written. Raises BadBundle.

    `verify` is given signature and manifest; None: the sums alone are checked.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            names = [entry.filename for entry in opened.infolist()]
            if sum(entry.file_size for entry in opened.infolist()) > LIMIT_BYTES:
                raise BadBundle(f"found more than {LIMIT_BYTES} bytes in it")
            if len(set(names)) != len(names):
                raise BadBundle("found a name twice")
            raw = {name: opened.read(name) for name in names}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise BadBundle(f"found no zip archive ({error})") from error
    except zlib.error as error:
        raise BadBundle(f"found damaged bytes ({error})") from error
    return _checked(raw, verify)


def _checked(raw: dict[str, bytes], verify: Callable[[bytes, bytes], bool] | None) -> dict[str, Any]:
    manifest_raw, signature = raw.pop(MANIFEST, b""), raw.pop(SIGNATURE, b"")
    if verify is not None and not verify(signature, manifest_raw):
        raise BadBundle(
            f"{SIGNATURE}: found {'another signature' if signature else 'none'}, allowed this key's"
        )
    try:
        manifest: dict[str, Any] = json.loads(manifest_raw)
        sums = dict(manifest["sha256"])
        if manifest["what"] != WHAT:
            raise ValueError(manifest["what"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadBundle(f"{MANIFEST}: found none that can be read ({type(error).__name__})") from error
    found = {name: hashlib.sha256(data).hexdigest() for name, data in raw.items()}
    if wrong := sorted(name for name in {*sums, *found} if sums.get(name) != found.get(name)):
        raise BadBundle(f"{', '.join(wrong)}: changed, missing, or not of this archive")
    return manifest
