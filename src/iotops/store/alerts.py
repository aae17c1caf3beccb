"""Episodes as rows: what a restart loads, and what the API lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, Select, func, select, tuple_, update
from sqlalchemy.sql.expression import bindparam

from iotops.errors import NotFound
from iotops.rules.alert import Alert, AlertKey, AlertState, Transition
from iotops.rules.rule import Severity
from iotops.store.database import Unit
from iotops.store.pending import IS_OPEN, forget_pending
from iotops.store.tables import alert as table
from iotops.store.tables import incident
from iotops.store.upsert import chunks, upsert
from iotops.telemetry.reading import DeviceKey

_FILTERS = ("state", "data", "severity", "site", "device", "rule", "instance", "incident_id")


@dataclass(frozen=True, slots=True)
class KeptAlert:
    """An episode with the number of its incident, None while it has none."""

    alert: Alert
    incident: str | None
    updated_ms: int
    cause: str | None = None
    waits_ms: int | None = None
    silenced_by: str | None = None


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which episodes to list: column -> accepted values (`state data severity site device rule instance incident_id`).

    Columns that are not named accept everything. `explained`: whether another device's incident explains it.
    """

    accepted: Mapping[str, Sequence[str | int]] = field(default_factory=dict)
    explained: bool | None = None


def keep(unit: Unit, alerts: Mapping[AlertKey, Alert | None], transitions: Sequence[Transition], now_ms: int) -> None:
    """Write what a batch made of its alerts, but for their counts (`count`).

    Args:
        unit: the batch's transaction.
        alerts: the open episode of each instance that changed, None where it has none any more.
        transitions: of the batch; episodes that resolved in it are taken from here, because an instance may have
            resolved and begun anew within one batch.
        now_ms: the wall clock.
    """
    resolved = {each.alert.id: each.alert for each in transitions if each.alert.state is AlertState.RESOLVED}
    resolved |= {each.id: each for each in alerts.values() if each and each.state is AlertState.RESOLVED}
    opened = [each for each in alerts.values() if each and each.state is not AlertState.RESOLVED]
    # Before new ones come: one open episode per instance is all that the unique index allows.
    _write(unit, list(resolved.values()), now_ms)
    forget_pending(unit, alerts, now_ms)
    _write(unit, opened, now_ms)


def count(unit: Unit, occurrences: Mapping[str, int], last_true_ms: Mapping[str, int], now_ms: int) -> None:
    """Add the readings of a batch for which the conditions of firing alerts were true; call it after `keep`.

    The row alone holds the sum: what the engine counted on its own would be lost with the process.
    """
    if not occurrences:
        return
    counted = update(table).where(table.c.id == bindparam("episode"))
    counted = counted.values(
        occurrences=table.c.occurrences + bindparam("more"), last_true_ms=bindparam("last"), updated_ms=now_ms
    )
    rows = [
        {"episode": episode, "more": more, "last": last_true_ms[episode]}
        for episode, more in sorted(occurrences.items())
    ]
    unit.connection.execute(counted, rows)


def attach(unit: Unit, incident_of: Mapping[str, int]) -> None:
    """Say which incident episodes belong to: episode id -> incident id."""
    if incident_of:
        statement = update(table).where(table.c.id == bindparam("episode"))
        statement = statement.values(incident_id=bindparam("belongs_to"), cause=None, waits_ms=None, silenced_by=None)
        unit.connection.execute(
            statement, [{"episode": episode, "belongs_to": number} for episode, number in incident_of.items()]
        )


def cover(unit: Unit, explained: Mapping[str, tuple[int, str]]) -> None:
    """Say which incident explains episodes, and by which device: episode id -> (incident id, cause)."""
    if explained:
        statement = update(table).where(table.c.id == bindparam("episode"))
        statement = statement.values(incident_id=bindparam("belongs_to"), cause=bindparam("by"), waits_ms=None)
        rows = [{"episode": name, "belongs_to": found, "by": by} for name, (found, by) in explained.items()]
        unit.connection.execute(statement, rows)


def hand_over(unit: Unit, from_ids: Sequence[int], to_id: int, *, cause: str | None) -> None:
    """Give the episodes of incidents to another, which explains them where `cause` names it."""
    for ids in chunks(from_ids):
        moved = update(table).where(table.c.incident_id.in_(ids))
        unit.connection.execute(moved.values(incident_id=to_id, cause=func.coalesce(table.c.cause, cause)))


def load_open(unit: Unit) -> list[Alert]:
    """Return every episode that is not resolved, pending ones too."""
    rows = unit.connection.execute(select(table).where(IS_OPEN))
    return [alert_of(row) for row in rows]


