"""Orders of incidents: `-priority,raised_at` and the like, with keys that say where a page ended."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product, takewhile
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, and_, case, or_

from iotops.incidents.incident import State
from iotops.incidents.priority import PRIORITIES
from iotops.rules.rule import Severity
from iotops.store.tables import incident

Value = int | str


@dataclass(frozen=True, slots=True)
class Sortable:
    """What lists can be sorted by.

    Attributes:
        column: what the database sorts by.
        type: of its values.
        inverted: the greatest comes first in the column's own order.
        named: column with a name for each of few values; `choices`: sort value -> name, in the column's own order.
    """

    column: ColumnElement[Any]
    type: type
    inverted: bool = False
    named: Column[str] | None = None
    choices: Mapping[Value, str] = field(default_factory=dict)


def _ranked(column: Column[str], names: Sequence[str]) -> Sortable:
    ranks = {name: place for place, name in enumerate(names)}
    return Sortable(case(ranks, value=column), int, named=column, choices=dict(enumerate(names)))


SORTABLE: Mapping[str, Sortable] = {
    "raised_at": Sortable(incident.c.raised_ms, int),
    "number": Sortable(incident.c.id, int),
    # The most pressing counts as the greatest: `-priority` begins with P1, `-severity` with critical.
    "priority": Sortable(incident.c.priority, str, True, incident.c.priority, {each: each for each in PRIORITIES}),
    "severity": _ranked(incident.c.severity, [each.word for each in sorted(Severity)]),
    "state": _ranked(incident.c.state, [each.value for each in State]),
}


class Term(NamedTuple):
    """One part of an order: what to sort by, and which way."""

    by: Sortable
    descending: bool

    @property
    def clause(self) -> ColumnElement[Any]:
        """Return what stands in ORDER BY."""
        return self.by.column.desc() if self.descending else self.by.column.asc()

    @property
    def choices(self) -> Sequence[Value]:
        """Return the few values it can have, in this order; none where they are many."""
        found = tuple(self.by.choices)
        return found[::-1] if self.descending else found


class Stretch(NamedTuple):
    """A part of an order in which all incidents have the same values of the terms that come first.

    Attributes:
        values: of these terms.
        same: the condition for them.
        after: the key to continue after within the stretch, of the terms that are left; None: from its beginning.
    """

    values: tuple[Value, ...]
    same: list[ColumnElement[bool]]
    after: Sequence[Value] | None


def parse_sort(text: str) -> tuple[Term, ...]:
    """Return the terms of an order, made total by when incidents were raised, and their numbers.

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
    last = "-" if names[-1].startswith("-") else ""
    if not {"raised_at", "number"} & set(plain):
        names.append(f"{last}raised_at")
    if "number" not in plain:
        names.append(f"{last}number")
    return tuple(_term(name) for name in names)


def checked(terms: Sequence[Term], key: Sequence[int | str | None]) -> Sequence[Value]:
    """Return a key that fits an order.

    Raises:
        ValueError: it is one of another order.
    """
    values = [value for value, term in zip(key, terms, strict=False) if type(value) is term.by.type]
    known = all(not term.by.choices or value in term.by.choices for value, term in zip(values, terms, strict=False))
    if len(values) != len(terms) or len(key) != len(terms) or not known:
        msg = f"cursor: expected the key of a row in this order ({len(terms)} values), found {list(key)!r}"
        raise ValueError(msg)
    return [value for value in values if value is not None]


def stretches(
    terms: Sequence[Term], key: Sequence[Value] | None, given: Mapping[str, Sequence[str]]
) -> Iterator[Stretch]:
    """Yield the stretches of an order from `key` on; within each an index on what is left leads straight to its rows.

    Args:
        terms: the order; those that come first and have few values make the stretches.
        key: where to continue, None: from the beginning.
        given: column -> the only values asked for.
    """
    leading = leading_terms(terms)
    orders = [term.choices for term, _ in leading]
    start = None if key is None else tuple(key[: len(leading)])
    begin = None if start is None else _places(orders, start)
    for values in product(*orders):
        if begin is not None and _places(orders, values) < begin:
            continue
        names = [(column, term.by.choices[value]) for (term, column), value in zip(leading, values, strict=True)]
        if any(name not in given.get(column.name, (name,)) for column, name in names):
            continue
        rest = key[len(leading) :] if key is not None and values == start else None
        yield Stretch(values, [column == name for column, name in names], rest)


def leading_terms(terms: Sequence[Term]) -> Sequence[tuple[Term, Column[str]]]:
    """Return the terms that come first and have few values, each with the column that names them."""
    named = takewhile(lambda pair: pair[1] is not None, ((term, term.by.named) for term in terms))
    return [(term, column) for term, column in named if column is not None]


def beyond(terms: Sequence[Term], key: Sequence[Value]) -> ColumnElement[bool]:
    """Return the condition for the rows after `key`: greater in the first term that is not equal."""
    later = [
        and_(
            *(before.by.column == value for before, value in zip(terms[:place], key[:place], strict=True)),
            term.by.column < key[place] if term.descending else term.by.column > key[place],
        )
        for place, term in enumerate(terms)
    ]
    column = terms[0].by.column
    first = column <= key[0] if terms[0].descending else column >= key[0]
    return and_(first, or_(*later))  # `first` says nothing new, but lets the index be entered at the right place


def _term(name: str) -> Term:
    by = SORTABLE[name.removeprefix("-")]
    return Term(by, name.startswith("-") != by.inverted)


def _places(orders: Sequence[Sequence[Value]], values: Sequence[Value]) -> tuple[int, ...]:
    return tuple(order.index(value) for order, value in zip(orders, values, strict=True))
