"""How many incidents there are."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from iotops.incidents.incident import OPEN
from iotops.store.database import Unit
from iotops.store.incidents.pages import Filters, conditions
from iotops.store.tables import incident, sla_clock

_IS_OPEN = incident.c.state.in_([state.value for state in OPEN])


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
    chosen = conditions(filters)
    return Counts(
        by_state=_by_state(unit, chosen),
        unacknowledged=_number(unit, [*chosen, _IS_OPEN, incident.c.acknowledged_ms.is_(None)]),
        breaching=_due(unit, chosen, until_ms),
        late=_due(unit, chosen, now_ms),
    )


def _by_state(unit: Unit, chosen: list[ColumnElement[bool]]) -> dict[tuple[str, str], int]:
    statement = (
        select(incident.c.state, incident.c.priority, func.count().label("n"))
        .where(*chosen)
        .group_by(incident.c.state, incident.c.priority)
    )
    return {(row.state, row.priority): row.n for row in unit.connection.execute(statement)}


def _number(unit: Unit, chosen: list[ColumnElement[bool]]) -> int:
    return unit.connection.execute(select(func.count()).select_from(incident).where(*chosen)).scalar_one()


def _due(unit: Unit, chosen: list[ColumnElement[bool]], before_ms: int) -> int:
    statement = (
        select(func.count(sla_clock.c.incident_id.distinct()))
        .join_from(sla_clock, incident, incident.c.id == sla_clock.c.incident_id)
        .where(sla_clock.c.state == "running", sla_clock.c.due_ms <= before_ms, _IS_OPEN, *chosen)
    )
    return unit.connection.execute(statement).scalar_one()
