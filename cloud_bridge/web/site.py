"""The only file that imports `jinja2`: pages made of templates, every word in the reader's language.

Templates escape all that is put in. They find the names of `Speaker` (`say`, `named`, `cause`, `told`, `yuan`
and others), `language`, `person`, `may` (of him), `token`, `place` and `more`; the macros of `parts.html`
draw states, times and empty places. No template holds a script, a style or a decision.
"""

from collections.abc import Mapping
from functools import cache, partial
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from cloud_bridge.core.people import may
from cloud_bridge.web.answers import NO_STORE
from cloud_bridge.web.menu import MORE, place
from cloud_bridge.web.speaker import Speaker
from cloud_bridge.web.who import person, token
from cloud_bridge.web.words import LANGUAGES

COOKIE: Final = "language"
_A_YEAR_S: Final = 365 * 24 * 3600


def render(request: Request, name: str, *, status: int = 200, **values: Any) -> Response:
    """A page of `templates/` with these values. Raises UndefinedError for one that is missing."""
    wished = language(request)
    page = _template(name).render(**_common(request, wished), **values)
    headers = NO_STORE | {"Vary": "Accept-Language, Cookie"}
    answer = Response(page, status, headers=headers, media_type="text/html")
    if request.query_params.get(COOKIE) in LANGUAGES:
        answer.set_cookie(COOKIE, wished, max_age=_A_YEAR_S, httponly=True, samesite="strict")
    return answer


def speaker(request: Request) -> Speaker:
    """The reader's language, now."""
    return Speaker(language(request), request.app.state.clock.wall_ms())


def language(request: Request) -> str:
    """What the reader chose, or the first of ours that the browser names; Chinese when it names none."""
    for chosen in (request.query_params.get(COOKIE), request.cookies.get(COOKIE)):
        if chosen in LANGUAGES:
            return chosen
    wished = request.headers.get("accept-language", "").lower().split(",")
    known = [tag.strip()[:2] for tag in wished if tag.strip()[:2] in LANGUAGES]
    return known[0] if known else LANGUAGES[0]


def _common(request: Request, wished: str) -> Mapping[str, Any]:
    other = next(each for each in LANGUAGES if each != wished)
    now_ms = request.app.state.clock.wall_ms()
    asking = person(request)
    return {
        **Speaker(wished, now_ms).names,
        "language": wished,
        "other": f"?{request.url.include_query_params(language=other).query}",
        "place": place(request.url.path),
        "more": MORE,
        "person": asking,
        "may": partial(may, asking),
        "token": token(request),
        "now_ms": now_ms,
    }


def _template(name: str) -> Any:
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("cloud_bridge.web", "templates"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
