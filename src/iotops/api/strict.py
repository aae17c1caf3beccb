"""Strictness about what is asked: a query parameter that is not known is a mistake, and is said so."""

from collections.abc import Mapping

from fastapi import FastAPI, Request

from iotops.api.problems import Problem

_NONE: frozenset[str] = frozenset()


def known_parameters(app: FastAPI) -> Mapping[str, frozenset[str]]:
    """Return operation id -> names of its query parameters, as the OpenAPI document declares them."""
    return {
        operation["operationId"]: frozenset(
            parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"
        )
        for methods in app.openapi()["paths"].values()
        for operation in methods.values()
    }


def refuse_unknown_parameters(request: Request) -> None:
    """Refuse a request with a query parameter that its operation does not declare.

    Raises:
        Problem: unknown_parameter, naming what was found and what is known.
    """
    state = request.app.state
    if not hasattr(state, "query_parameters"):  # once; the document is not whole before every router is in
        state.query_parameters = known_parameters(request.app)
    known = state.query_parameters.get(request.scope["route"].operation_id, _NONE)
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        names = ", ".join(sorted(known)) or "none"
        raise Problem(
            "unknown_parameter",
            f"unknown query parameter {', '.join(map(repr, unknown))}; this resource knows: {names}",
            unknown=unknown,
            known=sorted(known),
        )
