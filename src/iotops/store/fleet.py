"""All devices at once, for the ingest: what `devices.yaml` declares, and what people changed meanwhile."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import String, cast, or_, update

from iotops.store.database import Unit
from iotops.store.devices import Device, joined, shape
from iotops.store.labels import Labels
from iotops.store.pairs import is_pair
from iotops.store.registry import add
from iotops.store.tables import device as table
from iotops.store.upsert import chunks
from iotops.telemetry.reading import DeviceKey

# A change is stamped before it is committed; whoever asks for changes looks back this far, and sees some twice.
COMMIT_LAG_MS = 10_000


@dataclass(frozen=True, slots=True)
class Declared:
    """What `devices.yaml` says about a device."""

    labels: Labels = field(default_factory=dict)
    trust_status: bool = False


def declare(unit: Unit, declared: Mapping[DeviceKey, Declared], *, now_ms: int, connected_ms: int) -> list[DeviceKey]:
    """Make the file's layer of all devices what `devices.yaml` says now; return those that changed.

    Devices that the file names and no message came of are registered; those it no longer names lose that layer.
    """
    if declared:
        add(unit, dict.fromkeys(declared, now_ms), connected_ms)
    changed = []
    for found in _concerned(unit, declared):
        said = declared.get(found.key, Declared())
        if (dict(found.layers.file), found.trust_status) == (dict(said.labels), said.trust_status):
            continue
        name = replace(found.layers, file=said.labels).effective(trust_status=said.trust_status).get("name")
        unit.connection.execute(
            update(table)
            .where(table.c.id == found.id)
            .values(labels_file=dict(said.labels), trust_status=said.trust_status, name=name, updated_ms=now_ms)
        )
        changed.append(found.key)
    return changed


def _concerned(unit: Unit, declared: Iterable[DeviceKey]) -> list[Device]:
    """Return the devices of which a file says something, or said it before, by id; of most none says anything."""
    has_layer = or_(cast(table.c.labels_file, String) != "{}", table.c.trust_status)
    rows = list(unit.connection.execute(joined().where(has_layer)))
    for keys in chunks(declared):
        rows.extend(unit.connection.execute(joined().where(is_pair((table.c.site, table.c.device), keys))))
    return sorted({row.id: shape(row) for row in rows}.values(), key=lambda found: found.id)


def every(unit: Unit) -> list[Device]:
    """Return all devices, by id."""
    return [shape(row) for row in unit.connection.execute(joined().order_by(table.c.id))]


def changed_since(unit: Unit, since_ms: int) -> list[Device]:
    """Return the devices whose labels, name or lifecycle changed since an instant of the wall clock.

    Some from shortly before it may be among them: a change is stamped before it is committed.
    """
    rows = unit.connection.execute(joined().where(table.c.updated_ms >= since_ms - COMMIT_LAG_MS))
    return [shape(row) for row in rows]
