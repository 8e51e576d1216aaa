"""The catalogue for people and programs: what machines sell, changed as a whole edition or not at all.

Who edits changes what machines everywhere sell: he has to see all of them.
"""

import hashlib
import re
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from fastapi.exceptions import HTTPException
from fastapi.responses import Response

from cloud_bridge.core.catalogue import TYPES, Entry, Kind, Owner
from cloud_bridge.core.people import Action, Person, may_approve
from cloud_bridge.core.rollout import MINUTES, MINUTES_MOST
from cloud_bridge.ports import Clock
from cloud_bridge.ports_catalogue import CatalogueService, Done, Edit, Picture
from cloud_bridge.web.answers import answer
from cloud_bridge.web.who import needs

Routes = APIRouter
LONGEST_WHY: Final = 200
_Editor = Annotated[Person, Depends(needs(Action.EDIT_CATALOGUE, everywhere=True))]
_Second = Annotated[Person, Depends(needs(Action.APPROVE, everywhere=True))]
_Looker = Annotated[Person, Depends(needs(Action.SEE_FLEET))]
_Table = Annotated[str, Path(pattern=r"^(products|lanes)$")]
_Sha = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
_Name = Annotated[str, Query(max_length=60)]
_FILE: Final = {"Content-Disposition": 'attachment; filename="{}"', "Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry that is wanted; without a value it is to go."""

    kind: Kind
    key: str
    value: dict[str, str | int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """What is to change, on top of the edition `base`; when, and how patiently it is rolled out."""

    base: int
    why: str
    items: tuple[Item, ...]
    minutes: int = MINUTES
    at_once: bool = False
    effective_wall_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The tables of a spreadsheet, as text."""

    texts: tuple[str, ...]
    why: str
    minutes: int = MINUTES
    at_once: bool = False
    effective_wall_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """An edition, or something that waits; and why."""

    number: int
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of it: why not, every mistake; or the new edition, or the number under which it waits."""

    why: str = ""
    mistakes: tuple[str, ...] = ()
    edition: int = 0
    pending: int = 0
    daring: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    sha256: str = ""


def catalogue_routes(service: CatalogueService, clock: Clock) -> APIRouter:
    """Everything below `/api/catalogue`."""
    api = APIRouter()
    _edits(api, service)
    _seconds(api, service)
    _files(api, service, clock)
    return api


def _edits(api: APIRouter, service: CatalogueService) -> None:
    @api.post("/api/catalogue/edit", response_model=Outcome)
    async def edit(asking: _Editor, wished: Annotated[Wished, Body()]) -> Response:
        """Make a new edition of these entries, or say every mistake; nothing is taken by halves."""
        _said(wished.why, wished.minutes)
        wanted = {(item.kind, item.key): _entry(item) for item in wished.items}
        return answer(_outcome(await service.edit(_edit(wished, asking, wanted, wished.base))))

    @api.post("/api/catalogue/import", response_model=Outcome)
    async def take(asking: _Editor, tables: Annotated[Tables, Body()]) -> Response:
        """Take tables as they were exported, whole or not at all; mistakes are told by row and column."""
        _said(tables.why, tables.minutes)
        done, mistakes = await service.take_tables(tables.texts, _edit(tables, asking, {}, 0))
        return answer(_outcome(done, mistakes))

    @api.post("/api/catalogue/undo", response_model=Outcome)
    async def undo(asking: _Editor, asked: Annotated[Number, Body()]) -> Response:
        """Make a new edition that is as that one was."""
        _said(asked.why, MINUTES)
        why, program = asked.why.strip(), asking.program
        return answer(_outcome(await service.undo(asked.number, asking.name, why, program=program)))

    @api.post("/api/catalogue/go-on", response_model=Outcome)
    async def go_on(asking: _Editor) -> Response:
        """Let a stopped roll-out go on, without the machines in trouble."""
        return answer(Outcome(why=await service.go_on(asking.name)))

    @api.post("/api/catalogue/drop", response_model=Outcome)
    async def drop(asking: _Editor, asked: Annotated[Number, Body()]) -> Response:
        """What waits will not be."""
        return answer(Outcome(why=await service.drop(asked.number, asking.name)))


def _seconds(api: APIRouter, service: CatalogueService) -> None:
    @api.post("/api/catalogue/agree", response_model=Outcome)
    async def agree(asking: _Second, asked: Annotated[Number, Body()]) -> Response:
        """A second person agrees to prices that are below cost, or far from what they were."""
        view = await service.view()
        waits = next((each for each in view.pending if each.id == asked.number), None)
        if waits is None:
            raise HTTPException(404, f"number: found {asked.number}, which does not wait")
        if not may_approve(asking, Action.EDIT_CATALOGUE, waits.by):
            return answer(Outcome(why=f"found {asking.name}; allowed is another one than {waits.by}"))
        return answer(_outcome(await service.agree(asked.number, asking.name)))


def _files(api: APIRouter, service: CatalogueService, clock: Clock) -> None:
    @api.get("/api/catalogue/{table}.csv", response_class=Response)
    async def table(_asking: _Editor, table: _Table) -> Response:
        """The products, or the lanes of machines and templates, for a spreadsheet."""
        text = (await service.tables())[table]
        heads = {key: value.format(f"wxvend-{table}.csv") for key, value in _FILE.items()}
        return Response(text, headers=heads, media_type="text/csv; charset=utf-8")

    @api.post("/api/catalogue/pictures", response_model=Outcome)
    async def upload(request: Request, asking: _Editor, name: _Name = "") -> Response:
        """Keep a PNG; its SHA-256 is what a product calls it by."""
        png = await request.body()
        sha = hashlib.sha256(png).hexdigest()
        label = re.sub(r"[^\w .()-]", "", name)[:60]
        picture = Picture(sha256=sha, name=label, by=asking.name, wall_ms=clock.wall_ms(), png=png)
        why = await service.upload(picture)
        return answer(Outcome(why=why, sha256="" if why else sha))

    @api.get("/api/catalogue/pictures/{sha256}", response_class=Response)
    async def picture(_asking: _Looker, sha256: _Sha) -> Response:
        """A picture."""
        png = await service.picture(sha256)
        if not png:
            raise HTTPException(404, "found no such picture")
        heads = {"Cache-Control": "private, max-age=604800, immutable"}
        return Response(png, headers=heads, media_type="image/png")


# ---------------------------------------------------------------- helpers


def _said(why: str, minutes: int) -> None:
    if not (0 < len(why.strip()) <= LONGEST_WHY and why.isprintable()):
        raise HTTPException(
            422, f"why: found {why[:20]!r}, allowed 1 to {LONGEST_WHY} characters on one line"
        )
    if not 1 <= minutes <= MINUTES_MOST:
        raise HTTPException(422, f"minutes: found {minutes}, allowed 1 to {MINUTES_MOST}")


def _edit(wished: Wished | Tables, asking: Person, wanted: dict[Any, Any], base: int) -> Edit:
    return Edit(
        wanted=wanted,
        base=base,
        by=asking.name,
        why=wished.why.strip(),
        minutes=wished.minutes,
        at_once=wished.at_once,
        effective_wall_ms=wished.effective_wall_ms,
        program=asking.program,
    )


def _entry(item: Item) -> Entry | None:
    """The entry as a value. Raises HTTPException 422 for a member that it has not, or of another type."""
    if item.value is None:
        return None
    kind = TYPES[item.kind]
    known = {field.name: field for field in fields(kind) if field.name != "owner"}
    for name, found in item.value.items():
        if name not in known:
            allowed = ", ".join(known)
            raise HTTPException(422, f"{item.kind} {item.key[:40]}: found {name[:40]}, allowed {allowed}")
        if type(found) is not known[name].type:
            wanted = getattr(known[name].type, "__name__", "")
            raise HTTPException(
                422, f"{item.kind} {item.key[:40]}: {name}: found {found!r:.40}, allowed {wanted}"
            )
    missing = [name for name, each in known.items() if each.default is MISSING and name not in item.value]
    if missing:
        raise HTTPException(422, f"{item.kind} {item.key[:40]}: found no {missing[0]}")
    made: Any = kind
    entry: Entry = made(**item.value, **({"owner": Owner.BOOKS} if item.kind is Kind.MACHINE else {}))
    return entry


def _outcome(done: Done, mistakes: tuple[str, ...] = ()) -> Outcome:
    return Outcome(
        why=done.why_not or ("it has mistakes; nothing of it is taken" if done.faults else ""),
        mistakes=mistakes or tuple(map(str, done.faults)),
        edition=done.edition,
        pending=done.pending,
        daring=done.daring,
        machines=done.machines,
    )
