"""/service-map: services, what they run on, and who supplies that, as a graph."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from iotops.api.access import Viewer
from iotops.api.context import ContextOf
from iotops.api.incident_shapes import PriorityWord
from iotops.api.shapes import Line, Shape
from iotops.incidents.service_map import Place, ServiceMap
from iotops.rules.dependency import Dependency, Node
from iotops.store.service_map import load_map

router = APIRouter(prefix="/service-map", tags=["services"])


class Wanted(BaseModel):
    """Which sites; a filter given more than once accepts each of its values."""

    site: Annotated[list[Line], Field(max_length=100)] = []


class NodeShape(Shape):
    """A node; devices of one service at one site stand together as a group, `group:SERVICE@SITE`."""

    id: str = Field(examples=["service:cash", "group:cash@paris", "device:paris/gw-1", "supplier:cashco"])
    kind: Literal["service", "group", "device", "supplier"]
    name: str | None
    criticality: Literal["A", "B", "C"] | None = Field(description="of a service")
    health: Literal["alert", "degraded", "unknown", "maintenance", "ok"] = Field(
        description="alert: it is alarmed, or has an open P1 or P2; degraded: another incident is open, or something "
        "that it needs is not well"
    )
    open: dict[PriorityWord, int] = Field(description="priority -> its own open incidents")
    devices: dict[str, int] = Field(description="of a group: health -> number")


class EdgeShape(Shape):
    """One needs the other."""

    source: str = Field(serialization_alias="from")
    kind: Literal["runs_on", "connects_via", "supplied_by"]
    target: str = Field(serialization_alias="to")


class ServiceMapShape(Shape):
    """The graph; never with a circle of services and suppliers."""

    nodes: list[NodeShape]
    edges: list[EdgeShape]


@router.get("", operation_id="get_service_map", summary="Show what needs what, and how it stands")
def get_service_map(caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]) -> ServiceMapShape:
    """Return all services and suppliers, and the devices of the sites, as nodes with what each needs."""
    sites = caller.sites(wanted.site)
    if sites is None:
        return ServiceMapShape(nodes=[], edges=[])
    with context.read() as unit:
        return _shape(load_map(unit, sites, context.now_ms()))


def _shape(found: ServiceMap) -> ServiceMapShape:
    return ServiceMapShape(
        nodes=[_node(place) for place in found.places],
        edges=[_edge(edge) for edge in found.edges],
    )


def _node(place: Place) -> NodeShape:
    return NodeShape.model_validate(
        {
            "id": _name(place.node),
            "kind": place.node.kind,
            "name": place.name,
            "criticality": place.criticality,
            "health": place.health,
            "open": place.open,
            "devices": place.devices,
        }
    )


def _edge(edge: Dependency) -> EdgeShape:
    ends = {"source": _name(edge.source), "target": _name(edge.target)}
    return EdgeShape.model_validate({**ends, "kind": edge.kind})


def _name(node: Node) -> str:
    return f"{node.kind}:{node.id}"
