"""What people do to an incident, and what the system does when its time has come."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from sqlalchemy import Row, Select, select

from iotops.errors import NotFound
from iotops.incidents.deadlines import Policy, due_ms, overdue
from iotops.incidents.incident import Actor, Incident
from iotops.incidents.priority import derive
from iotops.incidents.timeline import Entry
from iotops.incidents.transitions import transition
from iotops.rules.rule import Severity
from iotops.store import timeline, topology
from iotops.store.database import Unit
from iotops.store.incidents.rows import changed_columns, from_row, insert, number_of, row_id, write
from iotops.store.numbers import must_have_version
from iotops.store.tables import alert, incident
from iotops.store.upsert import chunks

# What is due and cannot be done yet (resolved long ago, an alert still firing) must not stand before what can.
_LOOK_AGAIN_MS = 600_000


def get(unit: Unit, number: str) -> Incident:
    """Return an incident by its number, with or without `INC-` and zeros.

    Raises:
        NotFound: there is none.
    """
    return from_row(_row(unit, number, select(incident)))


def act(
    unit: Unit,
    number: str,
    action: str,
    actor: Actor,
    now_ms: int,
    *,
    policy: Policy,
    expected_version: int | None = None,
    note: str | None = None,
    **details: Any,
) -> Incident:
    """Do one action on an incident: read it under lock, move it, write it and its timeline entry.

    Args:
        unit: a write unit.
        number: of the incident, as in `get`.
        action: one of `allowed_actions`, or `edit`.
        actor: who does it.
        now_ms: the wall clock.
        policy: gives `grace_ms` to a resolution while an alert is still firing.
        expected_version: what the actor has read; None: whatever it is now.
        note: what the actor wrote about it.
        details: the action's members, see `iotops.incidents.effects`.

    Returns:
        The incident afterwards.

    Raises:
        NotFound: there is no such incident.
        StaleVersion: it was changed since `expected_version`.
        IllegalTransition: its state does not allow the action.
    """
    row = _row(unit, number, select(incident).with_for_update())
    before = from_row(row)
    must_have_version(before.number, before.version, expected_version)
    if action == "resolve":
        details.update(firing=is_firing(unit, row.id), grace_ms=policy.grace_ms)
    after, entries = transition(before, action, actor, now_ms, note=note, **details)
    write(unit, row.id, changed_columns(before, after, policy, by_machine=False))
    if entries:
        timeline.append(unit, ((row.id, entry) for entry in entries))
    return after


def lock(unit: Unit, numbers: Iterable[str]) -> None:
    """Hold incidents until the unit ends: whoever changes several holds all before it appends to the timeline.

    Without that, ingest, which takes locks in that order too, and we could wait for each other. Numbers that name
    nothing are passed over.
    """
    ids: list[int] = []
    for number in numbers:
        with suppress(NotFound):
            ids.append(row_id(number))
    for some in chunks(sorted(ids)):
        unit.connection.execute(
            select(incident.c.id).where(incident.c.id.in_(some)).order_by(incident.c.id).with_for_update()
        )


def create(
    unit: Unit,
    actor: Actor,
    now_ms: int,
    *,
    title: str,
    policy: Policy,
    severity: Severity = Severity.WARNING,
    site: str | None = None,
    device: str | None = None,
    note: str | None = None,
) -> Incident:
    """Raise an incident by hand; returns it with its number."""
    owner = topology.service_of(unit, site, device)
    service = None if owner is None else owner.id
    priority, reason = derive(severity, service, None if owner is None else owner.criticality)
    draft = Incident(
        title,
        severity,
        priority=priority,
        priority_reason=reason,
        site=site or "",
        device=device,
        service=service,
        team=None if owner is None else owner.team,
    )
    new, entries = transition(draft, "raise", actor, now_ms, note=note)
    incident_id = insert(unit, new, policy)
    assert incident_id is not None  # noqa: S101  for the type checker: only an episode can be there already
    timeline.append(unit, ((incident_id, entry) for entry in entries))
    return get(unit, number_of(incident_id))


def pass_deadlines(unit: Unit, now_ms: int, *, policy: Policy, limit: int = 200) -> int:
    """Do what is due on up to `limit` incidents: holds that are over, quiet that lasted, grace that ran out.

    Returns:
        How many were changed; call again while that is `limit`. Incidents that somebody works on right now wait.
    """
    statement = select(incident).where(incident.c.due_ms <= now_ms).order_by(incident.c.due_ms, incident.c.id)
    rows = unit.connection.execute(statement.limit(limit).with_for_update(skip_locked=True)).all()
    changed: list[tuple[int, Entry]] = []
    for row in rows:
        before = from_row(row)
        after, entries = overdue(before, firing=is_firing(unit, row.id), now_ms=now_ms, policy=policy)
        due = due_ms(after, policy)
        next_ms = now_ms + _LOOK_AGAIN_MS if due is not None and due <= now_ms else due
        write(unit, row.id, {**changed_columns(before, after, policy, by_machine=True), "due_ms": next_ms})
        changed.extend((row.id, entry) for entry in entries)
    if changed:
        timeline.append(unit, changed)
    return len({incident_id for incident_id, _ in changed})


def _row(unit: Unit, number: str, statement: Select[Any]) -> Row[Any]:
    row = unit.connection.execute(statement.where(incident.c.id == row_id(number))).one_or_none()
    if row is None:
        msg = f"incident {number!r} does not exist"
        raise NotFound(msg)
    return row


def is_firing(unit: Unit, incident_id: int) -> bool:
    """Say whether an alert that belongs to an incident is not over."""
    unresolved = select(alert.c.id).where(
        alert.c.incident_id == incident_id, alert.c.cause.is_(None), alert.c.state.in_(("firing", "recovering"))
    )
    return unit.connection.execute(unresolved.limit(1)).first() is not None
