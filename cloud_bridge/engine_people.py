"""People: who is let in, for how long, and what each change of theirs leaves in the audit.

Users, tokens and sessions are read once and kept beside the books: this process is the books' only writer, so
both are the same, and nobody at the door waits for a disk. What is changed is durable before it counts.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from cloud_bridge.core.logins import (
    MINUTE_MS,
    OF_ACCOUNT,
    OF_ADDRESS,
    Limit,
    Session,
    Token,
    User,
    Wish,
    lives,
    person_of,
    wait_ms,
    wrong_password,
)
from cloud_bridge.core.people import Person
from cloud_bridge.engine_people_acts import Managed, agreed, asked_rights, put_out
from cloud_bridge.engine_totp import address, new_secret, step_of
from cloud_bridge.ports import Clock, Log
from cloud_bridge.ports_people import Busy, Deed, Entered, Passwords, PeopleStore, PeopleTx, Tried

MOST_SESSIONS: Final = 1000
MOST_TRIED: Final = 4096
_SEEN_EVERY_MS: Final = MINUTE_MS
_WRONG: Final = "name, password or code is wrong"
_ENDED: Final = "this session has ended. Try: log in again"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleSettings:
    """`login`: whether one is asked for; None: once there is a user. `merchant_of`: by machine."""

    login: bool | None = None
    idle_ms: int = 15 * MINUTE_MS
    merchant_of: Mapping[str, str] = field(default_factory=dict)


class People:
    """Implements `ports_people.PeopleService`. `entropy` gives random bytes."""

    def __init__(
        self,
        *,
        store: PeopleStore,
        passwords: Passwords,
        settings: PeopleSettings,
        clock: Clock,
        log: Log,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._store: Final = store
        self._passwords: Final = passwords
        self._settings: Final = settings
        self._clock: Final = clock
        self._log: Final = log
        self._entropy: Final = entropy
        self._reading: Final = asyncio.Lock()
        self._read = False
        self._users: dict[str, User] = {}
        self._tokens: dict[str, Token] = {}
        self._wishes: tuple[Wish, ...] = ()
        self._sessions: dict[str, Session] = {}
        self._seen: set[str] = set()
        self._offered: Final[dict[str, str]] = {}
        self._failed: Final[OrderedDict[str, tuple[int, ...]]] = OrderedDict()

    # ------------------------------------------------------------ what is known

    async def ready(self) -> None:
        """Wait until the books were read. Raises StoreFailed."""
        if not self._read:
            async with self._reading:
                if not self._read:
                    await self._read_again()

    async def _read_again(self) -> None:
        users, tokens, wishes, sessions = await self._store.on_people(
            lambda tx: (tx.users(), tx.tokens(), tx.wishes(), tx.sessions())
        )
        self._users = {user.name: user for user in users}
        self._tokens = {token.id: token for token in tokens}
        self._wishes = wishes
        seen = self._sessions
        self._sessions = {each.id: seen.get(each.id, each) for each in sessions}
        self._read = True

    @property
    def asks(self) -> bool:
        """Whether a login is asked for."""
        return bool(self._users) if self._settings.login is None else self._settings.login

    @property
    def users(self) -> tuple[User, ...]:
        """Everybody who has a login."""
        return tuple(self._users.values())

    @property
    def wishes(self) -> tuple[Wish, ...]:
        """What waits for a second admin."""
        return self._wishes

    def by_session(self, session: str, *, watching: bool = False) -> Person | None:
        """Whose session this is; it lives on from now, unless a page is `watching` by itself."""
        found = self._living(session)
        if found is None:
            return None
        if not watching:
            self._sessions[found.id] = replace(found, seen_wall_ms=self._clock.wall_ms())
            self._seen.add(found.id)
        user = self._users[found.name]
        return person_of(user, merchant_of=self._settings.merchant_of, proven=found.proven)

    def lives(self, session: str) -> bool:
        """Whether this session has not ended."""
        return self._living(session) is not None

    def by_token(self, token: str) -> Person | None:
        """Which program's token this is."""
        found = self._tokens.get(hashed(token))
        return None if found is None else self._person(found)

    def by_name(self, name: str) -> Person | None:
        """A user whom somebody else let in."""
        found = self._users.get(name.lower())
        return None if found is None or found.disabled else self._person(found)

    def _person(self, held: User | Token) -> Person:
        return person_of(held, merchant_of=self._settings.merchant_of, proven=True)

    def _living(self, session: str) -> Session | None:
        found = self._sessions.get(hashed(session))
        if found is None:
            return None
        user = self._users.get(found.name)
        if user is None or user.disabled:
            return None
        return found if lives(found, self._clock.wall_ms(), self._settings.idle_ms) else None

    # ------------------------------------------------------------ in and out

    async def log_in(self, tried: Tried) -> Entered:
        """Let somebody in. What is wrong is not told apart; a name that nobody has costs as much."""
        name, now_ms = tried.name.strip().lower(), self._clock.wall_ms()
        account, place = f"name {name[:64]}", f"from {tried.address[:64]}"
        if (wait := self._wait_ms(account, OF_ACCOUNT) or self._wait_ms(place, OF_ADDRESS)) > 0:
            return Entered(why="too many tries. Try: later", wait_s=-(-wait // 1000))
        self._note(account, now_ms)  # counted before it is looked at: many at once are many
        self._note(place, now_ms)
        user = self._users.get(name)
        standing = user is not None and not user.disabled
        try:
            fits = await self._passwords.fits(user.password if user is not None else "", tried.password)
        except Busy:
            return Entered(why="too many log in now. Try: in a minute", wait_s=5)
        step = _second(user, tried.code, now_ms) if user is not None else -1
        if not (fits and standing) or step < 0 or user is None:
            await self._store.record(_refused(user, now_ms, tried.address))
            self._log.info("people.refused", known=user is not None)
            return Entered(why=_WRONG)
        self._failed.pop(account, None)
        self._forgive(place)
        again = await self._passwords.kept(tried.password) if self._passwords.dated(user.password) else ""
        user = replace(self._users[name], step=max(step, user.step), password=again or user.password)
        number = await self._entered(user, proven=step > 0, deed=_deed(now_ms, name, "login", tried.address))
        return Entered(session=number) if number else Entered(why=_WRONG)

    async def log_out(self, session: str) -> None:
        """End a session."""
        found, now_ms = self._sessions.get(hashed(session)), self._clock.wall_ms()
        if found is None:
            return
        self._sessions.pop(found.id)

        def out(tx: PeopleTx) -> None:
            tx.drop_session(found.id)
            tx.deed(_deed(now_ms, found.name, "logout"))

        await self._store.on_people(out)

    async def _entered(self, user: User, *, proven: bool, deed: Deed, others: bool = True) -> str:
        """A new session of his; with `others` False the only one. Its number, or empty when it was used."""
        number, now_ms = self._entropy(32).hex(), self._clock.wall_ms()
        session = Session(
            id=hashed(number), name=user.name, proven=proven, made_wall_ms=now_ms, seen_wall_ms=now_ms
        )
        dead = [
            each.id for each in self._sessions.values() if not lives(each, now_ms, self._settings.idle_ms)
        ]

        def into(tx: PeopleTx) -> bool:
            held = tx.user(user.name)
            if held is None or held.disabled or (proven and others and held.step >= user.step):
                return False  # somebody was quicker with the same code
            tx.put_user(user)
            if not others:
                tx.drop_sessions(user.name)
            for each in dead:
                tx.drop_session(each)
            tx.put_session(session)
            tx.deed(deed)
            return True

        if not await self._store.on_people(into):
            return ""
        await self._read_again()
        return number

    # ------------------------------------------------------------ one's own account

    async def change_password(self, session: str, old: str, new: str) -> Entered:
        """A new password, a new session's number, and the end of his other sessions."""
        user, why = await self._his(session, old)
        if user is None or (why := why or wrong_password(new, user.name)):
            return Entered(why=why)
        try:
            kept = await self._passwords.kept(new)
        except Busy:
            return Entered(why="too many log in now. Try: in a minute", wait_s=5)
        return await self._renewed(session, replace(user, password=kept), "password")

    async def offer_totp(self, session: str, password: str) -> tuple[str, str]:
        """Why not, or a new second factor's address, which counts once `take_totp` did."""
        user, why = await self._his(session, password)
        if user is None or why:
            return why, ""
        secret = new_secret(self._entropy)
        while len(self._offered) >= MOST_SESSIONS:
            self._offered.pop(next(iter(self._offered)))
        self._offered[hashed(session)] = secret
        return "", address(secret, user.name)

    async def take_totp(self, session: str, code: str) -> Entered:
        """The code that the new factor shows: from now on it is asked for."""
        found, secret = self._living(session), self._offered.get(hashed(session), "")
        if found is None or not secret:
            return Entered(why=_ENDED)
        step = step_of(secret, code.strip(), wall_ms=self._clock.wall_ms(), after=0)
        if not step:
            return Entered(why="code: found another one than the phone shows now. Try: the next one")
        self._offered.pop(hashed(session))
        user = replace(self._users[found.name], totp=secret, step=step)
        return await self._renewed(session, user, "second_factor")

    async def _his(self, session: str, password: str) -> tuple[User | None, str]:
        """Whose session it is, once more by his password; as often as at the door."""
        found = self._living(session)
        if found is None:
            return None, _ENDED
        user, account = self._users[found.name], f"name {found.name}"
        if self._wait_ms(account, OF_ACCOUNT):
            return None, "too many tries. Try: later"
        self._note(account, self._clock.wall_ms())
        try:
            if not await self._passwords.fits(user.password, password):
                return None, "password: found another one than yours now"
        except Busy:
            return None, "too many log in now. Try: in a minute"
        self._failed.pop(account, None)
        return user, ""

    async def _renewed(self, session: str, user: User, action: str) -> Entered:
        """His row as it is now, one new session in place of all, and a line in the audit."""
        found, now_ms = self._living(session), self._clock.wall_ms()
        if found is None:
            return Entered(why=_ENDED)
        user, proven = replace(user, changed_wall_ms=now_ms), found.proven or action == "second_factor"
        deed = _deed(now_ms, user.name, action)
        return Entered(session=await self._entered(user, proven=proven, deed=deed, others=False))

    # ------------------------------------------------------------ what admins do

    async def ask_rights(self, wish: Wish) -> str:
        """An admin asks rights for a user: why not, or empty; another admin has to agree."""
        return await self.managed(asked_rights(wish, self._settings.merchant_of))

    async def agree(self, name: str, by: Person, *, yes: bool) -> str:
        """Another admin says yes or no to what waits: why not, or empty."""
        return await self.managed(agreed(name, by, yes=yes, wall_ms=self._clock.wall_ms()))

    async def disable(self, name: str, by: str, why: str) -> str:
        """Nobody of this name is let in from now on: why not, or empty."""
        return await self.managed(put_out(name, by, why, self._clock.wall_ms()))

    async def managed(self, act: Managed) -> str:
        """Change people as somebody with the right to it asked: why not, or empty once it is durable."""
        why_not = await self._store.on_people(act)
        await self._read_again()
        return why_not

    # ------------------------------------------------------------ how often, how long

    async def keep(self) -> None:
        """Write down now and then who was last seen when, so that a new start ends nobody's session early."""
        while True:
            await asyncio.sleep(_SEEN_EVERY_MS / 1000)
            seen, self._seen = self._seen, set()
            if fresh := [self._sessions[each] for each in seen if each in self._sessions]:
                await self._store.on_people(partial(_touch, fresh))

    def _wait_ms(self, what: str, limit: Limit) -> int:
        return wait_ms(self._failed.get(what, ()), limit, self._clock.wall_ms())

    def _note(self, what: str, now_ms: int) -> None:
        """One more try; the oldest names are forgotten when there are too many of them."""
        self._failed[what] = (*self._failed.get(what, ())[-OF_ADDRESS.tries :], now_ms)
        self._failed.move_to_end(what)
        while len(self._failed) > MOST_TRIED:
            self._failed.popitem(last=False)

    def _forgive(self, what: str) -> None:
        """The last try was none that failed."""
        self._failed[what] = self._failed.get(what, ())[:-1]


def hashed(number: str) -> str:
    """What is kept of a number that nobody can guess: 256 random bits need no slow hash."""
    return hashlib.sha256(number.encode()).hexdigest()


def _touch(fresh: Sequence[Session], tx: PeopleTx) -> None:
    for each in fresh:
        tx.touch_session(each.id, each.seen_wall_ms)


def _second(user: User, code: str, wall_ms: int) -> int:
    """The step of his second factor's code; 0 when he has none yet, -1 when it is wrong or was used."""
    if not user.totp:
        return 0
    return step_of(user.totp, code.strip(), wall_ms=wall_ms, after=user.step) or -1


def _refused(user: User | None, wall_ms: int, where: str) -> Deed:
    """Also for a name that nobody has: it takes as long. That name is not kept: it may be a password."""
    about = "a name that nobody has" if user is None else f"user {user.name}"
    return Deed(wall_ms=wall_ms, by="nobody", action="login_refused", about=about, after=f"from {where}")


def _deed(wall_ms: int, name: str, action: str, where: str = "") -> Deed:
    return Deed(
        wall_ms=wall_ms, by=name, action=action, about=f"user {name}", after=where and f"from {where}"
    )
