"""How often disks are made to flush for one sale, counted by strace on the running daemons.

Between the notification's arrival and the motor frame: the bridge's "paid", the machine's "about to run the
motor". On the machine for a whole sale: opened, about to run the motor, outcome.
"""

import asyncio
import contextlib
import re
import signal
import statistics
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.figure import Figure
from bench.shop import Shop, logged_s, pid_of, play

SALES: Final = 10
QUIET_S: Final = 1.0
_FLUSH: Final = re.compile(r"^(?:\[pid\s+\d+\] |\d+ )?(?P<at>\d+\.\d+) f(?:data)?sync\(", re.M)


def figures() -> list[Figure]:
    """Two rows, each the count of every sale."""
    with TemporaryDirectory() as folder:
        between, whole = play(Path(folder), _count)
    return [
        _row("flushes from notification to motor frame", between, 2),
        _row("flushes of the machine for a whole sale", whole, 3),
    ]


def _row(name: str, counts: list[int], goal: int) -> Figure:
    return Figure(
        name=name,
        ours=f"{statistics.median(counts):g}",
        beside=f"{min(counts)} to {max(counts)} in {len(counts)} sales",
        ratio=statistics.median(counts) / goal,
        goal=f"{goal}",
        met=set(counts) == {goal},
    )


async def _count(shop: Shop) -> tuple[list[int], list[int]]:
    between: list[int] = []
    whole: list[int] = []
    await _sell(shop)  # the first sale of a daemon opens files
    with ExitStack() as stack:
        traces = {
            program: stack.enter_context(_traced(shop.folder, program)) for program in ("edge", "bridge")
        }
        for _ in range(SALES):
            await asyncio.sleep(QUIET_S)
            began_s = await _sell(shop)
            await asyncio.sleep(QUIET_S)
            told = shop.found("wechat", "http", fact="notice.sent")
            intent = shop.found("edge", "sale.intent")
            assert told is not None
            assert intent is not None
            frame_s = logged_s(intent)
            notified_s = told["t_ms"] / 1000
            flushes = {program: _flushes(trace) for program, trace in traces.items()}
            both = [*flushes["edge"], *flushes["bridge"]]
            between.append(sum(notified_s <= at <= frame_s for at in both))
            whole.append(sum(at >= began_s for at in flushes["edge"]))
    return between, whole


async def _sell(shop: Shop) -> float:
    """One sale; when it was opened, less a moment for the opening's own flush."""
    code = await shop.choose()
    await shop.stage.pay(code)
    await shop.delivered()
    opened = shop.found("edge", "sale.open")
    assert opened is not None
    return logged_s(opened) - 0.3


@contextlib.contextmanager
def _traced(folder: Path, program: str) -> Iterator[Path]:
    """Trace a daemon's flushes into a file."""
    trace = folder / f"{program}.strace"
    command = ["strace", "-f", "-ttt", "-e", "trace=fsync,fdatasync", "-o", str(trace)]
    tracing = subprocess.Popen(
        [*command, "-p", str(pid_of(folder, program))], stderr=subprocess.PIPE, text=True
    )
    assert tracing.stderr is not None
    tracing.stderr.readline()  # "attached"
    try:
        yield trace
    finally:
        tracing.send_signal(signal.SIGINT)
        tracing.wait()
        tracing.stderr.close()


def _flushes(trace: Path) -> list[float]:
    return [float(found["at"]) for found in _FLUSH.finditer(trace.read_text())]
