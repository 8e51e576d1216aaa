"""What the computer gives and no decision may take by itself: clocks and chance."""

import os
import time

from edge.ids import new_id
from edge.journal import Fresh


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
    return Fresh(jid=new_id(os.urandom(16)), bits=os.urandom(8).hex(), wall_ms=clock.wall_ms())
