"""Writing many rows of `presence` at once, as fast as each database can."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import update

from iotops.store.database import Unit
from iotops.store.tables import watermark
from iotops.store.trail import Trail

_encode = msgspec.msgpack.Encoder().encode
_COLUMNS = {
    "position": "bigint",
    "last_seen_ms": "bigint",
    "last_event_ms": "bigint",
    "boots": "bytea",
    "boots_forgotten": "boolean",
    "skewed": "boolean",
}
_SQLITE = f"UPDATE presence SET {', '.join(f'{name} = ?' for name in _COLUMNS)} WHERE device_id = ?"
# One statement with arrays: a round trip for each device would cost more than all else of the batch.
_POSTGRES = (
    f"UPDATE presence SET {', '.join(f'{name} = new.{name}' for name in _COLUMNS)}"
    f" FROM unnest({', '.join(f'%s::{kind}[]' for kind in _COLUMNS.values())}, %s::bigint[])"
    f" AS new ({', '.join(_COLUMNS)}, device_id) WHERE presence.device_id = new.device_id"
)


def write_presences(unit: Unit, trails: Sequence[Trail], position: int) -> None:
    """Write where devices are, and that all arrivals up to `position` are considered in that."""
    rows = [
        (
            trail.position,
            trail.last_seen_ms,
            trail.last_event_ms,
            _encode(trail.boots),
            trail.boots_forgotten,
            trail.skewed,
            trail.device_id,
        )
        for trail in trails
    ]
    if rows and unit.dialect == "sqlite":
        unit.connection.exec_driver_sql(_SQLITE, rows)
    elif rows:
        unit.connection.exec_driver_sql(_POSTGRES, tuple(map(list, zip(*rows, strict=True))))
    unit.connection.execute(update(watermark).where(watermark.c.name == "heads").values(position=position))
