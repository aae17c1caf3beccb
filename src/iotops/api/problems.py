"""Problems: every answer that is not a success, as RFC 9457 `application/problem+json` with a stable `code`."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import Match

from iotops.api.asking import Asking
from iotops.api.headers import SECURITY_HEADERS
from iotops.errors import Conflict, IllegalTransition, NotFound, OutOfSight, StaleVersion, StoreBusy

MEDIA_TYPE = "application/problem+json"


class Kind(NamedTuple):
    """What a `code` means: HTTP status, and the title that never changes with the occurrence."""

    status: int
    title: str


PROBLEMS: Mapping[str, Kind] = {
    "merged": Kind(307, "Another incident tells this one's story now"),
    "unknown_parameter": Kind(400, "The request has a query parameter that this resource does not know"),
    "missing_parameter": Kind(400, "A query parameter that this resource needs is missing"),
    "malformed_body": Kind(400, "The request body cannot be read"),
    "bad_request": Kind(400, "The request cannot be understood"),
    "unauthenticated": Kind(401, "A token is needed"),
    "invalid_token": Kind(401, "The token is unknown, expired or revoked"),
    "forbidden": Kind(403, "The token's role does not allow this"),
    "csrf_failed": Kind(403, "The request does not prove that it comes from our own page"),
    "not_found": Kind(404, "There is no such thing"),
    "unknown_path": Kind(404, "There is no such path"),
    "method_not_allowed": Kind(405, "This path does not have that method"),
    "body_too_slow": Kind(408, "The request body took too long"),
    "illegal_transition": Kind(409, "The state does not allow this action"),
    "conflict": Kind(409, "The request contradicts what is stored"),
    "stale_version": Kind(412, "Somebody else changed this in between"),
    "body_too_large": Kind(413, "The request body is too large"),
    "unsupported_media_type": Kind(415, "The body is not of a type that is read here"),
    "validation_failed": Kind(422, "Some values are not acceptable"),
    "idempotency_key_reused": Kind(422, "This Idempotency-Key was used with another request"),
    "precondition_required": Kind(428, "This change needs If-Match"),
    "too_many_requests": Kind(429, "Too many requests"),
    "took_too_long": Kind(503, "The work was given up because it took too long"),
    "internal_error": Kind(500, "Something went wrong on our side"),
    "broker_unavailable": Kind(503, "The broker cannot be reached, or does not take it"),
    "store_busy": Kind(503, "The database is busy"),
    "not_ready": Kind(503, "Not ready"),
}

_CODE_BY_STATUS = {
    400: "malformed_body",  # the framework raises it for bodies alone: nested too deep, for example
    401: "unauthenticated",
    403: "forbidden",
    404: "unknown_path",
    405: "method_not_allowed",
    409: "conflict",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
    503: "store_busy",
}
_DENIALS = frozenset({"unauthenticated", "invalid_token", "forbidden", "csrf_failed", "too_many_requests"})
_CHALLENGE = {"unauthenticated": "", "invalid_token": ', error="invalid_token"'}


class Problem(Exception):
    """An answer that is not a success.

    Attributes:
        code: one of `PROBLEMS`.
        detail: what was found, what was expected, what to do; for the person who reads it.
        members: more members of the problem object, such as `allowed_actions`.
    """

    def __init__(self, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members

    def body(self, path: str) -> dict[str, Any]:
        """Return the problem object of a request for `path`."""
        status, title = PROBLEMS[self.code]
        return {
            "type": f"/docs#{self.code}",
            "title": title,
            "status": status,
            "code": self.code,
            "detail": self.detail,
            "instance": path,
            **self.members,
        }

    def response(self, path: str) -> Response:
        """Return the problem as an HTTP answer to a request for `path`."""
        headers = dict(self.headers)
        if self.code in _CHALLENGE:
            headers["WWW-Authenticate"] = f'Bearer realm="iotops"{_CHALLENGE[self.code]}'
        return JSONResponse(self.body(path), PROBLEMS[self.code].status, headers, MEDIA_TYPE)


def _of_http(request: Request, error: Exception) -> Problem:
    """Name what the framework itself refuses: unknown paths, wrong methods, bodies that are too large."""
    assert isinstance(error, HTTPException)  # noqa: S101  registered for this type only
    code = _CODE_BY_STATUS.get(error.status_code, "bad_request" if error.status_code < 500 else "internal_error")
    details = {
        "unknown_path": "no resource has this path; /docs lists them all",
        "method_not_allowed": f"this path answers {_methods(request)}",
    }
    headers = {"Allow": _methods(request)} if code == "method_not_allowed" else error.headers
    return Problem(code, details.get(code, str(error.detail)), headers=headers)


def _methods(request: Request) -> str:
    """Return what the path answers to: the framework names only the methods of the first route that it finds."""
    found: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            found.update(route.methods or ())
    return ", ".join(sorted(found))


def _of_validation(_: Request, error: Exception) -> Problem:
    """List every value that is not acceptable, each with its place."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for it
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        place = faults[0]["loc"][-1]
        return Problem("malformed_body", f"the body is not JSON: {faults[0]['ctx']['error']} at character {place}")
    if isinstance(error.body, bytes):  # the framework parses JSON only where the header says that it is
        return Problem("unsupported_media_type", "send the body as JSON with Content-Type: application/json")
    errors = [{"place": _place(fault["loc"]), "detail": _sentence(fault)} for fault in faults]
    listed = "; ".join(f"{entry['place']}: {entry['detail']}" for entry in errors)
    return Problem("validation_failed", listed, errors=errors)


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part).encode("ascii", "backslashreplace").decode() for part in location)


