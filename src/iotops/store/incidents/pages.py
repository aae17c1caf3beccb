"""Lists of incidents, a page at a time: filters, orders, and keys that continue after the last row.

With a million incidents only what an index leads to is quick. A page is looked up as narrow rows first, stretch by
stretch of its order, and only the incidents that are shown are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, select, union_all

from iotops.incidents.incident import Incident, State
from iotops.store.database import Unit
from iotops.store.incidents.orders import Term, Value, beyond, checked, leading_terms, parse_sort, stretches
from iotops.store.incidents.rows import from_row
from iotops.store.incidents.searches import mentions
from iotops.store.tables import incident
from iotops.store.upsert import chunks

Key = tuple[int | str | None, ...]
"""The sort values of a row, and its id: where the next page starts."""

_NEWEST_FIRST = "-raised_at"
_COLUMNS = ("state", "priority", "site", "service", "device", "rule", "assignee", "problem")
_STATES = tuple(each.value for each in State)
_NARROW = frozenset({"site", "service", "device", "rule", "assignee", "problem"})


@dataclass(frozen=True, slots=True)
class Filters:
    """What to list. Each tuple is a choice of values, empty for all; `q` is searched for in the texts.

    `since_ms` (inclusive) and `until_ms` (exclusive) bound `raised_ms`.
    """

    state: tuple[str, ...] = ()
    priority: tuple[str, ...] = ()
    site: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    device: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    assignee: tuple[str, ...] = ()
    problem: tuple[str, ...] = ()
    q: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    @property
    def given(self) -> dict[str, tuple[str, ...]]:
        """Return column -> the values asked for, of those columns for which any are."""
        return {name: getattr(self, name) for name in _COLUMNS if getattr(self, name)}


class Page(NamedTuple):
    """Incidents in the order asked for, and the key to continue with; None on the last page."""

    items: list[Incident]
    next_key: Key | None


class _Found(NamedTuple):
    """A row of the page: its key, and its id."""

    key: Key
    id: int


def page(
    unit: Unit,
    filters: Filters,
    *,
    sort: str = _NEWEST_FIRST,
    after: Sequence[int | str | None] | None = None,
    limit: int,
) -> Page:
    """Return up to `limit` incidents that pass the filters, starting after the row with the key `after`.

    Rows that come or change meanwhile never shift a page: none that stays where it was is skipped or told twice.

    Raises:
        ValueError: an unknown order, or a key that is not one of this order.
    """
    terms = parse_sort(sort)
    key = None if after is None else checked(terms, after)
    found = _find(unit, filters, terms, key, limit + 1)
    items = _read(unit, [each.id for each in found[:limit]])
    return Page(items, found[limit - 1].key if len(found) > limit else None)


def conditions(unit: Unit, filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions under which an incident passes the filters."""
    return [*(incident.c[name].in_(values) for name, values in filters.given.items()), *_others(unit, filters)]


def _others(unit: Unit, filters: Filters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.since_ms is not None:
        found.append(incident.c.raised_ms >= filters.since_ms)
    if filters.until_ms is not None:
        found.append(incident.c.raised_ms < filters.until_ms)
    if filters.q:
        found.append(mentions(unit, filters.q))
    return found


def _find(unit: Unit, filters: Filters, terms: Sequence[Term], key: Sequence[Value] | None, most: int) -> list[_Found]:
    rest = terms[len(leading_terms(terms)) :]
    named = {column.name for _, column in leading_terms(terms)}
    others = _others(unit, filters)
    given = {name: values for name, values in filters.given.items() if name not in named}
    if "severity" in named and "state" not in named:
        given.setdefault("state", _STATES)  # the index by severity begins with the state
    columns = [incident.c.id, *(term.by.column.label(f"key_{place}") for place, term in enumerate(rest))]
    found: list[_Found] = []
    for stretch in stretches(terms, key, filters.given):
        statement = select(*columns).where(*stretch.same, *others)
        if stretch.after is not None:
            statement = statement.where(beyond(rest, stretch.after))
        rows = _rows(unit, statement, given, rest, most - len(found))
        found.extend(_Found((*stretch.values, *row[1:]), row.id) for row in rows)
        if len(found) == most:
            break
    return found


def _rows(
    unit: Unit, statement: Select[Any], given: dict[str, tuple[str, ...]], rest: Sequence[Term], most: int
) -> Sequence[Row[Any]]:
    """Return the first rows. Of several states each is looked up apart: together no index has them in order."""
    order = [term.clause for term in rest]
    states = given.get("state", ())
    narrow = statement.where(*(incident.c[name].in_(found) for name, found in given.items() if name != "state"))
    if len(states) < 2 or given.keys() & _NARROW:
        narrow = narrow.where(incident.c.state.in_(states)) if states else narrow
        return unit.connection.execute(narrow.order_by(*order).limit(most)).all()
    arms = [narrow.where(incident.c.state == state).order_by(*order).limit(most).subquery() for state in states]
    merged = union_all(*(select(arm) for arm in arms)).subquery()
    ways = [
        column.desc() if term.descending else column.asc()
        for term, column in zip(rest, list(merged.c)[1:], strict=True)
    ]
    return unit.connection.execute(select(merged).order_by(*ways).limit(most)).all()


def _read(unit: Unit, ids: Sequence[int]) -> list[Incident]:
    found: dict[int, Incident] = {}
    for some in chunks(ids):
        rows = unit.connection.execute(select(incident).where(incident.c.id.in_(some)))
        found.update((row.id, from_row(row)) for row in rows)
    return [found[each] for each in ids]
