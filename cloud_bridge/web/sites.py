"""The pages' routes that belong to no topic: what lies behind the last of the five words."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from cloud_bridge.web.site import render


def add_site(app: FastAPI) -> None:
    """Serve `/more`."""

    @app.get("/more", include_in_schema=False)
    async def more(request: Request) -> Response:
        return render(request, "more.html")
