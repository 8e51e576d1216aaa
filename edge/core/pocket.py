"""Codes that name no order yet: what the machine holds of them, and what a scan of one asks for.

Such a code is shown with no wait for the network; the order is made when somebody scans it, after the bridge
has asked this machine for a lease. Printed codes ask for the same and are held by nobody.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCode:
    """One code. `token` is what the bridge names it by when it was scanned; it is good for one sale."""

    token: str = field(repr=False)
    code_url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pocket:
    """The codes held for a lane, the next one to show first; `version` is the bridge's count of its words."""

    version: int
    codes: tuple[HeldCode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The code on the screen, while no sale is open, for `span_ms` in all."""

    lane: int
    code: HeldCode
    until_ms: int
    span_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesHeld:
    """The bridge says which codes of a lane may be shown, to one session; none: they are revoked."""

    session_jid: str
    session_boot: int
    version: int
    lane: int
    codes: tuple[HeldCode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseAsked:
    """Somebody scanned a code of this lane, and the bridge asks one session for a lease.

    `token` is empty for a printed code; `replaces` is the sale that the same payer leaves, or empty.
    """

    request_id: str
    session_jid: str
    session_boot: int
    lane: int
    token: str = field(repr=False)
    replaces: str
