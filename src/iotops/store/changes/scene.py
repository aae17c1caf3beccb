"""An incident and the changes before it, read for suspicion: only what stands around it, whatever the fleet's size."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, or_, select

from iotops.incidents.change import Change
from iotops.incidents.incident import Incident
from iotops.incidents.landscape import Landscape
from iotops.incidents.nearness import Surface
from iotops.incidents.suspects import LOOK_BACK_MS, Scene, Suspect, rank
from iotops.store import topology
from iotops.store.changes.rows import shape
from iotops.store.database import Unit
from iotops.store.labels import Layers, effective_labels
from iotops.store.pairs import is_pair
from iotops.store.tables import alert, change_device, device
from iotops.store.tables import change as table
from iotops.store.upsert import chunks
from iotops.telemetry.reading import DeviceKey

_MOST_CHANGES = 500  # the newest before it; older ones have little weight left
_MOST_AFFECTED = 100
_TOGETHER_MS = 1_800_000  # alerts of one rule that fired so near to each other count as failing together
_STEPS = 8  # gateways behind gateways


def suspects(unit: Unit, found: Incident) -> list[Suspect]:
    """Return the changes that may have caused an incident, the likeliest first."""
    fired_ms = found.fired_ms if found.fired_ms is not None else found.raised_ms
    key = DeviceKey(found.site, found.device) if found.site and found.device else None
    affected = _affected(unit, found, key, fired_ms)
    rows = _changes(unit, fired_ms)
    named = (DeviceKey(row.site, row.device) for row in rows if row.site and row.device)
    surface = _surface(unit, {*affected, *named})
    line = {*affected, *(each for one in affected for each in surface.landscape.ancestors(one))}
    scene = Scene(
        surface=surface,
        fired_ms=fired_ms,
        device=key,
        site=found.site or None,
        service=found.service,
        supplier=found.supplier,
        affected=frozenset(affected),
    )
    return rank(_with_devices(unit, rows, line), scene)


def _affected(unit: Unit, found: Incident, key: DeviceKey | None, fired_ms: int) -> list[DeviceKey]:
    """Return the devices that fail together: of the incident, of what it explains, and by the same rule at the site."""
    keys: dict[DeviceKey, None] = {} if key is None else {key: None}
    mine = alert.c.incident_id == _row(found)
    beside = (alert.c.rule == found.rule) & (alert.c.site == found.site)
    beside &= alert.c.fired_ms.between(fired_ms - _TOGETHER_MS, fired_ms + _TOGETHER_MS)
    statement = select(alert.c.site, alert.c.device).where(alert.c.device.is_not(None))
    for chosen in (mine, beside) if found.rule else (mine,):
        rows = unit.connection.execute(statement.where(chosen).distinct().limit(_MOST_AFFECTED))
        keys.update((DeviceKey(row.site, row.device), None) for row in rows)
    return list(keys)[:_MOST_AFFECTED]


def _row(found: Incident) -> int:
    return int(found.number.removeprefix("INC-"))


def _changes(unit: Unit, fired_ms: int) -> Sequence[Row[Any]]:
    begun = (table.c.started_ms <= fired_ms, table.c.state.in_(("in_progress", "done")))
    recent = or_(table.c.started_ms >= fired_ms - LOOK_BACK_MS, table.c.ended_ms >= fired_ms - LOOK_BACK_MS)
    newest = (table.c.started_ms.desc(), table.c.id.desc())
    return unit.connection.execute(select(table).where(*begun, recent).order_by(*newest).limit(_MOST_CHANGES)).all()


def _surface(unit: Unit, keys: set[DeviceKey]) -> Surface:
    """Return what stands around some devices: those that they stand behind, and all services and dependencies."""
    landscape = Landscape()
    landscape.adopt(*topology.landscape(unit))
    surface, asked = Surface(landscape, labels := {}), set[DeviceKey]()
    pending = set(keys)
    for _ in range(_STEPS):
        for row in _devices(unit, pending):
            key = DeviceKey(row.site, row.device)
            layers = Layers(row.labels_status, row.labels_file, row.labels_api)
            labels[key] = effective_labels(key, layers, trust_status=row.trust_status)
            landscape.place(key, labels[key], retired=row.lifecycle == "retired")
        asked |= pending
        pending = {parent for key in pending for parent in landscape.named_parents(key)} - asked
        if not pending:
            break
    return surface


def _devices(unit: Unit, keys: Iterable[DeviceKey]) -> list[Row[Any]]:
    found: list[Row[Any]] = []
    for chunk in chunks(sorted(keys)):
        statement = select(device).where(is_pair((device.c.site, device.c.device), chunk))
        found.extend(unit.connection.execute(statement))
    return found


def _with_devices(unit: Unit, rows: Sequence[Row[Any]], keys: set[DeviceKey]) -> list[Change]:
    """Return changes, roll-outs with those of the devices given that they changed."""
    when: dict[int, dict[DeviceKey, int]] = {}
    of = change_device.c
    for chunk in chunks(sorted(keys)):
        statement = select(change_device).where(is_pair((of.site, of.device), chunk))
        for row in unit.connection.execute(statement):
            when.setdefault(row.change_id, {})[DeviceKey(row.site, row.device)] = row.at_ms
    return [shape(row, when.get(row.id, {})) for row in rows]
