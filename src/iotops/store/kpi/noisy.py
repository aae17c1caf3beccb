"""Which rules and devices cost attention for nothing."""

from dataclasses import dataclass

from sqlalchemy import and_, case, func, select

from iotops.incidents.kpi import NOISE_MS
from iotops.store.database import Unit
from iotops.store.kpi.period import Period, group_of
from iotops.store.kpi.populations import acted_on
from iotops.store.tables import alert, incident

_SHORT_MS = 120_000


@dataclass(frozen=True, slots=True)
class Noisy:
    """What one rule or device raised: alerts of incidents that fired in the period, and what became of them.

    Attributes:
        unacted: no person did anything with their incident.
        short: cleared within two minutes.
        noise: no person did anything, and they cleared within five minutes.
        incidents: that they belong to; `false_alarms` of them have that verdict.
    """

    key: str | None
    alerts: int
    unacted: int
    short: int
    noise: int
    incidents: int
    false_alarms: int


def noisy(unit: Unit, period: Period, by: str, limit: int) -> list[Noisy]:
    """Return the rules or devices (`by`) with the most noise, the worst first."""
    lasted = alert.c.resolved_ms - alert.c.fired_ms
    unacted = ~acted_on()
    false_alarm = case((incident.c.verdict == "false_alarm", incident.c.id))
    key = {"rule": alert.c.rule, "device": alert.c.site + "/" + alert.c.device}.get(by, group_of(by, alert.c.fired_ms))
    each = (
        select(
            key.label("key"),
            case((unacted, 1), else_=0).label("unacted"),
            case((lasted < _SHORT_MS, 1), else_=0).label("short"),
            case((and_(unacted, lasted < NOISE_MS), 1), else_=0).label("noise"),
            incident.c.id.label("incident_id"),
            false_alarm.label("false_alarm"),
        )
        .join_from(alert, incident, incident.c.id == alert.c.incident_id)
        .where(*period.holds(alert.c.fired_ms), *period.sees())
        .subquery()
    )
    noise = func.sum(each.c.noise)
    statement = (
        select(
            each.c.key,
            func.count().label("alerts"),
            func.sum(each.c.unacted).label("unacted"),
            func.sum(each.c.short).label("short"),
            noise.label("noise"),
            func.count(each.c.incident_id.distinct()).label("incidents"),
            func.count(each.c.false_alarm.distinct()).label("false_alarms"),
        )
        .where(each.c.key.is_not(None))
        .group_by(each.c.key)
        .order_by(noise.desc(), func.count().desc(), each.c.key)
        .limit(limit)
    )
    return [Noisy(*row) for row in unit.connection.execute(statement)]
