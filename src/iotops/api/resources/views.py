"""/views: lists of incidents that people saved."""

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import AfterValidator, Field, ValidationError

from iotops.api.access import Viewer
from iotops.api.bulk_shapes import Chosen
from iotops.api.context import ContextOf
from iotops.api.paging import Page
from iotops.api.repeat import Asked, IdempotencyKey, post_once
from iotops.api.shapes import Body, Instant, Line, Shape
from iotops.store import views
from iotops.store.database import Unit
from iotops.store.views import SavedView

router = APIRouter(prefix="/views", tags=["views"])

ViewId = Annotated[int, Path(ge=1, le=2**63 - 1)]
_MANY = frozenset(name for name, field in Chosen.model_fields.items() if isinstance(field.default, list))


def _asks(query: str) -> str:
    """Refuse a query that a list of incidents would refuse."""
    asked: dict[str, str | list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=200):
        if name in _MANY:
            asked[name] = [*asked.get(name, []), value]
        else:
            asked[name] = value
    try:
        Chosen.model_validate(asked)
    except ValidationError as error:
        fault = error.errors()[0]
        msg = f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}; write what follows /api/v1/incidents?"
        raise ValueError(msg) from error
    return query


class ViewShape(Shape):
    """One view."""

    id: int
    name: str
    query: Annotated[str, Field(examples=["state=new&priority=P1"])]
    created_at: Instant


class NewView(Body):
    """A view to be saved; names are unique for whoever saves."""

    name: Annotated[Line, Field(min_length=1, max_length=60)]
    query: Annotated[Line, Field(max_length=2_000, description="as after `/incidents?`"), AfterValidator(_asks)]


def _shape(view: SavedView) -> ViewShape:
    return ViewShape(id=view.id, name=view.name, query=view.query, created_at=view.created_ms)


@router.get("", operation_id="list_views", summary="List saved views")
def list_views(caller: Viewer, context: ContextOf) -> Page[ViewShape]:
    """Return the views that whoever asks has saved, by name; tokens of the same name share them."""
    with context.read() as unit:
        return Page(items=[_shape(each) for each in views.owned(unit, caller.actor.id)], next_cursor=None)


@router.post(
    "",
    status_code=201,
    response_model=ViewShape,
    operation_id="save_view",
    summary="Save a view",
    openapi_extra={"x-problems": ["conflict"]},
)
def save_view(
    request: Request, caller: Viewer, context: ContextOf, body: NewView, key: IdempotencyKey = None
) -> Response:
    """Save a list of incidents under a name."""

    def work(unit: Unit) -> ViewShape:
        return _shape(views.save(unit, caller.actor.id, body.name, body.query, context.now_ms()))

    return post_once(context, Asked(request, caller, key, body), work, 201)


@router.delete("/{view_id}", status_code=204, operation_id="delete_view", summary="Delete a saved view")
def delete_view(caller: Viewer, context: ContextOf, view_id: ViewId) -> None:
    """Delete a view of one's own."""
    context.write(lambda unit: views.forget(unit, caller.actor.id, view_id))
