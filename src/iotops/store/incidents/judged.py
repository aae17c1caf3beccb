"""Incidents that a person said something of: what rules are measured by."""

from typing import NamedTuple

from sqlalchemy import func, select

from iotops.store.database import Unit
from iotops.store.tables import alert, incident


class JudgedIncident(NamedTuple):
    """An incident with a verdict, `real` or `false_alarm`.

    Times are event times of its alerts: since when the condition of the first was true, when it fired, and when the
    last resolved, None while one fires.
    """

    number: str
    rule: str
    instance: str
    verdict: str
    began_ms: int
    fired_ms: int
    resolved_ms: int | None


def judged(unit: Unit, from_ms: int, to_ms: int, *, by_event: bool = False) -> list[JudgedIncident]:
    """Return the judged incidents of rules that were raised from one instant up to another, by number.

    With `by_event`, those whose alert fired then.
    """
    when = incident.c.fired_ms if by_event else incident.c.raised_ms
    statement = (
        select(
            incident.c.number,
            incident.c.rule,
            incident.c.instance,
            incident.c.verdict,
            func.coalesce(func.min(alert.c.began_ms), incident.c.fired_ms).label("began_ms"),
            incident.c.fired_ms,
            func.max(alert.c.resolved_ms).label("resolved_ms"),
            (func.count(alert.c.id) - func.count(alert.c.resolved_ms)).label("firing"),
        )
        .outerjoin(alert, alert.c.incident_id == incident.c.id)
        .where(incident.c.verdict.is_not(None), incident.c.rule.is_not(None), incident.c.fired_ms.is_not(None))
        .where(when >= from_ms, when < to_ms)
        .group_by(incident.c.id)
        .order_by(incident.c.id)
    )
    return [
        JudgedIncident(
            row.number,
            row.rule,
            row.instance,
            row.verdict,
            row.began_ms,
            row.fired_ms,
            None if row.firing else row.resolved_ms,
        )
        for row in unit.connection.execute(statement)
    ]
