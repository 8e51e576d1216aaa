"""What the computer gives and no decision may take by itself: clocks and chance."""

import os
import time
from pathlib import Path
from typing import Final

from edge.ids import new_id
from edge.journal import Fresh

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class SystemClock:
    """The board's clocks. BOOTTIME runs on through suspend and is never stepped."""

    def now_ms(self) -> int:
        """Milliseconds of CLOCK_BOOTTIME."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def wall_ms(self) -> int:
        """Unix milliseconds."""
        return time.time_ns() // 1_000_000


def fresh(clock: SystemClock) -> Fresh:
    """The ids of a session that begins now."""
    ids = new_id(os.urandom(16)), os.urandom(8).hex()
    return Fresh(jid=ids[0], bits=ids[1], wall_ms=clock.wall_ms(), host=_boot_id())


def _boot_id() -> str:
    """Changes with each start of the computer, and with nothing else."""
    try:
        return BOOT_ID.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
