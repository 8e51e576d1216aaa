"""The daemon at rest, its board polling every 200 ms: resident memory, start-up CPU, share of a processor.

Memory stands beside an asyncio program that does nothing, start-up beside importing what any such daemon
needs, each on the same interpreter in the same run.
"""

import asyncio
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.figure import Figure
from bench.shop import Shop, pid_of, play

RUNS: Final = 5
WATCHED_S: Final = 10.0
BARE: Final = """
import asyncio, sys
async def main():
    print("ready", flush=True)
    while True:
        await asyncio.sleep(0.2)
asyncio.run(main())
"""
IMPORTS: Final = "import asyncio, sqlite3"
_TICKS_S: Final = os.sysconf("SC_CLK_TCK")
_WXVEND: Final = str(Path(sys.executable).with_name("wxvend"))


def figures() -> list[Figure]:
    """Three rows; the processor's share has no goal, it is told."""
    with TemporaryDirectory() as folder:
        memory_mib, share, starts_s = play(Path(folder), _watch)
    bare_mib = statistics.median(_bare_mib() for _ in range(RUNS))
    imports_s = statistics.median(_cpu_of([sys.executable, "-c", IMPORTS]) for _ in range(RUNS))
    start_s = statistics.median(starts_s)
    return [
        Figure(
            name="resident memory, selling and at rest",
            ours=f"{memory_mib:.1f} MiB",
            beside=f"{bare_mib:.1f} MiB, bare asyncio daemon",
            ratio=memory_mib / bare_mib,
            goal="at most 2.5x",
            met=memory_mib <= 2.5 * bare_mib,
        ),
        Figure(
            name="CPU from start to ready",
            ours=f"{1000 * start_s:.0f} ms",
            beside=f"{1000 * imports_s:.0f} ms, {IMPORTS}",
            ratio=start_s / imports_s,
            goal="at most 3x",
            met=start_s <= 3 * imports_s,
        ),
        Figure(
            name="share of a processor, polled every 200 ms",
            ours=f"{100 * share:.1f} %",
            beside="told, no goal",
            ratio=share,
            goal="",
            met=True,
        ),
    ]


async def _watch(shop: Shop) -> tuple[float, float, list[float]]:
    pid = pid_of(shop.folder, "edge")
    before_s = _cpu_s(pid)
    await asyncio.sleep(WATCHED_S)
    share = (_cpu_s(pid) - before_s) / WATCHED_S
    memory_mib = _resident_mib(pid)
    os.kill(pid, 15)  # its journal and its port are wanted for the starts
    await asyncio.sleep(1)
    return memory_mib, share, [await _start(shop.folder) for _ in range(RUNS)]


async def _start(folder: Path) -> float:
    """The processor time of one start, until the daemon says that it is ready."""
    starting = await asyncio.create_subprocess_exec(
        *(_WXVEND, "edge", "run", "--config", str(folder / "edge.toml")), stderr=asyncio.subprocess.PIPE
    )
    assert starting.stderr is not None
    while b"daemon.ready" not in await starting.stderr.readline():
        continue
    taken_s = _cpu_s(starting.pid)
    starting.kill()
    await starting.wait()
    return taken_s


def _bare_mib() -> float:
    with subprocess.Popen([sys.executable, "-c", BARE], stdout=subprocess.PIPE) as bare:
        assert bare.stdout is not None
        bare.stdout.readline()
        found = _resident_mib(bare.pid)
        bare.kill()
    return found


def _cpu_of(command: list[str]) -> float:
    with subprocess.Popen(command) as running:
        _, _, usage = os.wait4(running.pid, 0)
        running.returncode = 0
    return usage.ru_utime + usage.ru_stime


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_S


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"process {pid} has no resident memory")
