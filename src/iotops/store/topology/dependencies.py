"""What depends on what, as stored: edges that the file declares, that the API added, or both."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, insert, select, tuple_, update
from sqlalchemy import delete as delete_rows

from iotops.errors import Conflict, NotFound
from iotops.rules.dependency import ALLOWED, Dependency, Node
from iotops.store.database import Unit
from iotops.store.tables import dependency as table
from iotops.store.topology.head import advance
from iotops.store.topology.ways import way_up

_KEY = (table.c.from_kind, table.c.from_id, table.c.kind, table.c.to_kind, table.c.to_id)


class Edge(NamedTuple):
    """A dependency and who says so."""

    dependency: Dependency
    in_file: bool
    in_api: bool
    created_ms: int


def edges(
    unit: Unit,
    node: Node | None = None,
    *,
    site: str | None = None,
    limit: int | None = None,
    after: Sequence[str] | None = None,
) -> list[Edge]:
    """Return dependencies by their parts, in order; of one node only where it is given, on either end.

    Args:
        unit: a transaction.
        node: whose.
        site: leave out those of devices at other sites.
        limit: how many at most.
        after: the five parts of the last one of the page before.
    """
    statement = select(table).order_by(*_KEY)
    if node is not None:
        source = (table.c.from_kind == node.kind) & (table.c.from_id == node.id)
        statement = statement.where(source | ((table.c.to_kind == node.kind) & (table.c.to_id == node.id)))
    if site is not None:
        for kind, name in ((table.c.from_kind, table.c.from_id), (table.c.to_kind, table.c.to_id)):
            statement = statement.where((kind != "device") | name.startswith(f"{site}/", autoescape=True))
    if after is not None:
        statement = statement.where(tuple_(*_KEY) > tuple_(*after))
    return [_edge(row) for row in unit.connection.execute(statement.limit(limit))]


def add(unit: Unit, new: Dependency, now_ms: int) -> Edge:
    """Add a dependency for the API.

    Raises:
        Conflict: it makes no sense between such nodes, would close a circle, or the API added it before.
    """
    advance(unit)
    if (new.source.kind, new.target.kind) not in ALLOWED[new.kind]:
        pairs = ", ".join(f"{source} {new.kind} {target}" for source, target in sorted(ALLOWED[new.kind]))
        msg = f"{new} makes no sense; possible is: {pairs}"
        raise Conflict(msg)
    row = unit.connection.execute(select(table).where(*key_columns(new))).one_or_none()
    if row is not None:
        if row.in_api:
            msg = f"{new} is known already"
            raise Conflict(msg)
        unit.connection.execute(update(table).where(*key_columns(new)).values(in_api=True))
        return _edge(row)._replace(in_api=True)
    way_back = way_up(unit, new.target, new.source)
    if way_back:
        msg = f"{new} would close a circle: {' -> '.join(map(str, (new.source, *way_back)))}"
        raise Conflict(msg)
    values = dict(zip((column.name for column in _KEY), _parts(new), strict=True))
    unit.connection.execute(insert(table).values(**values, in_file=False, in_api=True, created_ms=now_ms))
    return Edge(new, in_file=False, in_api=True, created_ms=now_ms)


def remove(unit: Unit, old: Dependency) -> None:
    """Take away a dependency that the API added.

    Raises:
        NotFound: there is no such dependency.
        Conflict: `services.yaml` declares it.
    """
    advance(unit)
    row = unit.connection.execute(select(table).where(*key_columns(old))).one_or_none()
    if row is None:
        msg = f"dependency {old} does not exist"
        raise NotFound(msg)
    if row.in_file:
        msg = f"dependency {old} is declared in services.yaml; remove it there"
        raise Conflict(msg)
    unit.connection.execute(delete_rows(table).where(*key_columns(old)))


def key_columns(each: Dependency) -> list[ColumnElement[bool]]:
    """Return the conditions under which a row is this dependency."""
    return [column == part for column, part in zip(_KEY, _parts(each), strict=True)]


def _parts(each: Dependency) -> tuple[str, ...]:
    return (*each.source, each.kind, *each.target)


def _edge(row: Row[Any]) -> Edge:
    found = Dependency(Node(row.from_kind, row.from_id), row.kind, Node(row.to_kind, row.to_id))
    return Edge(found, row.in_file, row.in_api, row.created_ms)
