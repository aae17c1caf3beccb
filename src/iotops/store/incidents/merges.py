"""One story told by one incident: what people merge, and what they split off again."""

from dataclasses import replace

from sqlalchemy import Row, and_, func, select, update

from iotops.errors import Conflict, NotFound
from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import Actor, Incident
from iotops.incidents.timeline import Entry
from iotops.incidents.transitions import transition
from iotops.store import alerts, timeline
from iotops.store.database import Unit
from iotops.store.incidents.actions import is_firing
from iotops.store.incidents.rows import changed_columns, from_row, row_id, write
from iotops.store.numbers import must_have_version
from iotops.store.tables import alert, incident


def merge(
    unit: Unit,
    number: str,
    into: str,
    actor: Actor,
    now_ms: int,
    *,
    policy: Policy,
    expected_version: int | None = None,
    note: str | None = None,
) -> Incident:
    """Let another incident tell this one's story: its alerts are that one's own from now on.

    Both rows are locked in the order of their numbers, so that two who merge each other's never wait for good.

    Returns:
        The incident that was merged, cancelled now; its number leads to the other one.

    Raises:
        NotFound: one of them does not exist.
        Conflict: they are the same, or the other one is not open.
        StaleVersion: it was changed since `expected_version`.
        IllegalTransition: its state does not allow it.
    """
    rows = _locked(unit, number, into)
    before, target = from_row(rows[row_id(number)]), from_row(rows[row_id(into)])
    if before.number == target.number or not target.is_open:
        msg = f"{before.number} cannot be merged into {target.number}, which is {target.state}; name another, open one"
        raise Conflict(msg)
    must_have_version(before.number, before.version, expected_version)
    firing = is_firing(unit, row_id(number))
    after, said = transition(before, "merge", actor, now_ms, note=note, into=target.number)
    told, entries = transition(
        target, "absorb", actor, now_ms, number=before.number, count=before.alert_count, firing=firing
    )
    _keep(unit, policy, (before, after, said), (target, told, entries))
    alerts.hand_over(unit, [row_id(number)], row_id(into), cause=None)
    return after


def split(
    unit: Unit,
    number: str,
    actor: Actor,
    now_ms: int,
    *,
    policy: Policy,
    expected_version: int | None = None,
    note: str | None = None,
) -> Incident:
    """Make a merged incident one of its own again; alerts of its instance go back to it, and the other one says so.

    Either of them whose own alerts are all over by then resolves by itself, as it would have without the merge.

    Raises:
        NotFound, StaleVersion: as `merge`.
        IllegalTransition: it was not merged into another.
    """
    into = _locked(unit, number)[row_id(number)].merged_into
    rows = _locked(unit, number, *([into] if into else []))
    before = from_row(rows[row_id(number)])
    must_have_version(before.number, before.version, expected_version)
    after, said = transition(before, "split", actor, now_ms, note=note)
    target = from_row(rows[row_id(before.merged_into or "")])
    _take_back(unit, before, row_id(target.number))
    after = replace(after, cleared_ms=_cleared_ms(unit, row_id(number)))
    told, entries = transition(
        target,
        "give_back",
        actor,
        now_ms,
        number=before.number,
        count=before.alert_count,
        cleared_ms=_cleared_ms(unit, row_id(target.number)),
    )
    _keep(unit, policy, (before, after, said), (target, told, entries))
    return after


def _take_back(unit: Unit, before: Incident, from_id: int) -> None:
    mine = row_id(before.number)
    own = and_(alert.c.rule == before.rule, alert.c.instance == before.instance)
    held = and_(alert.c.rule == before.rule, alert.c.cause == before.instance.removeprefix("behind "))
    there = update(alert).where(alert.c.incident_id == from_id)
    unit.connection.execute(there.where(held).values(incident_id=mine))
    unit.connection.execute(there.where(own).values(incident_id=mine, cause=None))


def _cleared_ms(unit: Unit, incident_id: int) -> int | None:
    """Return when the last of an incident's own alerts ended; None while one has not, or where it has none."""
    if is_firing(unit, incident_id):
        return None
    ended = select(func.max(alert.c.resolved_ms)).where(alert.c.incident_id == incident_id, alert.c.cause.is_(None))
    found: int | None = unit.connection.execute(ended).scalar()
    return found


def _locked(unit: Unit, *numbers: str) -> dict[int, Row[tuple[object, ...]]]:
    ids = sorted({row_id(number) for number in numbers})
    statement = select(incident).where(incident.c.id.in_(ids)).order_by(incident.c.id).with_for_update()
    rows = {row.id: row for row in unit.connection.execute(statement)}
    for number in numbers:
        if row_id(number) not in rows:
            msg = f"incident {number!r} does not exist"
            raise NotFound(msg)
    return rows


def _keep(unit: Unit, policy: Policy, *moved: tuple[Incident, Incident, tuple[Entry, ...]]) -> None:
    entries: list[tuple[int, Entry]] = []
    for before, after, said in moved:
        write(unit, row_id(before.number), changed_columns(before, after, policy, by_machine=False))
        entries.extend((row_id(before.number), entry) for entry in said)
    timeline.append(unit, entries)
