"""The pages of the catalogue: products, machines and their lanes, what is on its way, and what was before."""

from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from cloud_bridge.core.catalogue import TEMPLATE, Change
from cloud_bridge.core.people import Action, Person, may
from cloud_bridge.core.rollout import MINUTES, At
from cloud_bridge.ports_catalogue import CatalogueService, CatalogueView, MachineOffer
from cloud_bridge.web.site import render
from cloud_bridge.web.who import needs

EDITIONS: Final = 15
_TONES: Final = {"runs": "go", "offered": "wait", "waiting": "wait", "refused": "stop", "silent": "quiet"}
_Looker = Annotated[Person, Depends(needs(Action.SEE_FLEET))]
_Machine = Annotated[str, Path(pattern=r"^[a-z0-9-]{4,32}$")]
_Template = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
_Before = Annotated[int, Query(ge=0, le=2**53)]


def catalogue_pages(service: CatalogueService) -> APIRouter:
    """`/catalogue` and what lies below it."""
    api = APIRouter(include_in_schema=False)

    @api.get("/catalogue")
    async def catalogue(request: Request, asking: _Looker, before: _Before = 0) -> Response:
        view = _own(await service.view(), asking)
        history = await service.history(before=before, limit=EDITIONS) if asking.everywhere else ()
        return render(
            request,
            "catalogue.html",
            view=view,
            machines=view.machines,
            uses=_uses(view),
            history=history,
            older=history[-1].edition if len(history) == EDITIONS else 0,
            edits=_edits(asking),
            tones=_TONES,
            taken=sum(stop.at is At.TAKEN for stop in view.stops),
            differ=differ,
            minutes=MINUTES,
        )

    @api.get("/catalogue/machines/{machine}")
    async def machine(request: Request, asking: _Looker, machine: _Machine) -> Response:
        view = _own(await service.view(), asking)
        found = next((each for each in view.machines if each.machine == machine), None)
        if found is None:
            return render(request, "no_machine.html", status=404)
        return _planogram(request, asking, view, machine, found)

    @api.get("/catalogue/templates/{template}")
    async def template(request: Request, asking: _Looker, template: _Template) -> Response:
        view = _own(await service.view(), asking)
        return _planogram(request, asking, view, f"{TEMPLATE}{template}", None)

    return api


def _planogram(
    request: Request, asking: Person, view: CatalogueView, where: str, offer: MachineOffer | None
) -> Response:
    """The lanes of a machine or a template; a machine's own are written, its template's only shown."""
    shown = offer.places if offer is not None else view.templates.get(where, {})
    shared = view.templates.get(offer.plan.template, {}) if offer is not None else {}
    return render(
        request,
        "planogram.html",
        view=view,
        where=where,
        offer=offer,
        lanes=shown,
        shared={number for number, lane in shown.items() if shared.get(number) == lane},
        users=[each.machine for each in view.machines if each.plan.template == where],
        edits=_edits(asking),
        tones=_TONES,
        minutes=MINUTES,
    )


def _own(view: CatalogueView, asking: Person) -> CatalogueView:
    """What he may see: all of it, or his machines with what they sell, and nothing that is on its way."""
    if asking.everywhere:
        return view
    machines = tuple(each for each in view.machines if asking.sees(each.machine))
    goods = {lane.product for each in machines for lane in each.places.values()}
    shared = {each.plan.template for each in machines}
    return replace(
        view,
        machines=machines,
        products={code: each for code, each in view.products.items() if code in goods},
        templates={name: lanes for name, lanes in view.templates.items() if name in shared},
        rollout=None,
        stops=(),
        pending=(),
    )


def _edits(asking: Person) -> bool:
    return may(asking, Action.EDIT_CATALOGUE) and asking.everywhere


def _uses(view: CatalogueView) -> dict[str, int]:
    """In how many machines' lanes each product lies."""
    uses: dict[str, int] = {}
    for each in view.machines:
        for lane in each.places.values():
            uses[lane.product] = uses.get(lane.product, 0) + 1
    return uses


def differ(change: Change) -> list[tuple[str, object, object]]:
    """The fields of a change that are not what they were; of one that came or went, those with words."""
    sides = [
        {name: getattr(side, name) for name in side.__slots__} if side is not None else {}
        for side in (change.before, change.after)
    ]
    before, after = sides
    names = list(after or before)
    return [
        (name, before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name) and (before.get(name) or after.get(name))
    ]
