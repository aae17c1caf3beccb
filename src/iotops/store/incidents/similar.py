"""What fixed it last time: resolved incidents of the same rule and instance, else of devices of the same kind."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, and_, select

from iotops.incidents.incident import Incident, State
from iotops.store.database import Unit
from iotops.store.devices import joined, shape
from iotops.store.incidents.rows import from_row, row_id
from iotops.store.labels import Labels
from iotops.store.pairs import is_pair
from iotops.store.tables import device, incident, timeline, timeline_text
from iotops.store.upsert import chunks
from iotops.telemetry.reading import DeviceKey

_LOOKED_AT = 200  # of the newest resolved incidents; who reads them wants the last ones
_BY_MACHINE = frozenset({"cleared", "rule changed", "rule removed", "retired", "no longer matched"})


class Fix(NamedTuple):
    """An ending that people gave to incidents, and how often."""

    code: str | None
    cause: str | None
    times: int


@dataclass(frozen=True, slots=True)
class Similar:
    """Incidents like one, resolved by people, the last first.

    Attributes:
        like: what they share with it beside the rule: `instance`, `model` or `type`; None: there are none.
        items: each with what was written when it was resolved.
        fixes: the most frequent first, over more than the items shown.
        by_itself: how many others like it ended without anybody saying how.
    """

    like: str | None = None
    items: Sequence[tuple[Incident, str | None]] = ()
    fixes: Sequence[Fix] = ()
    by_itself: int = 0


def similar(unit: Unit, to: Incident, *, site: str | None, limit: int) -> Similar:
    """Return what ended incidents like one; of a site only where it is given.

    Those of its own instance count first; where people ended none of them, devices of the same model, then type.
    """
    if not to.rule:
        return Similar()
    statement = _resolved(to)
    if site is not None:
        statement = statement.where(incident.c.site == site)
    own = _ended(
        unit, statement.where(incident.c.instance == to.instance).order_by(None).order_by(incident.c.id.desc())
    )
    if _by_people(own):
        return _told(unit, "instance", own, limit)
    others = _ended(unit, statement.where(incident.c.instance != to.instance))
    kinds = _labels(unit, {_key(each) for each in (to, *others)} - {None})
    for name in ("model", "type"):
        mine = _kind(kinds, to, name)
        alike = [each for each in others if mine is not None and _kind(kinds, each, name) == mine]
        if _by_people(alike):
            return _told(unit, name, alike, limit)
    return Similar("instance", by_itself=len(own)) if own else Similar()


def _resolved(to: Incident) -> Select[Any]:
    over = incident.c.state.in_((State.RESOLVED.value, State.CLOSED.value))
    statement = select(incident).where(incident.c.rule == to.rule, over, incident.c.id != row_id(to.number))
    return statement.order_by(incident.c.raised_ms.desc(), incident.c.id.desc()).limit(_LOOKED_AT)


def _ended(unit: Unit, statement: Select[Any]) -> list[Incident]:
    rows: Sequence[Row[Any]] = unit.connection.execute(statement).all()
    return sorted((from_row(row) for row in rows), key=lambda each: each.resolved_ms or 0, reverse=True)


def _by_people(found: Sequence[Incident]) -> list[Incident]:
    return [each for each in found if each.cause or each.resolution_code not in (None, *_BY_MACHINE)]


def _told(unit: Unit, like: str, found: Sequence[Incident], limit: int) -> Similar:
    fixed = _by_people(found)
    counted = Counter((each.resolution_code, each.cause) for each in fixed)
    notes = _notes(unit, [row_id(each.number) for each in fixed[:limit]])
    items = [(each, notes.get(row_id(each.number))) for each in fixed[:limit]]
    fixes = [Fix(code, cause, count) for (code, cause), count in counted.most_common(limit)]
    return Similar(like, items, fixes, len(found) - len(fixed))


def _notes(unit: Unit, ids: Sequence[int]) -> dict[int, str]:
    """Return incident -> what was written with its last resolution."""
    statement = select(timeline.c.incident_id, timeline_text.c.text).join(
        timeline_text, timeline_text.c.seq == timeline.c.seq
    )
    mine = and_(timeline.c.incident_id.in_(ids), timeline.c.type == "resolved")
    rows = unit.connection.execute(statement.where(mine).order_by(timeline.c.seq))
    return {row.incident_id: row.text for row in rows}


def _key(found: Incident) -> DeviceKey | None:
    return None if found.device is None else DeviceKey(found.site, found.device)


def _labels(unit: Unit, keys: set[DeviceKey | None]) -> dict[DeviceKey, Labels]:
    found: dict[DeviceKey, Labels] = {}
    for chunk in chunks(key for key in keys if key is not None):
        rows = unit.connection.execute(joined().where(is_pair((device.c.site, device.c.device), chunk)))
        found.update((each.key, each.labels) for each in map(shape, rows))
    return found


def _kind(kinds: dict[DeviceKey, Labels], found: Incident, name: str) -> str | None:
    key = _key(found)
    return None if key is None else kinds.get(key, {}).get(name)
