"""All that the clocks of some incidents are computed from, as the timeline has it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from iotops.incidents.clocks import SAYS_SOMETHING, Clock, clock_of
from iotops.incidents.incident import Actor
from iotops.incidents.promise import KINDS
from iotops.incidents.timeline import Entry
from iotops.store.database import Unit
from iotops.store.sla.promises import Given, load
from iotops.store.tables import timeline
from iotops.store.upsert import chunks

RUNG: Mapping[str, str] = {"sla_near": "near_breach", "sla_breached": "breach"}
"""Type of an entry that says what a clock did -> the action that makes it."""
_READ = SAYS_SOMETHING | {"promised", *RUNG}


@dataclass(frozen=True, slots=True)
class Card:
    """One incident's part of the timeline.

    Attributes:
        entries: those that say something to a clock.
        given: what was promised, as far as it was.
        rung: (type, clock) of the entries that say what clocks did.
    """

    entries: tuple[Entry, ...]
    given: Given
    rung: frozenset[tuple[str, str]]

    def clocks(self, now_ms: int, given: Given | None = None) -> dict[str, Clock]:
        """Return kind -> clock as it stands; `given`: as if that had been promised."""
        found = {}
        for kind in KINDS:
            promise = (given or self.given).of(kind)
            clock = None if promise is None else clock_of(self.entries, promise, kind, now_ms)
            if clock is not None:
                found[kind] = clock
        return found


def read_cards(unit: Unit, incident_ids: Collection[int]) -> dict[int, Card]:
    """Return incident -> its card."""
    entries: dict[int, list[Entry]] = {each: [] for each in incident_ids}
    columns = (timeline.c.incident_id, timeline.c.type, timeline.c.at_ms, timeline.c.data)
    for ids in chunks(sorted(entries)):
        statement = select(*columns).where(timeline.c.incident_id.in_(ids))
        for row in unit.connection.execute(statement.order_by(timeline.c.incident_id, timeline.c.seq)):
            if row.type not in _READ:  # looked at here: asked for, SQLite might enter the index of all types' entries
                continue
            entries[row.incident_id].append(Entry(row.type, row.at_ms, _NOBODY, row.data))
    said = {each: _said(found) for each, found in entries.items()}
    promises = load(unit, {digest for digests in said.values() for digest in digests.values()})
    return {
        each: Card(
            tuple(entry for entry in found if entry.type in SAYS_SOMETHING),
            Given(promises.get(said[each].get("edition", "")), promises.get(said[each].get("supplier_edition", ""))),
            frozenset((entry.type, entry.data["clock"]) for entry in found if entry.type in RUNG),
        )
        for each, found in entries.items()
    }


def with_news(unit: Unit, incident_ids: Collection[int], after: int) -> set[int]:
    """Return those incidents of which the timeline says something to clocks after a position."""
    found: set[int] = set()
    for ids in chunks(sorted(incident_ids)):
        statement = select(timeline.c.incident_id, timeline.c.type).where(timeline.c.incident_id.in_(ids))
        rows = unit.connection.execute(statement.where(timeline.c.seq > after))
        found.update(row.incident_id for row in rows if row.type in SAYS_SOMETHING)
    return found


def clock_row(incident_id: int, clock: Clock, given: Given, seen_ms: int) -> dict[str, Any]:
    """Return the columns of a clock."""
    promise = given.of(clock.kind)
    assert promise is not None  # noqa: S101  for the type checker: without a promise there is no clock
    return {
        "incident_id": incident_id,
        "kind": clock.kind,
        "policy": promise.policy,
        "edition": promise.digest,
        "state": clock.state,
        "target_ms": clock.target_ms,
        "used_ms": clock.used_ms,
        "paused": [list(pause) for pause in clock.paused],
        "started_ms": clock.started_ms,
        "due_ms": clock.due_ms,
        "near_due_ms": clock.near_due_ms,
        "near_ms": clock.near_ms,
        "stopped_ms": clock.stopped_ms,
        "breached_ms": clock.breached_ms,
        "decided_ms": clock.decided_ms,
        "next_ms": clock.next_ms,
        "seen_ms": seen_ms,
    }


_NOBODY = Actor("", "")  # clocks do not ask who did it


def _said(entries: Collection[Entry]) -> dict[str, str]:
    """Return the digests that were promised; what was promised first stays promised."""
    found: dict[str, str] = {}
    for entry in entries:
        if entry.type == "promised":
            found = {**entry.data, **found}
    return found
