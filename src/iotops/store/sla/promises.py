"""Which promise an incident gets, and promises as they were given."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Row, Table, select

from iotops.incidents.incident import Incident
from iotops.incidents.promise import Promise, promise_from, reasons
from iotops.rules.calendar import ALWAYS, Calendar, read_closed, read_week
from iotops.store.database import Unit
from iotops.store.tables import calendar, service, site, sla_edition, sla_policy, supplier
from iotops.store.upsert import INSERT, chunks

DEFAULT_POLICY = "default"
"""The policy of every incident whose service names none."""


class Given(NamedTuple):
    """What is promised of one incident: by us, and by the supplier who delivers what is missing."""

    ours: Promise | None = None
    suppliers: Promise | None = None

    def of(self, kind: str) -> Promise | None:
        """Return the promise that a kind of clock runs against."""
        return self.suppliers if kind == "supplier" else self.ours


def any_policy(unit: Unit) -> bool:
    """Tell whether any policy is declared."""
    return unit.connection.execute(select(sla_policy.c.id).limit(1)).first() is not None


def would_be_promised(unit: Unit, incidents: Iterable[Incident], near: float) -> dict[str, Given]:
    """Return number -> what the policies as declared now promise of each incident.

    The policy is that of its service, else `default`; the supplier's is the supplier's own. Its calendar counts, else
    that of the incident's site, else every hour; the time zone is the calendar's, else the site's, else UTC.
    """
    asked = list(incidents)
    services = _rows(unit, service, {each.service for each in asked})
    suppliers = _rows(unit, supplier, {each.supplier for each in asked})
    sites = _rows(unit, site, {each.site for each in asked})
    policies = {row.id: row for row in unit.connection.execute(select(sla_policy))}
    calendars = {row.id: row for row in unit.connection.execute(select(calendar))}

    def promise(policy_id: str | None, place: Row[Any] | None) -> Promise | None:
        policy = policies.get(policy_id or "")
        return None if policy is None else _promise(policy, place, calendars, near)

    found = {}
    for each in asked:
        place = sites.get(each.site)
        named = services[each.service].sla_policy if each.service in services else None
        theirs = suppliers[each.supplier].sla_policy if each.supplier in suppliers else None
        found[each.number] = Given(promise(named or DEFAULT_POLICY, place), promise(theirs, place))
    return found


def keep(unit: Unit, promises: Collection[Promise], now_ms: int) -> None:
    """Keep promises as they are given, each once."""
    rows = [{"digest": each.digest, "kept_ms": now_ms, "content": each.content} for each in promises]
    if rows:
        unit.connection.execute(INSERT[unit.dialect](sla_edition).on_conflict_do_nothing(), rows)


def load(unit: Unit, digests: Collection[str]) -> dict[str, Promise]:
    """Return digest -> promise, as it was given."""
    found: dict[str, Promise] = {}
    for chunk in chunks(sorted(set(digests))):
        rows = unit.connection.execute(select(sla_edition).where(sla_edition.c.digest.in_(chunk)))
        found.update((row.digest, promise_from(row.content)) for row in rows)
    return found


def _rows(unit: Unit, table: Table, ids: Collection[str | None]) -> dict[str, Row[Any]]:
    found: dict[str, Row[Any]] = {}
    for chunk in chunks(sorted(each for each in ids if each)):
        found.update((row.id, row) for row in unit.connection.execute(select(table).where(table.c.id.in_(chunk))))
    return found


def _promise(policy: Row[Any], place: Row[Any] | None, calendars: Mapping[str, Row[Any]], near: float) -> Promise:
    named = policy.calendar or (None if place is None else place.calendar)
    return Promise(
        policy=policy.id,
        respond_minutes=policy.respond_minutes or {},
        resolve_minutes=policy.resolve_minutes or {},
        pause_on=reasons(policy.pause_on or ()),
        near=near,
        calendar=_calendar(calendars.get(named or ""), None if place is None else place.timezone),
    )


def _calendar(row: Row[Any] | None, timezone: str | None) -> Calendar:
    """Return a calendar; without hours every hour of a day that is none off counts, and without a row every one."""
    if row is None:
        return Calendar()
    week = read_week(row.hours) if row.hours else ALWAYS
    return Calendar(row.timezone or timezone or "UTC", week, row.holidays or "", read_closed(row.closed or ()))
