"""What `services.yaml` and `sla.yaml` say, put in place of what they said before."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import delete, insert, select, update

from iotops.rules.dependency import Dependency
from iotops.rules.servicefile import DeclaredServices
from iotops.rules.slafile import DeclaredPromises
from iotops.store.database import Unit
from iotops.store.tables import dependency
from iotops.store.tables import device as device_table
from iotops.store.topology.dependencies import edges, key_columns
from iotops.store.topology.entries import KINDS, Entry, every, write
from iotops.store.topology.head import advance


def declare(unit: Unit, declared: DeclaredServices, now_ms: int) -> bool:
    """Make the file's layer what `services.yaml` says now; tells whether that changed anything.

    Entries that only the file named go with it; those of which the API says something stay, with that alone.
    """
    said = {"sites": declared.sites, "suppliers": declared.suppliers, "services": declared.services}
    changed = [_declare_kind(unit, kind, entries, now_ms) for kind, entries in said.items()]
    changed.append(_declare_edges(unit, declared.dependencies, now_ms))
    if any(changed):
        advance(unit)
    return any(changed)


def declare_promises(unit: Unit, declared: DeclaredPromises, now_ms: int) -> bool:
    """Make the file's layer of calendars and policies what `sla.yaml` says now; tells whether that changed anything."""
    said = {"calendars": declared.calendars, "sla-policies": declared.policies}
    changed = [_declare_kind(unit, kind, entries, now_ms) for kind, entries in said.items()]
    if any(changed):
        advance(unit)
    return any(changed)


def _declare_kind(unit: Unit, kind: str, said: Mapping[str, Mapping[str, Any]], now_ms: int) -> bool:
    table = KINDS[kind].table
    known = {entry.id: entry for entry in every(unit, kind)}
    changed = [entry for entry in known.values() if entry.file != said.get(entry.id)]
    new = [Entry(entry_id, version=0) for entry_id in said if entry_id not in known]
    if new:
        rows = [{"id": entry.id, "version": 0, "updated_ms": now_ms} for entry in new]
        unit.connection.execute(insert(table), rows)
    for entry in (*changed, *new):
        layer = said.get(entry.id)
        if layer is None and entry.api is None and not (kind == "sites" and _has_devices(unit, entry.id)):
            unit.connection.execute(delete(table).where(table.c.id == entry.id))
        else:
            write(unit, kind, replace(entry, file=None if layer is None else dict(layer)), now_ms)
    return bool(changed or new)


def _has_devices(unit: Unit, site: str) -> bool:
    here = select(device_table.c.id).where(device_table.c.site == site).limit(1)
    return unit.connection.execute(here).first() is not None


def _declare_edges(unit: Unit, said: Iterable[Dependency], now_ms: int) -> bool:
    wanted = set(said)
    known = {edge.dependency: edge for edge in edges(unit)}
    old = [each for each, edge in known.items() if edge.in_file and each not in wanted]
    for each in old:
        at = key_columns(each)
        unit.connection.execute(update(dependency).where(*at).values(in_file=False))
        unit.connection.execute(delete(dependency).where(*at, ~dependency.c.in_api))
    shared = [each for each in wanted if each in known and not known[each].in_file]
    for each in shared:
        unit.connection.execute(update(dependency).where(*key_columns(each)).values(in_file=True))
    new = sorted(wanted - known.keys())
    if new:
        unit.connection.execute(insert(dependency), [_row(each, now_ms) for each in new])
    return bool(old or shared or new)


def _row(each: Dependency, now_ms: int) -> dict[str, object]:
    return {
        "from_kind": each.source.kind,
        "from_id": each.source.id,
        "kind": each.kind,
        "to_kind": each.target.kind,
        "to_id": each.target.id,
        "in_file": True,
        "in_api": False,
        "created_ms": now_ms,
    }