def page(unit: Unit, chosen: AlertFilter, *, limit: int, after: tuple[int, str] | None = None) -> list[KeptAlert]:
    """Return at most `limit` episodes, those that began last first.

    Args:
        unit: a transaction.
        chosen: which ones.
        limit: how many at most.
        after: (began_ms, id) of the last one of the page before.
    """
    statement = _joined()
    for name, accepted in chosen.accepted.items():
        if name not in _FILTERS:
            msg = f"alerts cannot be filtered by {name!r}; choose from {', '.join(_FILTERS)}"
            raise ValueError(msg)
        statement = statement.where(table.c[name].in_(list(accepted)))
    if chosen.explained is not None:
        statement = statement.where(table.c.cause.is_not(None) if chosen.explained else table.c.cause.is_(None))
    if after is not None:
        statement = statement.where(tuple_(table.c.began_ms, table.c.id) < tuple_(*after))
    rows = unit.connection.execute(statement.order_by(table.c.began_ms.desc(), table.c.id.desc()).limit(limit))
    return [_kept(row) for row in rows]


def get(unit: Unit, episode: str) -> KeptAlert:
    """Return one episode.

    Raises:
        NotFound: there is none with that id.
    """
    row = unit.connection.execute(_joined().where(table.c.id == episode)).one_or_none()
    if row is None:
        msg = f"alert {episode!r} does not exist; ids are those of /api/v1/alerts"
        raise NotFound(msg)
    return _kept(row)


def _joined() -> Select[Any]:
    return select(table, incident.c.number).outerjoin(incident, incident.c.id == table.c.incident_id)


def _write(unit: Unit, alerts: Sequence[Alert], now_ms: int) -> None:
    upsert(unit, table, [row_of(alert, now_ms) for alert in alerts], keep=("occurrences", "last_true_ms"))


def row_of(alert: Alert, now_ms: int) -> dict[str, Any]:
    """Return the columns of an episode, but for what ties it to an incident."""
    return {
        "id": alert.id,
        "rule": alert.key.rule,
        "instance": alert.key.instance,
        "rule_version": alert.rule_version,
        "semantic_hash": alert.semantic_hash,
        "site": alert.site,
        "device": alert.device.device if alert.device else None,
        "state": alert.state.value,
        "data": "known" if alert.data_known else "unknown",
        "severity": alert.severity.word,
        "suppressed_by": alert.suppressed_by,
        "began_ms": alert.began_ms,
        "fired_ms": alert.fired_ms,
        "resolved_ms": alert.resolved_ms,
        "last_true_ms": alert.last_true_ms,
        "checked_ms": alert.checked_ms,
        "occurrences": alert.occurrences,
        "summary": alert.summary,
        "machine": {
            "true_since": {severity.word: at_ms for severity, at_ms in alert.true_since_ms.items()},
            "reached": sorted(severity.word for severity in alert.tiers_reached),
            "clear_since": alert.clear_since_ms,
            "unless_since": alert.unless_since_ms,
        },
        "evidence": dict(alert.evidence),
        "updated_ms": now_ms,
    }


def alert_of(row: Row[Any]) -> Alert:
    """Return the episode that a row holds."""
    clocks = row.machine
    return Alert(
        id=row.id,
        key=AlertKey(row.rule, row.instance),
        rule_version=row.rule_version,
        semantic_hash=row.semantic_hash,
        site=row.site,
        device=None if row.device is None else DeviceKey(row.site, row.device),
        state=AlertState(row.state),
        severity=_severity(row.severity),
        began_ms=row.began_ms,
        data_known=row.data == "known",
        suppressed_by=row.suppressed_by,
        true_since_ms={_severity(word): at_ms for word, at_ms in clocks["true_since"].items()},
        tiers_reached=frozenset(_severity(word) for word in clocks["reached"]),
        clear_since_ms=clocks["clear_since"],
        unless_since_ms=clocks["unless_since"],
        fired_ms=row.fired_ms,
        resolved_ms=row.resolved_ms,
        last_true_ms=row.last_true_ms,
        checked_ms=row.checked_ms,
        occurrences=row.occurrences,
        summary=row.summary,
        evidence=row.evidence,
    )


def _severity(word: str) -> Severity:
    return Severity[word.upper()]


def _kept(row: Row[Any]) -> KeptAlert:
    return KeptAlert(alert_of(row), row.number, row.updated_ms, row.cause, row.waits_ms, row.silenced_by)
