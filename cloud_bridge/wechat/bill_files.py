"""Bills on the disk, as they came: plain or zipped, their hash taken over the plain bytes, BOM and all."""

import gzip
import hashlib
import io
import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, cast

from cloud_bridge.ports_bills import BillBroken

LARGEST_BYTES: Final = 4 << 30
_PIECE: Final = 1 << 20
_ZIPPED: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31


class Incoming:
    """A file that is being fetched, beside its place until its hash is known to be right."""

    def __init__(self, folder: Path, name: str) -> None:
        make_folder(folder)
        self._folder: Final = folder
        self._name: Final = name
        self._part: Final = folder / f"{name}.part"
        self._file: Final = os.fdopen(os.open(self._part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb")
        self.bytes = 0

    def write(self, piece: bytes) -> None:
        """Take the next piece. Raises BillBroken, also for more than any bill has."""
        self.bytes += len(piece)
        if self.bytes > LARGEST_BYTES:
            raise BillBroken(f"found more than {LARGEST_BYTES} bytes; allowed are fewer")
        try:
            self._file.write(piece)
        except OSError as error:  # the disk's, not the line's
            raise BillBroken(f"{self._part}: cannot be written: {error.strerror}") from error

    def sha1(self) -> str:
        """The hash over the plain bytes that are here, where nobody told it. Raises BillBroken, OSError."""
        self._file.flush()
        return sha1_of(self._part)

    def keep(self, sha1: str) -> Path:
        """Put it in its place when this is its hash. Raises BillBroken, OSError."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        found = sha1_of(self._part)
        if found != sha1:
            raise BillBroken(f"found a file with the hash {found}; allowed is {sha1}, as the platform said")
        with self._part.open("rb") as file:
            zipped = file.read(2) == _ZIPPED
        place = self._folder / f"{self._name}.csv{'.gz' if zipped else ''}"
        as_the_folder(self._part)
        self._part.replace(place)
        return place

    def drop(self) -> None:
        """It was no good, or it is in its place already."""
        with suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make the place of bills, for their owner alone: they name payers. Raises OSError."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        as_the_folder(folder)


def kept(folder: Path, name: str, sha1: str) -> Path | None:
    """The file of this name that lies there with this hash."""
    for place in (folder / f"{name}.csv.gz", folder / f"{name}.csv"):
        with suppress(OSError, BillBroken):
            if sha1_of(place) == sha1:
                return place
    return None


def sha1_of(place: Path) -> str:
    """SHA-1 over the plain bytes. Raises OSError, BillBroken."""
    digest, size = hashlib.sha1(usedforsecurity=False), 0
    with opened(place) as plain:
        try:
            while piece := plain.read(_PIECE):
                digest.update(piece)
                size += len(piece)
                if size > LARGEST_BYTES:
                    raise BillBroken(f"found more than {LARGEST_BYTES} plain bytes; allowed are fewer")
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BillBroken(f"found a damaged gzip file ({error}); allowed is a whole one") from error
    return digest.hexdigest()


def opened(place: Path) -> BinaryIO:
    """The plain bytes, to be read from the start. Raises OSError."""
    file = place.open("rb")
    zipped = file.read(2) == _ZIPPED
    file.seek(0)
    if not zipped:
        return file
    return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=file)), _PIECE))


def as_the_folder(path: Path) -> None:
    """What root writes is the folder owner's: the daemon's user reads it, too."""
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.chown(path, folder.st_uid, folder.st_gid)
