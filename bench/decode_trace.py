"""`wxvend tech decode` of a trace of 100 MB: as much memory as for one of 1 MB, and a word on how far it is.

The real command in a process of its own; peak resident memory is the system's word about that process.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.figure import Figure

MEGA: Final = 1_000_000
SMALL, LARGE = 1 * MEGA, 100 * MEGA
GOAL: Final = 1.1
_HEAD: Final = "# wxvend trace 1\n# bus: xy\n# baud: 57600\n# start: 2026-11-25T02:10:00.123Z\n"
_FRAMES: Final = ("rx fafb410040", "tx fafb420043", "rx fafb110c30000c0000015e050803e90098", "tx fafb420043")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One decoding: peak memory in MB, seconds, lines told about the way."""

    peak_mb: float
    seconds: float
    told: int


def figures() -> list[Figure]:
    """One row: the large trace beside the small one."""
    with tempfile.TemporaryDirectory(prefix="wxvend-bench-") as folder:
        small, large = (_decoded(_trace(Path(folder), size)) for size in (SMALL, LARGE))
    ratio = large.peak_mb / small.peak_mb
    return [
        Figure(
            name="decode of a 100 MB trace",
            ours=f"{large.peak_mb:.0f} MB at most, {large.seconds:.0f} s, {large.told} times how far",
            beside=f"{small.peak_mb:.0f} MB for 1 MB",
            ratio=ratio,
            goal=f"at most {GOAL}x, with progress",
            met=ratio <= GOAL and large.told >= large.seconds // 10 - 1,
        )
    ]


def _trace(folder: Path, size: int) -> Path:
    file = folder / f"{size}.trace"
    with file.open("w") as out:
        out.write(_HEAD)
        at = written = 0
        while written < size:
            lines = "".join(f"{(at + step) / 1000:.3f} {frame}\n" for step, frame in enumerate(_FRAMES))
            written += out.write(lines)
            at += 10
    return file


def _decoded(file: Path) -> _Run:
    began = time.perf_counter()
    with file.open("rb") as lines, tempfile.TemporaryFile() as told:
        child = subprocess.Popen(
            [str(Path(sys.executable).with_name("wxvend")), "tech", "decode"],
            stdin=lines,
            stdout=subprocess.DEVNULL,
            stderr=told,
        )
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0
        told.seek(0)
        return _Run(
            peak_mb=used.ru_maxrss / 1000,
            seconds=time.perf_counter() - began,
            told=len(told.read().splitlines()),
        )
