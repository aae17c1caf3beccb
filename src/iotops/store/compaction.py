"""Moving arrivals of closed hours into blocks, in many short transactions that make one move.

Blocks are written beyond the watermark `compacted`, where no reader looks; then the watermark moves, in one statement;
then the rows below it are deleted, which no reader looks at any more. A death anywhere leaves what the next run
removes first.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from iotops.store.arrivals import Arrival, between, watermarks
from iotops.store.blocks import pack_block
from iotops.store.database import Database, Unit
from iotops.store.tables import arrival, block, device, watermark
from iotops.telemetry.reading import DeviceKey

HOUR_MS = 3_600_000
_GRACE_MS = 60_000  # after its end an hour is closed
_HOT_ARRIVALS = 1_000_000  # beyond these the oldest are moved before their hour is closed
_STEP_ARRIVALS = 1_000_000  # moved at once: sorted by the database, streamed through here


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is done in one transaction: some 10 ms each, so that the ingest hardly waits.

    Attributes:
        block_arrivals: in one block at most.
        written_blocks, deleted_rows: in one transaction.
        spare_pages: left empty in a SQLite file, 8 MB: the next minutes of arrivals fill them again.
    """

    block_arrivals: int = 4_096
    written_blocks: int = 100
    deleted_rows: int = 10_000
    spare_pages: int = 2_048


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a run moved."""

    arrivals: int = 0
    blocks: int = 0


def compact(
    database: Database,
    *,
    now_ms: int,
    before_position: int | None = None,
    pace: Pace = Pace(),
    stopped: Callable[[], bool] = lambda: False,
) -> Compacted:
    """Move what is in closed hours of receipt, or too much to stay, into blocks; one process at a time.

    Args:
        database: used in many units.
        now_ms: the wall clock.
        before_position: what comes after it stays as rows: from there a restart reads (`slots.oldest_position`).
        pace: how much at once.
        stopped: asked between transactions; what was begun is then left to the next run.
    """
    _clean_up(database, pace)
    arrivals = blocks = 0
    while not stopped():
        with database.read() as unit:
            start = watermarks(unit)["compacted"]
            until = _end_of_step(unit, start, now_ms, before_position)
            if until <= start:
                break
            moved = _move(database, unit, start, until, pace=pace, stopped=stopped)
        if stopped():
            break
        with database.begin() as unit:
            unit.connection.execute(update(watermark).where(watermark.c.name == "compacted").values(position=until))
        _clean_up(database, pace)
        arrivals += moved.arrivals
        blocks += moved.blocks
    return Compacted(arrivals, blocks)


def _end_of_step(unit: Unit, start: int, now_ms: int, before_position: int | None) -> int:
    """Return the last position to move: of a prefix, because the watermark is a position."""
    newest = unit.connection.execute(select(func.max(arrival.c.position))).scalar_one() or 0
    # Presence must have been written past what is moved: where it was not, rows stand in for it.
    last = min(start + _STEP_ARRIVALS, watermarks(unit)["heads"], newest)
    if before_position is not None:
        last = min(last, before_position)
    closed_ms = (now_ms - _GRACE_MS) // HOUR_MS * HOUR_MS
    still_open = unit.connection.execute(
        select(func.min(arrival.c.position)).where(
            arrival.c.position > start, arrival.c.position <= last, arrival.c.received_ms >= closed_ms
        )
    ).scalar_one()
    return last if still_open is None else max(still_open - 1, min(last, newest - _HOT_ARRIVALS))


def _move(
    database: Database, unit: Unit, start: int, until: int, *, pace: Pace, stopped: Callable[[], bool]
) -> Compacted:
    key_of = {
        row.id: DeviceKey(row.site, row.device)
        for row in unit.connection.execute(select(device.c.id, device.c.site, device.c.device))
    }
    arrivals = blocks = 0
    with closing(between(unit, start, until, by_device=True)) as found:
        rows = _blocks(found, key_of, pace.block_arrivals)
        while not stopped() and (some := list(islice(rows, pace.written_blocks))):
            with database.begin() as writing:
                writing.connection.execute(insert(block), some)
            blocks += len(some)
            arrivals += sum(row["readings"] for row in some)
    return Compacted(arrivals, blocks)


def _blocks(arrivals: Iterable[Arrival], key_of: dict[int, DeviceKey], longest: int) -> Iterator[dict[str, Any]]:
    for device_id, members in groupby(arrivals, key=lambda each: each.device_id):
        while some := list(islice(members, longest)):
            yield _row(some, device_id, key_of.get(device_id))


def _row(arrivals: list[Arrival], device_id: int, key: DeviceKey | None) -> dict[str, Any]:
    at_ms = [each.at_ms for each in arrivals]
    received_ms = [each.received_ms for each in arrivals]
    seqs = [each.seq for each in arrivals if each.seq is not None]
    return {
        "first_position": arrivals[0].position,
        "last_position": arrivals[-1].position,
        "device_id": device_id,
        "first_at_ms": min(at_ms),
        "last_at_ms": max(at_ms),
        "first_received_ms": min(received_ms),
        "last_received_ms": max(received_ms),
        "first_seq": min(seqs, default=None),
        "last_seq": max(seqs, default=None),
        "readings": len(arrivals),
        "skewed": any(each.skewed for each in arrivals),
        "packed": pack_block(arrivals, key),
    }


def _clean_up(database: Database, pace: Pace) -> None:
    """Delete rows that are in blocks, and blocks that a run before did not finish."""
    with database.read() as unit:
        compacted = watermarks(unit)["compacted"]
        first = unit.connection.execute(select(func.min(arrival.c.position))).scalar_one()
        unfinished = select(block.c.first_position).where(block.c.first_position > compacted).limit(1)
        interrupted = unit.connection.execute(unfinished).first() is not None
    if interrupted:
        with database.begin() as unit:
            unit.connection.execute(delete(block).where(block.c.first_position > compacted))
    while first is not None and first <= compacted:
        first = min(first + pace.deleted_rows, compacted + 1)
        with database.begin() as unit:
            unit.connection.execute(delete(arrival).where(arrival.c.position < first))
    _give_back(database, pace)


def _give_back(database: Database, pace: Pace) -> None:
    """Shrink a SQLite file of which more than a quarter is empty; PostgreSQL's autovacuum does that for its own."""
    if database.dialect != "sqlite":
        return
    with database.dedicated() as connection:
        driver: Any = connection.connection.driver_connection
        while True:
            ((empty,), (pages,)) = (
                driver.execute(f"PRAGMA {name}").fetchone() for name in ("freelist_count", "page_count")
            )
            if empty < max(pace.spare_pages, pages // 4):
                return
            # A script, because execute() stops after the first page that this frees.
            driver.executescript(f"PRAGMA incremental_vacuum({pace.spare_pages // 2})")
