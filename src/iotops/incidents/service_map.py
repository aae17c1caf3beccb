"""The service map: what people use, what it runs on, and who supplies that, with how each of them stands. Pure.

Devices are many and stand together: those of one service at one site are one node, and only a device that others
reach the broker through, or that a dependency names, is a node of its own.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from iotops.rules.dependency import Dependency, Node, device_node, parent_of
from iotops.telemetry.reading import DeviceKey

OpenCounts = Mapping[str, int]
"""Priority -> number of open incidents."""

_URGENT = frozenset({"P1", "P2"})
_BAD = frozenset({"alert", "unknown"})


@dataclass(frozen=True, slots=True)
class MappedDevice:
    """A device as the map needs it; `health` is one of `iotops.store.healths.HEALTHS`."""

    key: DeviceKey
    labels: Mapping[str, str]
    health: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A node of the map.

    Attributes:
        node: `kind` is service, group (devices of one service at one site), device or supplier.
        name: what people call it, where they do.
        criticality: of a service; A is the highest.
        health: alert (an open incident P1 or P2 is its own, or it is a device that is alarmed), degraded (another
            incident is open, or something that it needs is not well), unknown, maintenance, or ok.
        open: of its own incidents.
        devices: health -> how many devices of a group.
    """

    node: Node
    name: str | None = None
    criticality: str | None = None
    health: str = "ok"
    open: OpenCounts = field(default_factory=dict)
    devices: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceMap:
    """Nodes in order, and what each needs."""

    places: Sequence[Place]
    edges: Sequence[Dependency]


@dataclass(frozen=True, slots=True)
class Declared:
    """What people declared: service -> (name, criticality), supplier -> name, and dependencies."""

    services: Mapping[str, tuple[str | None, str | None]]
    suppliers: Mapping[str, str | None]
    dependencies: Sequence[Dependency]


def service_map(
    declared: Declared, devices: Sequence[MappedDevice], incidents: Mapping[Node, OpenCounts]
) -> ServiceMap:
    """Return the map; retired devices are left out.

    Args:
        declared: services, suppliers and dependencies.
        devices: all of them.
        incidents: node -> its open incidents.
    """
    present = {each.key: each for each in devices if each.health != "retired"}
    edges = {each: None for each in declared.dependencies if _is_there(each, present)}
    alone = _standing_alone(present.values(), edges)
    places = {device_node(key): _of_device(present[key], incidents) for key in sorted(alone)}
    for key in alone:
        edges |= dict.fromkeys(_links(device_node(key), present[key], present))
    for node, members in _groups(present.values(), alone).items():
        places[node] = Place(node, health=_worst(members), devices=Counter(each.health for each in members))
        for each in members:
            edges |= dict.fromkeys(_links(node, each, present))
    named = {end for edge in edges for end in (edge.source, edge.target)}
    for word, known in (("service", declared.services), ("supplier", declared.suppliers)):
        for node in sorted({Node(word, each) for each in known} | {each for each in named if each.kind == word}):
            places[node] = _declared(node, declared, incidents)
    return ServiceMap(_with_needs(places, edges), sorted(edges))


def _is_there(edge: Dependency, present: Mapping[DeviceKey, MappedDevice]) -> bool:
    return all(end.device is None or end.device in present for end in (edge.source, edge.target))


def _standing_alone(devices: Iterable[MappedDevice], edges: Iterable[Dependency]) -> set[DeviceKey]:
    """Return the devices that others stand behind, or that a dependency names."""
    found = {end.device for edge in edges for end in (edge.source, edge.target) if end.device is not None}
    known = set()
    for each in devices:
        known.add(each.key)
        parent = parent_of(each.key, each.labels)
        if parent is not None:
            found.add(parent)
    return found & known


def _groups(devices: Iterable[MappedDevice], alone: set[DeviceKey]) -> dict[Node, list[MappedDevice]]:
    found: dict[Node, list[MappedDevice]] = defaultdict(list)
    for each in devices:
        if each.key not in alone:
            found[Node("group", f"{each.labels.get('service', '')}@{each.key.site}")].append(each)
    return dict(sorted(found.items()))


def _links(node: Node, device: MappedDevice, present: Mapping[DeviceKey, MappedDevice]) -> Iterable[Dependency]:
    """Yield what a device's labels say about what needs it and what it needs, as edges of its node."""
    labels, parent = device.labels, parent_of(device.key, device.labels)
    if "service" in labels:
        yield Dependency(Node("service", labels["service"]), "runs_on", node)
    if parent in present and parent is not None:
        yield Dependency(node, "connects_via", device_node(parent))
    if "supplier" in labels:
        yield Dependency(node, "supplied_by", Node("supplier", labels["supplier"]))


def _of_device(device: MappedDevice, incidents: Mapping[Node, OpenCounts]) -> Place:
    node = device_node(device.key)
    return Place(node, device.name, None, device.health, incidents.get(node, {}))


def _declared(node: Node, declared: Declared, incidents: Mapping[Node, OpenCounts]) -> Place:
    name, criticality = declared.services.get(node.id, (None, None))
    if node.kind == "supplier":
        name = declared.suppliers.get(node.id)
    counts = incidents.get(node, {})
    urgent = any(counts.get(priority) for priority in _URGENT)
    health = "alert" if urgent else "degraded" if any(counts.values()) else "ok"
    return Place(node, name, criticality, health, counts)


def _worst(members: Sequence[MappedDevice]) -> str:
    """Return how a group stands: alarmed where most of it is, degraded where some of it is not well."""
    healths = Counter(each.health for each in members)
    if healths["maintenance"] == len(members):
        return "maintenance"
    for word in ("alert", "unknown"):
        if healths[word] * 2 > len(members):
            return word
    return "degraded" if healths["alert"] or healths["unknown"] else "ok"


def _with_needs(places: Mapping[Node, Place], edges: Iterable[Dependency]) -> list[Place]:
    """Return the places; a well one that needs, over whatever way, one that is not is degraded."""
    needed_by: dict[Node, list[Node]] = defaultdict(list)
    for edge in edges:
        needed_by[edge.target].append(edge.source)
    reached: set[Node] = set()
    waiting = [node for node, place in places.items() if place.health in _BAD]
    while waiting:
        above = [node for node in needed_by[waiting.pop()] if node not in reached]
        reached.update(above)
        waiting += above
    return [
        replace(place, health="degraded") if node in reached and place.health == "ok" else place
        for node, place in places.items()
    ]
