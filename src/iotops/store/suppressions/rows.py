"""Suppressions as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, or_, select, update

from iotops.errors import NotFound
from iotops.incidents.recurrence import Windows, check_windows
from iotops.incidents.suppression import Matcher, Suppression, Suppressions
from iotops.store.database import Unit
from iotops.store.numbers import Numbering, must_have_version
from iotops.store.tables import suppression as table

LISTS = ("rules", "sites", "services", "devices")
_REMEMBERED_MS = 7 * 86_400_000  # what ended keeps counting so long for messages that come late
_NUMBERS = Numbering("SUP", "suppression")
_COLUMNS = ("kind", "matcher", "starts_ms", "ends_ms", "rrule", "timezone", "until_cleared", "reason", "owner")


@dataclass(frozen=True, slots=True)
class Kept:
    """A suppression with what is known about its row.

    Attributes:
        said: the columns as people said them (`kind`, `matcher`, `starts_ms`, ...).
        applied_ms: since when incidents know that it applies; None while they do not.
        seen_ms: when something that it is about was first seen firing, where it lasts until all is clear.
    """

    row: int
    suppression: Suppression
    said: Mapping[str, Any]
    created_by: str
    created_ms: int
    updated_ms: int
    version: int
    applied_ms: int | None = None
    seen_ms: int | None = None


def create(unit: Unit, said: Mapping[str, Any], created_by: str, now_ms: int) -> Kept:
    """Make a suppression of columns (see `Kept.said`).

    Raises:
        ValueError: windows that cannot be.
    """
    _check(said)
    rows = {**said, "created_by": created_by, "created_ms": now_ms, "updated_ms": now_ms, "version": 1}
    row_id = unit.connection.execute(insert(table).values(rows).returning(table.c.id)).scalar_one()
    return get(unit, _NUMBERS.name(row_id))


def get(unit: Unit, name: str, *, lock: bool = False) -> Kept:
    """Return a suppression.

    Raises:
        NotFound: there is none of that id, or it was removed.
    """
    statement = select(table).where(table.c.id == _NUMBERS.row(name), table.c.removed_ms.is_(None))
    row = unit.connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        msg = f"suppression {name!r} does not exist"
        raise NotFound(msg)
    return _kept(row)


def write(unit: Unit, before: Kept, columns: Mapping[str, Any], now_ms: int, *, expected: int | None = None) -> Kept:
    """Change columns of a suppression that was read under lock; returns it as it is then.

    Raises:
        StaleVersion: it was changed since `expected`.
        ValueError: windows that cannot be.
    """
    must_have_version(before.suppression.id, before.version, expected)
    _check({**before.said, **columns})
    rows = {**columns, "updated_ms": now_ms, "version": before.version + 1}
    unit.connection.execute(update(table).where(table.c.id == before.row).values(rows))
    return _kept(unit.connection.execute(select(table).where(table.c.id == before.row)).one())


def page(
    unit: Unit, *, limit: int, before: int | None = None, kinds: Sequence[str] = (), ended: bool | None = None
) -> list[Kept]:
    """Return at most `limit` suppressions, the newest first, those before the row given."""
    statement = select(table).where(table.c.removed_ms.is_(None)).order_by(table.c.id.desc()).limit(limit)
    if kinds:
        statement = statement.where(table.c.kind.in_(list(kinds)))
    if ended is not None:
        statement = statement.where(table.c.ended_ms.is_not(None) if ended else table.c.ended_ms.is_(None))
    if before is not None:
        statement = statement.where(table.c.id < before)
    return [_kept(row) for row in unit.connection.execute(statement)]


def load(unit: Unit, now_ms: int, known: Suppressions | None = None) -> Suppressions:
    """Return all that is, will be, or lately was in effect; `known` itself where nothing is different."""
    lately_ms = now_ms - _REMEMBERED_MS
    statement = select(table).where(
        or_(table.c.ended_ms.is_(None), table.c.ended_ms > lately_ms),
        or_(table.c.ends_ms.is_(None), table.c.rrule.is_not(None), table.c.ends_ms > lately_ms),
    )
    found = [_kept(row).suppression for row in unit.connection.execute(statement.order_by(table.c.id))]
    loaded = Suppressions({each.id: each for each in found})
    return known if known is not None and known == loaded else loaded


def applied(unit: Unit) -> list[Kept]:
    """Return those that incidents may have to be told of: not ended for good, or known to apply."""
    statement = select(table).where(or_(table.c.ended_ms.is_(None), table.c.applied_ms.is_not(None)))
    return [_kept(row) for row in unit.connection.execute(statement.order_by(table.c.id))]


def every_maintenance(unit: Unit) -> list[Suppression]:
    """Return all maintenance that ever was planned, also what was taken out of the list since."""
    statement = select(table).where(table.c.kind == "maintenance").order_by(table.c.id)
    return [_kept(row).suppression for row in unit.connection.execute(statement)]


def mark(unit: Unit, row: int, **columns: int | None) -> None:
    """Write what only the machine knows (`applied_ms`, `ended_ms`); no new version but where it ended."""
    values: dict[str, Any] = dict(columns)
    if "ended_ms" in columns:
        values |= {"version": table.c.version + 1, "updated_ms": columns["ended_ms"]}
    unit.connection.execute(update(table).where(table.c.id == row).values(values))


def _check(said: Mapping[str, Any]) -> None:
    check_windows(Windows(said["starts_ms"], said.get("ends_ms"), said.get("rrule"), said["timezone"]))


def _kept(row: Row[Any]) -> Kept:
    labels = {name: tuple(values) for name, values in row.matcher.get("labels", {}).items()}
    matcher = Matcher(labels, **{name: tuple(row.matcher.get(name, ())) for name in LISTS})
    windows = Windows(row.starts_ms, row.ends_ms, row.rrule, row.timezone)
    made = Suppression(
        _NUMBERS.name(row.id), row.kind, matcher, windows, row.until_cleared, row.reason, row.owner, row.ended_ms
    )
    said = {name: getattr(row, name) for name in _COLUMNS}
    return Kept(
        row.id, made, said, row.created_by, row.created_ms, row.updated_ms, row.version, row.applied_ms, row.seen_ms
    )