def _sentence(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "extra_forbidden":
        return "no such member; remove it"
    text = str(fault["msg"])
    return text.removeprefix("Value error, ")


def translated(error: IllegalTransition | NotFound) -> Problem:
    """Return the problem that says why something could not be done to one thing."""
    if isinstance(error, NotFound):
        return Problem("not_found", str(error))
    return Problem(
        "illegal_transition",
        str(error),
        action=error.action,
        state=error.state,
        allowed_actions=list(error.allowed_actions),
    )


def _of_transition(_: Request, error: Exception) -> Problem:
    assert isinstance(error, IllegalTransition)  # noqa: S101  registered for it
    return translated(error)


def _itself(_: Request, error: Exception) -> Problem:
    assert isinstance(error, Problem)  # noqa: S101  registered for it
    return error


TRANSLATIONS: Mapping[type[Exception], Callable[[Request, Exception], Problem]] = {
    Problem: _itself,
    HTTPException: _of_http,
    RequestValidationError: _of_validation,
    IllegalTransition: _of_transition,
    NotFound: lambda _, error: Problem("not_found", str(error)),
    StaleVersion: lambda _, error: Problem("stale_version", str(error)),
    Conflict: lambda _, error: Problem("conflict", str(error)),
    StoreBusy: lambda _, __: Problem(
        "store_busy", "the database is busy or gone for now; try again in a second", headers={"Retry-After": "1"}
    ),
    Exception: lambda _, __: Problem(
        "internal_error",
        "the fault is in the server's log; the request may be tried again",
        headers=SECURITY_HEADERS,  # the framework answers this one outside of our middleware
    ),
}


def add_problems(app: FastAPI) -> None:
    """Make every error of the application answer as a problem, those of the framework included."""

    def answer(
        translate: Callable[[Request, Exception], Problem],
    ) -> Callable[[Request, Exception], Awaitable[Response]]:
        async def respond(request: Request, error: Exception) -> Response:  # async: must not wait for a worker thread
            problem = translate(request, error)
            if problem.code in _DENIALS or isinstance(error, OutOfSight):
                context = request.app.state.context
                context.doorbook.note(Asking.of(request).deed(context.now_ms()), problem.code)
            return problem.response(request.url.path)

        return respond

    for kind, translate in TRANSLATIONS.items():
        app.add_exception_handler(kind, answer(translate))


def documented(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI entries of the problems that an operation can answer with."""
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    return {
        status: {
            "description": f"{HTTPStatus(status).phrase}: {' or '.join(f'`{code}`' for code in names)}",
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {name: {"$ref": f"#/components/examples/{name}"} for name in names},
                }
            },
        }
        for status, names in by_status.items()
    }
