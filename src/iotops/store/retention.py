"""What is too old goes, counted from receipt; the timeline never does."""

from dataclasses import dataclass
from itertools import takewhile

from sqlalchemy import ColumnElement, Table, delete, select, update

from iotops.store import standing
from iotops.store.arrivals import watermarks
from iotops.store.database import Database, Unit
from iotops.store.notes import NO_DEVICE
from iotops.store.tables import arrival, block, dead_letter, figure, notice, watermark

_DELETED_AT_ONCE = 1_000
FIGURES_MS = 400 * 86_400_000
"""How long counts by day are kept; they are few."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows went."""

    arrivals: int
    blocks: int
    dead_letters: int


def prune(
    database: Database, *, now_ms: int, raw_ms: int, dead_letters_ms: int, arrivals_ms: int | None = None
) -> Pruned:
    """Delete telemetry and dead letters that were received longer ago than they are kept.

    Telemetry goes by blocks: a block stays while one of its arrivals does, an hour at most.

    Args:
        database: used in many short units.
        now_ms: the wall clock.
        raw_ms: how long telemetry is kept, milliseconds.
        dead_letters_ms: how long dead letters are.
        arrivals_ms: how long what else the log of arrivals tells is (`iotops.store.notes`); None: as long as telemetry.
    """
    _prune_figures(database, now_ms - FIGURES_MS)
    with database.begin() as unit:
        standing.forget(unit, now_ms - FIGURES_MS)
    _prune(database, notice, "updated_ms", now_ms - dead_letters_ms, notice.c.state.in_(("delivered", "failed")))
    noted_ms = raw_ms if arrivals_ms is None else min(raw_ms, arrivals_ms)
    of_no_device = block.c.device_id <= NO_DEVICE
    return Pruned(
        arrivals=_prune_arrivals(database, now_ms - raw_ms),
        blocks=_prune(database, block, "last_received_ms", now_ms - raw_ms)
        + _prune(database, block, "last_received_ms", now_ms - noted_ms, of_no_device),
        dead_letters=_prune(database, dead_letter, "received_ms", now_ms - dead_letters_ms),
    )


def _prune_figures(database: Database, before_ms: int) -> None:
    with database.begin() as unit:
        unit.connection.execute(delete(figure).where(figure.c.day_ms < before_ms))


def _prune(database: Database, table: Table, age: str, before_ms: int, *where: ColumnElement[bool]) -> int:
    key = next(iter(table.primary_key))
    oldest = select(key).where(table.c[age] < before_ms, *where).limit(_DELETED_AT_ONCE)
    total = 0
    while True:
        with database.begin() as unit:
            gone = unit.connection.execute(delete(table).where(key.in_(oldest))).rowcount
        total += gone
        if gone < _DELETED_AT_ONCE:
            return total


def _prune_arrivals(database: Database, before_ms: int) -> int:
    """Delete old rows that were never compacted, from the oldest up to the first that is kept."""
    total = 0
    while True:
        with database.begin() as unit:
            old = _oldest(unit, before_ms)
            if not old:
                return total
            unit.connection.execute(delete(arrival).where(arrival.c.position <= old[-1]))
            unit.connection.execute(update(watermark).where(watermark.c.name == "compacted").values(position=old[-1]))
        total += len(old)


def _oldest(unit: Unit, before_ms: int) -> list[int]:
    """Return the first positions that are neither in blocks nor to be kept, some at a time."""
    marks = watermarks(unit)
    position = arrival.c.position
    some = select(position, arrival.c.received_ms).where(position > marks["compacted"], position <= marks["heads"])
    rows = unit.connection.execute(some.order_by(position).limit(_DELETED_AT_ONCE))
    return [row.position for row in takewhile(lambda row: row.received_ms < before_ms, rows)]
