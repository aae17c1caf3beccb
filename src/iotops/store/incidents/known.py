"""What correlation has to know of incidents before it works through a batch, read and locked in one order."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import String, column, func, select, text, values

from iotops.incidents.casework import Attached, Case, Covered
from iotops.incidents.causes import finds_down
from iotops.incidents.desk import Known, Queue, Surroundings
from iotops.incidents.drafts import BEHIND
from iotops.incidents.incident import OPEN, Incident, State
from iotops.rules.alert import AlertKey, Change, Transition
from iotops.rules.rule import Severity
from iotops.store.database import Unit
from iotops.store.incidents.rows import from_row, row_id
from iotops.store.pairs import is_pair
from iotops.store.tables import alert, incident
from iotops.store.upsert import chunks
from iotops.telemetry.reading import DeviceKey

_OWN_BUSINESS = frozenset({Change.PENDING, Change.ENDED, Change.RECOVERING, Change.REFIRED})
# Spelled as the partial index is, and as text: with a parameter, or the `= 1` that SQLAlchemy puts behind a boolean
# for SQLite, the database could not know that the index will do.
IS_OUTAGE = text("incident.outage")
_LIVE = [*(state.value for state in OPEN), State.RESOLVED.value]
_MERGES = 20  # an incident merged into one that was merged in turn: so far that chain is followed
_NOTHING_AROUND = Surroundings()
_NOBODY = Queue()


@dataclass(slots=True)
class _Interest:
    """What a batch may touch: instances, episodes, and devices that others lie behind."""

    keys: set[AlertKey] = field(default_factory=set)
    episodes: set[str] = field(default_factory=set)
    devices: set[DeviceKey] = field(default_factory=set)
    recent_since_ms: int | None = None


def open_for(
    unit: Unit,
    transitions: Iterable[Transition],
    around: Surroundings = _NOTHING_AROUND,
    queue: Queue = _NOBODY,
    now_ms: int = 0,
) -> Known:
    """Return the incidents that a batch may touch, with their unresolved alerts.

    The rows stay locked until the unit ends: what people do meanwhile comes after what correlation decides.

    Args:
        unit: a write unit.
        transitions: of the batch.
        around: as for `correlate`.
        queue: as for `correlate`.
        now_ms: the wall clock.
    """
    interest = _interest([each for each in transitions if each.change not in _OWN_BUSINESS], around, queue, now_ms)
    newest = _newest_ids(unit, interest.keys)
    holder_of = _holder_ids(unit, interest.episodes)
    outages = _outage_ids(unit, interest.devices)
    recent = _recent_ids(unit, interest.recent_since_ms)
    cases = _cases(unit, {*newest.values(), *holder_of.values(), *outages.values(), *recent}, interest.episodes)
    return Known(
        newest={key: _told_by(cases, found) for key, found in newest.items()},
        holders={episode: _told_by(cases, found) for episode, found in holder_of.items() if found in cases},
        outages={device: cases[found] for device, found in outages.items()},
        recent=[cases[found] for found in recent],
    )


def open_storms(unit: Unit) -> list[DeviceKey]:
    """Return the devices of open incidents for what lies behind them, without an alert of their own."""
    statement = select(incident.c.site, incident.c.device).where(
        incident.c.state.in_([state.value for state in OPEN]),
        incident.c.outage,
        incident.c.instance.startswith(BEHIND),
    )
    return [DeviceKey(row.site, row.device) for row in unit.connection.execute(statement)]


def _interest(touched: Sequence[Transition], around: Surroundings, queue: Queue, now_ms: int) -> _Interest:
    found = _Interest()
    due = queue.waiting.keys() if queue.due is None else queue.due
    waiting = [queue.waiting[each].alert for each in due]
    found.keys.update(queue.grown)
    found.devices.update(queue.returned)
    windows_ms = [rule.merge_window_ms for rule in around.rules.values()]
    for each in (*(transition.alert for transition in touched), *waiting):
        found.keys.add(each.key)
        found.episodes.add(each.id)
        if each.device is not None:
            found.devices.update(around.landscape.ancestors(each.device))
        if each.suppressed_by is not None:
            found.keys.update(cause.key for cause in around.explanations(each))
    parents = {each.alert.device for each in touched if _may_be_a_cause(each, around)}
    found.devices.update(each for each in parents if each is not None)
    if parents or waiting:
        found.recent_since_ms = now_ms - max(windows_ms, default=0)
    return found


def _may_be_a_cause(found: Transition, around: Surroundings) -> bool:
    device: DeviceKey | None = found.alert.device
    if device is None or found.change not in (Change.FIRED, Change.UNSUPPRESSED):
        return False
    return finds_down(around.rules.get(found.alert.key.rule)) and bool(around.landscape.children(device))


def _newest_ids(unit: Unit, keys: Collection[AlertKey]) -> dict[AlertKey, int]:
    found: dict[AlertKey, int] = {}
    for chunk in chunks(sorted(keys)):
        asked = values(column("rule", String), column("instance", String), name="asked").data(chunk).cte("asked")
        # One look into the index per instance; grouping instead would read all of it.
        newest = (
            select(func.max(incident.c.id))
            .where(incident.c.rule == asked.c.rule, incident.c.instance == asked.c.instance)
            .scalar_subquery()
        )
        for row in unit.connection.execute(select(asked.c.rule, asked.c.instance, newest.label("id"))):
            if row.id is not None:
                found[AlertKey(row.rule, row.instance)] = row.id
    return found


def _holder_ids(unit: Unit, episodes: Collection[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for ids in chunks(sorted(episodes)):
        statement = select(alert.c.id, alert.c.incident_id)
        for row in unit.connection.execute(statement.where(alert.c.id.in_(ids), alert.c.incident_id.is_not(None))):
            found[row.id] = row.incident_id
    return found


def _outage_ids(unit: Unit, devices: Collection[DeviceKey]) -> dict[DeviceKey, int]:
    found: dict[DeviceKey, int] = {}
    for keys in chunks(sorted(devices)):
        statement = select(incident.c.site, incident.c.device, func.max(incident.c.id).label("id"))
        # By the name of the device the index of outages is entered, which are few; the pair says whose name it is.
        statement = statement.where(IS_OUTAGE, incident.c.device.in_({key.device for key in keys}))
        statement = statement.where(is_pair((incident.c.site, incident.c.device), keys))
        statement = statement.where(incident.c.state.in_(_LIVE)).group_by(incident.c.site, incident.c.device)
        for row in unit.connection.execute(statement):
            found[DeviceKey(row.site, row.device)] = row.id
    return found


def _recent_ids(unit: Unit, since_ms: int | None) -> list[int]:
    if since_ms is None:
        return []
    statement = select(incident.c.id).where(incident.c.raised_ms >= since_ms, incident.c.state == State.NEW.value)
    return list(
        unit.connection.execute(statement.where(incident.c.rule.is_not(None)).order_by(incident.c.id)).scalars()
    )


def _cases(unit: Unit, ids: Collection[int], episodes: Collection[str]) -> dict[int, Case]:
    """Lock and read incidents, those that they were merged into among them, with their alerts."""
    found: dict[int, Incident] = {}
    missing = set(ids)
    for _ in range(_MERGES):
        for chunk in chunks(sorted(missing)):
            statement = select(incident).where(incident.c.id.in_(chunk)).order_by(incident.c.id).with_for_update()
            found.update((row.id, from_row(row)) for row in unit.connection.execute(statement))
        missing = {row_id(each.merged_into) for each in found.values() if each.merged_into} - found.keys()
        if not missing:
            break
    own = _own_alerts(unit, found)
    seen = _seen(unit, episodes)
    covered = _covered_alerts(unit, found)
    return {
        name: Case(each, own.get(name, {}), frozenset(seen.get(name, ())), covered.get(name, {}))
        for name, each in found.items()
    }


def _told_by(cases: Mapping[int, Case], incident_id: int) -> Case:
    """Return the incident that tells an incident's story now: itself, or what it was merged into."""
    case = cases[incident_id]
    for _ in range(_MERGES):
        into = case.incident.merged_into
        if into is None or row_id(into) not in cases:
            break
        case = cases[row_id(into)]
    return case


