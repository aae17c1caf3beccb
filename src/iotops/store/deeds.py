"""What was granted, denied and changed, and by whom: append-only, and chained by hashes as the timeline is.

The timeline tells what happened to incidents; this tells who was let do what: tokens and device credentials made and
revoked, changes through the API, sign-ins, requests that were refused, and editions of the rules.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, insert, select, update

from iotops.incidents.timeline import GENESIS
from iotops.store.audit import Fault, check_end
from iotops.store.database import Unit
from iotops.store.tables import deed, deed_head
from iotops.store.timeline import Head

BY_ITSELF = ("system", "iotops")
"""Kind and name of the actor where iotops did something by itself."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that somebody did, or was not allowed to do.

    Attributes:
        actor_kind: `token`, `shell` (a command on this machine), `system` (iotops itself) or `nobody` (unknown).
        actor: name of the token, or of the account of this machine.
        address: where on the network it came from, None where it did not.
        action: the operation of the API, or for instance `rules_loaded`, `device_enrolled`.
        object: what it was about: a path, an id, a device.
        outcome: `done` or `denied`.
        data: what else is worth knowing, JSON-able; never a secret.
    """

    at_ms: int
    actor_kind: str
    actor: str
    action: str
    object: str
    outcome: str = "done"
    address: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredDeed:
    """A deed with its place in the chain."""

    seq: int
    deed: Deed


def append(unit: Unit, deeds: Iterable[Deed]) -> Head:
    """Append deeds in their order and return the new head; the head row stays locked until the unit ends."""
    # SQLite has no row locks and needs none: a write unit holds the only write lock from its beginning.
    before = unit.connection.execute(select(deed_head).with_for_update()).one()
    seq, previous, rows = before.seq, before.hash, []
    for each in deeds:
        seq += 1
        rows.append(_row(seq, each, previous))
        previous = rows[-1]["hash"]
    if rows:
        unit.connection.execute(insert(deed), rows)
        unit.connection.execute(update(deed_head).values(seq=seq, hash=previous))
    return Head(seq, previous)


def head(unit: Unit) -> Head:
    """Return the newest link of the chain; `(0, zeros)` where nothing was done yet."""
    row = unit.connection.execute(select(deed_head)).one()
    return Head(row.seq, row.hash)


def page(
    unit: Unit,
    *,
    limit: int,
    before: int | None = None,
    actions: Sequence[str] = (),
    outcome: str | None = None,
    since_ms: int | None = None,
) -> list[StoredDeed]:
    """Return deeds, the newest first, from below position `before` on; an empty filter accepts everything."""
    wanted = select(deed).order_by(deed.c.seq.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(deed.c.seq < before)
    if actions:
        wanted = wanted.where(deed.c.action.in_(actions))
    if outcome is not None:
        wanted = wanted.where(deed.c.outcome == outcome)
    if since_ms is not None:
        wanted = wanted.where(deed.c.at_ms >= since_ms)
    return [StoredDeed(row.seq, _deed(row)) for row in unit.connection.execute(wanted)]


def verify(unit: Unit, anchor: Head | None = None) -> Fault | None:
    """Compute the chain again from its beginning and return the first fault, as `iotops.store.audit.verify` does."""
    found = Head(0, GENESIS)
    rows = unit.connection.execute(select(deed).order_by(deed.c.seq).execution_options(yield_per=1_000))
    for row in rows:
        fault = _check(row, found, anchor)
        if fault is not None:
            rows.close()
            return fault
        found = Head(row.seq, row.hash)
    return check_end(found, head(unit), anchor)


def _check(row: Row[Any], previous: Head, anchor: Head | None) -> Fault | None:
    if row.seq != previous.seq + 1:
        return Fault(previous.seq + 1, "missing", f"after {previous.seq} comes {row.seq}")
    computed = _hash(previous.hash, row.seq, _deed(row))
    if row.prev_hash != previous.hash or row.hash != computed:
        return Fault(row.seq, "edited", f"its content gives {computed}, written was {row.hash}")
    if anchor is not None and anchor.seq == row.seq and anchor.hash != row.hash:
        return Fault(row.seq, "anchor", f"the anchor says {anchor.hash}, the chain {row.hash}")
    return None


def _row(seq: int, made: Deed, previous: str) -> dict[str, Any]:
    return {
        "seq": seq,
        **{name: getattr(made, name) for name in _COLUMNS},
        "data": dict(made.data),
        "prev_hash": previous,
        "hash": _hash(previous, seq, made),
    }


def _deed(row: Row[Any]) -> Deed:
    return Deed(**{name: getattr(row, name) for name in _COLUMNS}, data=row.data)


def _hash(previous: str, seq: int, made: Deed) -> str:
    """Return the SHA-256 over a JSON array in one canonical spelling, as the timeline's links have it."""
    parts = [previous, seq, *(getattr(made, name) for name in _COLUMNS), made.data]
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


_COLUMNS = ("at_ms", "actor_kind", "actor", "action", "object", "outcome", "address")
