"""/suppliers: who delivers what services need, each with a promise of its own."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from iotops.api.access import Author, Viewer
from iotops.api.context import ContextOf
from iotops.api.entry_work import Entries, EntryId, EntryPath, EntryShape, Said, Wanted, entry_headers, shaped
from iotops.api.paging import Page
from iotops.api.preconditions import IfMatch, etag
from iotops.api.repeat import Asked, IdempotencyKey, post_once
from iotops.api.shapes import Body

router = APIRouter(prefix="/suppliers", tags=["suppliers"])


class SupplierShape(EntryShape):
    """One supplier."""

    name: str | None
    contact: str | None
    sla_policy: str | None = Field(description="id of the policy that clocks the supplier's own promise")


class SupplierChange(Body):
    """What to say; null takes back what the API said, and what services.yaml says counts again."""

    name: Said | None = None
    contact: Said | None = None
    sla_policy: Said | None = None


class NewSupplier(SupplierChange):
    """A supplier that nobody has declared yet."""

    id: EntryId


@router.get("", operation_id="list_suppliers", summary="List suppliers")
def list_suppliers(caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]) -> Page[SupplierShape]:
    """Return suppliers by id."""
    return Entries("suppliers", context, caller).listed(wanted, SupplierShape)


@router.post(
    "",
    status_code=201,
    response_model=SupplierShape,
    operation_id="create_supplier",
    summary="Declare a supplier",
    openapi_extra={"x-problems": ["conflict"]},
)
def create_supplier(
    request: Request, caller: Author, context: ContextOf, body: NewSupplier, key: IdempotencyKey = None
) -> Response:
    """Declare a supplier; one that services.yaml declares is changed by PATCH."""
    entries = Entries("suppliers", context, caller)
    return post_once(
        context,
        Asked(request, caller, key, body),
        lambda unit: entries.create(unit, body, SupplierShape),
        201,
        headers=lambda made: entry_headers("/suppliers", made),
    )


@router.get("/{supplier_id}", operation_id="get_supplier", summary="Show a supplier")
def get_supplier(response: Response, caller: Viewer, context: ContextOf, supplier_id: EntryPath) -> SupplierShape:
    """Return one supplier; the ETag goes into If-Match with a change."""
    found = Entries("suppliers", context, caller).get(supplier_id)
    response.headers["ETag"] = etag(found.version)
    return shaped(found, SupplierShape)


@router.patch(
    "/{supplier_id}",
    operation_id="change_supplier",
    summary="Change a supplier",
    openapi_extra={"x-problems": ["conflict", "precondition_required", "stale_version"]},
)
def change_supplier(
    *,
    response: Response,
    caller: Author,
    context: ContextOf,
    supplier_id: EntryPath,
    body: SupplierChange,
    if_match: IfMatch = None,
) -> SupplierShape:
    """Change what the API says; the ingest follows within seconds."""
    changed = Entries("suppliers", context, caller).change(supplier_id, body, if_match)
    response.headers["ETag"] = etag(changed.version)
    return shaped(changed, SupplierShape)


@router.delete(
    "/{supplier_id}",
    status_code=204,
    operation_id="delete_supplier",
    summary="Remove a supplier",
    openapi_extra={"x-problems": ["conflict", "stale_version"]},
)
def delete_supplier(caller: Author, context: ContextOf, supplier_id: EntryPath, if_match: IfMatch = None) -> None:
    """Remove a supplier with its dependencies; one that services.yaml declares is removed there."""
    Entries("suppliers", context, caller).delete(supplier_id, if_match)
