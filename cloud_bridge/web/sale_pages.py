"""The pages of sales: a list by key with a search for a number's end, and one sale with all its evidence."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from cloud_bridge.core.people import Action, Person
from cloud_bridge.ports import SaleView
from cloud_bridge.ports_bills import Kept, bounds_ms, day_of
from cloud_bridge.ports_looking import KINDS, SHORTEST_TAIL, Asked, Machines
from cloud_bridge.web.bill_api import DAYS, DayBooks
from cloud_bridge.web.fleet_pages import Ground
from cloud_bridge.web.site import render
from cloud_bridge.web.who import needs

SHOWN: Final = 50
LINES: Final = 20
# A kind that is rare is searched for in so many days, or on the day that is asked for.
_BACK_MS: Final = 31 * 86_400_000
_KEY: Final = re.compile(r"(\d{1,15})\.([A-Za-z0-9_-]{1,64})")
_OnSales = Annotated[Person, Depends(needs(Action.SEE_SALES))]
_SaleId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a list is asked for, as the address has it. What makes no sense there is not asked."""

    q: str
    machine: str
    kind: str
    day: str
    before: tuple[int, str] | None


def wish(
    q: Annotated[str, Query(max_length=64)] = "",
    machine: Annotated[str, Query(max_length=64)] = "",
    kind: Annotated[str, Query(max_length=16)] = "",
    day: Annotated[str, Query(max_length=10)] = "",
    before: Annotated[str, Query(max_length=80)] = "",
) -> Wish:
    """What the address says. A shopper reads a number in groups: blanks and strokes between do not count."""
    found = _KEY.fullmatch(before)
    return Wish(
        q="".join(char for char in q if char.isascii() and char.isalnum()).lower(),
        machine=machine,
        kind=kind if kind in KINDS else "",
        day=day if is_day(day) else "",
        before=(int(found[1]), found[2]) if found else None,
    )


def sale_routes(ground: Ground, bills: DayBooks | None) -> APIRouter:
    """`/sales` and `/sales/{sale_id}`."""
    api = APIRouter(include_in_schema=False)

    @api.get("/sales")
    async def sales(request: Request, asking: _OnSales, wished: Annotated[Wish, Depends(wish)]) -> Response:
        short = bool(wished.q) and len(wished.q) < SHORTEST_TAIL
        own: Machines = None if asking.everywhere else asking.machines
        found: tuple[SaleView, ...] = ()
        if wished.q and not short:
            found = await ground.looking.by_tail(wished.q, own, SHOWN)
        elif not short:
            found = await ground.looking.page(_asked(wished, own, ground.clock.wall_ms()))
        return render(
            request,
            "sales.html",
            wished=wished,
            short=short,
            sales=found,
            older=_older(wished, found),
            machines=[each.machine for each in ground.roster.machines() if asking.sees(each.machine)],
            kinds=["", *KINDS],
            lines=await ground.looking.newest_lines(own, LINES),
        )

    @api.get("/sales/{sale_id}")
    async def sale(request: Request, asking: _OnSales, sale_id: _SaleId) -> Response:
        found = await ground.looking.file(sale_id)
        if found is None or not asking.sees(found.sale.machine):
            return render(request, "no_sale.html", status=404)
        day = day_of(found.sale.opened_wall_ms)
        return render(
            request,
            "sale.html",
            file=found,
            sale=found.sale,
            open_cases=[each for each in found.cases if not each.resolution],
            over=[each for each in found.cases if each.resolution],
            start_ms=found.facts[0].wall_ms if found.facts else 0,
            day=day,
            bill=await _bill(bills, found.merchant, day),
        )

    return api


def _asked(wished: Wish, own: Machines, now_ms: int) -> Asked:
    machines = own if not wished.machine else _only(own, wished.machine)
    since_ms, until_ms = bounds_ms(wished.day) if wished.day else (0, 0)
    if wished.kind and wished.kind != "refunded" and not wished.day:
        since_ms = now_ms - _BACK_MS
    return Asked(
        machines=machines,
        kind=wished.kind,
        since_ms=since_ms,
        until_ms=until_ms,
        before=wished.before,
        limit=SHOWN,
    )


def _only(own: Machines, machine: str) -> frozenset[str]:
    return frozenset({machine}) if own is None or machine in own else frozenset({""})


def _older(wished: Wish, found: tuple[SaleView, ...]) -> str:
    """The query of the next page, or empty on the last one."""
    if wished.q or len(found) < SHOWN:
        return ""
    last = found[-1]
    values = {"machine": wished.machine, "kind": wished.kind, "day": wished.day}
    values["before"] = f"{last.opened_wall_ms}.{last.sale_id}"
    return urlencode({name: value for name, value in values.items() if value})


def is_day(words: str) -> bool:
    """Whether this is a day, as `2026-01-31`."""
    try:
        return date.fromisoformat(words).isoformat() == words
    except ValueError:
        return False


async def _bill(bills: DayBooks | None, merchant: str, day: str) -> Kept | None:
    """What became of the match of this merchant's day; None when it was not matched, or long ago."""
    days = await bills.bill_days(DAYS) if bills is not None else ()
    return next((kept for kept in days if (kept[0].merchant, kept[0].day) == (merchant, day)), None)
