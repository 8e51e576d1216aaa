"""A disk in memory under the real SQLite: what was not synced is lost, torn, reordered, or there.

    python -m tests.crash.torn_disk journal 10000     python -m tests.crash.torn_disk books 10000

The statements are those of our own code, recorded as SQLite ran them; each trial cuts the power at the k-th
operation, then once more while the next program opens the file, and looks at what that one finds.
"""

import contextlib
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import apsw

NAME: Final = "db"
_NO_CUT: Final = 1 << 60
# What a program of ours does first with a file that it finds.
_RECOVERY: Final = ("PRAGMA journal_mode = WAL", "PRAGMA wal_checkpoint(RESTART)")


class PowerCut(Exception):
    """Nothing more reaches this disk."""


@dataclass(slots=True)
class Disk:
    """`files` is what a program sees; `durable` what is certain; `waiting` what was written since, in order.

    After `left` more operations the power is gone; `deaf` when nobody is there any more to hear of it.
    """

    durable: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytearray] = field(default_factory=dict)
    waiting: list[tuple[str, int, bytes | None]] = field(default_factory=list)
    left: int = _NO_CUT
    operations: int = 0
    deaf: bool = False

    def operate(self) -> bool:
        """One more write, sync, truncation or deletion begins; whether it has an effect. Raises PowerCut."""
        self.operations += 1
        self.left -= 1
        if self.left < 0 and not self.deaf:
            raise PowerCut
        return not self.deaf

    def write(self, name: str, at: int, data: bytes | None) -> None:
        """`data` at a place; None: the file ends there."""
        if not self.operate():
            return
        _put(self.files[name], at, data, b"\0")
        self.waiting.append((name, at, data))

    def sync(self, name: str) -> None:
        """What was written to this file is certain."""
        if not self.operate():
            return
        self.waiting = [each for each in self.waiting if each[0] != name]
        self.durable[name] = bytes(self.files[name])

    def delete(self, name: str) -> None:
        """The directory forgets a name, and that is certain."""
        if not self.operate():
            return
        self.files.pop(name, None)
        self.durable.pop(name, None)
        self.waiting = [each for each in self.waiting if each[0] != name]

    def after_a_cut(self, chance: Random) -> "Disk":
        """What is there when the power comes back."""
        files = {name: bytearray(content) for name, content in self.durable.items()}
        kept = chance.choice((0.0, 0.5, 0.9, 1.0))
        waiting = list(self.waiting)
        if chance.random() < 0.7:
            chance.shuffle(waiting)
        for name, at, data in waiting:
            if chance.random() >= kept:
                continue
            if data and chance.random() < 0.3:  # torn: a piece from somewhere in it
                begin = chance.choice((0, chance.randrange(len(data))))
                at, data = at + begin, data[begin : chance.randint(begin, len(data))]
            _put(files.setdefault(name, bytearray()), at, data, chance.choice((b"\0", b"\xa5")))
        return Disk(durable={name: bytes(content) for name, content in files.items()}, files=files)


def _put(content: bytearray, at: int, data: bytes | None, gap: bytes) -> None:
    if data is None:
        del content[at:]
        return
    content.extend(gap * (at - len(content)))
    content[at : at + len(data)] = data


