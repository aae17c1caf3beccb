"""Clocks of incidents as they stand now: from the cache where that knows all that happened, else computed."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import Row, select

from iotops.incidents.business_time import counted_ms
from iotops.incidents.clocks import Clock
from iotops.incidents.incident import Incident
from iotops.incidents.promise import Promise
from iotops.store.database import Unit
from iotops.store.incidents.rows import row_id
from iotops.store.sla.cards import read_cards, with_news
from iotops.store.sla.follow import followed
from iotops.store.sla.promises import Given, any_policy, load, would_be_promised
from iotops.store.tables import sla_clock
from iotops.store.upsert import chunks


class ShownClock(NamedTuple):
    """A clock, and the policy that it runs under."""

    policy: str
    clock: Clock


def clocks_of(unit: Unit, incidents: Collection[Incident], now_ms: int, *, near: float) -> dict[str, list[ShownClock]]:
    """Return number -> clocks as they stand now, for those incidents that have any.

    What nobody took in yet is computed here, with what is about to be promised.
    """
    if not incidents:
        return {}
    rows: dict[int, list[Row[Any]]] = {}
    of = {row_id(each.number): each for each in incidents}
    news = with_news(unit, of, followed(unit))
    for ids in chunks(sorted(of)):
        for row in unit.connection.execute(select(sla_clock).where(sla_clock.c.incident_id.in_(ids))):
            rows.setdefault(row.incident_id, []).append(row)
    promises = load(unit, {row.edition for found in rows.values() for row in found})
    shown = {
        of[i].number: [ShownClock(row.policy, _now(row, promises[row.edition], now_ms)) for row in found]
        for i, found in rows.items()
        if i not in news
    }
    if news and (rows or any_policy(unit)):
        shown.update(_computed(unit, {i: of[i] for i in news}, now_ms, near))
    return shown


def _computed(unit: Unit, found: dict[int, Incident], now_ms: int, near: float) -> dict[str, list[ShownClock]]:
    cards = read_cards(unit, list(found))
    wanted = would_be_promised(unit, [each for each in found.values() if each.is_open], near)
    shown: dict[str, list[ShownClock]] = {}
    for i, each in found.items():
        new, card = wanted.get(each.number, Given()), cards[i]
        given = Given(card.given.ours or new.ours, card.given.suppliers or new.suppliers)
        clocks = card.clocks(now_ms, given)
        if clocks:
            shown[each.number] = [ShownClock(_policy(given, kind), clock) for kind, clock in clocks.items()]
    return shown


def _policy(given: Given, kind: str) -> str:
    promise = given.of(kind)
    return "" if promise is None else promise.policy


def from_clock_row(row: Row[Any]) -> Clock:
    """Return the clock that a row holds, as of when it was computed."""
    return Clock(
        kind=row.kind,
        state=row.state,
        started_ms=row.started_ms,
        target_ms=row.target_ms,
        paused=tuple((pause[0], pause[1]) for pause in row.paused),
        due_ms=row.due_ms,
        near_due_ms=row.near_due_ms,
        near_ms=row.near_ms,
        stopped_ms=row.stopped_ms,
        breached_ms=row.breached_ms,
        used_ms=row.used_ms,
    )


def _now(row: Row[Any], promise: Promise, now_ms: int) -> Clock:
    """Let a clock run on from when its row was computed, nothing having happened since."""
    clock = from_clock_row(row)
    if clock.state != "running" or now_ms <= row.seen_ms:
        return clock
    near = clock.near_due_ms is not None and clock.near_due_ms < now_ms
    over = clock.due_ms is not None and clock.due_ms < now_ms
    return replace(
        clock,
        used_ms=clock.used_ms + counted_ms(promise.calendar, row.seen_ms, now_ms),
        near_ms=clock.near_ms if clock.near_ms is not None or not near else clock.near_due_ms,
        breached_ms=clock.breached_ms if clock.breached_ms is not None or not over else clock.due_ms,
    )
