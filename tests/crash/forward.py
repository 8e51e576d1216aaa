"""A TCP proxy that takes its time: `python -m tests.crash.forward PORT HOST PORT`, or in a test's own loop.

Bytes arrive `delay_s` later and in order, as on a long line; when one end goes, the other one goes, too.
"""

import asyncio
import contextlib
import sys


async def serve(listen: tuple[str, int], to: tuple[str, int], *, delay_s: float = 0.0) -> asyncio.Server:
    """Listen and pass on, until the server is closed."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), contextlib.closing(writer):
            far_reader, far_writer = await asyncio.open_connection(*to)
            with contextlib.closing(far_writer):
                ways = (_way(reader, far_writer, delay_s), _way(far_reader, writer, delay_s))
                tasks = [asyncio.ensure_future(way) for way in ways]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    return await asyncio.start_server(meet, *listen)


async def _way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    while data := await reader.read(4096):
        if delay_s:
            loop.call_later(delay_s, writer.write, data)
        else:
            writer.write(data)


async def _main() -> None:
    port, host, there = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    async with await serve(("127.0.0.1", port), (host, there)) as server:
        sys.stdout.write('{"event": "ready"}\n')
        sys.stdout.flush()
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
