"""Users, sessions and tokens as rows, and what is decided of them: how long, how often, how good a password.

A session's and a token's own number is never kept, only its hash; a password is kept as Argon2 has it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cloud_bridge.core.people import MOST_NAME, PROVEN_TWICE, Person, Role

MINUTE_MS: Final = 60_000
ABSOLUTE_MS: Final = 8 * 60 * MINUTE_MS
SHORTEST: Final = 12
LONGEST: Final = 200
# Names that stand for somebody else in the books and in the settings.
TAKEN: Final = frozenset({"local", "guest", "bridge", "edge", "wechat", "operator", "nobody"})
_NAME_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._@-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What somebody may be and where: `machines` and `merchants` by name, or all when `everywhere`."""

    roles: frozenset[Role]
    machines: frozenset[str] = frozenset()
    merchants: frozenset[str] = frozenset()
    everywhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class User(Scope):
    """A person with a login. `totp` is the secret of his second factor or empty, `step` the last one used."""

    name: str
    password: str = field(repr=False)
    totp: str = field(default="", repr=False)
    step: int = 0
    disabled: bool = False
    made_wall_ms: int
    changed_wall_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Token(Scope):
    """A program's right to speak. `id` is the hash of what it says."""

    id: str = field(repr=False)
    name: str
    by: str
    made_wall_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who logged in. `id` is the hash of his cookie's number; `proven`: with a second factor."""

    id: str = field(repr=False)
    name: str
    proven: bool
    made_wall_ms: int
    seen_wall_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish(Scope):
    """Rights that one admin asks for somebody until another says yes or no. `enable`: let him in again."""

    name: str
    enable: bool = False
    by: str
    why: str
    wall_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many failures within a time, and no try is looked at until the first of them is old."""

    tries: int
    window_ms: int


OF_ACCOUNT: Final = Limit(tries=10, window_ms=15 * MINUTE_MS)
OF_ADDRESS: Final = Limit(tries=50, window_ms=15 * MINUTE_MS)


def wait_ms(failed: Sequence[int], limit: Limit, now_ms: int) -> int:
    """How long no further try is looked at, given when the last ones failed, the oldest first; 0: none."""
    recent = [at for at in failed if at > now_ms - limit.window_ms]
    if len(recent) < limit.tries:
        return 0
    return recent[-limit.tries] + limit.window_ms - now_ms


def lives(session: Session, now_ms: int, idle_ms: int) -> bool:
    """Whether a session goes on; a clock that went back ends it."""
    since_made, since_seen = now_ms - session.made_wall_ms, now_ms - session.seen_wall_ms
    return 0 <= since_made < ABSOLUTE_MS and 0 <= since_seen < idle_ms


def person_of(held: User | Token, *, merchant_of: Mapping[str, str], proven: bool) -> Person:
    """Who asks, with his merchants' machines among his own. `merchant_of` is each machine's merchant."""
    theirs = {machine for machine, merchant in merchant_of.items() if merchant in held.merchants}
    return Person(
        name=held.name,
        roles=held.roles,
        machines=held.machines | theirs,
        merchants=held.merchants,
        everywhere=held.everywhere,
        proven=proven,
        program=isinstance(held, Token),
    )


def must_prove(roles: frozenset[Role]) -> bool:
    """Whether these roles need a second factor."""
    return bool(roles & PROVEN_TWICE)


# ---------------------------------------------------------------- what is refused


def wrong_name(name: str) -> str:
    """Why nobody may be called so, or empty."""
    if name in TAKEN:
        return f"name: found {name!r}, which stands for somebody else. Try: another"
    if not (1 < len(name) <= MOST_NAME and set(name) <= _NAME_LETTERS and name[0].isalnum()):
        return f"name: found {name[:20]!r}, allowed 2 to {MOST_NAME} of a-z 0-9 . _ @ -, the first no sign"
    return ""


def wrong_password(words: str, name: str) -> str:
    """Why this is none, or empty. Length is what counts; letters of many kinds are not asked for."""
    if not SHORTEST <= len(words) <= LONGEST:
        return f"password: found {len(words)} characters, allowed {SHORTEST} to {LONGEST}"
    if len(set(words)) < 5 or name.lower() in words.lower():
        return "password: found the name in it, or few different characters. Try: three words of your own"
    return ""


def wrong_scope(scope: Scope, machines: frozenset[str], merchants: frozenset[str]) -> str:
    """Why this cannot be given, or empty: no role, no place, or a place that is not in the settings."""
    if not scope.roles:
        return f"roles: found none, allowed some of {', '.join(Role)}"
    if unknown := sorted(scope.machines - machines):
        return f"machines: found {unknown[0]!r}, which is not in the settings"
    if unknown := sorted(scope.merchants - merchants):
        return f"merchants: found {unknown[0]!r}, which is not in the settings"
    if not (scope.everywhere or scope.machines or scope.merchants):
        return "machines: found none, allowed machines, merchants, or all"
    return ""
