"""How many incidents there are."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, case, func, literal_column, select, text

from iotops.incidents.incident import OPEN, State
from iotops.store.database import Unit
from iotops.store.incidents.pages import Filters, conditions
from iotops.store.tables import incident, sla_clock

# Spelled as the partial index is, and as text: with a parameter, or the `= 1` that SQLAlchemy puts behind a boolean
# for SQLite, the database could not know that the index will do.
_RUNS = text("sla_clock.state = 'running'")
_IS_OPEN = incident.c.state.in_([state.value for state in OPEN])
_MANY = 2_000  # incidents that pass the filters: beyond, looking up the clocks of each takes longer than all that run


@dataclass(frozen=True, slots=True)
class Counts:
    """How many incidents pass some filters.

    Attributes:
        by_state: (state, priority) -> number.
        unacknowledged: open, and nobody has seen them yet.
        breaching: a clock of theirs runs and is due before the instant asked for, or was due already.
        late: a clock of theirs runs on although it was due.
    """

    by_state: Mapping[tuple[str, str], int]
    unacknowledged: int
    breaching: int
    late: int


def count_open(unit: Unit) -> dict[tuple[str, str], int]:
    """Return (state, priority) -> number of the incidents in which somebody still has to do something."""
    return _by_state(unit, [_IS_OPEN])


def count(unit: Unit, filters: Filters, now_ms: int, until_ms: int) -> Counts:
    """Return how many incidents pass the filters, and of how many a promise is due before `until_ms`."""
    chosen = conditions(unit, filters)
    by_state = _by_state(unit, chosen)
    # Whoever takes an incident out of this state has acknowledged it, and what comes back to it nobody has.
    unacknowledged = sum(number for (state, _), number in by_state.items() if state == State.NEW)
    due = _due_among_many if sum(by_state.values()) > _MANY else _due_among_few
    breaching, late = unit.connection.execute(due(chosen, until_ms, now_ms)).one()
    return Counts(by_state, unacknowledged, breaching, late)


def _by_state(unit: Unit, chosen: list[ColumnElement[bool]]) -> dict[tuple[str, str], int]:
    statement = (
        select(incident.c.state, incident.c.priority, func.count().label("n"))
        .where(*chosen)
        .group_by(incident.c.state, incident.c.priority)
    )
    return {(row.state, row.priority): row.n for row in unit.connection.execute(statement)}


def _due_among_few(chosen: list[ColumnElement[bool]], until_ms: int, now_ms: int) -> Select[int, int]:
    """Return of how many open incidents a running clock is due before `until_ms`, and before `now_ms`."""
    each = case((sla_clock.c.due_ms <= now_ms, sla_clock.c.incident_id))
    return (
        select(func.count(sla_clock.c.incident_id.distinct()), func.count(each.distinct()))
        .join_from(sla_clock, incident, incident.c.id == sla_clock.c.incident_id)
        .where(_RUNS, sla_clock.c.due_ms <= until_ms, _IS_OPEN, *chosen)
    )


def _due_among_many(chosen: list[ColumnElement[bool]], until_ms: int, now_ms: int) -> Select[int, int]:
    """Return the same by way of the clocks: their index says all, and incidents are then read in their own order."""
    # A sum is no column: else SQLite would take the clocks of all times, as they stand in the order of the primary key.
    each = sla_clock.c.incident_id + literal_column("0")
    first = (
        select(each.label("incident_id"), func.min(sla_clock.c.due_ms).label("due_ms"))
        .where(_RUNS, sla_clock.c.due_ms <= until_ms)
        .group_by(each)
        .subquery()
    )
    return (
        select(func.count(), func.count(case((first.c.due_ms <= now_ms, 1))))
        .join_from(first, incident, incident.c.id == first.c.incident_id)
        .where(_IS_OPEN, *chosen)
    )
