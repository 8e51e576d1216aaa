"""A camera held over the machine's screen: it looks at each new picture once."""

import asyncio
import contextlib
from pathlib import Path
from typing import Final

from hw_sim.demo.phone import read_code

LOOK_EVERY_S: Final = 0.02


class Eye:
    """What the newest picture says. `code` is empty when there is none; `drawn_ms` is the picture's time."""

    def __init__(self, picture: Path) -> None:
        self.code = ""
        self.drawn_ms = 0.0
        self.version = 0
        self._picture: Final = picture

    async def look(self) -> bool:
        """Look once; True when the picture is another one than before."""
        with contextlib.suppress(FileNotFoundError):
            version = self._picture.stat().st_mtime_ns
            if version != self.version:
                self.version, self.drawn_ms = version, version / 1e6
                self.code = await asyncio.to_thread(read_code, self._picture)
                return True
        return False

    async def new_code(self, timeout_s: float) -> str:
        """Wait for a code other than the one that was read last. Raises TimeoutError."""
        last = self.code
        try:
            async with asyncio.timeout(timeout_s):
                while not self.code or self.code == last:
                    if not await self.look():
                        await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError as error:
            raise TimeoutError(f"screen: found no new code in {timeout_s:g} s") from error
        return self.code
