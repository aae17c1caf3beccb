"""What depends on what: services, devices and suppliers as nodes, dependencies as edges, never in a circle."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from iotops.telemetry.reading import DeviceKey


class Node(NamedTuple):
    """One end of a dependency: `kind` is service, device or supplier; a device's `id` is `site/device`."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def device(self) -> DeviceKey | None:
        """Return the device that the node is, None where it is something else."""
        site, slash, device = self.id.partition("/")
        return DeviceKey(site, device) if self.kind == "device" and slash else None


class Dependency(NamedTuple):
    """`source` needs `target`; `kind` says how."""

    source: Node
    kind: str
    target: Node

    def __str__(self) -> str:
        return f"{self.source} {self.kind} {self.target}"


ALLOWED: Mapping[str, frozenset[tuple[str, str]]] = {
    "runs_on": frozenset({("service", "service"), ("service", "device")}),
    "connects_via": frozenset({("device", "device"), ("service", "device")}),
    "supplied_by": frozenset({("service", "supplier"), ("device", "supplier")}),
}
"""Kind of dependency -> (kind of source, kind of target) that make sense."""


def device_node(key: DeviceKey) -> Node:
    """Return a device as a node."""
    return Node("device", str(key))


def parent_of(key: DeviceKey, labels: Mapping[str, str]) -> DeviceKey | None:
    """Return the device that the labels `parent`, or else `gateway`, name: one of the same site, or `site/device`."""
    said = labels.get("parent") or labels.get("gateway")
    if not said:
        return None
    site, slash, device = said.partition("/")
    found = DeviceKey(site, device) if slash else DeviceKey(key.site, said)
    return None if found == key else found


def circle(edges: Iterable[tuple[Node, Node]]) -> tuple[Node, ...]:
    """Return nodes that depend on each other in a circle, the first one again at the end; empty where none do.

    Depth-first without recursion: a chain may be as long as the fleet is large.
    """
    targets: dict[Node, list[Node]] = {}
    for source, target in edges:
        targets.setdefault(source, []).append(target)
    done: set[Node] = set()
    for start in targets:
        found = _circle_from(start, targets, done)
        if found:
            return found
    return ()


def _circle_from(start: Node, targets: Mapping[Node, list[Node]], done: set[Node]) -> tuple[Node, ...]:
    path: dict[Node, list[Node]] = {} if start in done else {start: list(targets.get(start, ()))}
    while path:
        node = next(reversed(path))
        if not path[node]:
            done.add(node)
            del path[node]
            continue
        following = path[node].pop()
        if following in path:
            nodes = list(path)
            return (*nodes[nodes.index(following) :], following)
        if following not in done:
            path[following] = list(targets.get(following, ()))
    return ()
