"""Lists that people saved: a name for a query of incidents, each owner's own."""

from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from iotops.errors import Conflict, NotFound
from iotops.store.database import Unit
from iotops.store.tables import saved_view

MOST = 50  # of one owner: more is no list that anybody reads


@dataclass(frozen=True, slots=True)
class SavedView:
    """A query of incidents in the API's own names, such as `state=new&priority=P1`."""

    id: int
    name: str
    query: str
    created_ms: int


def owned(unit: Unit, owner: str) -> list[SavedView]:
    """Return the views of an owner by name."""
    rows = unit.connection.execute(
        select(saved_view).where(saved_view.c.owner == owner).order_by(saved_view.c.name, saved_view.c.id)
    )
    return [SavedView(row.id, row.name, row.query, row.created_ms) for row in rows]


def save(unit: Unit, owner: str, name: str, query: str, now_ms: int) -> SavedView:
    """Keep a view.

    Raises:
        Conflict: the owner has one of that name, or `MOST` already.
    """
    mine = owned(unit, owner)
    if any(each.name == name for each in mine):
        msg = f"there is a view {name!r} already; delete it first, or choose another name"
        raise Conflict(msg)
    if len(mine) >= MOST:
        msg = f"there are {len(mine)} views already, {MOST} are the most; delete one first"
        raise Conflict(msg)
    row = {"owner": owner, "name": name, "query": query, "created_ms": now_ms}
    made = unit.connection.execute(insert(saved_view).values(row).returning(saved_view.c.id)).scalar_one()
    return SavedView(made, name, query, now_ms)


def forget(unit: Unit, owner: str, view_id: int) -> None:
    """Delete a view.

    Raises:
        NotFound: the owner has none of that id.
    """
    mine = (saved_view.c.owner == owner, saved_view.c.id == view_id)
    if not unit.connection.execute(delete(saved_view).where(*mine)).rowcount:
        msg = f"view {view_id} does not exist; ids are those of /api/v1/views"
        raise NotFound(msg)
