"""Order requests: the bridge asks for a lease after a scan, the machine grants or refuses it.

A code that names no order yet holds a `token`: of a printed code it says machine and lane, of one made ahead
it is good for one sale. `request_id` is 128 random bits of one scan: the same request gets the same sale.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from wire.parts import (
    Report,
    check,
    check_count,
    check_fen,
    check_id,
    check_lane,
    check_name,
)

CODES_LIMIT: Final = 8
_TOKEN: Final = re.compile(r"[0-9A-Za-z_-]{1,32}")


def _check_token(value: str) -> None:
    check(_TOKEN.fullmatch(value) is not None, "token", value, "1 to 32 of 0-9 A-Z a-z _ -")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRequest:
    """`down/lease.request`: somebody scanned a code of this lane; promise it to him, or say why not.

    For one session. `token` is that of a code which the machine holds; empty for a printed one. `replaces` is
    the sale that the same payer leaves for this one, or empty.
    """

    request_id: str
    jid: str
    boot: int
    lane: int
    token: str = field(repr=False)
    replaces: str

    def __post_init__(self) -> None:
        check_id("request_id", self.request_id)
        check_id("jid", self.jid)
        check_count("boot", self.boot, least=1)
        check_lane(self.lane)
        if self.token:
            _check_token(self.token)
        if self.replaces:
            check_id("replaces", self.replaces)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseGranted(Report):
    """`up/lease.granted`: the machine opened a sale for a request, and promises as in `sale.requested`."""

    request_id: str
    sale_id: str
    lane: int
    price_fen: int
    catalogue_version: int
    lease_s: int
    start_s: int

    def __post_init__(self) -> None:
        Report.__post_init__(self)
        check_id("request_id", self.request_id)
        check_id("sale_id", self.sale_id)
        check_lane(self.lane)
        check_fen("price_fen", self.price_fen)
        check_count("catalogue_version", self.catalogue_version)
        check(1 <= self.lease_s <= 3600, "lease_s", self.lease_s, "1 to 3600 s")
        check(1 <= self.start_s <= 60, "start_s", self.start_s, "1 to 60 s")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRefused(Report):
    """`up/lease.refused`: no sale was opened for this request, and why. An answer: `n` is 0."""

    request_id: str
    why: str

    def __post_init__(self) -> None:
        Report.__post_init__(self)
        check_id("request_id", self.request_id)
        check_name("why", self.why)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleOffered:
    """`down/sale.offered`: the shopper has the order on the phone, and `pay_s` seconds from now to pay."""

    sale_id: str
    pay_s: int
    price_fen: int

    def __post_init__(self) -> None:
        check_id("sale_id", self.sale_id)
        check(1 <= self.pay_s <= 600, "pay_s", self.pay_s, "1 to 600 s")
        check_fen("price_fen", self.price_fen)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCode:
    """A code that the machine may show once without asking anybody."""

    token: str = field(repr=False)
    code_url: str = field(repr=False)

    def __post_init__(self) -> None:
        _check_token(self.token)
        check(1 <= len(self.code_url) <= 512, "code_url", len(self.code_url), "1 to 512 characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneCodes:
    """`down/codes`: exactly these codes may be shown for a lane; none: what is held there is revoked.

    For one session; of two messages about a lane the one with the higher `version` holds.
    """

    jid: str
    boot: int
    version: int
    lane: int
    codes: tuple[HeldCode, ...]

    def __post_init__(self) -> None:
        check_id("jid", self.jid)
        check_count("boot", self.boot, least=1)
        check_count("version", self.version, least=1)
        check_lane(self.lane)
        check(len(self.codes) <= CODES_LIMIT, "codes", len(self.codes), f"at most {CODES_LIMIT}")
        tokens = {code.token for code in self.codes}
        check(len(tokens) == len(self.codes), "codes", len(self.codes), "each token once")
