"""Changes as rows, and their numbers as people write them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select, tuple_, update

from iotops.errors import NotFound
from iotops.incidents.change import Change, Target
from iotops.store.database import Unit
from iotops.store.numbers import Numbering, must_have_version
from iotops.store.tables import change as table
from iotops.telemetry.reading import DeviceKey

_NUMBERS = Numbering("CHG", "change")
_NO_DEVICES: Mapping[DeviceKey, int] = {}


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Which changes to list; empty accepts everything. `site_or_none`: of that site, or of no site in particular."""

    kind: Sequence[str] = ()
    state: Sequence[str] = ()
    site: Sequence[str] = ()
    device: Sequence[str] = ()
    service: Sequence[str] = ()
    supplier: Sequence[str] = ()
    q: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    site_or_none: str | None = None


def change_id(number: str) -> int:
    """Return the row that a number names: `CHG-000123`, `chg-123` and `123` are the same.

    Raises:
        NotFound: no change can have such a number.
    """
    return _NUMBERS.row(number)


def change_number(row: int) -> str:
    """Return the number that people use for a row."""
    return _NUMBERS.name(row)


def create(unit: Unit, new: Change, now_ms: int) -> Change:
    """Keep a change that somebody reports; returns it with its number."""
    target = new.target
    row: dict[str, Any] = {
        **{name: getattr(new, name) for name in ("kind", "title", "state", "source", "started_ms", "ended_ms")},
        **{name: getattr(target, name) for name in ("site", "device", "service", "supplier")},
        "labels": dict(target.labels) or None,
        "version": 1,
        "updated_ms": now_ms,
    }
    made = unit.connection.execute(insert(table).values(row).returning(table.c.id)).scalar_one()
    return get(unit, change_number(made))


def get(unit: Unit, number: str, *, lock: bool = False) -> Change:
    """Return one change; `lock` keeps it as it is until the unit ends.

    Raises:
        NotFound: there is none.
    """
    statement = select(table).where(table.c.id == change_id(number))
    row = unit.connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        msg = f"change {number!r} does not exist"
        raise NotFound(msg)
    return shape(row)


def patch(unit: Unit, number: str, said: Mapping[str, Any], now_ms: int, *, expected: int | None = None) -> Change:
    """Change columns of a change (`title`, `state`, `started_ms`, `ended_ms`) and return it as it is then.

    Raises:
        NotFound: there is no such change.
        StaleVersion: it was changed since version `expected`.
    """
    found = get(unit, number, lock=True)
    must_have_version(found.number, found.version, expected)
    columns = {**said, "version": found.version + 1, "updated_ms": now_ms}
    unit.connection.execute(update(table).where(table.c.id == change_id(found.number)).values(columns))
    return get(unit, found.number)


def page(unit: Unit, chosen: ChangeFilter, *, limit: int, after: tuple[int, int] | None = None) -> list[Change]:
    """Return at most `limit` changes, those that started last first, beyond the (started_ms, row) given."""
    statement = select(table).order_by(table.c.started_ms.desc(), table.c.id.desc()).limit(limit)
    for name in ("kind", "state", "site", "device", "service", "supplier"):
        accepted = getattr(chosen, name)
        statement = statement.where(table.c[name].in_(list(accepted))) if accepted else statement
    if chosen.site_or_none is not None:
        statement = statement.where(table.c.site.is_(None) | (table.c.site == chosen.site_or_none))
    if chosen.q:
        statement = statement.where(table.c.title.icontains(chosen.q, autoescape=True))
    if chosen.since_ms is not None:
        statement = statement.where(table.c.started_ms >= chosen.since_ms)
    if chosen.until_ms is not None:
        statement = statement.where(table.c.started_ms < chosen.until_ms)
    if after is not None:
        statement = statement.where(tuple_(table.c.started_ms, table.c.id) < tuple_(*after))
    return [shape(row) for row in unit.connection.execute(statement)]


def shape(row: Row[Any], devices: Mapping[DeviceKey, int] = _NO_DEVICES) -> Change:
    """Return a row as a change, with the devices of its roll-out that are given."""
    return Change(
        number=change_number(row.id),
        kind=row.kind,
        title=row.title,
        target=Target(row.site, row.device, row.service, row.supplier, row.labels or {}),
        started_ms=row.started_ms,
        ended_ms=row.ended_ms,
        state=row.state,
        source=row.source,
        version=row.version,
        updated_ms=row.updated_ms,
        device_count=row.device_count,
        rollout=row.rollout is not None,
        devices=devices,
    )
