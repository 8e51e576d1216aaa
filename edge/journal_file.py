"""The journal's files: one daemon for each, and nobody else's eyes."""

import fcntl
import os
from pathlib import Path

from edge.ports import JournalFailed


def lock(path: Path) -> int:
    """One daemon per journal (G-LOCK); the lock dies with the process."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = private(path.with_name(path.name + ".lock"))
    except OSError as error:
        raise JournalFailed(f"journal {path}: {error}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise JournalFailed(f"journal {path}: another daemon holds it. Try: stop it first") from error
    return handle


def private(path: Path) -> int:
    """Open a file that only its owner may read. What root makes is the folder owner's: the daemon's user."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.fchown(handle, folder.st_uid, folder.st_gid)
    return handle
