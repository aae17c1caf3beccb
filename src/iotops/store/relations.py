"""What stands around one device: what it reaches the broker through, what reaches it, who needs and supplies it."""

from dataclasses import dataclass

from sqlalchemy import String, cast, or_

from iotops.rules.dependency import Node, device_node, parent_of
from iotops.store import devices, topology
from iotops.store.database import Unit
from iotops.store.devices import Device
from iotops.store.pairs import is_pair
from iotops.store.tables import device as table
from iotops.telemetry.reading import DeviceKey


@dataclass(frozen=True, slots=True)
class Relations:
    """Neighbours of a device; those that nobody registered are left out of parents and children."""

    parents: list[Device]
    children: list[Device]
    services: list[str]
    suppliers: list[str]


def relations(unit: Unit, of: Device) -> Relations:
    """Return what labels and dependencies say about who stands next to a device."""
    node = device_node(of.key)
    linked = [edge.dependency for edge in topology.edges(unit, node)]
    above = [parent_of(of.key, of.labels), *(each.target.device for each in linked if each.source == node)]
    below = [each.source.device for each in linked if each.target == node]
    behind = [each for each in _naming(unit, of.key) if parent_of(each.key, each.labels) == of.key]
    named = _named(unit, [key for key in (*above, *below) if key is not None])
    children = {each.key: each for each in (*behind, *(named[key] for key in below if key in named))}
    return Relations(
        parents=[named[key] for key in dict.fromkeys(above) if key in named],
        children=[children[key] for key in sorted(children)],
        services=_ids("service", of, [each.source for each in linked if each.target == node]),
        suppliers=_ids("supplier", of, [each.target for each in linked if each.source == node]),
    )


def _ids(kind: str, of: Device, nodes: list[Node]) -> list[str]:
    labelled = [of.labels[kind]] if kind in of.labels else []
    return list(dict.fromkeys([*labelled, *(node.id for node in nodes if node.kind == kind)]))


def _named(unit: Unit, keys: list[DeviceKey]) -> dict[DeviceKey, Device]:
    places = is_pair((table.c.site, table.c.device), keys)
    return {found.key: found for found in map(devices.shape, unit.connection.execute(devices.joined().where(places)))}


def _naming(unit: Unit, key: DeviceKey) -> list[Device]:
    """Return the devices in whose labels the device's name occurs: few, of which the labels are then read."""
    layers = (table.c.labels_status, table.c.labels_file, table.c.labels_api)
    named = [cast(layer, String).contains(key.device, autoescape=True) for layer in layers]
    statement = devices.joined().where(or_(*named)).order_by(table.c.site, table.c.device)
    return [devices.shape(row) for row in unit.connection.execute(statement)]
