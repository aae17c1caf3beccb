"""Old blocks become rollups, day by day of receipt: in each transaction some blocks go and what is left of them comes.

So whoever reads finds every value once, as it was or within five minutes, and a death anywhere leaves nothing to mend.
"""

from collections.abc import Callable, Generator
from contextlib import closing
from itertools import groupby, islice
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select

from iotops.store.arrivals import between
from iotops.store.blocks import pack_block
from iotops.store.database import Database, Unit
from iotops.store.notes import NO_DEVICE
from iotops.store.rollups import roll_up
from iotops.store.tables import block, rollup

DAY_MS = 86_400_000
_DEVICES = 50  # in one transaction: some 10 ms, so that the ingest hardly waits
_FETCHED = 500  # blocks read at once


class _Part(NamedTuple):
    """Blocks of one device, and their rollup as a row; None where they hold no value."""

    positions: list[int]
    row: dict[str, Any] | None


def downsample(
    database: Database, *, before_ms: int, devices: int = _DEVICES, stopped: Callable[[], bool] = lambda: False
) -> int:
    """Put rollups in the place of blocks that were received before an instant; one process at a time.

    Args:
        database: used in many units.
        before_ms: Unix milliseconds; days of receipt (UTC) that are not over by then stay as they are.
        devices: whose blocks go in one transaction.
        stopped: asked between transactions; the next run goes on.

    Returns:
        How many blocks went.
    """
    gone = 0
    while not stopped() and (until_ms := _end_of_oldest_day(database, before_ms // DAY_MS * DAY_MS)) is not None:
        with database.read() as unit, closing(_parts(unit, until_ms)) as parts:
            while not stopped() and (some := list(islice(parts, devices))):
                gone += _replace(database, some)
    return gone


def roll_up_arrivals(unit: Unit, until: int) -> None:
    """Make rollups of the arrivals up to a position that never came into blocks, in the unit in which they go."""
    rows = []
    with closing(between(unit, 0, until, by_device=True)) as found:
        for device_id, members in groupby(found, key=lambda each: each.device_id):
            arrivals = list(members)
            made = roll_up([pack_block(arrivals, None)]) if device_id > NO_DEVICE else None
            if made is not None:
                received_ms = max(each.received_ms for each in arrivals)
                rows.append({"device_id": device_id, "last_received_ms": received_ms, **made._asdict()})
    if rows:
        unit.connection.execute(insert(rollup), rows)


def _end_of_oldest_day(database: Database, before_ms: int) -> int | None:
    received_ms = block.c.last_received_ms
    oldest = select(received_ms).where(received_ms < before_ms, block.c.device_id > NO_DEVICE)
    with database.read() as unit:
        found: int | None = unit.connection.execute(oldest.order_by(received_ms).limit(1)).scalar()
    return None if found is None else (found // DAY_MS + 1) * DAY_MS


def _parts(unit: Unit, until_ms: int) -> Generator[_Part]:
    columns = (block.c.device_id, block.c.first_position, block.c.last_received_ms, block.c.packed)
    old = select(*columns).where(block.c.last_received_ms < until_ms, block.c.device_id > NO_DEVICE)
    ordered = old.order_by(block.c.device_id, block.c.first_position)
    with unit.connection.execute(ordered, execution_options={"yield_per": _FETCHED}) as rows:
        for device_id, members in groupby(rows, key=lambda row: row.device_id):
            yield _part(device_id, list(members))


def _part(device_id: int, rows: list[Any]) -> _Part:
    made = roll_up([row.packed for row in rows])
    positions = [row.first_position for row in rows]
    if made is None:
        return _Part(positions, None)
    received_ms = max(row.last_received_ms for row in rows)
    return _Part(positions, {"device_id": device_id, "last_received_ms": received_ms, **made._asdict()})


def _replace(database: Database, parts: list[_Part]) -> int:
    rows = [part.row for part in parts if part.row is not None]
    positions = [position for part in parts for position in part.positions]
    with database.begin() as unit:
        if rows:
            unit.connection.execute(insert(rollup), rows)
        for start in range(0, len(positions), _FETCHED):
            some = positions[start : start + _FETCHED]
            unit.connection.execute(delete(block).where(block.c.first_position.in_(some)))
    return len(positions)
