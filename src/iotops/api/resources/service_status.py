"""/services/{service_id}/status: how a service stands, for those who depend on it."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from starlette.concurrency import run_in_threadpool

from iotops.api.access import Caller, Require, Role, bearer_scheme, cookie_scheme
from iotops.api.context import Context, ContextOf
from iotops.api.entry_work import EntryPath
from iotops.api.open_reads import KEPT_MS
from iotops.api.preconditions import etag
from iotops.api.problems import Problem
from iotops.api.status_shapes import ServiceStatus, status_shape
from iotops.api.strict import refuse_unknown_parameters
from iotops.store import standing

router = APIRouter(prefix="/services", tags=["services"])

IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", max_length=200, description="ETag of the status that you have")
]
_INVITED = frozenset({"unauthenticated", "invalid_token"})


class RequireUnlessPublic(Require):
    """Lets viewers through, and where the service is public everybody, at a small rate; None stands for these."""

    async def __call__(  # type: ignore[override]  # who needs no token is nobody in particular
        self,
        request: Request,
        context: ContextOf,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)],
        cookie: Annotated[str | None, Depends(cookie_scheme)],
    ) -> Caller | None:
        """Return the caller.

        Raises:
            Problem: as `Require`, where the service is not public, or is none; too_many_requests.
        """
        try:
            return await super().__call__(request, context, bearer, cookie)
        except Problem as problem:
            name = request.path_params["service_id"]
            if problem.code not in _INVITED or not await run_in_threadpool(_is_public, context, request, name):
                raise
        refuse_unknown_parameters(request)
        return None


@router.get(
    "/{service_id}/status",
    response_model=ServiceStatus,
    operation_id="get_service_status",
    summary="How a service stands",
    openapi_extra={"x-problems": ["too_many_requests"]},
    responses={304: {"description": "Not Modified: it stands as If-None-Match says"}},
)
def get_service_status(
    *,
    response: Response,
    caller: Annotated[Caller | None, Depends(RequireUnlessPublic(Role.VIEWER))],
    context: ContextOf,
    service_id: EntryPath,
    if_none_match: IfNoneMatch = None,
) -> ServiceStatus | Response:
    """Return state, since when, what is being done, and the last 90 days. A public service's needs no token."""
    found: ServiceStatus
    if caller is None:
        found = context.statuses.get(service_id, lambda: _status(context, service_id))
    else:
        found = _status(context, service_id)
    # When it was looked at is left out: that changes with every look, and what is said does not.
    said = found.model_dump_json(exclude={"checked_at"})
    tag = f"W/{etag(hashlib.sha256(said.encode()).hexdigest()[:32])}"
    headers = {
        "ETag": tag,
        "Vary": "Authorization, Cookie",
        "Cache-Control": f"public, max-age={KEPT_MS // 1000}" if caller is None else "private, no-cache",
    }
    if if_none_match is not None and tag in {each.strip() for each in if_none_match.split(",")}:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return found


def _status(context: Context, service_id: str) -> ServiceStatus:
    with context.read() as unit:
        found = standing.account(unit, service_id, context.now_ms(), near=context.settings.incidents.near_breach)
    return status_shape(found)


def _is_public(context: Context, request: Request, name: str) -> bool:
    """Tell whether anybody may see a service.

    Raises:
        Problem: too_many_requests, for one address.
    """
    wait_ms = context.allowance.wait_ms(request.client.host if request.client else "")
    if wait_ms:
        seconds = str(-(-wait_ms // 1000))
        raise Problem(
            "too_many_requests", f"ask again in {seconds} s, or send a token", headers={"Retry-After": seconds}
        )
    if "\0" in name:
        return False
    with context.read() as unit:
        return standing.is_public(unit, name)
