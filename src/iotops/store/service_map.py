"""The service map of what is stored."""

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import Row, func, select

from iotops.incidents.incident import OPEN
from iotops.incidents.service_map import Declared, MappedDevice, OpenCounts, ServiceMap, service_map
from iotops.rules.dependency import Node
from iotops.store import devices, healths, topology
from iotops.store.database import Unit
from iotops.store.devices import DeviceFilter
from iotops.store.tables import incident
from iotops.telemetry.reading import DeviceKey


def load_map(unit: Unit, sites: tuple[str, ...], now_ms: int) -> ServiceMap:
    """Return the map with the devices, and the incidents, of some sites; empty: of all."""
    declared = Declared(
        {each.id: (each.members["name"], each.members["criticality"]) for each in topology.every(unit, "services")},
        {each.id: each.members["name"] for each in topology.every(unit, "suppliers")},
        [edge.dependency for edge in topology.edges(unit)],
    )
    found = devices.page(unit, DeviceFilter(sites), limit=None)
    words = healths.judge(unit, found, now_ms)
    mapped = [MappedDevice(each.key, each.labels, words[each.key], each.name) for each in found]
    return service_map(declared, mapped, _open_incidents(unit, sites))


def _open_incidents(unit: Unit, sites: tuple[str, ...]) -> dict[Node, OpenCounts]:
    columns = (incident.c.service, incident.c.supplier, incident.c.site, incident.c.device, incident.c.priority)
    statement = select(*columns, func.count().label("n")).group_by(*columns)
    statement = statement.where(incident.c.state.in_([state.value for state in OPEN]))
    if sites:
        statement = statement.where(incident.c.site.in_(sites))
    found: dict[Node, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in unit.connection.execute(statement):
        for node in _named(row):
            found[node][row.priority] += row.n
    return {node: dict(sorted(counts.items())) for node, counts in found.items()}


def _named(row: Row[tuple[str, str, str, str, str, int]]) -> Iterator[Node]:
    """Yield what an incident is about: its service, its supplier, its device."""
    if row.service:
        yield Node("service", row.service)
    if row.supplier:
        yield Node("supplier", row.supplier)
    if row.device and row.site:
        yield Node("device", str(DeviceKey(row.site, row.device)))
