"""What is to be seen of every service now: its devices, the incidents that concern it, and what keeps it quiet."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, select

from iotops.incidents.incident import OPEN
from iotops.incidents.landscape import Landscape
from iotops.incidents.service_status import Sight
from iotops.incidents.suppression import Suppression, subject_of
from iotops.rules.rule import Severity
from iotops.store import fleet, suppressions, topology
from iotops.store.database import Unit
from iotops.store.devices import Device
from iotops.store.incidents.intake import INGEST_DOWN
from iotops.store.tables import alert, incident
from iotops.telemetry.reading import DeviceKey

_COUNTS = (Severity.WARNING.word, Severity.CRITICAL.word)


@dataclass(frozen=True, slots=True)
class Seen:
    """One service now, with the incidents that concern it and the suppliers that it has."""

    sight: Sight
    incidents: tuple[int, ...] = ()
    suppliers: tuple[str, ...] = ()


@dataclass(slots=True)
class _Trouble:
    """An open incident: the devices it is about, and how much of which service it says is affected."""

    row: Row[Any]
    devices: set[DeviceKey] = field(default_factory=set)

    @property
    def severity(self) -> Severity:
        return Severity[self.row.severity.upper()]

    def said(self) -> dict[str, int]:
        """Return service -> devices affected, as its priority was derived from them."""
        listed = self.row.priority_reason.get("impact", {}).get("services", ())
        return {each["service"]: each["affected"] for each in listed}


def look(unit: Unit, now_ms: int, *, silent_ms: int) -> dict[str, Seen]:
    """Return every declared service as it is to be seen now.

    Args:
        unit: a transaction.
        now_ms: the wall clock.
        silent_ms: a device of which nothing was received for so long is not heard from.
    """
    services, dependencies = topology.landscape(unit)
    if not services:
        return {}
    devices = {each.key: each for each in fleet.every(unit) if each.lifecycle == "active"}
    landscape = Landscape()
    landscape.adopt(services, dependencies)
    for each in devices.values():
        landscape.place(each.key, each.labels)
    hush = _Hush.of(unit, landscape, devices, now_ms)
    unheard = {key for key, each in devices.items() if not _is_heard(each, now_ms, silent_ms)} | hush.silenced
    troubles, blind = _troubles(unit), _is_blind(unit)
    needed = {each.id: {each.id, *landscape.needs_of(each.id)[0]} for each in services}
    concerned = [(each, _services(landscape, each, needed)) for each in troubles]
    found: dict[str, Seen] = {}
    for name in needed:
        mine = [trouble for trouble, names in concerned if name in names]
        own = landscape.devices_of(name) & devices.keys()
        sight = _sight(name, own, mine, unheard=unheard, hush=hush, blind=blind)
        found[name] = Seen(sight, tuple(trouble.row.id for trouble in mine), _suppliers(landscape, name, own, mine))
    return found


@dataclass(frozen=True, slots=True)
class _Hush:
    """Devices that maintenance or a silence of all rules is about now; services that maintenance names."""

    maintained: frozenset[DeviceKey]
    silenced: frozenset[DeviceKey]
    services: frozenset[str]

    @classmethod
    def of(cls, unit: Unit, landscape: Landscape, devices: Mapping[DeviceKey, Device], now_ms: int) -> "_Hush":
        now = [each for each in suppressions.load(unit, now_ms).by_id.values() if each.applies(now_ms)]
        whole = [each for each in now if not each.matcher.rules]
        meant: dict[str, set[DeviceKey]] = {"maintenance": set(), "silence": set()}
        for each in whole:
            about = (key for key, device in devices.items() if _is_about(each, key, device.labels, landscape))
            meant[each.kind].update(about)
        named = {name for each in whole if each.kind == "maintenance" for name in _named(each)}
        return cls(frozenset(meant["maintenance"]), frozenset(meant["silence"]), frozenset(named))


def _is_about(found: Suppression, key: DeviceKey, labels: Mapping[str, str], landscape: Landscape) -> bool:
    return found.matcher.fits_device(subject_of(key, labels, None, landscape.service_of(key)))


def _named(found: Suppression) -> tuple[str, ...]:
    matcher = found.matcher
    return () if matcher.labels or matcher.sites or matcher.devices else matcher.services


def _is_heard(device: Device, now_ms: int, silent_ms: int) -> bool:
    """Tell whether a device is heard from: it sent something lately, or it never does and says that it is online."""
    if device.online is False:
        return False
    if device.last_seen_ms is not None and now_ms - device.last_seen_ms < silent_ms:
        return True
    return device.last_event_ms is None and device.online is True


def _troubles(unit: Unit) -> list[_Trouble]:
    is_open = (
        incident.c.state.in_([state.value for state in OPEN]),
        incident.c.severity.in_(_COUNTS),
        incident.c.rule.is_(None) | (incident.c.rule != INGEST_DOWN),
    )
    columns = ("id", "severity", "service", "site", "device", "supplier", "priority_reason")
    # Put in order here: asked for in the order of ids, SQLite reads all incidents there ever were.
    rows = sorted(
        unit.connection.execute(select(*(incident.c[name] for name in columns)).where(*is_open)),
        key=lambda row: row.id,
    )
    found = {row.id: _Trouble(row, {DeviceKey(row.site, row.device)} if row.device else set()) for row in rows}
    about = select(alert.c.incident_id, alert.c.site, alert.c.device).distinct()
    about = about.join(incident, incident.c.id == alert.c.incident_id).where(*is_open, alert.c.device.is_not(None))
    for row in unit.connection.execute(about.where(alert.c.state.in_(("firing", "recovering")))):
        found[row.incident_id].devices.add(DeviceKey(row.site, row.device))
    return list(found.values())


def _services(landscape: Landscape, trouble: _Trouble, needed: Mapping[str, Collection[str]]) -> set[str]:
    """Return the services that an incident concerns: by its devices, by what it says, and what runs on these."""
    direct = {*landscape.affected_services(trouble.devices), *trouble.said(), trouble.row.service}
    return {name for name, below in needed.items() if not direct.isdisjoint(below)}


def _sight(
    name: str,
    own: set[DeviceKey],
    mine: list[_Trouble],
    *,
    unheard: set[DeviceKey],
    hush: _Hush,
    blind: bool,
) -> Sight:
    critical = [each for each in mine if each.severity is Severity.CRITICAL]
    return Sight(
        devices=len(own),
        unheard=len(own & unheard),
        maintained=len(own & hush.maintained),
        affected=_affected(name, own, mine),
        critical=_affected(name, own, critical),
        severity=max((each.severity for each in mine), default=None),
        in_maintenance=name in hush.services,
        blind=blind,
    )


def _affected(name: str, own: set[DeviceKey], troubles: list[_Trouble]) -> int:
    """Return how many devices incidents are about; an incident of a group says itself how many."""
    counted = len(own & {key for each in troubles for key in each.devices})
    said = max((each.said().get(name, 0) for each in troubles if not each.devices), default=0)
    return max(counted, min(said, len(own)))


def _suppliers(landscape: Landscape, name: str, own: set[DeviceKey], mine: list[_Trouble]) -> tuple[str, ...]:
    found = {*landscape.needs_of(name)[1], *(each.row.supplier for each in mine), *map(landscape.supplier_of, own)}
    return tuple(sorted(each for each in found if each))


def _is_blind(unit: Unit) -> bool:
    """Tell whether an outage of the broker or of the ingest is open: then nothing is judged."""
    still = incident.c.state.in_([state.value for state in OPEN])
    down = select(incident.c.id).where(incident.c.rule == INGEST_DOWN, still)
    return unit.connection.execute(down.limit(1)).first() is not None
