"""The console put into an application that has the API: pages, forms, and the files they need."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from iotops.console.sign_in import sign_in, sign_in_page, sign_out
from iotops.console.views import act, board, incident_page

PAGES: tuple[tuple[str, str, Callable[[Request], Awaitable[Response]]], ...] = (
    ("GET", "/", board),
    ("GET", "/sign-in", sign_in_page),
    ("POST", "/sign-in", sign_in),
    ("POST", "/sign-out", sign_out),
    ("GET", "/incidents/{number}", incident_page),
    ("POST", "/incidents/{number}/{action}", act),
)
"""Method, path and page: the whole console."""


def add_console(app: FastAPI) -> None:
    """Add the pages to an application; they reach nothing but its public API."""
    app.mount("/console", StaticFiles(directory=Path(__file__).parent / "static"), name="console files")
    for method, path, page in PAGES:
        app.add_route(path, page, methods=[method], include_in_schema=False)
