"""Blocks as rows: which ones to open for what is asked."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from iotops.store.arrivals import watermarks
from iotops.store.blocks import Block
from iotops.store.database import Unit
from iotops.store.tables import block
from iotops.telemetry.reading import DeviceKey, Reading

_SEQ_WINDOW_MS = 600_000  # within which seq and content make two readings the same (iotops.telemetry.identity)


def device_blocks(unit: Unit, device_id: int, key: DeviceKey | None, from_ms: int, to_ms: int) -> Iterator[Block]:
    """Yield a device's blocks that may hold event times from one instant up to another, in order of arrival."""
    yield from _opened(unit, key, _is(unit, device_id), block.c.last_at_ms >= from_ms, block.c.first_at_ms < to_ms)


def packed_blocks(unit: Unit, device_id: int, from_ms: int, to_ms: int) -> Iterator[bytes]:
    """Yield the same blocks as `device_blocks`, as they are packed."""
    wanted = (_is(unit, device_id), block.c.last_at_ms >= from_ms, block.c.first_at_ms < to_ms)
    statement = select(block.c.packed).where(*wanted).order_by(block.c.first_position)
    return iter(unit.connection.execute(statement).scalars())


def newest_blocks(unit: Unit, device_id: int, key: DeviceKey | None, count: int) -> list[Block]:
    """Return a device's newest blocks, in order of arrival."""
    newest = select(block.c.first_position).where(_is(unit, device_id))
    newest = newest.order_by(block.c.first_position.desc()).limit(count)
    return list(_opened(unit, key, block.c.first_position.in_(newest)))


def blocks_that_may_hold(unit: Unit, device_id: int, reading: Reading) -> Iterator[tuple[int, Block]]:
    """Yield (first position, block) of a device's blocks that may hold the same reading, however it is identified."""
    if reading.boot is not None and reading.seq is not None:
        where: ColumnElement[bool] = and_(block.c.first_seq <= reading.seq, block.c.last_seq >= reading.seq)
    else:
        where = or_(
            and_(block.c.first_at_ms <= reading.at_ms, block.c.last_at_ms >= reading.at_ms),
            block.c.skewed,
            block.c.last_received_ms >= reading.received_ms - _SEQ_WINDOW_MS,
        )
    rows = unit.connection.execute(select(block).where(_is(unit, device_id), where))
    return ((row.first_position, Block(row.packed, device_id, reading.key)) for row in rows)


def _is(unit: Unit, device_id: int) -> ColumnElement[bool]:
    # Blocks beyond the watermark are of a compaction that is not finished, or never was.
    return and_(block.c.device_id == device_id, block.c.last_position <= watermarks(unit)["compacted"])


def _opened(unit: Unit, key: DeviceKey | None, *where: Any) -> Iterator[Block]:
    statement = select(block.c.packed, block.c.device_id).where(*where).order_by(block.c.first_position)
    for row in unit.connection.execute(statement):
        yield Block(row.packed, row.device_id, key)
