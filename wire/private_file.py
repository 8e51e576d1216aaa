"""Whether a file that holds a secret is kept from others."""

import os
import stat
from pathlib import Path


def exposed_mode(path: Path) -> int | None:
    """Give the mode of `path` when group or world may do anything with it, else None. Raises OSError."""
    mode = stat.S_IMODE(path.stat().st_mode)
    exposed = stat.S_IRWXG | stat.S_IRWXO
    if str(path.parent) == os.environ.get("CREDENTIALS_DIRECTORY"):
        # systemd grants the service's user by an access list, whose mask shows as the group's read bit.
        exposed &= ~stat.S_IRGRP
    return mode if mode & exposed else None
