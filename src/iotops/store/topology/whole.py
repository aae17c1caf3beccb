"""Services and dependencies as correlation takes them."""

from sqlalchemy import select

from iotops.incidents.landscape import Service
from iotops.rules.dependency import Dependency, device_node
from iotops.store.database import Unit
from iotops.store.labels import Layers
from iotops.store.tables import device as device_table
from iotops.store.topology.dependencies import edges
from iotops.store.topology.entries import every
from iotops.telemetry.reading import DeviceKey


def landscape(unit: Unit) -> tuple[list[Service], list[Dependency]]:
    """Return all services with what counts of them, and all dependencies, whoever declares them."""
    services = [
        Service(entry.id, entry.members["criticality"], entry.members["team"]) for entry in every(unit, "services")
    ]
    return services, [edge.dependency for edge in edges(unit)]


def service_of(unit: Unit, site: str | None, device: str | None) -> Service | None:
    """Return the service of a device: what its label names, declared or not, else the first that runs on it."""
    if site is None or device is None:
        return None
    at = (device_table.c.site == site, device_table.c.device == device)
    row = unit.connection.execute(select(device_table).where(*at)).one_or_none()
    layers = Layers() if row is None else Layers(row.labels_status, row.labels_file, row.labels_api)
    named = layers.effective(trust_status=row is not None and row.trust_status).get("service")
    if named is None:
        node = device_node(DeviceKey(site, device))
        above = (edge.dependency.source for edge in edges(unit, node) if edge.dependency.target == node)
        named = next((source.id for source in above if source.kind == "service"), None)
    known = {service.id: service for service in landscape(unit)[0]} if named else {}
    return known.get(named, Service(named)) if named else None