class _File:
    """One open file of the disk, as SQLite wants it. One connection, so locks are nothing."""

    def __init__(self, disk: Disk, name: str) -> None:
        self._disk, self._name = disk, name
        disk.files.setdefault(name, bytearray())

    def xRead(self, amount: int, offset: int) -> bytes:
        return bytes(self._disk.files[self._name][offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.write(self._name, offset, bytes(data))

    def xTruncate(self, size: int) -> None:
        self._disk.write(self._name, size, None)

    def xSync(self, _flags: int) -> None:
        self._disk.sync(self._name)

    def xFileSize(self) -> int:
        return len(self._disk.files[self._name])

    def xLock(self, _level: int) -> None: ...

    def xUnlock(self, _level: int) -> None: ...

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, _what: int, _pointer: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return 512

    def xDeviceCharacteristics(self) -> int:
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE

    def xClose(self) -> None: ...


class _Vfs(apsw.VFS):
    """SQLite's way to the disk of the moment."""

    def __init__(self) -> None:
        self.disk = Disk()
        super().__init__("torn", base="")

    def xOpen(self, name: Any, _flags: list[int]) -> Any:
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        return _File(self.disk, path.rsplit("/", 1)[-1])

    def xDelete(self, name: str, _sync_directory: bool) -> None:
        self.disk.delete(name.rsplit("/", 1)[-1])

    def xAccess(self, name: str, _flags: int) -> bool:
        return name.rsplit("/", 1)[-1] in self.disk.files

    def xFullPathname(self, name: str) -> str:
        return name


@dataclass(frozen=True, slots=True)
class Story:
    """Statements in the order in which our code ran them, and what is committed after each."""

    statements: Sequence[str]
    states: Sequence[str]
    operations: int


class Bench:
    """Tells a story to the real SQLite and takes the power away."""

    def __init__(self, statements: Sequence[str]) -> None:
        self._vfs: Final = _Vfs()
        self._db: apsw.Connection | None = None
        self.story: Final = self._learn(statements)

    def _learn(self, statements: Sequence[str]) -> Story:
        """How it goes when nothing fails."""
        db, states = self._open(Disk()), [""]
        for statement in statements:
            db.execute(statement).fetchall()
            states.append(states[-1] if db.in_transaction else digest(db))
        operations = self._vfs.disk.operations
        self._let_go()
        return Story(tuple(statements), tuple(states), operations)

    def trial(self, seed: int) -> None:
        """Cut once in the story and once or twice in what follows. Raises AssertionError with the seed."""
        chance = Random(seed)
        disk = Disk(left=chance.randrange(self.story.operations))
        told = self._tell(disk, self.story.statements)
        disk = disk.after_a_cut(chance)
        for _ in range(chance.randrange(3)):
            disk.left = chance.randrange(1, 40)
            self._tell(disk, _RECOVERY)
            disk = disk.after_a_cut(chance)
        db = self._open(disk)
        try:
            sound, found = db.execute("PRAGMA integrity_check").fetchall(), digest(db)
        except apsw.Error as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        finally:
            self._let_go()
        assert sound == [("ok",)], f"seed {seed}: {sound}"
        may = self.story.states[told : told + 2]
        where = self.story.statements[told][:60] if told < len(self.story.statements) else "the end"
        assert found in may, f"seed {seed}: cut in {where!r}, found neither what was before nor after it"

    def _tell(self, disk: Disk, statements: Sequence[str]) -> int:
        """How many statements were done before the power went."""
        done = 0
        with contextlib.suppress(PowerCut, apsw.Error):
            db = self._open(disk)
            for statement in statements:
                db.execute(statement).fetchall()
                done += 1
        self._let_go()
        return done

    def _open(self, disk: Disk) -> apsw.Connection:
        self._vfs.disk = disk
        self._db = apsw.Connection(NAME, vfs="torn")
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()  # the log's index in our memory
        self._db.execute("PRAGMA synchronous = FULL").fetchall()
        return self._db

    def _let_go(self) -> None:
        """The process is gone, and its connection without another word to the disk."""
        self._vfs.disk.deaf = True
        if self._db is not None:
            self._db.close(True)


def digest(db: apsw.Connection) -> str:
    """Everything in all tables, as text."""
    names = [
        str(name)
        for (name,) in db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1"
        )
    ]
    return repr({name: db.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}) if names else ""


def main() -> None:
    """As the docstring says."""
    from tests.crash.test_torn_disk import RECORDED

    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(RECORDED[sys.argv[1]](Path(folder)))
    for seed in range(int(sys.argv[2])):
        bench.trial(seed)
    sys.stdout.write(
        f"{sys.argv[2]} trials over {bench.story.operations} operations, none lost, none corrupt\n"
    )


if __name__ == "__main__":
    main()
