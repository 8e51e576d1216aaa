"""Run a program that ends when its parent does, however that ends: `leash.py PARENT_PID PROGRAM ARGUMENT...`

The kernel asks the program to stop when its parent is gone, even after a `kill -9`; that order outlives exec.
"""

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Never returns: this process becomes the program."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if os.getppid() != parent:  # it went before we could ask
        sys.exit(0)
    os.execv(program[0], program)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
