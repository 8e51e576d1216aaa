"""A house with people in it: the real books in SQLite, the real Argon2 at its least, a clock that is told."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cloud_bridge.core.logins import Scope, Session
from cloud_bridge.core.people import Role
from cloud_bridge.engine_people import People, PeopleSettings, hashed
from cloud_bridge.engine_people_acts import By, Given, added, token_made
from cloud_bridge.engine_totp import STEP_S, code_at, new_secret
from cloud_bridge.ports_people import Entered, Line, PeopleTx, Tried
from cloud_bridge.store.books import SqlStore, open_store
from cloud_bridge.web.passwords import FLOOR_KIB, FLOOR_ROUNDS, Argon2
from tests.unit.web.bridge import START_WALL_MS, Lines

PASSWORD = "correct horse battery"
MERCHANT_OF = {"vm-0001": "", "vm-0002": "east"}
SECRET = new_secret(lambda size: b"7" * size)


@dataclass(slots=True)
class Clock:
    """Goes on when it is told to."""

    at_ms: int = START_WALL_MS

    def now_ms(self) -> int:
        return self.at_ms

    def wall_ms(self) -> int:
        return self.at_ms


@dataclass(slots=True)
class Entropy:
    """Other bytes each time, and the same in each test."""

    count: int = 0

    def __call__(self, size: int) -> bytes:
        self.count += 1
        return hashlib.shake_256(str(self.count).encode()).digest(size)


@dataclass(slots=True)
class House:
    """People, their books, and what a test does in their place."""

    store: SqlStore
    people: People
    clock: Clock
    passwords: Argon2
    entropy: Entropy

    async def user(
        self, name: str, *roles: Role, machines: str = "", second: bool = True, merchants: str = ""
    ) -> None:
        """Somebody who has a login: without machines and merchants on all of them."""
        scope = scope_of(*roles, machines=machines, merchants=merchants)
        kept = await self.passwords.kept(PASSWORD)
        by = By(name="root", wall_ms=self.clock.at_ms)
        assert (
            await self.people.managed(added(name, Given(scope=scope, merchant_of=MERCHANT_OF), kept, by))
            == ""
        )
        if second:
            await self.change(name, totp=SECRET)

    async def change(self, name: str, **more: object) -> None:
        """His row, as a restored backup might bring it."""

        def put(tx: PeopleTx) -> str:
            user = tx.user(name)
            assert user is not None
            tx.put_user(replace(user, **more))  # type: ignore[arg-type]
            return ""

        await self.people.managed(put)

    async def token(self, name: str, *roles: Role, machines: str = "") -> str:
        """A program's token."""
        words, by = f"wxv_{name}", By(name="root", wall_ms=self.clock.at_ms)
        given = Given(scope=scope_of(*roles, machines=machines), merchant_of=MERCHANT_OF)
        assert await self.people.managed(token_made(name, hashed(words), given, by)) == ""
        return words

    def code(self) -> str:
        """What the second factor of everybody here shows."""
        return code_at(SECRET, self.clock.at_ms // 1000 // STEP_S)

    async def enter(
        self, name: str, password: str = PASSWORD, *, code: str | None = None, address: str = "192.0.2.1"
    ) -> Entered:
        """One try at the door, the clock a step further so that a code is a new one."""
        self.clock.at_ms += STEP_S * 1000
        given = self.code() if code is None else code
        await self.people.ready()
        return await self.people.log_in(Tried(name=name, password=password, code=given, address=address))

    async def inside(self, name: str) -> str:
        """Somebody who got in; his session's number."""
        entered = await self.enter(name)
        assert entered.why == ""
        return entered.session

    async def kept(self) -> tuple[Session, ...]:
        """The sessions as the books have them."""
        return await self.store.on_people(lambda tx: tx.sessions())

    async def deeds(self) -> list[tuple[str, str, str]]:
        """Who did what to whom, the oldest first."""
        lines: tuple[Line, ...] = await self.store.deeds(limit=500)
        return [(line.by, line.action, line.about) for line in reversed(lines)]

    def anew(self, **settings: object) -> People:
        """The people of the next daemon on these books."""
        self.people = people_of(self.store, self.passwords, self.clock, self.entropy, **settings)
        return self.people


def scope_of(*roles: Role, machines: str = "", merchants: str = "") -> Scope:
    """Rights in short: machines and merchants with blanks between, neither for all."""
    return Scope(
        roles=frozenset(roles),
        machines=frozenset(machines.split()),
        merchants=frozenset(merchants.split()),
        everywhere=not machines and not merchants,
    )


def people_of(
    store: SqlStore, passwords: Argon2, clock: Clock, entropy: Entropy, **settings: object
) -> People:
    return People(
        store=store,
        passwords=passwords,
        settings=PeopleSettings(**({"merchant_of": MERCHANT_OF} | settings)),  # type: ignore[arg-type]
        clock=clock,
        log=Lines(),
        entropy=entropy,
    )


@cache
def _empty() -> bytes:
    """New books: to copy them is less work than to make them."""
    with TemporaryDirectory() as folder:
        open_store(f"sqlite:///{folder}/books.db", incarnation=lambda: "s" * 26).close()
        return Path(folder, "books.db").read_bytes()


@contextmanager
def house(folder: Path, **settings: object) -> Iterator[House]:
    """Books in a folder, and nobody in them yet."""
    (folder / "books.db").write_bytes(_empty())
    store = open_store(f"sqlite:///{folder}/books.db", incarnation=lambda: "s" * 26, idle_s=600)
    passwords = Argon2(memory_kib=FLOOR_KIB, rounds=FLOOR_ROUNDS)
    clock, entropy = Clock(), Entropy()
    try:
        yield House(store, people_of(store, passwords, clock, entropy, **settings), clock, passwords, entropy)
    finally:
        store.close()
        passwords.close()
