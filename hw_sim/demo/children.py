"""The programs of a demo as child processes: started, heard line by line, told things, and stopped again."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

START_TIMEOUT_S: Final = 20.0
STOP_TIMEOUT_S: Final = 5.0
_LEASH: Final = Path(__file__).with_name("leash.py")
_LONGEST_LINE: Final = 1 << 20
_KEPT: Final = 200
_LAST_WORDS: Final = 5
_KNOCK_EVERY_S: Final = 0.02

Line = Mapping[str, Any]
Wanted = Callable[[Line], bool]


class ChildFailed(Exception):
    """A program of the demo ended or never got ready: which, and its last words."""


class Child:
    """One program. JSON lines of its output and its log are given to `hear`; everything goes to a file."""

    def __init__(self, name: str, *command: str, folder: Path, hear: Callable[[str, Line], None]) -> None:
        self.name: Final = name
        self._command: Final = command
        self._log: Final = folder / f"{name}.log"
        self._hear: Final = hear
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._lines: Final[deque[Line]] = deque(maxlen=_KEPT)
        self._waiting: Final[list[tuple[Wanted, asyncio.Future[Line]]]] = []
        self._speaking = 0
        self._asked_to_end = False

    @property
    def pid(self) -> int:
        """Its process, once started."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start it, on a leash: it ends with us, whatever ends us."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_LEASH), str(os.getpid())),
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
            start_new_session=True,  # the terminal's Ctrl-C is for the stage, which stops all in order
        )
        streams = [stream for stream in (self._process.stdout, self._process.stderr) if stream is not None]
        self._speaking = len(streams)
        self._tasks = [asyncio.create_task(self._read(each), name=f"{self.name} output") for each in streams]

    async def first(self, wanted: Wanted) -> Line:
        """The first line, past or future, that is wanted. Raises ChildFailed when it does not come."""
        for line in self._lines:
            if wanted(line):
                return line
        return await self.next(wanted)

    async def next(self, wanted: Wanted, timeout_s: float = START_TIMEOUT_S) -> Line:
        """The next line that is wanted. Raises ChildFailed when it does not come."""
        if not self._speaking:
            raise self._failure("ended too early")
        coming: asyncio.Future[Line] = asyncio.get_running_loop().create_future()
        entry = (wanted, coming)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(timeout_s):
                return await coming
        except TimeoutError as error:
            raise self._failure(f"did not answer within {timeout_s:g} s") from error
        finally:
            with contextlib.suppress(ValueError):
                self._waiting.remove(entry)

    async def listens(self, port: int) -> None:
        """Wait until it takes connections. Raises ChildFailed when it does not."""
        deadline_s = asyncio.get_running_loop().time() + START_TIMEOUT_S
        while asyncio.get_running_loop().time() < deadline_s:
            if not self._speaking:
                raise self._failure("ended too early")
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(_KNOCK_EVERY_S)
        raise self._failure(f"did not listen within {START_TIMEOUT_S:g} s")

    async def ended(self) -> ChildFailed | None:
        """Wait until it is gone; what to say, unless we asked for that."""
        assert self._process is not None
        code = await self._process.wait()
        return None if self._asked_to_end else self._failure(f"ended with exit code {code}")

    def tell(self, command: Line) -> None:
        """Write one JSON line to its input."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")

    async def ask(self, command: Line, answer: str, timeout_s: float = START_TIMEOUT_S) -> Line:
        """Write one JSON line and wait for the line that is the `answer` event. Raises ChildFailed."""
        self.tell(command)
        return await self.next(lambda line: line.get("event") == answer, timeout_s)

    async def stop(self) -> None:
        """Ask it to end; insist when it does not."""
        process, self._asked_to_end = self._process, True
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        await asyncio.gather(*self._tasks)

    async def kill(self) -> None:
        """End it as a power cut does."""
        assert self._process is not None
        self._asked_to_end = True
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await asyncio.gather(*self._tasks)

    async def _read(self, stream: asyncio.StreamReader) -> None:
        with open(self._log, "ab") as log:  # noqa: ASYNC230 - a line at a time to a local file
            async for raw in stream:
                log.write(raw)
                log.flush()
                line = _parse(raw)
                if line is not None:
                    self._take(line)
        self._speaking -= 1
        if not self._speaking:
            for _, coming in self._waiting:
                if not coming.done():
                    coming.set_exception(self._failure("ended too early"))

    def _take(self, line: Line) -> None:
        self._lines.append(line)
        self._hear(self.name, line)
        for wanted, coming in self._waiting:
            if not coming.done() and wanted(line):
                coming.set_result(line)

    def _failure(self, what: str) -> ChildFailed:
        words = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return ChildFailed("\n  ".join([f"{self.name} {what}; its last words:", *words[-_LAST_WORDS:]]))


def _parse(raw: bytes) -> Line | None:
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
