"""What is done to people: each act is one transaction with its line in the audit, with a daemon or without.

Whoever stands at this computer acts alone: he may read the books anyway. On the page rights need a second
admin, and nobody's password or second factor can be set for him.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cloud_bridge.core.logins import Scope, Token, User, Wish, wrong_name, wrong_scope
from cloud_bridge.core.people import Action, Person, may_approve
from cloud_bridge.ports_people import Deed, PeopleTx

Managed = Callable[[PeopleTx], str]
MOST_USERS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who acts, when, and why."""

    name: str
    wall_ms: int
    why: str = ""

    def deed(self, action: str, about: str, before: str = "", after: str = "") -> Deed:
        """The line of the audit."""
        return Deed(
            wall_ms=self.wall_ms,
            by=self.name,
            action=action,
            about=about,
            why=self.why,
            before=before,
            after=after,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A scope that is to be given, and what the settings know: each machine's merchant."""

    scope: Scope
    merchant_of: Mapping[str, str] = field(default_factory=dict)

    @property
    def wrong(self) -> str:
        """Why it cannot be given, or empty."""
        known = frozenset(self.merchant_of.values()) | {""}
        return wrong_scope(self.scope, frozenset(self.merchant_of), known)


# ---------------------------------------------------------------- at this computer


def added(name: str, given: Given, kept: str, by: By) -> Managed:
    """A new user; `kept` is his password as it is kept."""

    def act(tx: PeopleTx) -> str:
        if why := wrong_name(name) or given.wrong:
            return why
        if tx.user(name) is not None:
            return f"name: found {name}, who is there already. Try: wxvend bridge user list"
        if len(tx.users()) >= MOST_USERS:
            return f"found {MOST_USERS} users already. Try: another bridge"
        user = User(
            name=name,
            **_fields(given.scope),
            password=kept,
            made_wall_ms=by.wall_ms,
            changed_wall_ms=by.wall_ms,
        )
        tx.put_user(user)
        tx.deed(by.deed("user_add", _about(name), after=told(user)))
        return ""

    return act


def changed(name: str, given: Given, by: By) -> Managed:
    """Other rights, at once; his sessions end."""

    def act(tx: PeopleTx) -> str:
        user = tx.user(name)
        if user is None or (why := given.wrong):
            return _nobody(name) if user is None else why
        _put(tx, user, replace(user, **_fields(given.scope)), "user_rights", by)
        tx.drop_wish(name)
        return ""

    return act


def with_password(name: str, kept: str, by: By) -> Managed:
    """Another password; his sessions end."""
    return _on(name, lambda user: replace(user, password=kept), "user_password", by)


def without_totp(name: str, by: By) -> Managed:
    """No second factor until he sets one up again; his sessions end."""
    return _on(name, lambda user: replace(user, totp="", step=0), "user_second_factor_off", by)


def put_out(name: str, by: str, why: str, wall_ms: int) -> Managed:
    """Nobody of this name is let in from now on."""
    at = By(name=by, wall_ms=wall_ms, why=why)
    return _on(name, lambda user: replace(user, disabled=True), "user_disable", at)


def let_in(name: str, by: By) -> Managed:
    """He is let in again."""
    return _on(name, lambda user: replace(user, disabled=False), "user_enable", by)


def token_made(name: str, token_id: str, given: Given, by: By) -> Managed:
    """A program may speak; `token_id` is the hash of what it says."""

    def act(tx: PeopleTx) -> str:
        if why := wrong_name(name) or given.wrong:
            return why
        if name in {each.name for each in tx.tokens()} or tx.user(name) is not None:
            return f"name: found {name}, which somebody has already. Try: wxvend bridge user list"
        token = Token(id=token_id, name=name, **_fields(given.scope), by=by.name, made_wall_ms=by.wall_ms)
        tx.put_token(token)
        tx.deed(by.deed("token_add", f"token {name}", after=told(token)))
        return ""

    return act


def token_revoked(name: str, by: By) -> Managed:
    """A program may speak no more."""

    def act(tx: PeopleTx) -> str:
        held = [each for each in tx.tokens() if each.name == name]
        if not held:
            return f"name: found no token {name!r}. Try: wxvend bridge user list"
        tx.drop_token(name)
        tx.deed(by.deed("token_revoke", f"token {name}", before=told(held[0])))
        return ""

    return act


# ---------------------------------------------------------------- on the page


def asked_rights(wish: Wish, merchant_of: Mapping[str, str]) -> Managed:
    """An admin asks rights for a user, and to let him in again; nothing changes yet."""

    def act(tx: PeopleTx) -> str:
        user = tx.user(wish.name)
        if user is None:
            return _nobody(wish.name)
        if why := Given(scope=wish, merchant_of=merchant_of).wrong:
            return why
        tx.put_wish(wish)
        by = By(name=wish.by, wall_ms=wish.wall_ms, why=wish.why)
        tx.deed(by.deed("user_rights_asked", _about(wish.name), told(user), told(wish)))
        return ""

    return act


def agreed(name: str, asking: Person, *, yes: bool, wall_ms: int) -> Managed:
    """Another admin says yes or no; whoever asked may take his own wish back, and not agree to it."""

    def act(tx: PeopleTx) -> str:
        user, wishes = tx.user(name), [each for each in tx.wishes() if each.name == name]
        if user is None or not wishes:
            return f"found nothing that waits for {name}. Try: look again, somebody was quicker"
        wish = wishes[0]
        if yes and not may_approve(asking, Action.MANAGE_PEOPLE, by=wish.by):
            return f"found {asking.name}, who asked for it himself; allowed: another admin"
        if yes and asking.name == name:
            return "found your own rights; allowed: an admin whom they are not about"
        by = By(name=asking.name, wall_ms=wall_ms, why=f"{wish.by} asked: {wish.why}")
        tx.drop_wish(name)
        if not yes:
            tx.deed(by.deed("user_rights_refused", _about(name), told(user), told(wish)))
            return ""
        disabled = user.disabled and not wish.enable
        _put(tx, user, replace(user, **_fields(wish), disabled=disabled), "user_rights", by)
        return ""

    return act


# ---------------------------------------------------------------- helpers


def told(held: Scope) -> str:
    """Rights in words, for the audit and for lists."""
    merchants = " ".join(each or "-" for each in sorted(held.merchants))
    places = [*sorted(held.machines), *([f"merchants {merchants}"] if merchants else [])]
    where = "all" if held.everywhere else " ".join(places)
    out = " disabled" if isinstance(held, User) and held.disabled else ""
    return f"{' '.join(sorted(held.roles))} on {where or 'none'}{out}"


def _on(name: str, change: Callable[[User], User], action: str, by: By) -> Managed:
    def act(tx: PeopleTx) -> str:
        user = tx.user(name)
        if user is None:
            return _nobody(name)
        _put(tx, user, change(user), action, by)
        return ""

    return act


def _put(tx: PeopleTx, user: User, now: User, action: str, by: By) -> None:
    """The row as it is now; whoever he was when he came in, he comes in anew."""
    tx.put_user(replace(now, changed_wall_ms=by.wall_ms))
    tx.drop_sessions(user.name)
    tx.deed(by.deed(action, _about(user.name), told(user), told(now)))


def _fields(scope: Scope) -> dict[str, Any]:
    return {
        "roles": scope.roles,
        "machines": scope.machines,
        "merchants": scope.merchants,
        "everywhere": scope.everywhere,
    }


def _about(name: str) -> str:
    return f"user {name}"


def _nobody(name: str) -> str:
    return f"name: found no user {name!r}. Try: wxvend bridge user list"
