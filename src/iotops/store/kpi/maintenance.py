"""Planned maintenance, which is no time of operation: how much of a period it took of what would have worked else."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, or_, select, tuple_

from iotops.incidents.suppression import Matcher
from iotops.store.database import Unit
from iotops.store.kpi.period import Period
from iotops.store.suppressions.fleet import subjects
from iotops.store.suppressions.rows import every_maintenance
from iotops.store.tables import device, service
from iotops.store.upsert import chunks
from iotops.telemetry.reading import DeviceKey

Spell = tuple[int, int]
"""From one instant up to another, Unix milliseconds."""


class Maintained(NamedTuple):
    """What maintenance takes out of the figures.

    Attributes:
        ms: group -> milliseconds of maintenance of its devices, or of the service, in which it had not failed.
        incident_ids: rows of the incidents that were raised while it was going on.
    """

    ms: Mapping[str | None, int]
    incident_ids: frozenset[int]


def maintained(unit: Unit, period: Period, by: str | None, failed: Select[Any], *, of_services: bool) -> Maintained:
    """Return what planned maintenance takes out of a period.

    Maintenance that is about some rules only is none of the device: it goes on working.

    Args:
        unit: a transaction.
        period: which; what lies before a device was known does not count.
        by: site, device or service; None: all in one group.
        of_services: it is services that work or fail, and not devices.
        failed: what had failed: `incident_id`, `is_new` (raised in the period), `place` (the device's site), `subject`,
            `start_ms`, `end_ms`.
    """
    planned = [(each, spells) for each, spells in _planned(unit, period) if not each.rules]
    if not planned:
        return Maintained({}, frozenset())
    spells = _of_services(unit, planned, period) if of_services else _of_devices(unit, planned, period)
    down = _down(unit, failed, spells, of_services=of_services)
    took_ms: dict[str | None, int] = {}
    raised: set[int] = set()
    for name, meant in spells.items():
        rows, key = down.get(name, ()), _group(name, by)
        spared = _length(_without(_joined(meant), _joined((row.start_ms, row.end_ms) for row in rows)))
        took_ms[key] = took_ms.get(key, 0) + spared
        raised.update(
            row.incident_id for row in rows if row.is_new and any(from_ms <= row.start_ms < to for from_ms, to in meant)
        )
    return Maintained(took_ms, frozenset(raised))


def _planned(unit: Unit, period: Period) -> list[tuple[Matcher, list[Spell]]]:
    found = []
    for each in every_maintenance(unit):
        end_ms = period.end_ms if each.ended_ms is None else min(period.end_ms, each.ended_ms)
        spells = list(each.windows.between(period.from_ms, end_ms))
        if spells:
            found.append((each.matcher, spells))
    return found


def _of_services(unit: Unit, planned: Sequence[tuple[Matcher, list[Spell]]], period: Period) -> dict[Any, list[Spell]]:
    """Return service -> spells of maintenance that names it, and not some part of it only."""
    whole = [(each, spells) for each, spells in planned if not (each.labels or each.sites or each.devices)]
    names = period.services or unit.connection.execute(select(service.c.id)).scalars()
    said = {name: [spell for each, spells in whole if name in each.services for spell in spells] for name in names}
    return {name: spells for name, spells in said.items() if spells}


def _of_devices(unit: Unit, planned: Sequence[tuple[Matcher, list[Spell]]], period: Period) -> dict[Any, list[Spell]]:
    columns = select(device.c.site, device.c.device, device.c.first_seen_ms).where(*period.sees_devices())
    known = {DeviceKey(row.site, row.device): row.first_seen_ms for row in unit.connection.execute(columns)}
    found = {}
    for key, subject in subjects(unit).items():
        first_ms = known.get(key)
        meant = [spell for each, spells in planned if each.fits_device(subject) for spell in spells]
        if meant and first_ms is not None:
            found[key] = [(max(start, first_ms), end) for start, end in meant if end > first_ms]
    return found


def _down(
    unit: Unit, failed: Select[Any], spells: Mapping[Any, object], *, of_services: bool
) -> dict[Any, list[Row[Any]]]:
    rows = failed.subquery()
    names = sorted(spells)
    found: dict[Any, list[Row[Any]]] = {}
    for some in chunks(names):
        is_one = rows.c.subject.in_(some) if of_services else or_(tuple_(rows.c.place, rows.c.subject).in_(some))
        for row in unit.connection.execute(select(rows).where(is_one)):
            name = row.subject if of_services else DeviceKey(row.place, row.subject)
            found.setdefault(name, []).append(row)
    return found


def _group(name: Any, by: str | None) -> str:
    if by == "service":
        return str(name)
    return str({"site": name.site, "device": name}.get(by or "", ""))


def _joined(spells: Iterable[Spell]) -> list[Spell]:
    """Return spells in order, those that touch as one."""
    found: list[Spell] = []
    for start, end in sorted(spells):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif start < end:
            found.append((start, end))
    return found


def _without(spells: Iterable[Spell], taken: Sequence[Spell]) -> Iterable[Spell]:
    for start, end in spells:
        for from_ms, to_ms in taken:
            if from_ms < end and start < to_ms:
                yield start, max(start, from_ms)
                start = max(start, min(end, to_ms))  # noqa: PLW2901  what is left of this spell
        yield start, end


def _length(spells: Iterable[Spell]) -> int:
    return sum(end - start for start, end in spells)
