"""A private PostgreSQL for tests: its own data, its own socket, no network; gone when the tests are."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pytest

_BINARIES: Final = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
_PATH: Final = os.pathsep.join([*map(str, _BINARIES), os.environ.get("PATH", "")])
# Its process may die, the machine does not: what it wrote is there without waiting for a disk.
_OPTIONS: Final = "-c listen_addresses= -c max_connections=40 -c shared_buffers=16MB -c fsync=off"


def missing() -> str:
    """Why there can be no cluster here, or empty."""
    if shutil.which("initdb", path=_PATH) is None:
        return "no PostgreSQL. Try: apt install postgresql"
    if os.geteuid() == 0 and not any(user.pw_name == "postgres" for user in pwd.getpwall()):
        return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


def need_cluster() -> None:
    """Skip without PostgreSQL; where everything has to be there, fail."""
    if why := missing():
        assert os.environ.get("CI") != "true", why
        pytest.skip(why)


class Cluster:
    """`with Cluster() as cluster:` a server that is up; `crash` and `start` as often as wanted."""

    def __init__(self) -> None:
        self._user = "postgres" if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path has 107 characters
        if self._user:
            shutil.chown(self._folder, self._user)

    def __enter__(self) -> Self:
        self._run("initdb", "-D", self._data, "-U", "wxvend", "-A", "trust", "-E", "UTF8", "--locale=C")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.crash()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Up, recovered, and taking connections."""
        options = f"-k {self._folder} {_OPTIONS}"
        self._run("pg_ctl", "-D", self._data, "-l", f"{self._folder}/log", "-w", "-o", options, "start")

    def crash(self) -> None:
        """Every connection breaks; what was not committed is gone."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")

    def empty_database(self) -> str:
        """The address of the one database, with nothing in it any more."""
        anew = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
        self._run("psql", "-h", str(self._folder), "-U", "wxvend", "-d", "postgres", "-c", anew)
        return f"postgresql+psycopg://wxvend@/postgres?host={self._folder}"

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            user=self._user,
            cwd=self._folder,
            env={"PATH": _PATH, "LC_ALL": "C"},
            stdout=subprocess.DEVNULL,  # a server that inherits a pipe keeps it open
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        log = self._folder / "log"
        assert done.returncode == 0, f"{command[0]}: {log.read_text() if log.exists() else ''}"
