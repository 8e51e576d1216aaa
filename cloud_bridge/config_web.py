"""The `[web]` table: where notifications and pages are served, and who is asked for a login."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Final

from wire.settings import Pattern, Range

_HEADER: Final = Pattern("|[A-Za-z0-9-]{1,40}", "the name of a header")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebTable:
    """Where notifications and the operators' page are served: loopback, behind a proxy that speaks TLS.

    The pages answer under `page_hosts` only. `login` says whether they ask who is there; without it they do
    as soon as the books have a user. A session ends after `idle_min` without a request, and after 8 hours.

    `person_header` is where a proxy says whom it let in, `address_header` where it says who called. To look
    at a password costs `password_memory_kib` and `password_rounds` of Argon2id.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Range(0, 65535)] = 8080
    page_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "::1")
    login: bool | None = None
    idle_min: Annotated[int, Range(1, 480, "min")] = 15
    person_header: Annotated[str, _HEADER] = ""
    address_header: Annotated[str, _HEADER] = ""
    password_memory_kib: Annotated[int, Range(19 * 1024, 1024 * 1024, "KiB")] = 19 * 1024
    password_rounds: Annotated[int, Range(2, 20)] = 2


def described_web(web: WebTable) -> list[str]:
    """What `check-config` says of who is asked for a login."""
    asked = {
        None: "not set: a login is asked for as soon as there is a user. Try: wxvend bridge user add",
        True: f"true: a login is asked for; a session ends after {web.idle_min} min without a request",
        False: "false: nobody is asked who he is",
    }
    lines = [f"web.login: {asked[web.login]}"]
    if web.person_header:
        lines.append(
            f"web.person_header: whoever is named in {web.person_header} is let in as that user; "
            "the proxy has to set it in every request"
        )
    if loopback(web.host):
        return lines
    if web.login is not True:
        lines.append(
            f"warning: web.host: found {web.host}; others can reach the operators' page, which need not ask "
            "for a login. Try: web.login = true, or 127.0.0.1 behind a proxy that asks who is there"
        )
    if web.person_header:
        lines.append(
            f"warning: web.person_header: found {web.person_header} and web.host {web.host}; whoever reaches "
            "it beside the proxy can write any name there. Try: 127.0.0.1"
        )
    return lines


def loopback(host: str) -> bool:
    """Whether only this computer reaches what is served there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
