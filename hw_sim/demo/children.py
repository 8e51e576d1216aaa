"""The programs of a demo as child processes: started, heard line by line, told things, and stopped again."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

START_TIMEOUT_S: Final = 15.0
STOP_TIMEOUT_S: Final = 5.0
_LONGEST_LINE: Final = 1 << 20

Line = Mapping[str, Any]


class ChildFailed(Exception):
    """A program of the demo ended or never got ready: which, and its last words."""


class Child:
    """One program. JSON lines of its output and its log are given to `hear`; everything goes to a file."""

    def __init__(self, name: str, *arguments: str, folder: Path, hear: Callable[[str, Line], None]) -> None:
        self.name: Final = name
        self._arguments: Final = arguments
        self._log: Final = folder / f"{name}.log"
        self._hear: Final = hear
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._lines: list[Line] = []
        self._more: Final = asyncio.Condition()
        self._speaking = 0

    async def start(self) -> None:
        """Start `wxvend` with the arguments."""
        program = str(Path(sys.executable).with_name("wxvend"))
        self._process = await asyncio.create_subprocess_exec(
            program,
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
            start_new_session=True,  # the terminal's Ctrl-C is for the stage, which stops all in order
        )
        streams = [stream for stream in (self._process.stdout, self._process.stderr) if stream is not None]
        self._speaking = len(streams)
        self._tasks = [asyncio.create_task(self._read(each), name=f"{self.name} output") for each in streams]

    async def first(self, wanted: Callable[[Line], bool], timeout_s: float = START_TIMEOUT_S) -> Line:
        """The first line, past or future, that is wanted. Raises ChildFailed when it does not come."""
        try:
            async with asyncio.timeout(timeout_s), self._more:
                while True:
                    for line in self._lines:
                        if wanted(line):
                            return line
                    if not self._speaking:
                        raise self._failure("ended too early")
                    await self._more.wait()
        except TimeoutError as error:
            raise self._failure(f"did not get ready within {timeout_s:g} s") from error

    def tell(self, command: Line) -> None:
        """Write one JSON line to its input."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")

    async def stop(self) -> None:
        """Ask it to end; insist when it does not."""
        process = self._process
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

    def kill(self) -> None:
        """Cut its power."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def _read(self, stream: asyncio.StreamReader) -> None:
        with open(self._log, "ab") as log:  # noqa: ASYNC230 - a line at a time to a local file
            async for raw in stream:
                log.write(raw)
                log.flush()
                line = _parse(raw)
                if line is not None:
                    self._lines.append(line)
                    self._hear(self.name, line)
                    async with self._more:
                        self._more.notify_all()
        self._speaking -= 1
        async with self._more:
            self._more.notify_all()

    def _failure(self, what: str) -> ChildFailed:
        words = self._log.read_text(errors="replace").splitlines()[-5:] if self._log.exists() else []
        return ChildFailed("\n  ".join([f"{self.name} {what}; see {self._log}", *words]))


def _parse(raw: bytes) -> Line | None:
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
