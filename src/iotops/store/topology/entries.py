"""Sites, suppliers, services, calendars, policies: two layers each, of which the API's counts before the file's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, Table, exists, insert, or_, select, update
from sqlalchemy import delete as delete_rows

from iotops.errors import Conflict, NotFound
from iotops.rules.servicefile import FILE, MEMBERS
from iotops.rules.slafile import FILE as SLA_FILE
from iotops.rules.slafile import SLA_MEMBERS
from iotops.store import tables
from iotops.store.database import Unit
from iotops.store.numbers import must_have_version
from iotops.store.topology.head import advance
from iotops.store.topology.references import must_be_unused, must_exist

Layer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entry: its word, its table, what its entries say, and the file that declares them."""

    word: str
    table: Table
    members: tuple[str, ...]
    file: str = FILE


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "sites": Kind("site", tables.site, MEMBERS["sites"]),
        "suppliers": Kind("supplier", tables.supplier, MEMBERS["suppliers"]),
        "services": Kind("service", tables.service, MEMBERS["services"]),
        "calendars": Kind("calendar", tables.calendar, SLA_MEMBERS["calendars"], SLA_FILE),
        "sla-policies": Kind("policy", tables.sla_policy, SLA_MEMBERS["policies"], SLA_FILE),
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One site, supplier, service, calendar or policy.

    Attributes:
        members: what counts: every member of its kind, None where nobody says anything.
        file, api: what each side says; None where it says nothing at all.
    """

    id: str
    members: Mapping[str, Any] = field(default_factory=dict)
    file: Layer | None = None
    api: Layer | None = None
    version: int = 1
    updated_ms: int = 0


def every(unit: Unit, kind: str) -> list[Entry]:
    """Return all entries of a kind, by id."""
    table = KINDS[kind].table
    return [_entry(kind, row) for row in unit.connection.execute(select(table).order_by(table.c.id))]


def page(
    unit: Unit, kind: str, *, limit: int, after: str | None = None, ids: Sequence[str] = (), q: str | None = None
) -> list[Entry]:
    """Return at most `limit` entries by id, those after `after`; `q` is part of id or name, any case."""
    table = KINDS[kind].table
    statement = select(table).order_by(table.c.id).limit(limit)
    if after is not None:
        statement = statement.where(table.c.id > after)
    if ids:
        statement = statement.where(table.c.id.in_(list(ids)))
    if q:
        statement = statement.where(or_(*(table.c[name].icontains(q, autoescape=True) for name in ("id", "name"))))
    return [_entry(kind, row) for row in unit.connection.execute(statement)]


def get(unit: Unit, kind: str, entry_id: str, *, lock: bool = False) -> Entry:
    """Return one entry; `lock` keeps it as it is until the unit ends.

    Raises:
        NotFound: there is none.
    """
    table = KINDS[kind].table
    statement = select(table).where(table.c.id == entry_id)
    row = unit.connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        msg = f"{KINDS[kind].word} {entry_id!r} does not exist; declare it in {KINDS[kind].file}, or POST it to /{kind}"
        raise NotFound(msg)
    return _entry(kind, row)


def create(unit: Unit, kind: str, entry_id: str, said: Mapping[str, Any], now_ms: int) -> Entry:
    """Make an entry that nobody has declared yet, with what the API says about it.

    Raises:
        Conflict: there is one with that id, which can be changed; or it names what is not there.
    """
    advance(unit)
    must_exist(unit, kind, said)
    table = KINDS[kind].table
    row = unit.connection.execute(select(table).where(table.c.id == entry_id)).one_or_none()
    if row is not None and (row.file is not None or row.api is not None):
        msg = f"{KINDS[kind].word} {entry_id!r} exists already; PATCH it instead"
        raise Conflict(msg)
    if row is None:
        new = Entry(entry_id, version=0)
        unit.connection.execute(insert(table).values(id=entry_id, version=0, updated_ms=now_ms))
    else:
        new = _entry(kind, row)  # a site that only devices made known
    return write(unit, kind, replace(new, api=dict(said)), now_ms)


def change(
    unit: Unit, kind: str, entry_id: str, said: Mapping[str, Any], now_ms: int, *, expected: int | None = None
) -> Entry:
    """Merge members into what the API says; None as a value takes one out, and what the file says counts again.

    Raises:
        NotFound: there is no such entry.
        StaleVersion: it was changed since version `expected`.
        Conflict: it would name what is not there.
    """
    advance(unit)
    must_exist(unit, kind, said)
    found = get(unit, kind, entry_id, lock=True)
    must_have_version(f"{KINDS[kind].word} {entry_id}", found.version, expected)
    merged = {name: value for name, value in {**(found.api or {}), **said}.items() if value is not None}
    return write(unit, kind, replace(found, api=merged), now_ms)


def delete(unit: Unit, kind: str, entry_id: str, *, expected: int | None = None) -> None:
    """Take an entry away, with the dependencies that the API gave it.

    Raises:
        NotFound: there is no such entry.
        StaleVersion: it was changed since version `expected`.
        Conflict: a file declares it, devices stand at the site, or something names it.
    """
    advance(unit)
    found, word = get(unit, kind, entry_id, lock=True), KINDS[kind].word
    must_have_version(f"{word} {entry_id}", found.version, expected)
    if found.file is not None:
        msg = f"{word} {entry_id!r} is declared in {KINDS[kind].file}; remove it there"
        raise Conflict(msg)
    if kind == "sites" and unit.connection.execute(select(exists().where(tables.device.c.site == entry_id))).scalar():
        msg = f"site {entry_id!r} has devices; it goes when they do"
        raise Conflict(msg)
    must_be_unused(unit, kind, entry_id)
    edges, table = tables.dependency, KINDS[kind].table
    gone = or_(
        (edges.c.from_kind == word) & (edges.c.from_id == entry_id),
        (edges.c.to_kind == word) & (edges.c.to_id == entry_id),
    )
    unit.connection.execute(update(edges).where(gone).values(in_api=False))
    unit.connection.execute(delete_rows(edges).where(gone, ~edges.c.in_file))
    unit.connection.execute(delete_rows(table).where(table.c.id == entry_id))


def write(unit: Unit, kind: str, entry: Entry, now_ms: int) -> Entry:
    """Write the layers of an entry that has a row, and what counts of them; returns it as it is then."""
    table, members = KINDS[kind].table, KINDS[kind].members
    counts = {**(entry.file or {}), **(entry.api or {})}
    version = entry.version + 1
    after = replace(entry, members={name: counts.get(name) for name in members}, version=version, updated_ms=now_ms)
    columns = {**after.members, "file": after.file, "api": after.api, "version": version, "updated_ms": now_ms}
    unit.connection.execute(update(table).where(table.c.id == entry.id).values(columns))
    return after


def _entry(kind: str, row: Row[Any]) -> Entry:
    members = {name: getattr(row, name) for name in KINDS[kind].members}
    return Entry(row.id, members, row.file, row.api, row.version, row.updated_ms)
