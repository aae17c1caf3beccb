"""The OpenAPI document: what FastAPI derives, plus problems, roles and headers that it cannot know."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from iotops.api.access import Require, Role
from iotops.api.examples import example_of, problem_examples
from iotops.api.problems import PROBLEMS, documented

DESCRIPTION = (
    "Telemetry over MQTT, judged by rules, turned into incidents. JSON in snake_case, times in RFC 3339 with Z. "
    "Lists are pages: pass `next_cursor` as `cursor`. Every answer that is not a success is a problem (RFC 9457) "
    "with a stable `code`."
)
_PROBLEM_SCHEMA: Mapping[str, Any] = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457; more members may follow, such as `errors`, `allowed_actions` or `known`.",
    "required": ["type", "title", "status", "code", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "enum": list(PROBLEMS)},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
    },
}


def api_routes(app: FastAPI) -> Iterator[RouteContext]:
    """Yield every operation of the API, console pages and files left out."""
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute):
            yield route


def required_role(dependant: Dependant) -> Role | None:
    """Return the role that an operation's dependencies ask for; None: anybody may."""
    if isinstance(dependant.call, Require):
        return dependant.call.role
    found = (required_role(dependency) for dependency in dependant.dependencies)
    return next((role for role in found if role is not None), None)


def install_openapi(app: FastAPI) -> None:
    """Make `app.openapi()` return the completed document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # the documented way to extend it


def _completed(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM_SCHEMA
    document["components"]["examples"] = problem_examples()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    roles = {route.operation_id: required_role(route.dependant) for route in api_routes(app)}
    for methods in document["paths"].values():
        for operation in methods.values():
            _complete(operation, roles[operation["operationId"]])
            _show(operation, schemas)
    return document


def _show(operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """Give an example of what is sent and of what is answered, where that is JSON."""
    answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    for said, sent in [(operation.get("requestBody", {}), True), *((answer, False) for answer in answers)]:
        content = said.get("content", {}).get("application/json")
        if content is not None and not {"example", "examples"} & content.keys():
            content["example"] = example_of(content.get("schema", {}), schemas, sent=sent)


def _complete(operation: dict[str, Any], role: Role | None) -> None:
    codes = ["unknown_parameter", "validation_failed", "internal_error", "store_busy"]
    if role is None:
        operation.pop("security", None)
    else:
        operation["x-role"] = role.word
        codes += ["unauthenticated", "invalid_token", "forbidden", "too_many_requests"]
    if "requestBody" in operation:
        codes += ["malformed_body", "body_too_large"]
    if any(parameter["in"] == "path" for parameter in operation.get("parameters", ())):
        codes += ["not_found"]
    if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ())):
        codes += ["idempotency_key_reused"]
    codes += operation.pop("x-problems", [])
    operation["responses"].pop("422", None)
    for status, answer in documented(*dict.fromkeys(codes)).items():
        operation["responses"].setdefault(str(status), answer)
