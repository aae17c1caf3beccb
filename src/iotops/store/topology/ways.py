"""The way up from a node: what it needs, and for devices also what their labels name as the parent."""

from sqlalchemy import select

from iotops.rules.dependency import Node, device_node, parent_of
from iotops.store.database import Unit
from iotops.store.labels import Layers
from iotops.store.tables import dependency
from iotops.store.tables import device as device_table


def way_up(unit: Unit, start: Node, goal: Node) -> tuple[Node, ...]:
    """Return the nodes on the shortest way up from `start` to `goal`, both included; empty where none leads there.

    What stands above the goal is not looked at. A way from what a new edge leads to, back to where the edge begins,
    is a circle that the edge would close.
    """
    came_from: dict[Node, Node | None] = {start: None}
    for node in (walked := [start]):
        if node == goal:
            return _back(came_from, goal)
        for above in _above(unit, node):
            if above not in came_from:
                came_from[above] = node
                walked.append(above)
    return ()


def _above(unit: Unit, node: Node) -> list[Node]:
    at = (dependency.c.from_kind == node.kind, dependency.c.from_id == node.id)
    rows = unit.connection.execute(select(dependency.c.to_kind, dependency.c.to_id).where(*at))
    return [*(Node(*row) for row in rows), *_labelled(unit, node)]


def _labelled(unit: Unit, node: Node) -> list[Node]:
    key = node.device
    if key is None:
        return []
    at = (device_table.c.site == key.site, device_table.c.device == key.device)
    row = unit.connection.execute(select(device_table).where(*at)).one_or_none()
    if row is None:
        return []
    labels = Layers(row.labels_status, row.labels_file, row.labels_api).effective(trust_status=row.trust_status)
    parent = parent_of(key, labels)
    return [] if parent is None else [device_node(parent)]


def _back(came_from: dict[Node, Node | None], goal: Node) -> tuple[Node, ...]:
    way = [goal]
    while (below := came_from[way[-1]]) is not None:
        way.append(below)
    return tuple(reversed(way))
