"""What is too old goes, counted from receipt; the timeline never does."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile

from sqlalchemy import ColumnElement, Table, delete, select, update

from iotops.settings import RetentionSettings
from iotops.store import standing
from iotops.store.arrivals import watermarks
from iotops.store.database import Database, Unit
from iotops.store.downsampling import downsample, roll_up_arrivals
from iotops.store.notes import NO_DEVICE
from iotops.store.tables import arrival, block, dead_letter, figure, notice, rollup, watermark

_DELETED_AT_ONCE = 1_000
FIGURES_MS = 400 * 86_400_000
"""How long counts by day are kept; they are few."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows went; of blocks with values, and of arrivals, rollups are left until they are too old as well."""

    arrivals: int
    blocks: int
    rollups: int
    dead_letters: int


def prune(
    database: Database, kept: RetentionSettings, *, now_ms: int, stopped: Callable[[], bool] = lambda: False
) -> Pruned:
    """Delete what was received longer ago than it is kept, telemetry after having made rollups of it.

    Telemetry goes by blocks: a block stays while one of its arrivals does, an hour at most; where rollups are made of
    them they stay until the day (UTC) of their receipt is too old as a whole.

    Args:
        database: used in many short units.
        kept: how long what is kept.
        now_ms: the wall clock.
        stopped: asked while rollups are made; the next run goes on.
    """
    _prune_figures(database, now_ms - FIGURES_MS)
    with database.begin() as unit:
        standing.forget(unit, now_ms - FIGURES_MS)
    letters_ms = now_ms - kept.dead_letters_ms
    _prune(database, notice, "updated_ms", letters_ms, notice.c.state.in_(("delivered", "failed")))
    raw_ms = now_ms - kept.raw_ms
    noted_ms = now_ms - min(kept.raw_ms, kept.arrivals_ms)
    rolls_up = kept.downsampled_ms > kept.raw_ms
    blocks = _prune(database, block, "last_received_ms", noted_ms, block.c.device_id <= NO_DEVICE)
    if rolls_up:
        blocks += downsample(database, before_ms=raw_ms, stopped=stopped)
    else:
        blocks += _prune(database, block, "last_received_ms", raw_ms)
    return Pruned(
        arrivals=_prune_arrivals(database, raw_ms, rolls_up=rolls_up),
        blocks=blocks,
        rollups=_prune(database, rollup, "last_received_ms", now_ms - kept.downsampled_ms),
        dead_letters=_prune(database, dead_letter, "received_ms", letters_ms),
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


def _prune_arrivals(database: Database, before_ms: int, *, rolls_up: bool) -> int:
    """Delete old rows that were never compacted, from the oldest up to the first that is kept."""
    total = 0
    while True:
        with database.begin() as unit:
            old = _oldest(unit, before_ms)
            if not old:
                return total
            if rolls_up:
                roll_up_arrivals(unit, old[-1])
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
