"""Follow a program's event stream (SSE) over loopback while it runs, and again when it comes back."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Any, Final

_AGAIN_S: Final = 0.1
_LONGEST_LINE: Final = 1 << 20


async def follow(port: int, path: str) -> AsyncGenerator[tuple[str, Any], None]:
    """(event, value) of each event whose data is JSON, until cancelled."""
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
            async for event in _once(port, path):
                yield event
        await asyncio.sleep(_AGAIN_S)


async def _once(port: int, path: str) -> AsyncGenerator[tuple[str, Any], None]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_LONGEST_LINE)
    try:
        # HTTP/1.0, so that the lines come as they are and not in chunks.
        writer.write(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        name = ""
        async for raw in reader:
            field, _, value = raw.decode().rstrip("\r\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                yield name, json.loads(value)
    finally:
        writer.close()
