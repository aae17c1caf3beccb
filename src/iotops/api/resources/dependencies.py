"""/dependencies: what needs what, between services, devices and suppliers; never in a circle."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from iotops.api.access import Author, Viewer
from iotops.api.context import ContextOf
from iotops.api.entry_work import Entries
from iotops.api.paging import Cursor, CursorText, Limit, Page, decode_cursor, encode_cursor, page_of
from iotops.api.repeat import Asked, IdempotencyKey, post_once
from iotops.api.shapes import Body, Instant, Shape
from iotops.rules.dependency import Dependency, Node
from iotops.store import topology
from iotops.store.database import Unit
from iotops.store.topology import Edge

router = APIRouter(prefix="/dependencies", tags=["dependencies"])

_NODE = r"^(service:|supplier:|device:[A-Za-z0-9_.:-]{1,64}/)[A-Za-z0-9_.:-]{1,64}$"
NodeName = Annotated[
    str, Field(max_length=140, pattern=_NODE, examples=["service:cash", "device:paris/atm-1", "supplier:cashco"])
]
SourceName = Annotated[str, Field(max_length=140, pattern=_NODE.replace("supplier:|", ""), examples=["service:cash"])]
KindWord = Literal["runs_on", "connects_via", "supplied_by"]
_ORDER = "from,kind,to"
_Key = tuple[CursorText, CursorText, CursorText, CursorText, CursorText]


class DependencyShape(Shape):
    """One dependency."""

    source: str = Field(serialization_alias="from", description="needs the other: `service:ID` or `device:SITE/DEVICE`")
    kind: str = Field(json_schema_extra={"enum": ["runs_on", "connects_via", "supplied_by"]})
    target: str = Field(serialization_alias="to", description="is needed; suppliers are `supplier:ID`")
    sources: list[Literal["file", "api"]] = Field(description="who says so: services.yaml, the API, or both")
    created_at: Instant


class NewDependency(Body):
    """A dependency; services run_on services and devices, all connect_via devices, and are supplied_by suppliers."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"from": "service:cash", "kind": "supplied_by", "to": "supplier:cashco"}]}
    )

    source: SourceName = Field(alias="from")
    kind: KindWord
    target: NodeName = Field(alias="to")


class Wanted(BaseModel):
    """Which dependencies to list."""

    node: NodeName | None = Field(None, description="only those of this node, on either end")
    limit: Limit = 50
    cursor: Cursor = None


@router.get("", operation_id="list_dependencies", summary="List dependencies")
def list_dependencies(caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]) -> Page[DependencyShape]:
    """Return dependencies in order of their parts."""
    after: _Key | None = decode_cursor(_ORDER, wanted.cursor, _Key)
    node = None if wanted.node is None else _node(wanted.node)
    with context.read() as unit:
        found = topology.edges(unit, node, site=caller.site, limit=wanted.limit + 1, after=after)
    return page_of(found, wanted.limit, _shape, _cursor)


@router.post(
    "",
    status_code=201,
    response_model=DependencyShape,
    operation_id="create_dependency",
    summary="Add a dependency",
    openapi_extra={"x-problems": ["conflict"]},
)
def create_dependency(
    request: Request, caller: Author, context: ContextOf, body: NewDependency, key: IdempotencyKey = None
) -> Response:
    """Add a dependency; one that closes a circle is refused."""
    Entries("dependencies", context, caller).must_be_for_all()
    new = Dependency(_node(body.source), body.kind, _node(body.target))

    def work(unit: Unit) -> DependencyShape:
        return _shape(topology.add(unit, new, context.now_ms()))

    return post_once(context, Asked(request, caller, key, body), work, 201)


@router.delete(
    "",
    status_code=204,
    operation_id="delete_dependency",
    summary="Remove a dependency",
    openapi_extra={"x-problems": ["not_found", "conflict"]},
)
def delete_dependency(
    caller: Author,
    context: ContextOf,
    source: Annotated[SourceName, Query(alias="from")],
    kind: KindWord,
    target: Annotated[NodeName, Query(alias="to")],
) -> None:
    """Remove a dependency that the API added; one that services.yaml declares is removed there."""
    Entries("dependencies", context, caller).must_be_for_all()
    old = Dependency(_node(source), kind, _node(target))
    context.write(lambda unit: topology.remove(unit, old))


def _node(name: str) -> Node:
    kind, _, found = name.partition(":")
    return Node(kind, found)


def _name(node: Node) -> str:
    return f"{node.kind}:{node.id}"


def _shape(edge: Edge) -> DependencyShape:
    sources: list[Literal["file", "api"]] = []
    if edge.in_file:
        sources.append("file")
    if edge.in_api:
        sources.append("api")
    found = edge.dependency
    return DependencyShape(
        source=_name(found.source),
        kind=found.kind,
        target=_name(found.target),
        sources=sources,
        created_at=edge.created_ms,
    )


def _cursor(edge: Edge) -> str:
    found = edge.dependency
    return encode_cursor(_ORDER, (*found.source, found.kind, *found.target))
