"""Suppressions that begin and end: what incidents say of it, and whose notices are held.

Doing any of it again changes nothing: an incident that knows is not told twice, and a suppression counts as applied
only once all of them know. A kill in the middle is made good by the next turn.
"""

from typing import Any

from sqlalchemy import Row, Select, select

from iotops.incidents.incident import OPEN, SYSTEM
from iotops.incidents.suppression import Subject, Suppression, subject_of
from iotops.incidents.timeline import Entry
from iotops.incidents.transitions import transition
from iotops.store import timeline
from iotops.store.database import Database, Unit
from iotops.store.incidents.rows import from_row, write
from iotops.store.pending import IS_OPEN
from iotops.store.suppressions import rows
from iotops.store.suppressions.fleet import subjects
from iotops.store.suppressions.rows import Kept
from iotops.store.tables import alert, incident
from iotops.telemetry.reading import DeviceKey

_AT_ONCE = 200  # incidents in one transaction


def follow(database: Database, now_ms: int) -> None:
    """End what is over because all is clear, and tell incidents what began and ended; in short transactions."""
    with database.read() as unit:
        found = rows.applied(unit)
    for each in found:
        if _is_all_clear(database, each, now_ms):
            with database.begin() as unit:
                rows.mark(unit, each.row, ended_ms=now_ms)
            is_on = False
        else:
            is_on = each.suppression.applies(now_ms)
        if is_on and each.applied_ms is None:
            _begin(database, each, now_ms)
        elif not is_on and each.applied_ms is not None:
            _end(database, each, now_ms)


def _begin(database: Database, kept: Kept, now_ms: int) -> None:
    with database.read() as unit:
        meant = _open_ids(unit, kept.suppression)
    for place in range(0, len(meant), _AT_ONCE):
        with database.begin() as unit:
            _enter(unit, kept.suppression, meant[place : place + _AT_ONCE], now_ms)
    with database.begin() as unit:
        rows.mark(unit, kept.row, applied_ms=now_ms)


def _end(database: Database, kept: Kept, now_ms: int) -> None:
    told = _AT_ONCE
    while told == _AT_ONCE:
        with database.begin() as unit:
            told = _leave(unit, kept.suppression.id, now_ms)
    with database.begin() as unit:
        rows.mark(unit, kept.row, applied_ms=None)


def _enter(unit: Unit, suppression: Suppression, ids: list[int], now_ms: int) -> None:
    said = {"suppression": suppression.id, "kind": suppression.kind, "reason": suppression.reason}
    mine = select(incident).where(incident.c.id.in_(ids), incident.c.muted_by.is_(None))
    entries: list[tuple[int, Entry]] = []
    for row in _locked(unit, mine.where(incident.c.state.in_([state.value for state in OPEN]))):
        after, new = transition(from_row(row), "enter_suppression", SYSTEM, now_ms, **said, effect="notices held")
        write(unit, row.id, {"muted_by": after.muted_by})
        entries.extend((row.id, entry) for entry in new)
    if entries:
        timeline.append(unit, entries)


def _leave(unit: Unit, suppression: str, now_ms: int) -> int:
    entries: list[tuple[int, Entry]] = []
    found = _locked(unit, select(incident).where(incident.c.muted_by == suppression).limit(_AT_ONCE))
    for row in found:
        _, new = transition(
            from_row(row), "leave_suppression", SYSTEM, now_ms, suppression=suppression, effect="notices sent"
        )
        write(unit, row.id, {"muted_by": None})
        entries.extend((row.id, entry) for entry in new)
    if entries:
        timeline.append(unit, entries)
    return len(found)


def _locked(unit: Unit, statement: Select[Any]) -> list[Row[Any]]:
    return list(unit.connection.execute(statement.order_by(incident.c.id).with_for_update()))


def _open_ids(unit: Unit, suppression: Suppression) -> list[int]:
    """Return the open incidents that a suppression is about."""
    columns = (incident.c.id, incident.c.site, incident.c.device, incident.c.rule, incident.c.service)
    statement = select(*columns).where(incident.c.state.in_([state.value for state in OPEN])).order_by(incident.c.id)
    matcher = suppression.matcher
    if matcher.rules:
        statement = statement.where(incident.c.rule.in_(matcher.rules))
    if matcher.sites:
        statement = statement.where(incident.c.site.in_(matcher.sites))
    everybody = subjects(unit)
    found = unit.connection.execute(statement)
    return [row.id for row in found if matcher.fits(_subject(row, everybody))]


def _subject(row: Any, everybody: dict[DeviceKey, Subject]) -> Subject:
    if row.device is None:
        return Subject({"site": row.site} if row.site else {}, row.rule, row.service)
    key = DeviceKey(row.site or "", row.device)
    known = everybody.get(key, subject_of(key, {}))
    return Subject(known.labels, row.rule, row.service or known.service)


def _is_all_clear(database: Database, kept: Kept, now_ms: int) -> bool:
    """Tell whether a suppression that lasts until all is clear has seen something fire, and nothing fires any more."""
    suppression = kept.suppression
    if not suppression.until_cleared or suppression.ended_ms is not None or not suppression.applies(now_ms):
        return False
    with database.read() as unit:
        fires, kept_back = _fires(unit, suppression), _kept_back(unit, suppression)
    if fires and kept.seen_ms is None:
        with database.begin() as unit:
            rows.mark(unit, kept.row, seen_ms=now_ms)
    return not fires and (kept_back or kept.seen_ms is not None)


def _fires(unit: Unit, suppression: Suppression) -> bool:
    """Tell whether an alert fires that a suppression is about."""
    service = select(incident.c.service).where(incident.c.id == alert.c.incident_id).scalar_subquery()
    columns = (alert.c.site, alert.c.device, alert.c.rule, service.label("service"))
    statement = select(*columns).where(IS_OPEN, alert.c.state.in_(("firing", "recovering")))
    matcher = suppression.matcher
    if matcher.rules:
        statement = statement.where(alert.c.rule.in_(matcher.rules))
    if matcher.sites:
        statement = statement.where(alert.c.site.in_(matcher.sites))
    found = unit.connection.execute(statement).all()
    everybody = subjects(unit) if found else {}
    return any(matcher.fits(_subject(row, everybody)) for row in found)


def _kept_back(unit: Unit, suppression: Suppression) -> bool:
    """Tell whether an alert was kept back by a suppression, however short it was."""
    found = select(alert.c.id).where(alert.c.silenced_by == suppression.id).limit(1)
    return unit.connection.execute(found).first() is not None
