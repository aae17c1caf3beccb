"""The console put into an application that has the API: pages, forms, and the files they need."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from iotops.console.files import MOUNT, file_app
from iotops.console.frame import frame
from iotops.console.pages import BARE, PAGES, Bare, Page
from iotops.console.refusal import refusal
from iotops.console.render import render
from iotops.console.sign_in import sign_in, sign_in_page, sign_out
from iotops.console.squeezed import squeezed
from iotops.console.status import status_page
from iotops.console.visit import Refused, Visit

Endpoint = Callable[[Request], Awaitable[Response]]


def add_console(app: FastAPI) -> None:
    """Add the pages to an application; they reach nothing but its public API."""
    app.mount(MOUNT, file_app(), name="console files")
    endpoints: list[tuple[str, str, Endpoint]] = [
        ("GET", "/sign-in", sign_in_page),
        ("POST", "/sign-in", sign_in),
        ("POST", "/sign-out", sign_out),
        ("GET", "/services/{service}/status", status_page),
        *(("GET", page.path, _shown(page)) for page in PAGES),
        *((bare.method, bare.path, _done(bare)) for bare in BARE),
    ]
    for method, path, endpoint in endpoints:
        app.add_route(path, endpoint, methods=[method], include_in_schema=False)


def _shown(page: Page) -> Endpoint:
    async def show(request: Request) -> Response:
        visit = Visit.of(request)
        try:
            around, found = await asyncio.gather(frame(visit), page.view(visit))
        except Refused as refused:
            return await refusal(visit, refused.answer)
        if isinstance(found, Response):
            return found
        return squeezed(request.headers, render(page.template, {**around, **found}))

    return show


def _done(bare: Bare) -> Endpoint:
    async def do(request: Request) -> Response:
        visit = Visit.of(request)
        try:
            return await bare.do(visit)
        except Refused as refused:
            return await refusal(visit, refused.answer)

    return do
