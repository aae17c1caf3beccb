"""/docs and /api/v1/openapi.json: what the API is, for people and for programs."""

from functools import lru_cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from iotops.api.access import PUBLIC, PUBLIC_ON_LOOPBACK
from iotops.api.reference import render_reference

router = APIRouter(tags=["reference"])


@router.get(
    "/api/v1/openapi.json",
    operation_id="get_openapi",
    summary="The OpenAPI document",
    dependencies=[PUBLIC_ON_LOOPBACK],
)
def get_openapi(request: Request) -> dict[str, Any]:
    """Return this API in OpenAPI 3.1. Needs a token only where others than this machine can reach us."""
    document: dict[str, Any] = request.app.openapi()
    return document


@router.get(
    "/docs",
    operation_id="get_reference",
    summary="The reference page",
    response_class=HTMLResponse,
    dependencies=[PUBLIC_ON_LOOPBACK],
)
def get_reference(request: Request) -> HTMLResponse:
    """Return the reference for reading, made from the OpenAPI document."""
    return HTMLResponse(render_reference(request.app.openapi()))


@router.get(
    "/docs/reference.css",
    operation_id="get_reference_style",
    summary="The reference page's style",
    response_class=Response,
    include_in_schema=False,
    dependencies=[PUBLIC],
)
def get_reference_style() -> Response:
    """Return the style sheet of the reference page."""
    return Response(_style(), media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@lru_cache(maxsize=1)
def _style() -> bytes:
    return files("iotops.api").joinpath("static/reference.css").read_bytes()
