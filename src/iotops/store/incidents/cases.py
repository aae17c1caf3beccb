"""What correlation has to know of incidents, and what it decided, written in the unit that read it.

A unit calls `open_for` before the alerts of the batch are written (correlation starts from the alerts as they
were), and `keep` after that (it ties alerts to incidents).

Locks on PostgreSQL are always taken in one order, incidents first and the timeline's head last, so that ingest and
people wait for each other and never block each other for good. SQLite has a single writer.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from sqlalchemy import String, bindparam, column, func, select, update, values

from iotops.incidents.casework import Attached, Case, IncidentChange
from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import Incident
from iotops.incidents.timeline import Entry
from iotops.rules.alert import AlertKey, Change, Transition
from iotops.rules.rule import Severity
from iotops.store import alerts, timeline
from iotops.store.database import Unit
from iotops.store.incidents.rows import changed_columns, from_row, insert, number_of, row_id, write
from iotops.store.tables import alert, incident
from iotops.store.upsert import chunks

_OWN_BUSINESS = frozenset({Change.PENDING, Change.ENDED, Change.RECOVERING, Change.REFIRED})


def open_for(unit: Unit, transitions: Iterable[Transition]) -> dict[AlertKey, Case]:
    """Return the newest incident of every instance that the transitions are about, with its unresolved alerts.

    The rows stay locked until the unit ends: what people do meanwhile comes after what correlation decides.
    """
    touched = [found.alert for found in transitions if found.change not in _OWN_BUSINESS]
    incidents = _newest(unit, {each.key for each in touched})
    unresolved = _unresolved(unit, incidents)
    seen = _seen(unit, {each.id for each in touched})
    return {
        AlertKey(found.rule, found.instance): Case(
            found, unresolved.get(incident_id, {}), frozenset(seen.get(incident_id, ()))
        )
        for incident_id, found in incidents.items()
    }


def keep(
    unit: Unit, changes: Iterable[IncidentChange], occurrences: Mapping[str, int], policy: Policy
) -> list[Incident]:
    """Write what correlation decided, and count occurrences.

    What people write (`PEOPLE_FIELDS`) is written once, with a new incident, and never touched again. An incident
    whose episode has raised one already is not raised again, whoever tries.

    Args:
        unit: the unit whose `open_for` the changes are based on.
        changes: of `correlate`.
        occurrences: alert id -> newly stored readings for which its condition was true while firing.
        policy: decides when the system looks at an incident again.

    Returns:
        The incidents as they are now, new ones with their numbers.
    """
    kept: list[Incident] = []
    entries: list[tuple[int, Entry]] = []
    numbers: dict[str, str] = {}
    incident_of: dict[str, int] = {}
    for change in changes:
        incident_id = _write(unit, change, numbers, policy)
        if incident_id is None:
            continue
        if change.after.alert_id is not None:
            numbers[change.after.alert_id] = number_of(incident_id)
        kept.append(replace(change.after, number=number_of(incident_id)))
        entries.extend((incident_id, _with_number(entry, numbers)) for entry in change.entries)
        incident_of.update(dict.fromkeys(change.attached, incident_id))
    alerts.attach(unit, incident_of)
    _count(unit, occurrences)
    if entries:
        timeline.append(unit, entries)
    return kept


def _newest(unit: Unit, keys: Collection[AlertKey]) -> dict[int, Incident]:
    found: dict[int, Incident] = {}
    for chunk in chunks(sorted(keys)):
        asked = values(column("rule", String), column("instance", String), name="asked").data(chunk).cte("asked")
        # One look into the index per instance; grouping instead would read all of it.
        newest = select(
            select(func.max(incident.c.id))
            .where(incident.c.rule == asked.c.rule, incident.c.instance == asked.c.instance)
            .scalar_subquery()
        ).select_from(asked)
        statement = select(incident).where(incident.c.id.in_(newest)).order_by(incident.c.id).with_for_update()
        found.update((row.id, from_row(row)) for row in unit.connection.execute(statement))
    return found


def _unresolved(unit: Unit, incident_ids: Iterable[int]) -> dict[int, dict[str, Attached]]:
    found: dict[int, dict[str, Attached]] = {}
    columns = (alert.c.id, alert.c.incident_id, alert.c.severity, alert.c.data, alert.c.suppressed_by)
    for ids in chunks(tuple(incident_ids)):
        statement = select(*columns).where(alert.c.incident_id.in_(ids), alert.c.state.in_(("firing", "recovering")))
        for row in unit.connection.execute(statement):
            standing = Attached(Severity[row.severity.upper()], row.data == "known", row.suppressed_by)
            found.setdefault(row.incident_id, {})[row.id] = standing
    return found


def _seen(unit: Unit, alert_ids: Collection[str]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for ids in chunks(sorted(alert_ids)):
        statement = select(alert.c.id, alert.c.incident_id)
        for row in unit.connection.execute(statement.where(alert.c.id.in_(ids), alert.c.incident_id.is_not(None))):
            found.setdefault(row.incident_id, set()).add(row.id)
    return found


def _write(unit: Unit, change: IncidentChange, numbers: Mapping[str, str], policy: Policy) -> int | None:
    """Write one incident's row; returns its id, None where the episode has an incident already."""
    if change.before is None:
        recurrence_of = change.after.recurrence_of
        after = replace(change.after, recurrence_of=numbers.get(recurrence_of or "", recurrence_of))
        return insert(unit, after, policy)
    columns = changed_columns(change.before, change.after, policy, by_machine=True)
    return write(unit, row_id(change.before.number), columns)


def _with_number(entry: Entry, numbers: Mapping[str, str]) -> Entry:
    """Name the previous incident by its number where correlation, before it had one, could only name its episode."""
    number = numbers.get(entry.data.get("recurrence_of", ""))
    return entry if number is None else replace(entry, data={**entry.data, "recurrence_of": number})


def _count(unit: Unit, occurrences: Mapping[str, int]) -> None:
    if not occurrences:
        return
    tied = select(alert.c.incident_id).where(alert.c.id == bindparam("alert")).scalar_subquery()
    statement = update(incident).where(incident.c.id == tied)
    counted = statement.values(occurrence_count=incident.c.occurrence_count + bindparam("count"))
    rows = [{"alert": alert_id, "count": count} for alert_id, count in sorted(occurrences.items())]
    unit.connection.execute(counted, rows)
