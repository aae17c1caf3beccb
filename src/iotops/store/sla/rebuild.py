"""Every clock computed again from the timeline, and compared with, or put in place of, what the cache says."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select

from iotops.store.database import Database, Unit
from iotops.store.incidents.rows import number_of
from iotops.store.sla.cards import clock_row, read_cards, with_news
from iotops.store.sla.follow import followed
from iotops.store.tables import incident, sla_clock
from iotops.store.upsert import upsert

_AT_ONCE = 200
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild went through: clocks computed, clocks that were different, and some of their incidents."""

    clocks: int
    different: int
    incidents: tuple[str, ...]


def rebuild(database: Database, now_ms: int, *, check: bool) -> Rebuilt:
    """Compute every clock from the timeline; `check`: only compare, and write nothing.

    A row is compared as of when it was computed. Incidents with news that the ingest has not taken in are left to it.
    """
    clocks, different, after = 0, 0, 0
    named: list[str] = []
    begin: Callable[[], AbstractContextManager[Unit]] = database.read if check else database.begin
    while True:
        with begin() as unit:
            slice_ = select(incident.c.id).where(incident.c.id > after).order_by(incident.c.id).limit(_AT_ONCE)
            ids = list(unit.connection.execute(slice_ if check else slice_.with_for_update()).scalars())
            if not ids:
                return Rebuilt(clocks, different, tuple(named[:_SHOWN]))
            after = ids[-1]
            news = with_news(unit, ids, followed(unit))
            count, wrong = _rebuild(unit, [each for each in ids if each not in news], now_ms, check=check)
        clocks += count
        different += len(wrong)
        named += sorted({number_of(each) for each in wrong})


def _rebuild(unit: Unit, ids: list[int], now_ms: int, *, check: bool) -> tuple[int, list[int]]:
    """Return how many clocks the incidents have, and for each one that the cache has not so, its incident."""
    cached = {
        (row.incident_id, row.kind): dict(row._mapping)  # noqa: SLF001  public in spite of its name, see SQLAlchemy's Row
        for row in unit.connection.execute(select(sla_clock).where(sla_clock.c.incident_id.in_(ids)))
    }
    cards = read_cards(unit, ids)
    computed: dict[tuple[int, str], dict[str, Any]] = {}
    for each in ids:
        seen_ms = max((row["seen_ms"] for key, row in cached.items() if key[0] == each), default=now_ms)
        for kind, clock in cards[each].clocks(seen_ms).items():
            computed[each, kind] = clock_row(each, clock, cards[each].given, seen_ms)
    wrong = [key for key in cached.keys() | computed.keys() if cached.get(key) != computed.get(key)]
    if wrong and not check:
        gone = {key[0] for key in wrong}
        unit.connection.execute(delete(sla_clock).where(sla_clock.c.incident_id.in_(gone)))
        upsert(unit, sla_clock, [row for key, row in computed.items() if key[0] in gone])
    return len(computed), [key[0] for key in wrong]