def _own_alerts(unit: Unit, incident_ids: Iterable[int]) -> dict[int, dict[str, Attached]]:
    found: dict[int, dict[str, Attached]] = {}
    columns = (alert.c.id, alert.c.incident_id, alert.c.severity, alert.c.data, alert.c.suppressed_by)
    for ids in chunks(tuple(incident_ids)):
        statement = select(*columns).where(alert.c.incident_id.in_(ids), alert.c.cause.is_(None))
        for row in unit.connection.execute(statement.where(alert.c.state.in_(("firing", "recovering")))):
            standing = Attached(Severity[row.severity.upper()], row.data == "known", row.suppressed_by)
            found.setdefault(row.incident_id, {})[row.id] = standing
    return found


def _covered_alerts(unit: Unit, incident_ids: Iterable[int]) -> dict[int, dict[str, Covered]]:
    found: dict[int, dict[str, Covered]] = {}
    columns = (alert.c.id, alert.c.incident_id, alert.c.rule, alert.c.instance, alert.c.site, alert.c.device)
    for ids in chunks(tuple(incident_ids)):
        statement = select(*columns).where(alert.c.incident_id.in_(ids), alert.c.cause.is_not(None))
        for row in unit.connection.execute(statement.where(alert.c.state != "resolved")):
            device = None if row.device is None else DeviceKey(row.site, row.device)
            found.setdefault(row.incident_id, {})[row.id] = Covered(AlertKey(row.rule, row.instance), device)
    return found


def _seen(unit: Unit, episodes: Collection[str]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for episode, incident_id in _holder_ids(unit, episodes).items():
        found.setdefault(incident_id, set()).add(episode)
    return found
