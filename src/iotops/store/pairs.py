"""Rows by two of their columns at once: those of some devices, those of some instances of rules."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, String, column, false, select, tuple_, values


def is_pair(
    columns: tuple[ColumnElement[str], ColumnElement[str]], pairs: Iterable[Sequence[str]]
) -> ColumnElement[bool]:
    """Return the condition that two columns are one of some pairs, which an index over both serves.

    Bare pairs in the list would not do: SQLite enters no index for `(a, b) IN (VALUES ...)` and reads the whole table.
    """
    given = [tuple(pair) for pair in pairs]
    if not given:
        return false()
    listed = values(column("first", String), column("second", String)).data(given)
    asked = listed.cte()
    return tuple_(*columns).in_(select(asked.c.first, asked.c.second))
