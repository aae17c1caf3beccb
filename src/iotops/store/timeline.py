"""The append-only timeline: one hash chain over what happened to all incidents."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, delete, insert, select, update

from iotops.incidents.incident import Actor
from iotops.incidents.notice import event_of
from iotops.incidents.timeline import Entry, link_hash, text_digest
from iotops.store.database import Unit
from iotops.store.tables import incident, outbox, timeline, timeline_head, timeline_text


class Head(NamedTuple):
    """The newest link of the chain: everything up to `seq` hangs on `hash`. Written down elsewhere, it is an anchor."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry with its place: `seq` counts over all incidents; `number` and `site` are its incident's.

    `erased`: a person's text stood here and was taken away; the chain still covers its digest.
    """

    seq: int
    number: str
    site: str | None
    entry: Entry
    erased: bool = False


def append(unit: Unit, entries: Iterable[tuple[int, Entry]]) -> Head:
    """Append entries, each with the id of its incident, in their order; returns the new head.

    The head row stays locked until the unit ends, so that commit order is sequence order on both databases:
    who has seen n can ask for what comes after n and misses nothing. What
    somebody is to be told of goes into the outbox in the same transaction.
    """
    seq, previous = _locked_head(unit)
    rows, texts, told = [], [], []
    for incident_id, entry in entries:
        seq += 1
        row = linked_row(seq, incident_id, entry, previous)
        previous = row["hash"]
        rows.append(row)
        if (event := event_of(entry)) is not None:
            told.append({"seq": seq, "incident_id": incident_id, "event": event, "at_ms": entry.at_ms})
        if entry.text is not None:
            texts.append({"seq": seq, "text": entry.text})
    if rows:
        unit.connection.execute(insert(timeline), rows)
        unit.connection.execute(update(timeline_head).values(seq=seq, hash=previous))
    if texts:
        unit.connection.execute(insert(timeline_text), texts)
    if told:
        unit.connection.execute(insert(outbox), told)
    return Head(seq, previous)


def head(unit: Unit) -> Head:
    """Return the newest link of the chain; `(0, zeros)` where nothing has happened yet."""
    row = unit.connection.execute(select(timeline_head)).one()
    return Head(row.seq, row.hash)


def entries(unit: Unit, number: str, *, after: int = 0, limit: int = 200) -> Sequence[StoredEntry]:
    """Return the entries of one incident after position `after`, oldest first."""
    return _stored(unit, _select(after, limit).where(incident.c.number == number))


def of_problem(
    unit: Unit, number: str, *, after: int = 0, limit: int = 200, site: str | None = None
) -> Sequence[StoredEntry]:
    """Return what the timelines of incidents tell of a problem, oldest first; of one site only where it is given."""
    statement = _select(after, limit).where(
        timeline.c.type.in_(("problem_linked", "problem_changed", "problem_unlinked")),
        timeline.c.data["problem"].as_string() == number,
    )
    return _stored(unit, statement if site is None else statement.where(incident.c.site == site))


def since(unit: Unit, after: int, limit: int) -> Sequence[StoredEntry]:
    """Return the entries of all incidents after position `after`, oldest first."""
    return _stored(unit, _select(after, limit))


def erase_text(unit: Unit, seq: int) -> bool:
    """Take away what a person wrote at a position; says whether there was any. The chain stays whole."""
    return unit.connection.execute(delete(timeline_text).where(timeline_text.c.seq == seq)).rowcount > 0


def _locked_head(unit: Unit) -> Head:
    # SQLite has no row locks and needs none: a write unit holds the only write lock from its beginning.
    row = unit.connection.execute(select(timeline_head).with_for_update()).one()
    return Head(row.seq, row.hash)


def linked_row(seq: int, incident_id: int, entry: Entry, previous: str) -> dict[str, Any]:
    """Return the columns of an entry that follows the one with the hash `previous`."""
    digest = text_digest(entry.text)
    return {
        "seq": seq,
        "incident_id": incident_id,
        "at_ms": entry.at_ms,
        "actor_kind": entry.actor.kind,
        "actor": entry.actor.id,
        "type": entry.type,
        "data": dict(entry.data),
        "text_digest": digest or None,
        "prev_hash": previous,
        "hash": link_hash(previous, seq, incident_id, entry, digest),
    }


def _select(after: int, limit: int) -> Select[Any]:
    return (
        select(timeline, timeline_text.c.text, incident.c.number, incident.c.site)
        .join(incident, incident.c.id == timeline.c.incident_id)
        .join(timeline_text, timeline_text.c.seq == timeline.c.seq, isouter=True)
        .where(timeline.c.seq > after)
        .order_by(timeline.c.seq)
        .limit(limit)
    )


def _stored(unit: Unit, statement: Select[Any]) -> Sequence[StoredEntry]:
    return [_entry(row) for row in unit.connection.execute(statement)]


def _entry(row: Row[Any]) -> StoredEntry:
    entry = Entry(row.type, row.at_ms, Actor(row.actor_kind, row.actor), row.data, row.text)
    return StoredEntry(row.seq, row.number, row.site, entry, erased=bool(row.text_digest) and row.text is None)
