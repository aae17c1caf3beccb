"""Which devices there are, as the ingest keeps it: ids in memory, rows in the database."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, or_, select, update
from sqlalchemy.sql.expression import bindparam

from iotops.store.changes.rollouts import NewFirmware, note_firmware
from iotops.store.database import Unit
from iotops.store.labels import Layers
from iotops.store.pairs import is_pair
from iotops.store.tables import device as table
from iotops.store.tables import presence, site
from iotops.store.upsert import INSERT, chunks
from iotops.telemetry.reading import DeviceKey, Kind, Reading


@dataclass(frozen=True, slots=True)
class Registered:
    """What registering a batch found.

    Attributes:
        ids: id of each device of the batch; stable for ever.
        new: devices that were unknown before.
        relabelled: known devices whose status payload says something else than before.
    """

    ids: Mapping[DeviceKey, int]
    new: tuple[DeviceKey, ...] = ()
    relabelled: tuple[DeviceKey, ...] = ()


class Registry:
    """Ids of all devices, for the one process that registers them."""

    def __init__(self, ids: Mapping[DeviceKey, int] | None = None) -> None:
        self._ids: dict[DeviceKey, int] = dict(ids or {})

    @classmethod
    def load(cls, unit: Unit) -> "Registry":
        """Read the ids of all devices."""
        rows = unit.connection.execute(select(table.c.site, table.c.device, table.c.id))
        return cls({DeviceKey(row.site, row.device): row.id for row in rows})

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, key: object) -> bool:
        return key in self._ids

    def register(self, unit: Unit, readings: Sequence[Reading], connected_ms: int) -> Registered:
        """Make rows for the devices that are new, and note what status readings say.

        Memory follows when the unit is committed.

        Args:
            unit: the batch's transaction.
            readings: of the batch, in arrival order; retained ones make devices known, too.
            connected_ms: the ingest's count of connected time, from which a silent device's age is counted.
        """
        first: dict[DeviceKey, Reading] = {}
        for reading in readings:
            first.setdefault(reading.key, reading)
        unknown = [reading for key, reading in first.items() if key not in self._ids]
        found = add(unit, {each.key: each.received_ms for each in unknown}, connected_ms) if unknown else {}
        unit.after_commit(lambda: self._ids.update(found))
        ids = {key: found.get(key) or self._ids[key] for key in first}
        statuses = [reading for reading in readings if reading.kind is Kind.STATUS]
        relabelled = _note_status(unit, statuses, ids) if statuses else ()
        return Registered(ids, tuple(found), tuple(key for key in relabelled if key not in found))


def add(unit: Unit, first_seen_ms: Mapping[DeviceKey, int], connected_ms: int) -> dict[DeviceKey, int]:
    """Make rows for devices that have none, and return the ids of all that are given."""
    rows = [
        {
            "site": key.site,
            "device": key.device,
            "labels_status": {},
            "labels_file": {},
            "labels_api": {},
            "trust_status": False,
            "first_seen_ms": seen_ms,
            "first_connected_ms": connected_ms,
            "updated_ms": seen_ms,
        }
        for key, seen_ms in first_seen_ms.items()
    ]
    unit.connection.execute(INSERT[unit.dialect](table).on_conflict_do_nothing(), rows)
    sites = {key.site: {"id": key.site, "version": 1, "updated_ms": at_ms} for key, at_ms in first_seen_ms.items()}
    unit.connection.execute(INSERT[unit.dialect](site).on_conflict_do_nothing(), list(sites.values()))
    ids: dict[DeviceKey, int] = {}
    for keys in chunks(first_seen_ms):
        known = select(table.c.site, table.c.device, table.c.id).where(is_pair((table.c.site, table.c.device), keys))
        ids |= {DeviceKey(row.site, row.device): row.id for row in unit.connection.execute(known)}
    unit.connection.execute(
        INSERT[unit.dialect](presence).on_conflict_do_nothing(), [{"device_id": number} for number in ids.values()]
    )
    return ids


def _note_status(unit: Unit, statuses: Iterable[Reading], ids: Mapping[DeviceKey, int]) -> tuple[DeviceKey, ...]:
    """Write the newest online state of each device, and labels where they changed; return whose labels did."""
    newest: dict[DeviceKey, Reading] = {}
    labelled: dict[DeviceKey, Reading] = {}
    for reading in statuses:
        if reading.key not in newest or reading.at_ms >= newest[reading.key].at_ms:
            newest[reading.key] = reading
        if reading.labels:
            labelled[reading.key] = reading
    states = [
        {"of": ids[key], "online": bool(reading.values["online"]), "online_ms": reading.at_ms}
        for key, reading in newest.items()
    ]
    newer = or_(presence.c.online_ms.is_(None), presence.c.online_ms <= bindparam("online_ms"))
    unit.connection.execute(
        update(presence)
        .where(presence.c.device_id == bindparam("of"), newer)
        .values(online=bindparam("online"), online_ms=bindparam("online_ms")),
        states,
    )
    return _relabel(unit, {ids[key]: reading for key, reading in labelled.items()})


def _relabel(unit: Unit, said: Mapping[int, Reading]) -> tuple[DeviceKey, ...]:
    """Write the labels of the devices, by id, whose status says others than before; return those."""
    changes: list[dict[str, Any]] = []
    firmware: list[NewFirmware] = []
    for numbers in chunks(said):
        for row in unit.connection.execute(select(table).where(table.c.id.in_(numbers))):
            labels = dict(said[row.id].labels)
            if row.labels_status == labels:
                continue
            layers = Layers(labels, row.labels_file, row.labels_api)
            name = layers.effective(trust_status=row.trust_status).get("name")
            changes.append({"of": row.id, "said": labels, "called": name, "at_ms": said[row.id].received_ms})
            firmware.extend(_new_firmware(row, layers, said[row.id]))
    if firmware:
        note_firmware(unit, firmware, max(reading.received_ms for reading in said.values()))
    if changes:
        changed: dict[str, Any] = {
            "labels_status": bindparam("said"),
            "name": bindparam("called"),
            "updated_ms": bindparam("at_ms"),
        }
        unit.connection.execute(update(table).where(table.c.id == bindparam("of")).values(changed), changes)
    return tuple(said[change["of"]].key for change in changes)


def _new_firmware(row: Row[Any], layers: Layers, reading: Reading) -> Iterator[NewFirmware]:
    """Yield the change of firmware that a status tells of; the first version heard of is none, nor one overruled."""
    trust = row.trust_status
    was = Layers(row.labels_status, row.labels_file, row.labels_api).effective(trust_status=trust).get("firmware")
    said = layers.effective(trust_status=trust)
    if was is not None and said.get("firmware") not in (None, was):
        product = next(((name, said[name]) for name in ("model", "type") if name in said), None)
        yield NewFirmware(reading.key, product, was, said["firmware"], reading.at_ms)
