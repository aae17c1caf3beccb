"""What each figure is computed from: one row per incident, clock or alert, with its value."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, literal, or_, select, union_all

from iotops.incidents.incident import OPEN
from iotops.incidents.kpi import NOISE_MS
from iotops.store.kpi.period import Period, age_key, group_of
from iotops.store.tables import alert, incident, sla_clock, timeline

OPENING = ("raised", "reopened", "split")
CLOSING = ("resolved", "cancelled", "merged")
"""Types of entries after which somebody has to do something, and nobody has to any more; they take turns."""
_OPEN = [state.value for state in OPEN]

Population = Select[Any]
"""Rows of `incident_id`, `value` (milliseconds, or 1 and 0), `key` (the group)."""


def population(kpi: str, period: Period, by: str | None) -> Population:
    """Return what a figure, all but `mtbf`, is computed from."""
    return _POPULATIONS[kpi](period, by)


def acted_on() -> ColumnElement[bool]:
    """Return the condition that a person did something with an alert's incident."""
    return exists().where(timeline.c.incident_id == alert.c.incident_id, timeline.c.actor_kind != "system")


def _row(value: ColumnElement[Any], at_ms: ColumnElement[int], by: str | None) -> Population:
    return select(incident.c.id.label("incident_id"), value.label("value"), group_of(by, at_ms).label("key"))


def _acknowledged(period: Period, by: str | None) -> Population:
    rows = _row(incident.c.acknowledged_ms - incident.c.raised_ms, incident.c.raised_ms, by)
    counts = (incident.c.acknowledged_ms.is_not(None), incident.c.auto.is_(False))
    return rows.where(*period.holds(incident.c.raised_ms), *counts, *period.sees())


def _resolved(period: Period, by: str | None) -> Population:
    rows = _row(incident.c.resolved_ms - incident.c.raised_ms, incident.c.resolved_ms, by)
    return rows.where(*period.holds(incident.c.resolved_ms), *period.sees())  # reopening takes the instant away


def _business(period: Period, by: str | None) -> Population:
    rows = _row(sla_clock.c.used_ms, sla_clock.c.stopped_ms, by).join_from(
        sla_clock, incident, incident.c.id == sla_clock.c.incident_id
    )
    stopped = (sla_clock.c.kind == "resolve", sla_clock.c.state == "stopped")
    return rows.where(*stopped, *period.holds(sla_clock.c.stopped_ms), *period.sees())


def _raised(period: Period, by: str | None) -> Population:
    rows = _row(case((incident.c.id > 0, 1)), incident.c.raised_ms, by)
    return rows.where(*period.holds(incident.c.raised_ms), *period.sees())


def _open_at_end(period: Period, by: str | None) -> Population:
    """Return what was open then: the last word of the timeline up to then, looked up where it may be."""
    at_ms = period.end_ms
    last = (
        select(timeline.c.type)
        .where(timeline.c.incident_id == incident.c.id, timeline.c.type.in_((*OPENING, *CLOSING)))
        .where(timeline.c.at_ms < at_ms)
        .order_by(timeline.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    # What is neither open nor cancelled now, and was resolved last before then, was not open: no need to look it up.
    may_be = union_all(
        select(incident.c.id).where(incident.c.state.in_([*_OPEN, "cancelled"])),
        select(incident.c.id).where(incident.c.resolved_ms >= at_ms, incident.c.state.not_in([*_OPEN, "cancelled"])),
    )
    # Nor is there for what went one way only, which is nearly everything.
    was_split = select(timeline.c.incident_id).where(timeline.c.type == "split")
    one_way = and_(incident.c.reopen_count == 0, incident.c.state != "cancelled", incident.c.id.not_in(was_split))
    was_open = case(
        (one_way, or_(incident.c.resolved_ms.is_(None), incident.c.resolved_ms >= at_ms)), else_=last.in_(OPENING)
    )
    age = literal(at_ms) - incident.c.raised_ms
    rows = _row(age, incident.c.raised_ms, None if by == "age" else by)
    if by == "age":
        rows = select(incident.c.id.label("incident_id"), age.label("value"), age_key(age).label("key"))
    return rows.where(incident.c.id.in_(may_be), incident.c.raised_ms < at_ms, was_open, *period.sees())


def _kept(kind: str) -> Callable[[Period, str | None], Population]:
    def rows_of(period: Period, by: str | None) -> Population:
        kept = case((sla_clock.c.breached_ms.is_(None), 1), else_=0)
        rows = _row(kept, sla_clock.c.decided_ms, by).join_from(
            sla_clock, incident, incident.c.id == sla_clock.c.incident_id
        )
        return rows.where(sla_clock.c.kind == kind, *period.holds(sla_clock.c.decided_ms), *period.sees())

    return rows_of


def _reopened(period: Period, by: str | None) -> Population:
    """Return resolutions in the period; 1 where the next word about the incident was that it is not over."""
    again = timeline.alias("again")
    following = (
        select(again.c.type)
        .where(again.c.incident_id == timeline.c.incident_id, again.c.seq > timeline.c.seq)
        .where(again.c.type.in_(("reopened", "closed")))
        .order_by(again.c.seq)
        .limit(1)
        .scalar_subquery()
    )
    rows = _row(case((following == "reopened", 1), else_=0), timeline.c.at_ms, by)
    joined = rows.join_from(timeline, incident, incident.c.id == timeline.c.incident_id)
    return joined.where(timeline.c.type == "resolved", *period.holds(timeline.c.at_ms), *period.sees())


def _noise(period: Period, by: str | None) -> Population:
    cleared = alert.c.resolved_ms - alert.c.fired_ms < NOISE_MS
    rows = _row(case((and_(cleared, ~acted_on()), 1), else_=0), alert.c.fired_ms, by)
    joined = rows.join_from(alert, incident, incident.c.id == alert.c.incident_id)
    return joined.where(*period.holds(alert.c.fired_ms), *period.sees())


def _false_alarms(period: Period, by: str | None) -> Population:
    rows = _row(case((incident.c.verdict == "false_alarm", 1), else_=0), incident.c.resolved_ms, by)
    judged = (incident.c.verdict.is_not(None), *period.sees())
    return rows.where(*period.holds(incident.c.resolved_ms), *judged)


_POPULATIONS: Mapping[str, Callable[[Period, str | None], Population]] = {
    "mtta": _acknowledged,
    "mttr": _resolved,
    "mttr_business": _business,
    "volume": _raised,
    "backlog": _open_at_end,
    "sla_respond": _kept("respond"),
    "sla_resolve": _kept("resolve"),
    "sla_supplier": _kept("supplier"),
    "reopened": _reopened,
    "noise": _noise,
    "false_alarms": _false_alarms,
}
