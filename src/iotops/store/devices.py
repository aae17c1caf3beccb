"""Devices as people see them: many, one, and what they are called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, Select, or_, select, tuple_, update

from iotops.errors import Conflict, NotFound
from iotops.rules.dependency import device_node, parent_of
from iotops.store.database import Unit
from iotops.store.labels import Labels, Layers
from iotops.store.tables import device as table
from iotops.store.tables import presence
from iotops.store.topology.ways import way_up
from iotops.telemetry.reading import DeviceKey

LIFECYCLES = ("active", "retired")


@dataclass(frozen=True, slots=True)
class Device:
    """One device.

    Attributes:
        labels: what counts of `layers` (see `iotops.store.labels`).
        online: what its newest status said; None: it never said.
        last_seen_ms: newest receipt of anything live; behind by seconds at most while the ingest is busy.
        last_event_ms: newest event time of a stored reading.
        first_connected_ms: the ingest's count of connected time when the device was registered.
        updated_ms: labels, name or lifecycle changed.
    """

    id: int
    key: DeviceKey
    name: str | None
    labels: Labels
    layers: Layers
    lifecycle: str
    trust_status: bool
    first_seen_ms: int
    first_connected_ms: int
    updated_ms: int
    last_seen_ms: int | None = None
    last_event_ms: int | None = None
    online: bool | None = None
    online_ms: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """Which devices to list; empty accepts everything. `q`: part of the device's or its given name, any case."""

    site: Sequence[str] = ()
    device: Sequence[str] = ()
    lifecycle: Sequence[str] = ()
    online: bool | None = None
    q: str | None = None


def page(unit: Unit, chosen: DeviceFilter, *, limit: int | None, after: tuple[str, str] | None = None) -> list[Device]:
    """Return at most `limit` devices (None: all) by site and device, those after the (site, device) given."""
    statement = joined()
    for column, accepted in ((table.c.site, chosen.site), (table.c.device, chosen.device)):
        statement = statement.where(column.in_(list(accepted))) if accepted else statement
    if chosen.lifecycle:
        statement = statement.where(table.c.lifecycle.in_(list(chosen.lifecycle)))
    if chosen.online is not None:
        statement = statement.where(presence.c.online.is_(chosen.online))
    if chosen.q:
        named = [column.icontains(chosen.q, autoescape=True) for column in (table.c.device, table.c.name)]
        statement = statement.where(or_(*named))
    if after is not None:
        statement = statement.where(tuple_(table.c.site, table.c.device) > tuple_(*after))
    rows = unit.connection.execute(statement.order_by(table.c.site, table.c.device).limit(limit))
    return [shape(row) for row in rows]


def get(unit: Unit, key: DeviceKey, *, lock: bool = False) -> Device:
    """Return one device; `lock` keeps it as it is until the unit ends.

    Raises:
        NotFound: no message of it ever came, and no file names it.
    """
    statement = joined().where(*_is(key))
    row = unit.connection.execute(statement.with_for_update(of=table) if lock else statement).one_or_none()
    if row is None:
        msg = f"device {key} is not registered; it is by its first message, or by an entry in devices.yaml"
        raise NotFound(msg)
    return shape(row)


def named(unit: Unit, name: str) -> Device:
    """Return the device that `fz-07` or `paris/fz-07` means.

    Raises:
        NotFound: there is none, or several sites have one of that name.
    """
    site, slash, device = name.rpartition("/")
    if slash:
        return get(unit, DeviceKey(site, device))
    found = page(unit, DeviceFilter(device=(device,)), limit=10)
    if len(found) == 1:
        return found[0]
    if not found:
        msg = f"device {device!r} is not registered; `iotops devices list` shows those that are"
        raise NotFound(msg)
    msg = f"device {device!r} stands on several sites ({', '.join(str(each.key) for each in found)}); name its site"
    raise NotFound(msg)


def patch(
    unit: Unit,
    key: DeviceKey,
    *,
    now_ms: int,
    labels: Mapping[str, str | None] | None = None,
    lifecycle: str | None = None,
) -> Device:
    """Change what the API says about a device, and return it as it is then.

    Args:
        unit: a write transaction.
        key: whose.
        now_ms: the wall clock.
        labels: merged into the API's layer; None as a value takes the label out of that layer.
        lifecycle: one of `LIFECYCLES`.

    Raises:
        NotFound: no such device.
        Conflict: the device would stand behind itself.
    """
    found = get(unit, key)
    merged = {k: v for k, v in {**found.layers.api, **(labels or {})}.items() if v is not None}
    counted = replace(found.layers, api=merged).effective(trust_status=found.trust_status)
    if (parent := parent_of(key, counted)) != parent_of(key, found.labels):
        _refuse_circle(unit, key, parent)
    changed = {
        "labels_api": merged,
        "name": counted.get("name"),
        "lifecycle": lifecycle or found.lifecycle,
        "updated_ms": now_ms,
    }
    unit.connection.execute(update(table).where(*_is(key)).values(**changed))
    return get(unit, key)


def joined() -> Select[Any]:
    """Return the statement that `shape` understands the rows of."""
    seen = (presence.c.last_seen_ms, presence.c.last_event_ms, presence.c.online, presence.c.online_ms)
    return select(table, *seen).outerjoin(presence, presence.c.device_id == table.c.id)


def shape(row: Row[Any]) -> Device:
    """Return the device that a row of `joined` describes."""
    layers = Layers(row.labels_status, row.labels_file, row.labels_api)
    return Device(
        id=row.id,
        key=DeviceKey(row.site, row.device),
        name=row.name,
        labels=layers.effective(trust_status=row.trust_status),
        layers=layers,
        lifecycle=row.lifecycle,
        trust_status=row.trust_status,
        first_seen_ms=row.first_seen_ms,
        first_connected_ms=row.first_connected_ms,
        updated_ms=row.updated_ms,
        last_seen_ms=row.last_seen_ms,
        last_event_ms=row.last_event_ms,
        online=row.online,
        online_ms=row.online_ms,
    )


def _refuse_circle(unit: Unit, key: DeviceKey, parent: DeviceKey | None) -> None:
    way_back = () if parent is None else way_up(unit, device_node(parent), device_node(key))
    if way_back:
        path = " -> ".join(str(node.device) for node in (device_node(key), *way_back))
        msg = f"device {key} would stand behind itself: {path}; name another parent or gateway"
        raise Conflict(msg)


def _is(key: DeviceKey) -> tuple[Any, ...]:
    return table.c.site == key.site, table.c.device == key.device
