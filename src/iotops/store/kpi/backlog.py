"""How the backlog went, day by day, from what the timeline says came and went."""

from sqlalchemy import case, func, select

from iotops.store.database import Unit
from iotops.store.kpi.period import DAY_MS, Period
from iotops.store.kpi.populations import CLOSING, OPENING
from iotops.store.tables import incident, timeline


def backlog_by_day(unit: Unit, period: Period, at_end: int) -> dict[str | None, int]:
    """Return day -> incidents open at its end, or at the period's, counted backwards from those open `at_end`."""
    day = timeline.c.at_ms // DAY_MS
    change = func.sum(case((timeline.c.type.in_(OPENING), 1), else_=-1)).label("change")
    statement = (
        select(day.label("day"), change)
        .join_from(timeline, incident, incident.c.id == timeline.c.incident_id)
        .where(timeline.c.type.in_((*OPENING, *CLOSING)), timeline.c.at_ms >= period.from_ms)
        .where(timeline.c.at_ms < period.end_ms, *period.sees())
        .group_by("day")
    )
    changes = {row.day: row.change for row in unit.connection.execute(statement)}
    found: dict[str | None, int] = {}
    for each in range((period.end_ms - 1) // DAY_MS, period.from_ms // DAY_MS - 1, -1):
        found[str(each * DAY_MS)] = at_end
        at_end -= changes.get(each, 0)
    return dict(reversed(found.items()))
