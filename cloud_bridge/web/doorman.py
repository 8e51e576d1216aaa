"""Stands before every route of ours: who asks, may he, and does a change come from our own page?

The only place that lets anybody in. A route that names no action is not reached; whoever may not do it is
refused before a byte of his body is read. What is behind finds the person as `request.state.person`.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

from fastapi import FastAPI
from fastapi.responses import RedirectResponse, Response
from starlette.requests import Request, cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud_bridge.core.people import LOCAL, NOBODY, Person, Role
from cloud_bridge.ports import StoreFailed
from cloud_bridge.ports_people import PeopleService
from cloud_bridge.web.answers import failure, no_books
from cloud_bridge.web.limits import LOOPBACK
from cloud_bridge.web.site import render
from cloud_bridge.web.who import Needs, contexts, refusal, said

LOGIN: Final = "/login"
COOKIE: Final = "wxvend"
SAFE_COOKIE: Final = f"__Host-{COOKIE}"
TOKEN_HEADER: Final = "x-wxvend-token"  # noqa: S105
# What a page asks by itself, without a person: it keeps no session alive.
WATCHING_HEADER: Final = "x-wxvend-watching"
STREAM: Final = "/api/events"
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Where a proxy asks who is there and says nobody: the page may be looked at, as a wall screen does.
GUEST: Final = Person(name="guest", roles=frozenset({Role.VIEWER}), everywhere=True)


@dataclass(frozen=True, slots=True)
class _Known:
    """One route: what matches it and what it says about itself."""

    regex: "re.Pattern[str]"
    methods: frozenset[str]
    said: Needs | None


@dataclass(frozen=True, slots=True)
class _Asker:
    """Who asks and how: `session` is his cookie's, `by_token` a program's that no browser sends by itself."""

    person: Person
    token: str = ""
    session: str = ""
    by_token: bool = False


class Doorman:
    """An application around `pages`. Without `people` nobody is asked.

    `secret` makes the tokens of those who have no session: whoever is here, or whom a proxy names.
    """

    def __init__(
        self,
        pages: FastAPI,
        *,
        hosts: Iterable[str],
        secret: bytes,
        people: PeopleService | None = None,
        person_header: str = "",
    ) -> None:
        self._pages: Final[ASGIApp] = pages
        self._hosts: Final = frozenset(hosts)
        self._secret: Final = secret
        self._people: Final = people
        self._person_header: Final = person_header.lower()
        self._routes: Final = tuple(
            _Known(route.path_regex, frozenset(route.methods or ()), said(route))
            for route in contexts(pages.routes)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not."""
        heads = _heads(scope["headers"])
        if self._people is not None:
            try:
                await self._people.ready()
            except StoreFailed:
                await no_books()(scope, receive, send)
                return
        known, found = self._route(scope)
        if known is not None and scope["method"] not in known.methods:
            await self._pages(scope, receive, send)  # which says what is allowed there
            return
        asker = self._asker(heads, watching=scope["path"] == STREAM or WATCHING_HEADER in heads)
        scope["app"] = self._pages  # for a page of our own
        state = scope.setdefault("state", {})
        state["person"], state["token"], state["session"] = asker.person, asker.token, asker.session
        refused = self._refusal(scope, known, found, asker) or self._foreign(scope, known, heads, asker)
        if refused is not None:
            await refused(scope, receive, send)
            return
        watched = self._while_there(asker, send) if asker.session else send
        await self._pages(scope, receive, watched)

    # ------------------------------------------------------------ which route

    def _route(self, scope: Scope) -> tuple[_Known | None, Mapping[str, str]]:
        """The route that will answer, as the router finds it, and what its path says."""
        other: tuple[_Known | None, Mapping[str, str]] = (None, {})
        for known in self._routes:
            if (match := known.regex.match(scope["path"])) is not None:
                if scope["method"] in known.methods:
                    return known, match.groupdict()
                other = (known, match.groupdict())
        return other

    def _refusal(
        self, scope: Scope, known: _Known | None, found: Mapping[str, str], asker: _Asker
    ) -> Response | None:
        path = scope["path"]
        if known is None:
            return failure(404, "not_found", f"path: found {path[:80]!r}. Try: /")
        if known.said is None:
            return failure(403, "unlisted", f"path: found {path[:80]!r}, which names no action")
        if known.said.allows(asker.person):
            return _not_his(scope, found, asker.person) if known.said.action is not None else None
        if asker.person.name:
            return self._not_allowed(scope, known.said)
        if path.startswith("/api/") or scope["method"] not in _READS:
            return failure(
                401, "nobody", f"found no login. Try: {LOGIN}, or a token in Authorization: Bearer"
            )
        return RedirectResponse(f"{LOGIN}?next={quote(path, safe='/')}", 303)

    def _not_allowed(self, scope: Scope, said: Needs) -> Response:
        """For a person a page; for a program what it lacks."""
        if scope["path"].startswith("/api/") or scope["method"] not in _READS:
            return failure(403, "not_allowed", refusal(said))
        return render(Request(scope), "no_right.html", status=403)

    # ------------------------------------------------------------ who asks

    def _asker(self, heads: Mapping[str, str], *, watching: bool) -> _Asker:
        people = self._people
        scheme, _, bearer = heads.get("authorization", "").partition(" ")
        if people is not None and scheme.lower() == "bearer":
            return _Asker(people.by_token(bearer.strip()) or NOBODY, by_token=True)
        if self._person_header and (name := heads.get(self._person_header, "").strip()):
            return self._vouched(name)
        if people is not None and people.asks:
            session = _session(heads)
            found = people.by_session(session, watching=watching) if session else None
            return _Asker(NOBODY) if found is None else _Asker(found, token_of(session), session)
        return _Asker(GUEST) if self._person_header else self._unasked(LOCAL)

    def _vouched(self, name: str) -> _Asker:
        """Whom the proxy let in: as the books have him, and with all rights while they have nobody."""
        if not (0 < len(name) <= 64 and name.isprintable()):
            return _Asker(NOBODY)
        if self._people is not None and self._people.users:
            return self._unasked(self._people.by_name(name) or NOBODY)
        one = name.casefold()  # or Ann agrees to what ann asked for
        return self._unasked(Person(name=one, roles=frozenset(Role), everywhere=True, proven=True))

    def _unasked(self, person: Person) -> _Asker:
        if not person.name:
            return _Asker(NOBODY)
        token = hmac.new(self._secret, person.name.encode(), hashlib.sha256).hexdigest()[:32]
        return _Asker(person, token)

    # ------------------------------------------------------------ from whose page

    def _foreign(
        self, scope: Scope, known: _Known | None, heads: Mapping[str, str], asker: _Asker
    ) -> Response | None:
        """A change comes from our own page, or from a program that no page can speak for."""
        if scope["method"] in _READS:
            return None
        origin = heads.get("origin", "")
        ours = (urlsplit(origin).hostname or "") in self._hosts
        if asker.by_token and (ours or not origin):
            return None
        open_to_all = known is not None and known.said is not None and known.said.action is None
        given = heads.get(TOKEN_HEADER, "")
        if ours and (
            open_to_all or (asker.token and hmac.compare_digest(given.encode(), asker.token.encode()))
        ):
            return None
        return failure(403, "not_ours", "found another page than ours, allowed our own page")

    # ------------------------------------------------------------ for how long

    def _while_there(self, asker: _Asker, send: Send) -> Send:
        """A stream ends with the session that opened it."""
        people, ended = self._people, False
        assert people is not None, "a session has people"

        async def while_there(message: Message) -> None:
            nonlocal ended
            if ended:
                return
            if message.get("more_body", False) and not people.lives(asker.session):
                ended = True
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        return while_there


def token_of(session: str) -> str:
    """The token of a session's pages; it says nothing of the session's own number."""
    return hashlib.sha256(b"page\0" + session.encode()).hexdigest()[:32]


def _session(heads: Mapping[str, str]) -> str:
    """The number in the cookie; that without the prefix counts on this computer only."""
    cookies = cookie_parser(heads.get("cookie", ""))
    here = (urlsplit(f"//{heads.get('host', '')}").hostname or "") in LOOPBACK
    return cookies.get(SAFE_COOKIE, "") or (cookies.get(COOKIE, "") if here else "")


def _not_his(scope: Scope, found: Mapping[str, str], person: Person) -> Response | None:
    """A machine in the path or in the question is one of his, or it is as if it were not there."""
    asked = parse_qs(scope["query_string"].decode("latin-1"))
    for machine in (found.get("machine", ""), *asked.get("machine", ())):
        if machine and not person.sees(machine):
            return failure(404, "not_found", f"machine: found {machine[:32]!r}, which is not yours to see")
    return None


def _heads(raw: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Names in lower case; of what stands there twice the last, of cookies all."""
    heads: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        heads[name] = f"{heads[name]}; {value}" if name == "cookie" and name in heads else value
    return heads
