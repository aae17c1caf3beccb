"""Strictness about what is asked: a query parameter that is not known is a mistake, and is said so."""

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params

from iotops.api.problems import Problem


def known_parameters(dependant: Dependant) -> frozenset[str]:
    """Return the names of the query parameters of an operation and of all that it depends on.

    They are those of the OpenAPI document, which takes a process half a second to make, and most need it never.
    """
    own = get_flat_params(Dependant(query_params=dependant.query_params))
    below = (known_parameters(dependency) for dependency in dependant.dependencies)
    return frozenset(field.alias for field in own).union(*below)


def refuse_unknown_parameters(request: Request) -> None:
    """Refuse a request with a query parameter that its operation does not declare.

    Raises:
        Problem: unknown_parameter, naming what was found and what is known.
    """
    if not request.query_params:
        return
    known = known_parameters(request.scope["route"].dependant)
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        names = ", ".join(sorted(known)) or "none"
        raise Problem(
            "unknown_parameter",
            f"unknown query parameter {', '.join(map(repr, unknown))}; this resource knows: {names}",
            unknown=unknown,
            known=sorted(known),
        )
