"""The daemon at rest, its board polling every 200 ms: resident memory, start-up CPU, share of a processor.

Memory stands beside an asyncio program that does nothing, start-up beside importing what any such daemon
needs, each on the same interpreter in the same run.
"""

import asyncio
import os
import signal
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.figure import Figure
from bench.shop import Shop, pid_of, play

RUNS: Final = 5
WATCHED_S: Final = 10.0
SETTLE_S: Final = 3.0
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


@dataclass(frozen=True, slots=True)
class Rest:
    """A daemon that sells and has nothing to do."""

    memory_mib: float
    share: float
    start_s: float


def figures() -> list[Figure]:
    """The goals are for the daemon itself; what its screen adds, and a processor's share, are told."""
    with TemporaryDirectory() as folder:
        bare, drawing = play(Path(folder), _watch)
    daemon_mib = statistics.median(_bare_mib() for _ in range(RUNS))
    imports_s = statistics.median(_cpu_of([sys.executable, "-c", IMPORTS]) for _ in range(RUNS))
    return [
        _memory("resident memory, no screen", bare.memory_mib, daemon_mib, 2.5),
        _memory("resident memory, 480x800 screen", drawing.memory_mib, daemon_mib, None),
        _start_up("CPU from start to ready, no screen", bare.start_s, imports_s, 3.0),
        _start_up("CPU from start to ready, 480x800 screen", drawing.start_s, imports_s, None),
        Figure(
            name="share of a processor, polled every 200 ms",
            ours=f"{100 * bare.share:.1f} %",
            beside=f"{100 * drawing.share:.1f} % with a screen",
            ratio=bare.share,
            goal="told",
            met=True,
        ),
    ]


def _memory(name: str, ours: float, beside: float, most: float | None) -> Figure:
    return Figure(
        name=name,
        ours=f"{ours:.1f} MiB",
        beside=f"{beside:.1f} MiB, bare asyncio daemon",
        ratio=ours / beside,
        goal="told" if most is None else f"at most {most:g}x",
        met=most is None or ours <= most * beside,
    )


def _start_up(name: str, ours: float, beside: float, most: float | None) -> Figure:
    return Figure(
        name=name,
        ours=f"{1000 * ours:.0f} ms",
        beside=f"{1000 * beside:.0f} ms, {IMPORTS}",
        ratio=ours / beside,
        goal="told" if most is None else f"at most {most:g}x",
        met=most is None or ours <= most * beside,
    )


async def _watch(shop: Shop) -> tuple[Rest, Rest]:
    """Both in the shop's place, one after the other; its own daemon makes room."""
    os.kill(pid_of(shop.folder, "edge"), signal.SIGTERM)
    await asyncio.sleep(1)
    settings = (shop.folder / "edge.toml").read_text()
    lean = shop.folder / "lean.toml"
    lean.write_text("\n".join(line for line in settings.splitlines() if not line.startswith("png")))
    return await _rest(lean), await _rest(shop.folder / "edge.toml")


async def _rest(config: Path) -> Rest:
    starts_s = []
    for _ in range(RUNS):
        running = await _started(config)
        starts_s.append(cpu_s(running.pid))
        if len(starts_s) < RUNS:
            running.kill()
            await running.wait()
    await asyncio.sleep(SETTLE_S)
    before_s = cpu_s(running.pid)
    await asyncio.sleep(WATCHED_S)
    share = (cpu_s(running.pid) - before_s) / WATCHED_S
    memory_mib = _resident_mib(running.pid)
    running.kill()
    await running.wait()
    return Rest(memory_mib=memory_mib, share=share, start_s=statistics.median(starts_s))


async def _started(config: Path) -> asyncio.subprocess.Process:
    """A daemon that has just said that it is ready."""
    running = await asyncio.create_subprocess_exec(
        *(_WXVEND, "edge", "run", "--config", str(config)), stderr=asyncio.subprocess.PIPE
    )
    assert running.stderr is not None
    while b"daemon.ready" not in await running.stderr.readline():
        continue
    return running


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


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_S


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"process {pid} has no resident memory")
