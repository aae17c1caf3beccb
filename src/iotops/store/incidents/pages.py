"""Lists of incidents, a page at a time: filters, orders, and keys that continue after the last row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, false, or_, select

from iotops.errors import NotFound
from iotops.incidents.incident import Incident, State
from iotops.rules.rule import Severity
from iotops.store.database import Unit
from iotops.store.incidents.rows import from_row, row_id
from iotops.store.tables import incident

Key = tuple[int | str | None, ...]
"""The sort values of a row, and its id: where the next page starts."""

_NEWEST_FIRST = "-raised_at"


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


class Page(NamedTuple):
    """Incidents in the order asked for, and the key to continue with; None on the last page."""

    items: list[Incident]
    next_key: Key | None


class _Term(NamedTuple):
    """One column of an order."""

    column: ColumnElement[Any]
    descending: bool
    type: type


class _Sortable(NamedTuple):
    column: ColumnElement[Any]
    type: type
    inverted: bool = False  # the greatest value comes first in the column's own order


SORTABLE = {
    "raised_at": _Sortable(incident.c.raised_ms, int),
    "number": _Sortable(incident.c.id, int),
    # The most pressing counts as the greatest: `-priority` begins with P1, `-severity` with critical.
    "priority": _Sortable(incident.c.priority, str, inverted=True),
    "severity": _Sortable(case({each.word: each.value for each in Severity}, value=incident.c.severity), int),
    "state": _Sortable(case({each.value: place for place, each in enumerate(State)}, value=incident.c.state), int),
}
"""What lists can be sorted by."""


def _parse_sort(text: str) -> tuple[_Term, ...]:
    """Return the order of `-priority,raised_at` and the like, made total by the id.

    Raises:
        ValueError: a name that is not in `SORTABLE`, or one that comes twice.
    """
    names = [name.strip() for name in text.split(",")]
    plain = [name.removeprefix("-") for name in names]
    unknown = [name for name in plain if name not in SORTABLE]
    if unknown or len(set(plain)) < len(plain):
        found = f"{unknown[0]!r} is none of them" if unknown else "one comes twice"
        msg = f"sort: expected some of {', '.join(SORTABLE)}, each with or without -; {found} in {text!r}"
        raise ValueError(msg)
    terms = []
    for name, bare in zip(names, plain, strict=True):
        sortable = SORTABLE[bare]
        terms.append(_Term(sortable.column, name.startswith("-") != sortable.inverted, sortable.type))
    return (*terms, _Term(incident.c.id, names[-1].startswith("-"), int))


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
    terms = _parse_sort(sort)
    statement = select(incident, *(term.column.label(f"key_{place}") for place, term in enumerate(terms)))
    statement = statement.where(*conditions(filters))
    if after is not None:
        statement = statement.where(_beyond(terms, _checked(terms, after)))
    order = [term.column.desc() if term.descending else term.column.asc() for term in terms]
    rows = unit.connection.execute(statement.order_by(*order).limit(limit + 1)).all()
    items = [from_row(row) for row in rows[:limit]]
    if len(rows) <= limit:
        return Page(items, None)
    last = rows[limit - 1]._mapping  # noqa: SLF001  public in spite of its name, see SQLAlchemy's Row
    return Page(items, tuple(last[f"key_{place}"] for place in range(len(terms))))


def conditions(filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions under which an incident passes the filters."""
    names = ("state", "priority", "site", "service", "device", "rule", "assignee", "problem")
    found: list[ColumnElement[bool]] = [
        incident.c[name].in_(getattr(filters, name)) for name in names if getattr(filters, name)
    ]
    if filters.since_ms is not None:
        found.append(incident.c.raised_ms >= filters.since_ms)
    if filters.until_ms is not None:
        found.append(incident.c.raised_ms < filters.until_ms)
    if filters.q:
        found.append(_mentions(filters.q))
    return found


def _mentions(text: str) -> ColumnElement[bool]:
    columns = (incident.c.title, incident.c.device, incident.c.site, incident.c.rule, incident.c.service)
    try:
        numbered: ColumnElement[bool] = incident.c.id == row_id(text)
    except NotFound:
        numbered = false()
    return or_(numbered, *(column.icontains(text, autoescape=True) for column in columns))


def _checked(terms: Sequence[_Term], key: Sequence[int | str | None]) -> Sequence[int | str]:
    values = [value for value, term in zip(key, terms, strict=False) if type(value) is term.type]
    if len(values) != len(terms) or len(key) != len(terms):
        msg = f"cursor: expected the key of a row in this order ({len(terms)} values), found {list(key)!r}"
        raise ValueError(msg)
    return [value for value in values if value is not None]


def _beyond(terms: Sequence[_Term], key: Sequence[int | str]) -> ColumnElement[bool]:
    """Return the condition for the rows after `key`: greater in the first term that is not equal."""
    later = [
        and_(
            *(before.column == value for before, value in zip(terms[:place], key[:place], strict=True)),
            term.column < key[place] if term.descending else term.column > key[place],
        )
        for place, term in enumerate(terms)
    ]
    first = terms[0].column <= key[0] if terms[0].descending else terms[0].column >= key[0]
    return and_(first, or_(*later))  # `first` says nothing new, but lets the index be entered at the right place
