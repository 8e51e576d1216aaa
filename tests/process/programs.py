"""Programs of ours as child processes: every line they say is kept, and a test waits for what it wants."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self

WXVEND: Final = str(Path(sys.executable).with_name("wxvend"))
PATIENCE_S: Final = 30.0

Line = Mapping[str, Any]


async def until(
    true: Callable[[], bool], what: Callable[[], str] | str = "", *, patience_s: float = PATIENCE_S
) -> None:
    """Look again and again at the outside world, within a bound."""
    try:
        async with asyncio.timeout(patience_s):
            while not true():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"did not come about: {what() if callable(what) else what}") from None


class Program:
    """One child. It speaks JSON, an object a line; any other line is kept as {"text": ...}."""

    def __init__(self, *command: str, env: Mapping[str, str] | None = None) -> None:
        self._command = command
        self._env = {**os.environ, **(env or {})}
        self.lines: list[Line] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=pipe, stdout=pipe, stderr=pipe, env=self._env, limit=1 << 20
        )
        streams = (self._process.stdout, self._process.stderr)
        self._tasks = [asyncio.create_task(self._read(stream)) for stream in streams if stream is not None]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.running:
            self.signal(signal.SIGKILL)
        await self.ended()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait for its end; the exit code."""
        assert self._process is not None
        async with asyncio.timeout(PATIENCE_S):
            code = await self._process.wait()
            await asyncio.gather(*self._tasks)
        return code

    async def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return await self.ended()

    def tell(self, wish: Line) -> None:
        """Write one JSON line to its input."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(wish).encode() + b"\n")

    def said(self, **wanted: object) -> list[Line]:
        """The lines so far whose members are these."""
        return [line for line in self.lines if all(line.get(key) == value for key, value in wanted.items())]

    async def says(self, *, after: int = 0, **wanted: object) -> Line:
        """The first line from number `after` on whose members are these."""

        def found() -> list[Line]:
            return [line for line in self.said(**wanted) if any(line is late for late in self.lines[after:])]

        await until(lambda: bool(found()), lambda: f"{wanted} in {self.lines[-15:]}")
        return found()[0]

    async def _read(self, stream: asyncio.StreamReader) -> None:
        async for raw in stream:
            text = raw.decode("utf-8", "replace").rstrip("\n")
            try:
                line = json.loads(text)
            except ValueError:
                line = None
            self.lines.append(line if isinstance(line, dict) else {"text": text})
