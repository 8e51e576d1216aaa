"""The pages' routes: fleet, sales, cases, money, and what lies behind the last of the five words."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from cloud_bridge.core.people import Action
from cloud_bridge.ports_desk import ComplaintService
from cloud_bridge.web.bill_api import DayBooks
from cloud_bridge.web.case_pages import case_routes
from cloud_bridge.web.fleet_pages import Ground, fleet_routes
from cloud_bridge.web.money_pages import money_routes
from cloud_bridge.web.sale_pages import sale_routes
from cloud_bridge.web.site import render
from cloud_bridge.web.who import needs


def page_routes(ground: Ground, complaints: ComplaintService | None, bills: DayBooks | None) -> APIRouter:
    """Every page that a navigation's word leads to."""
    pages = APIRouter()
    pages.include_router(fleet_routes(ground))
    pages.include_router(sale_routes(ground, bills))
    pages.include_router(case_routes(ground, complaints))
    pages.include_router(money_routes(ground, bills))

    @pages.get("/more", include_in_schema=False, dependencies=[Depends(needs(Action.SEE_FLEET))])
    async def more(request: Request) -> Response:
        return render(request, "more.html")

    return pages
