"""Proof that the timeline is what was written: the whole chain, computed again."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from iotops.incidents.incident import Actor
from iotops.incidents.timeline import GENESIS, Entry, link_hash, text_digest
from iotops.store.database import Unit
from iotops.store.tables import timeline, timeline_text
from iotops.store.timeline import Head, head


@dataclass(frozen=True, slots=True)
class Fault:
    """The first place where the chain does not hold.

    `kind`: `missing` (a row is gone), `edited` (a row, or its place, is not what was written), `text` (what a person
    wrote was changed), `head` (rows are missing at the end, or were added), `anchor` (it is another chain).
    """

    seq: int
    kind: str
    detail: str


def verify(unit: Unit, anchor: Head | None = None) -> Fault | None:
    """Compute the chain again from its beginning and return the first fault, None where there is none.

    Args:
        unit: any unit; a reading one sees one state of the database.
        anchor: a head written down earlier, in a log or a backup. Whoever may write to the database could cut the
            chain and set its head to match; only an anchor shows that.
    """
    found = Head(0, GENESIS)
    statement = select(timeline, timeline_text.c.text).join(
        timeline_text, timeline_text.c.seq == timeline.c.seq, isouter=True
    )
    ordered = statement.order_by(timeline.c.seq).execution_options(yield_per=1_000)
    rows = unit.connection.execute(ordered)
    for row in rows:
        fault = _check(row, found)
        if fault is None and anchor is not None and anchor.seq == row.seq and anchor.hash != row.hash:
            fault = Fault(row.seq, "anchor", f"the anchor says {anchor.hash}, the chain {row.hash}")
        if fault is not None:
            rows.close()
            return fault
        found = Head(row.seq, row.hash)
    return check_end(found, head(unit), anchor)


def _check(row: Row[Any], previous: Head) -> Fault | None:
    expected = previous.seq + 1
    if row.seq != expected:
        return Fault(expected, "missing", f"after {previous.seq} comes {row.seq}")
    entry = Entry(row.type, row.at_ms, Actor(row.actor_kind, row.actor), row.data)
    computed = link_hash(previous.hash, row.seq, row.incident_id, entry, row.text_digest or "")
    if row.prev_hash != previous.hash or row.hash != computed:
        return Fault(row.seq, "edited", f"its content gives {computed}, written was {row.hash}")
    if row.text is not None and text_digest(row.text) != row.text_digest:
        return Fault(row.seq, "text", "the text does not have the digest that the chain covers")
    return None


def check_end(found: Head, said: Head, anchor: Head | None) -> Fault | None:
    """Compare the last link that was found with what the head and an anchor say; None where they agree."""
    if found != said:
        return Fault(found.seq + 1, "head", f"the chain ends at {found.seq}, its head says {said.seq}")
    if anchor is not None and anchor.seq > found.seq:
        return Fault(found.seq + 1, "anchor", f"the chain ends at {found.seq}, the anchor was taken at {anchor.seq}")
    return None
