"""Time between failures: how long devices, or services, worked, divided by how often they failed."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
)

from iotops.incidents.incident import OPEN
from iotops.incidents.kpi import Figure
from iotops.store.database import Unit
from iotops.store.kpi.maintenance import Maintained, maintained
from iotops.store.kpi.period import Period, group_of
from iotops.store.tables import device, incident, service

_TOLD_BY = (None, "site", "device", "service")


def between_failures(unit: Unit, period: Period, by: str | None) -> dict[str | None, Figure]:
    """Return the figure by group: of devices, all or by site or device, or of services; else none."""
    if by not in _TOLD_BY:
        return {}
    observed, planned = _observed(unit, period, by), _maintained(unit, period, by)
    found: dict[str | None, Figure] = {"": Figure(None, 0)} if by is None else {}
    for row in unit.connection.execute(_failed(period, by, planned.incident_ids)):
        known_ms = observed.get(row.key, period.end_ms - period.from_ms if by == "service" else 0)
        worked_ms = known_ms - int(row.down_ms) - planned.ms.get(row.key, 0)
        if row.n:
            mean = worked_ms / row.n if worked_ms >= 0 else None  # devices that nobody registered were not observed
            found[row.key] = Figure(mean, int(row.n), mean)
    return found


def failures(unit: Unit, period: Period, by: str | None) -> Select[Any]:
    """Return the failures of the period: `incident_id`, `value` (how long each was open), `key`."""
    spared = _maintained(unit, period, by).incident_ids
    return _rows(period, by).where(*period.holds(incident.c.raised_ms), incident.c.id.not_in(_written_out(spared)))


def _written_out(incident_ids: Collection[int]) -> BindParameter[Any]:
    """Return row ids as part of the statement's text: there may be more of them than it may have parameters."""
    return bindparam("spared", sorted(incident_ids), type_=Integer, expanding=True, literal_execute=True)


def _rows(period: Period, by: str | None) -> Select[Any]:
    subject = incident.c.service if _is_of_services(period, by) else incident.c.device
    start, end = _clipped(period)
    is_over = select(incident.c.id).where(incident.c.resolved_ms > period.from_ms)
    still_open = select(incident.c.id).where(incident.c.state.in_([state.value for state in OPEN]))
    return select(
        incident.c.id.label("incident_id"),
        (end - start).label("value"),
        group_of(by, incident.c.raised_ms).label("key"),
        incident.c.site.label("place"),
        subject.label("subject"),
        start.label("start_ms"),
        end.label("end_ms"),
        case((incident.c.raised_ms >= period.from_ms, 1), else_=0).label("is_new"),
    ).where(
        subject.is_not(None),
        incident.c.raised_ms < period.end_ms,
        incident.c.id.in_(
            union_all(is_over, still_open)
        ),  # two look-ups in indexes; either-or would read all there are
        incident.c.state != "cancelled",
        or_(incident.c.verdict.is_(None), incident.c.verdict != "false_alarm"),
        *period.sees(),
    )


def _clipped(period: Period) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Return since and until when an incident was open within the period."""
    start = case((incident.c.raised_ms < period.from_ms, period.from_ms), else_=incident.c.raised_ms)
    ended = func.coalesce(incident.c.resolved_ms, period.end_ms)
    return start, case((ended > period.end_ms, period.end_ms), else_=ended)


def _failed(period: Period, by: str | None, spared: Collection[int]) -> Select[Any]:
    """Return per group how often something failed, and how long it was down; times that overlap count once.

    `spared`: rows of incidents that are no failures, although what they are about was down.
    """
    each = _rows(period, by).subquery()
    places = (each.c.subject,) if _is_of_services(period, by) else (each.c.place, each.c.subject)
    before = func.max(each.c.end_ms).over(
        partition_by=places, order_by=(each.c.start_ms, each.c.incident_id), rows=(None, -1)
    )
    told = select(each, before.label("before_ms")).subquery()
    start = case((told.c.before_ms > told.c.start_ms, told.c.before_ms), else_=told.c.start_ms)
    down = case((told.c.end_ms > start, told.c.end_ms - start), else_=0)
    counts = case((told.c.incident_id.in_(_written_out(spared)), 0), else_=told.c.is_new)
    return select(told.c.key, func.sum(counts).label("n"), func.sum(down).label("down_ms")).group_by(told.c.key)


def _observed(unit: Unit, period: Period, by: str | None) -> dict[str | None, int]:
    """Return group -> milliseconds for which its devices, or the service, were known within the period."""
    whole = period.end_ms - period.from_ms
    if by is None and period.services:
        return {"": whole * len(period.services)}
    if by == "service":
        return {row.id: whole for row in unit.connection.execute(select(service.c.id))}
    key: ColumnElement[Any] = {"site": device.c.site, "device": device.c.site + "/" + device.c.device}.get(
        by or "", literal("")
    )
    since = case((device.c.first_seen_ms < period.from_ms, period.from_ms), else_=device.c.first_seen_ms)
    statement = (
        select(key.label("key"), func.sum(period.end_ms - since).label("known_ms"))
        .where(device.c.lifecycle == "active", device.c.first_seen_ms < period.end_ms, *period.sees_devices())
        .group_by("key")
    )
    return {row.key: int(row.known_ms) for row in unit.connection.execute(statement)}


def _maintained(unit: Unit, period: Period, by: str | None) -> Maintained:
    of_services = _is_of_services(period, by)
    return maintained(unit, period, by, _rows(period, by), of_services=of_services)


def _is_of_services(period: Period, by: str | None) -> bool:
    return by == "service" or (by is None and bool(period.services))
