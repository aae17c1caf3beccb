"""Incidents as rows, and their numbers as people write them."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from iotops.incidents.deadlines import Policy, due_ms
from iotops.incidents.incident import PEOPLE_FIELDS, Incident, State
from iotops.rules.rule import Severity
from iotops.store.database import Unit
from iotops.store.numbers import Numbering
from iotops.store.tables import incident
from iotops.store.upsert import INSERT, chunks

# Columns that hold a field of the same name, as it is.
_PLAIN = (
    *("title", "priority", "service", "device", "rule_version", "alert_id", "fired_ms", "raised_ms"),
    *("acknowledged_ms", "resolved_ms", "closed_ms", "assignee", "team", "hold_reason", "hold_until_ms"),
    *("resolution_code", "cause", "verdict", "auto", "duplicate_of", "alert_count", "occurrence_count"),
    *("reopen_count", "flapping", "version", "supplier", "merged_into", "outage", "muted_by", "problem"),
    "recurrence_count",
)
# Fields for which a person-raised incident has no value: "" in memory, NULL in the row.
_NULL_IF_EMPTY = ("site", "rule", "instance")
# What only the machine reads again.
_MACHINE = ("cleared_ms", "grace_ms", "grace_spent", "recurrence_of")
_NUMBERS = Numbering("INC", "incident")


def row_id(number: str) -> int:
    """Return the row that a number names: `INC-000123`, `inc-123` and `123` are the same.

    Raises:
        NotFound: no incident can have such a number.
    """
    return _NUMBERS.row(number)


def number_of(incident_id: int) -> str:
    """Return the number that people use for a row."""
    return _NUMBERS.name(incident_id)


def insert(unit: Unit, new: Incident, policy: Policy) -> int | None:
    """Insert an incident and number it; returns its row, None where its episode has raised one already."""
    row = {**to_row(new, policy), "number": f"new {secrets.token_hex(8)}"}  # the number is the id, known only then
    statement = INSERT[unit.dialect](incident).values(row).on_conflict_do_nothing(index_elements=["alert_id"])
    incident_id = unit.connection.execute(statement.returning(incident.c.id)).scalar_one_or_none()
    return None if incident_id is None else write(unit, incident_id, {"number": number_of(incident_id)})


def insert_many(unit: Unit, new: Sequence[Incident], policy: Policy) -> dict[str, int]:
    """Insert incidents that alerts raised, and number them; returns episode -> row, without those that are there."""
    if not new:
        return {}
    mark = f"new {secrets.token_hex(8)}"
    rows = [{**to_row(each, policy), "number": f"{mark} {place}"} for place, each in enumerate(new)]
    unit.connection.execute(INSERT[unit.dialect](incident).on_conflict_do_nothing(index_elements=["alert_id"]), rows)
    found: dict[str, int] = {}
    for episodes in chunks(each.alert_id for each in new):
        mine = incident.c.number.startswith(mark)
        statement = select(incident.c.alert_id, incident.c.id).where(incident.c.alert_id.in_(episodes), mine)
        found.update((row.alert_id, row.id) for row in unit.connection.execute(statement))
    if found:
        numbered = update(incident).where(incident.c.id == bindparam("row")).values(number=bindparam("called"))
        unit.connection.execute(numbered, [{"row": each, "called": number_of(each)} for each in found.values()])
    return found


def write(unit: Unit, incident_id: int, columns: Mapping[str, Any]) -> int:
    """Write columns of one row, if any; returns the row."""
    if columns:
        unit.connection.execute(update(incident).where(incident.c.id == incident_id).values(dict(columns)))
    return incident_id


def changed_columns(before: Incident, after: Incident, policy: Policy, *, by_machine: bool) -> dict[str, Any]:
    """Return the columns that differ; without those that are the people's own where the machine writes."""
    old = to_row(before, policy)
    changed = {name: value for name, value in to_row(after, policy).items() if old[name] != value}
    return {name: value for name, value in changed.items() if not (by_machine and name in PEOPLE_FIELDS)}


def from_row(row: Row[Any]) -> Incident:
    """Return the incident that a row holds."""
    machine: dict[str, Any] = row.machine
    texts: dict[str, Any] = {name: getattr(row, name) or "" for name in _NULL_IF_EMPTY}
    return Incident(
        number=row.number,
        state=State(row.state),
        data_known=row.data == "known",
        severity=Severity[row.severity.upper()],
        priority_reason=row.priority_reason,
        evidence=row.evidence,
        flaps=tuple(machine["flaps"]),
        **{name: machine[name] for name in _MACHINE},
        **{name: getattr(row, name) for name in _PLAIN},
        **texts,
    )


def to_row(found: Incident, policy: Policy) -> dict[str, Any]:
    """Return the columns of an incident, all but `id`."""
    machine = {name: getattr(found, name) for name in _MACHINE}
    return {
        "number": found.number,
        "state": found.state.value,
        "data": "known" if found.data_known else "unknown",
        "severity": found.severity.word,
        "priority_reason": dict(found.priority_reason),
        "evidence": dict(found.evidence),
        "machine": {**machine, "flaps": list(found.flaps)},
        "due_ms": due_ms(found, policy),
        **{name: getattr(found, name) for name in _PLAIN},
        **{name: getattr(found, name) or None for name in _NULL_IF_EMPTY},
    }
