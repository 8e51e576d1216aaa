"""A keypad on a pseudo-terminal: what its keys say, in ASCII, with `#` to enter and `*` to cancel."""

import contextlib
import os
import pty
import tty
from pathlib import Path
from typing import Final


class PtyKeypad:
    """Open from its making to `close`; a driver finds it at `link`."""

    def __init__(self, link: Path) -> None:
        self._link: Final = link
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(self._slave))

    def press(self, lane: int) -> None:
        """Key a number and enter it; 0: cancel."""
        with contextlib.suppress(BlockingIOError):  # nobody reads
            os.write(self._master, f"{lane}#".encode() if lane else b"*")

    def close(self) -> None:
        """Pull its plug."""
        os.close(self._master)
        os.close(self._slave)
        self._link.unlink(missing_ok=True)
