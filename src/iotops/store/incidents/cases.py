"""What correlation decided about incidents, written in the unit that read what it has to know (`open_for`).

A unit calls `open_for` before the alerts of the batch are written (correlation starts from the alerts as they
were), and `keep` after that (it ties alerts to incidents).

Locks on PostgreSQL are always taken in one order, incidents first and the timeline's head last, so that ingest and
people wait for each other and never block each other for good. SQLite has a single writer.
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import bindparam, select, update

from iotops.incidents.casework import IncidentChange
from iotops.incidents.correlate import Outcome
from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import Incident
from iotops.incidents.timeline import Entry
from iotops.store import alerts, timeline
from iotops.store.database import Unit
from iotops.store.incidents.recurrence import recognise
from iotops.store.incidents.rows import changed_columns, insert_many, number_of, row_id, write
from iotops.store.tables import alert, incident

_REFERENCES = ("recurrence_of", "merged_into", "duplicate_of")
_ENTRY_REFERENCES = ("recurrence_of", "into", "incident")


def keep(unit: Unit, outcome: Outcome, occurrences: Mapping[str, int], policy: Policy) -> list[Incident]:
    """Write what correlation decided, and count occurrences.

    What people write (`PEOPLE_FIELDS`) is written once, with a new incident, and never touched again. An incident
    whose episode has raised one already is not raised again, whoever tries.

    Args:
        unit: the unit whose `open_for` the changes are based on.
        outcome: of `correlate`.
        occurrences: alert id -> newly stored readings for which its condition was true while firing.
        policy: decides when the system looks at an incident again.

    Returns:
        The incidents as they are now, new ones with their numbers.
    """
    changes = sorted(outcome.changes, key=_was_merged)  # what others were merged into is numbered first
    ids = insert_many(unit, [change.after for change in changes if change.before is None], policy)
    written = [(change, found) for change in changes if (found := _id_of(change, ids)) is not None]
    numbers = {change.after.alert_id: number_of(found) for change, found in written if change.after.alert_id}
    kept: dict[int, Incident] = {}
    entries: list[tuple[int, Entry]] = []
    for change, incident_id in written:
        after = _numbered(change.after, incident_id, numbers)
        _write(unit, change, incident_id, after, policy)
        kept[incident_id] = after
        entries.extend((incident_id, _with_numbers(entry, numbers)) for entry in change.entries)
    alerts.attach(unit, {alert_id: found for change, found in written for alert_id in change.attached})
    alerts.cover(unit, {name: (found, by) for change, found in written for name, by in change.covered.items()})
    for change, incident_id in written:
        absorbed = [row_id(numbers.get(each, each)) for each in change.absorbed]
        alerts.hand_over(unit, absorbed, incident_id, cause=cause_of(change.after))
    _count(unit, occurrences)
    raised = [(found, kept[found]) for change, found in written if change.before is None]
    for found, (after, said) in recognise(unit, raised).items():
        write(unit, found, changed_columns(kept[found], after, policy, by_machine=True))
        kept[found] = after
        entries.extend((found, entry) for entry in said)
    if entries:
        timeline.append(unit, entries)
    return list(kept.values())


def cause_of(found: Incident) -> str:
    """Return what an incident is called as the cause of alerts: its device, else its instance."""
    return f"{found.site}/{found.device}" if found.device else found.instance


def _was_merged(change: IncidentChange) -> bool:
    return change.after.merged_into is not None


def _id_of(change: IncidentChange, new: Mapping[str, int]) -> int | None:
    """Return the row of a change; None where its episode has an incident already."""
    return new.get(change.after.alert_id or "") if change.before is None else row_id(change.before.number)


def _numbered(found: Incident, incident_id: int, numbers: Mapping[str, str]) -> Incident:
    """Name incidents by number where correlation, before they had one, could only name the episode."""
    named = {name: numbers.get(getattr(found, name) or "", getattr(found, name)) for name in _REFERENCES}
    return replace(found, number=number_of(incident_id), **named)


def _write(unit: Unit, change: IncidentChange, incident_id: int, after: Incident, policy: Policy) -> None:
    """Write what differs from the row: of a new incident only the references, all else was inserted."""
    before = change.before
    if before is None:
        before = replace(change.after, number=after.number)
        by_machine = False
    else:
        by_machine = True
    columns = changed_columns(before, after, policy, by_machine=by_machine)
    if change.before is not None and before.merged_into != after.merged_into:
        columns["duplicate_of"] = after.duplicate_of  # the machine's own word here, where nobody said anything
    write(unit, incident_id, columns)


def _with_numbers(entry: Entry, numbers: Mapping[str, str]) -> Entry:
    named = {name: numbers[entry.data[name]] for name in _ENTRY_REFERENCES if entry.data.get(name) in numbers}
    return replace(entry, data={**entry.data, **named}) if named else entry


def _count(unit: Unit, occurrences: Mapping[str, int]) -> None:
    if not occurrences:
        return
    tied = select(alert.c.incident_id).where(alert.c.id == bindparam("alert")).scalar_subquery()
    statement = update(incident).where(incident.c.id == tied)
    counted = statement.values(occurrence_count=incident.c.occurrence_count + bindparam("count"))
    rows = [{"alert": alert_id, "count": count} for alert_id, count in sorted(occurrences.items())]
    unit.connection.execute(counted, rows)
