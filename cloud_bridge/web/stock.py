"""The stock for people and programs: what lies where, what to bring on a tour, and what was put in."""

import csv
import io
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi.exceptions import HTTPException
from fastapi.responses import Response

from cloud_bridge.core.pace import Level
from cloud_bridge.core.people import Action, Person
from cloud_bridge.core.stock import Hand, Moved
from cloud_bridge.ports import Clock, Roster
from cloud_bridge.ports_catalogue import Count, LaneStock, StockService
from cloud_bridge.web.answers import answer
from cloud_bridge.web.site import render
from cloud_bridge.web.speaker import ZONE
from cloud_bridge.web.who import needs

Routes = APIRouter
SHOWN: Final = 30
MACHINES_SHOWN: Final = 25
_HEAD: Final = (
    "route",
    "machine",
    "lane",
    "product",
    "name_zh",
    "name_en",
    "pieces",
    "par",
    "bring",
    "empty_at",
)
_TONES: Final = {Level.EMPTY: "stop", Level.LOW: "wait", Level.FINE: "go", Level.UNKNOWN: "quiet"}
_Looker = Annotated[Person, Depends(needs(Action.SEE_FLEET))]
_Filler = Annotated[Person, Depends(needs(Action.REFILL))]
_Word = Annotated[str, Query(max_length=40)]
_After = Annotated[str, Query(max_length=32)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Pieces put in (`refilled`), or found by counting (`corrected`). `key`: this act's own, for repeats."""

    machine: str
    lane: int
    hand: Hand
    count: int
    why: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Why not, or empty."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bring:
    """So many pieces of a product, for all machines of a tour."""

    product: str
    product_zh: str
    product_en: str
    pieces: int


def stock_routes(service: StockService, roster: Roster, clock: Clock) -> APIRouter:
    """`/stock`, `/stock/restock` and `/api/stock`."""
    api = APIRouter()
    _pages(api, service, roster, clock)
    _programs(api, service, roster)
    return api


def _pages(api: APIRouter, service: StockService, roster: Roster, clock: Clock) -> None:
    @api.get("/stock", include_in_schema=False)
    async def stock(
        request: Request, asking: _Looker, machine: _After = "", route: _Word = "", after: _After = ""
    ) -> Response:
        own = _own(roster, asking, machine)
        page = own if route else [each for each in own if each > after][:MACHINES_SHOWN]
        lanes = await service.lanes(machines=page, route=route) if page else ()
        return render(
            request,
            "stock.html",
            lanes=lanes,
            machine=machine,
            route=route,
            routes=await _routes(service, own),
            machines=_own(roster, asking, ""),
            next=page[-1] if page and page[-1] != own[-1] and not route else "",
            moves=await _moves(service, asking, machine),
            tones=_TONES,
        )

    @api.get("/stock/restock", include_in_schema=False)
    async def restock(request: Request, asking: _Looker, route: _Word = "") -> Response:
        lanes = await _tour(service, roster, asking, route)
        return render(
            request,
            "restock.html",
            lanes=lanes,
            route=route,
            bring=_bring(lanes),
            made_wall_ms=clock.wall_ms(),
        )


def _programs(api: APIRouter, service: StockService, roster: Roster) -> None:
    @api.get("/api/stock", response_model=list[LaneStock])
    async def stock(asking: _Looker, machine: _After = "", route: _Word = "") -> Response:
        """The lanes of a machine or a route, or of all; those that need somebody first."""
        own = _own(roster, asking, machine)
        return answer(list(await service.lanes(machines=own, route=route) if own else ()))

    @api.get("/api/stock/restock.csv", response_class=Response)
    async def restock(asking: _Looker, route: _Word = "") -> Response:
        """What to bring, lane by lane."""
        lanes = await _tour(service, roster, asking, route)
        heads = {
            "Content-Disposition": 'attachment; filename="wxvend-restock.csv"',
            "Cache-Control": "no-store",
        }
        return Response(restock_csv(lanes), headers=heads, media_type="text/csv; charset=utf-8")

    @api.post("/api/stock", response_model=Outcome)
    async def note(asking: _Filler, counted: Annotated[Counted, Body()]) -> Response:
        """Somebody filled a lane, or counted it. Said twice with one key, it counts once."""
        if not asking.sees(counted.machine):
            raise HTTPException(
                404, f"found nothing of machine {counted.machine[:32]!r} that is yours to see"
            )
        if len(counted.why) > 200 or not counted.why.isprintable() or len(counted.key) > 64:
            raise HTTPException(422, "why: allowed up to 200 characters on one line, and a key of up to 64")
        count = Count(
            key=f"page.{counted.key or secrets.token_hex(16)}",
            machine=counted.machine,
            lane=counted.lane,
            hand=counted.hand,
            count=counted.count,
            by=asking.name,
            why=counted.why.strip(),
        )
        return answer(Outcome(why=await service.note((count,))))


# ---------------------------------------------------------------- helpers


def _own(roster: Roster, asking: Person, machine: str) -> list[str]:
    """The machines that he may see, or the one of them that is asked for."""
    names = (each.machine for each in roster.machines())
    return sorted(each for each in names if asking.sees(each) and machine in ("", each))


async def _routes(service: StockService, own: Sequence[str]) -> list[str]:
    return sorted(set((await service.routes(own)).values()) - {""})


async def _tour(service: StockService, roster: Roster, asking: Person, route: str) -> list[LaneStock]:
    """Lanes that need pieces, in the order of the tour."""
    own = _own(roster, asking, "")
    lanes = await service.lanes(machines=own, route=route) if own else ()
    return sorted((each for each in lanes if each.to_bring), key=lambda each: (each.machine, each.lane))


async def _moves(service: StockService, asking: Person, machine: str) -> list[Moved]:
    return [
        each for _, each in await service.moves(machine=machine, limit=SHOWN) if asking.sees(each.machine)
    ]


def _bring(lanes: Sequence[LaneStock]) -> list[Bring]:
    """What to load, by product."""
    sums: dict[str, Bring] = {}
    for each in lanes:
        so_far = sums[each.product].pieces if each.product in sums else 0
        sums[each.product] = Bring(
            product=each.product,
            product_zh=each.product_zh,
            product_en=each.product_en,
            pieces=so_far + each.to_bring,
        )
    return sorted(sums.values(), key=lambda each: (-each.pieces, each.product))


def restock_csv(lanes: Sequence[LaneStock]) -> str:
    """A table for a spreadsheet: a row for each lane that needs pieces."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_HEAD)
    for each in lanes:
        at = datetime.fromtimestamp(each.empty_wall_ms / 1000, ZONE) if each.empty_wall_ms else None
        there = "" if each.pieces is None else each.pieces
        writer.writerow(
            (
                *map(_safe, (each.route, each.machine)),
                each.lane,
                *map(_safe, (each.product, each.product_zh, each.product_en)),
                there,
                each.par,
                each.to_bring,
                f"{at:%Y-%m-%d %H:%M}" if at is not None else "",
            )
        )
    return "\ufeff" + out.getvalue()


def _safe(words: str) -> str:
    """A cell that a spreadsheet would run is kept a text."""
    return f"'{words}" if words.startswith(("=", "+", "-", "@", "\t")) else words
