"""INSERT ... ON CONFLICT, which SQLite and PostgreSQL spell alike and SQLAlchemy keeps in two places."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from iotops.store.database import Unit

INSERT: Mapping[str, Callable[..., Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""Dialect -> its `insert`, with `on_conflict_do_nothing` and `on_conflict_do_update`."""

Item = TypeVar("Item")
_IN_LIST = 500  # parameters of one IN list; far below the limit of either database


def upsert(unit: Unit, table: Table, rows: Sequence[Mapping[str, Any]], *, keep: Iterable[str] = ()) -> None:
    """Write rows by primary key: inserted where new, else every column given is replaced but those in `keep`."""
    if not rows:
        return
    statement = INSERT[unit.dialect](table)
    unchanged = {column.name for column in table.primary_key} | set(keep)
    replaced = {name: statement.excluded[name] for name in rows[0] if name not in unchanged}
    statement = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=replaced)
    unit.connection.execute(statement, list(rows))


def chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield the items in lists that are short enough for one IN list."""
    left = iter(items)
    while chunk := list(islice(left, _IN_LIST)):
        yield chunk
