"""Clocks kept in step with the timeline, and what they have to say written on it.

Commit order is sequence order on the timeline, so a watermark says exactly what was taken in. Doing any of it again
changes nothing: what was promised stays, and what a clock said is said once.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import Row, delete, exists, select

from iotops.incidents.clocks import SAYS_SOMETHING, Clock
from iotops.incidents.incident import OPEN, SYSTEM, Incident
from iotops.incidents.timeline import Entry
from iotops.incidents.transitions import transition
from iotops.store import timeline as chain
from iotops.store import topology
from iotops.store.database import Unit
from iotops.store.incidents.rows import from_row
from iotops.store.sla.cards import RUNG, Card, clock_row, read_cards
from iotops.store.sla.promises import Given, any_policy, keep, would_be_promised
from iotops.store.tables import incident, sla_clock, timeline, watermark
from iotops.store.upsert import upsert

_FOLLOWED, _LOOKED, _SCANNED = "sla_followed", "sla_topology", "sla_scanned"
_READ_AHEAD = 5  # entries looked at per incident that may be worked on


def followed(unit: Unit) -> int:
    """Return the sequence number up to which the clocks know the timeline."""
    return _mark(unit, _FOLLOWED)


def catch_up(unit: Unit, now_ms: int, *, near: float, limit: int = 50) -> bool:
    """Take in what happened, promise what is not promised yet, and say what clocks reached; up to `limit` incidents.

    Args:
        unit: a write unit.
        now_ms: the wall clock.
        near: share of the time after which a breach is near, for new promises.
        limit: how many incidents in one transaction.

    Returns:
        Whether there is more to do at once.
    """
    if not any_policy(unit) and unit.connection.execute(select(sla_clock.c.kind).limit(1)).first() is None:
        head = chain.head(unit).seq
        if head != followed(unit):
            _move(unit, {_FOLLOWED: head})
        return False
    ids, more = _touched(unit, limit)
    due = _due(unit, now_ms, limit)
    unpromised = _unpromised(unit, limit)
    _follow(unit, {*ids, *due, *unpromised}, now_ms, near)
    return more or len(due) == limit or len(unpromised) == limit


def _follow(unit: Unit, incident_ids: Collection[int], now_ms: int, near: float) -> None:
    """Compute the clocks of incidents, which stay locked until the unit ends, and write what is new."""
    statement = select(incident).where(incident.c.id.in_(sorted(incident_ids))).order_by(incident.c.id)
    rows = unit.connection.execute(statement.with_for_update()).all()
    found = {row.id: from_row(row) for row in rows}
    cards = read_cards(unit, list(found))
    givens = _givens(unit, found, cards, near)
    clocks = {each: cards[each].clocks(now_ms, givens[each]) for each in found}
    keep(unit, [promise for given in givens.values() for promise in given if promise is not None], now_ms)
    lost = [each for each in found if not clocks[each]]
    unit.connection.execute(delete(sla_clock).where(sla_clock.c.incident_id.in_(lost)))
    upsert(unit, sla_clock, [clock_row(i, clock, givens[i], now_ms) for i in found for clock in clocks[i].values()])
    entries = [
        (each, entry)
        for each, subject in found.items()
        for entry in (
            *_promised(subject, cards[each].given, givens[each], now_ms),
            *_reached(subject, cards[each], clocks[each].values(), givens[each], now_ms),
        )
    ]
    if entries:
        chain.append(unit, entries)


def _givens(unit: Unit, found: dict[int, Incident], cards: dict[int, Card], near: float) -> dict[int, Given]:
    """Return incident -> what is promised: what was promised before, and for what is open also what is not yet."""
    asking = [
        each
        for i, each in found.items()
        if each.is_open and (cards[i].given.ours is None or (each.supplier and cards[i].given.suppliers is None))
    ]
    new = would_be_promised(unit, asking, near) if asking else {}
    return {
        i: Given(cards[i].given.ours or wanted.ours, cards[i].given.suppliers or wanted.suppliers)
        for i, each in found.items()
        for wanted in (new.get(each.number, Given()),)
    }


def _promised(subject: Incident, before: Given, after: Given, now_ms: int) -> Iterable[Entry]:
    said: dict[str, Any] = {}
    if before.ours is None and after.ours is not None:
        said.update(policy=after.ours.policy, edition=after.ours.digest)
    if before.suppliers is None and after.suppliers is not None:
        said.update(supplier_policy=after.suppliers.policy, supplier_edition=after.suppliers.digest)
    return transition(subject, "promise", SYSTEM, now_ms, **said)[1] if said else ()


def _reached(subject: Incident, card: Card, clocks: Iterable[Clock], given: Given, now_ms: int) -> Iterator[Entry]:
    """Yield what clocks reached and the timeline does not say yet."""
    for clock in clocks:
        promise = given.of(clock.kind)
        for name, at_ms in (("sla_near", clock.near_ms), ("sla_breached", clock.breached_ms)):
            if at_ms is not None and promise is not None and (name, clock.kind) not in card.rung:
                due_ms = clock.due_ms if clock.breached_ms is None else clock.breached_ms
                said: dict[str, Any] = {"clock": clock.kind, "policy": promise.policy, "due_ms": due_ms}
                yield from transition(subject, RUNG[name], SYSTEM, now_ms, **said)[1]


def _touched(unit: Unit, limit: int) -> tuple[set[int], bool]:
    """Return incidents with news on the timeline, and whether there are more; moves the watermark."""
    at_most = limit * _READ_AHEAD
    columns = (timeline.c.seq, timeline.c.incident_id, timeline.c.type)
    statement = select(*columns).where(timeline.c.seq > followed(unit)).order_by(timeline.c.seq).limit(at_most)
    rows: list[Row[tuple[int, int, str]]] = list(unit.connection.execute(statement))
    ids: set[int] = set()
    seq = None
    for row in rows:
        if row.type in SAYS_SOMETHING:
            if len(ids) == limit and row.incident_id not in ids:
                break
            ids.add(row.incident_id)
        seq = row.seq
    if seq is not None:
        _move(unit, {_FOLLOWED: seq})
    return ids, len(rows) == at_most or (bool(rows) and seq != rows[-1].seq)


def _due(unit: Unit, now_ms: int, limit: int) -> list[int]:
    statement = select(sla_clock.c.incident_id).where(sla_clock.c.next_ms <= now_ms)
    return list(unit.connection.execute(statement.order_by(sla_clock.c.next_ms).limit(limit)).scalars())


def _unpromised(unit: Unit, limit: int) -> list[int]:
    """Return open incidents that lack a clock, after policies or services changed; a slice of them at a time."""
    version, scanned = topology.version(unit), _mark(unit, _SCANNED)
    if version == _mark(unit, _LOOKED):
        return []
    has = exists().where(sla_clock.c.incident_id == incident.c.id)
    lacks = ~has.where(sla_clock.c.kind != "supplier") | (
        incident.c.supplier.is_not(None) & ~has.where(sla_clock.c.kind == "supplier")
    )
    open_now = incident.c.state.in_([state.value for state in OPEN])
    beyond = incident.c.id + 0 > scanned  # the sum keeps the database from reading everything in the order of ids
    statement = select(incident.c.id).where(open_now, beyond, lacks).order_by(incident.c.id + 0)
    ids = list(unit.connection.execute(statement.limit(limit)).scalars())
    _move(unit, {_SCANNED: ids[-1]} if len(ids) == limit else {_LOOKED: version, _SCANNED: 0})
    return ids


def _mark(unit: Unit, name: str) -> int:
    found = unit.connection.execute(select(watermark.c.position).where(watermark.c.name == name)).scalar()
    return 0 if found is None else found


def _move(unit: Unit, marks: dict[str, int]) -> None:
    upsert(unit, watermark, [{"name": name, "position": position} for name, position in marks.items()])
