"""The pages' routes that belong to no topic: what lies behind the last of the five words."""

from fastapi import Depends, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from cloud_bridge.core.people import Action
from cloud_bridge.web.site import render
from cloud_bridge.web.who import needs


def add_site(app: FastAPI) -> None:
    """Serve `/more`."""

    @app.get("/more", include_in_schema=False, dependencies=[Depends(needs(Action.SEE_FLEET))])
    async def more(request: Request) -> Response:
        return render(request, "more.html")
