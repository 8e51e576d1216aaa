"""The only file that imports `argon2`: passwords as Argon2id keeps them.

One try costs memory and time, for us as for a thief. So a few at a time are looked at, away from the loop,
and a name that nobody has costs as much as one that somebody has.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from cloud_bridge.ports_people import Busy

T = TypeVar("T")
AT_ONCE: Final = 2
WAITING: Final = 32
# OWASP's first recommendation, and what a small computer does in a tenth of a second. Less than the floor is
# no protection, and serves tests of what is around it.
MEMORY_KIB: Final = 19 * 1024
ROUNDS: Final = 2
FLOOR_KIB: Final = 8
FLOOR_ROUNDS: Final = 1


class Argon2:
    """Implements `ports_people.Passwords`. Raises ValueError for less work than the floor."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB, rounds: int = ROUNDS) -> None:
        if memory_kib < FLOOR_KIB or rounds < FLOOR_ROUNDS:
            raise ValueError(f"found {memory_kib} KiB and {rounds} rounds, allowed {FLOOR_KIB} and more")
        self._hasher: Final = PasswordHasher(
            time_cost=rounds, memory_cost=memory_kib, parallelism=1, hash_len=32, salt_len=16, type=Type.ID
        )
        self._nobodys = ""
        self._hands: Final = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
        self._under_way = 0

    async def kept(self, password: str) -> str:
        """What is kept of it. Raises Busy."""
        return await self._away(lambda: self.kept_now(password))

    async def fits(self, kept: str, password: str) -> bool:
        """Whether it is this one; for an empty `kept` as much work, and no. Raises Busy."""
        fitting = await self._away(lambda: self._looked_at(kept, password))
        return fitting and bool(kept)

    def kept_now(self, password: str) -> str:
        """What is kept of it; takes a while."""
        return self._hasher.hash(password)

    def dated(self, kept: str) -> bool:
        """Whether it was made with other work than is asked for now."""
        return self._hasher.check_needs_rehash(kept)

    def close(self) -> None:
        """Finish what is under way."""
        self._hands.shutdown()

    def _looked_at(self, kept: str, password: str) -> bool:
        """The stand-in for a name that nobody has is made with the first look, whoever that is at."""
        self._nobodys = self._nobodys or self._hasher.hash("a password that nobody has")
        return self._fits(kept or self._nobodys, password)

    def _fits(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _away(self, work: Callable[[], T]) -> T:
        if self._under_way >= WAITING:
            raise Busy(f"{WAITING} passwords are being looked at already")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._hands, work)
        finally:
            self._under_way -= 1
