"""What entries name of each other: a promise that points nowhere would be none, and nobody would notice."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Table, select

from iotops.errors import Conflict
from iotops.store import tables
from iotops.store.database import Unit


class _Reference(NamedTuple):
    """A member by which entries of one kind name one of another."""

    kind: str
    member: str
    source: Table
    named: str
    target: Table


_REFERENCES = (
    _Reference("services", "sla_policy", tables.service, "sla-policies", tables.sla_policy),
    _Reference("suppliers", "sla_policy", tables.supplier, "sla-policies", tables.sla_policy),
    _Reference("sla-policies", "calendar", tables.sla_policy, "calendars", tables.calendar),
    _Reference("sites", "calendar", tables.site, "calendars", tables.calendar),
)


def must_exist(unit: Unit, kind: str, said: Mapping[str, Any]) -> None:
    """Make sure that what an entry of a kind is about to name is there.

    Raises:
        Conflict: it is not.
    """
    for each in _REFERENCES:
        name = said.get(each.member) if each.kind == kind else None
        if (
            name is not None
            and not unit.connection.execute(select(each.target).where(each.target.c.id == name)).first()
        ):
            msg = f"{each.member} {name!r} does not exist; declare it first, in sla.yaml or by a POST to /{each.named}"
            raise Conflict(msg)


def must_be_unused(unit: Unit, kind: str, entry_id: str) -> None:
    """Make sure that nothing names an entry which is about to go.

    Raises:
        Conflict: something does.
    """
    for each in _REFERENCES:
        column = each.source.c[each.member]
        users = select(each.source.c.id).where(column == entry_id).order_by(each.source.c.id).limit(3)
        names = unit.connection.execute(users).scalars().all() if each.named == kind else ()
        if names:
            msg = f"{entry_id!r} is the {each.member} of {each.kind} {', '.join(names)}; change those first"
            raise Conflict(msg)
