"""One row per reading in the order of arrival: how it is written, and how one device's are found without an index.

Each row says where its device's row before is (`previous`). `presence.position` says where the newest is, up to the
watermark `heads`; what came after that is few and is scanned. So an append touches no index, and a device's recent
readings cost one look-up each.
"""

from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import select, text

from iotops.store.database import Unit
from iotops.store.packing import LABELS, unpack
from iotops.store.tables import watermark
from iotops.telemetry.reading import DeviceKey, Kind, Reading


class Arrival(NamedTuple):
    """A row of `arrival`; `device_id` 0 where it is not about one device, `packed` see `pack` and `unpack`."""

    position: int
    device_id: int
    previous: int | None
    kind: int
    at_ms: int
    received_ms: int
    connected_ms: int
    batch_no: int
    skewed: bool
    boot: str | None
    seq: int | None
    identity: bytes
    packed: bytes

    def reading(self, key: DeviceKey) -> Reading:
        """Return the reading that was stored."""
        values = unpack(self.packed)
        labels = values.pop(LABELS, {})
        return Reading(
            key=key,
            at_ms=self.at_ms,
            received_ms=self.received_ms,
            values=values,
            identity=self.identity,
            connected_ms=self.connected_ms,
            boot=self.boot,
            seq=self.seq,
            kind=Kind(self.kind),
            skewed=bool(self.skewed),
            labels=labels,
        )


_COLUMNS = ", ".join(Arrival._fields)


def write(unit: Unit, rows: Sequence[Arrival]) -> None:
    """Append rows."""
    if unit.dialect == "sqlite":
        places = ",".join("?" * len(Arrival._fields))
        unit.connection.exec_driver_sql(f"INSERT INTO arrival ({_COLUMNS}) VALUES ({places})", list(rows))
        return
    driver = unit.connection.connection.driver_connection
    assert driver is not None  # noqa: S101  for the type checker: a unit's connection is open
    with driver.cursor() as cursor, cursor.copy(f"COPY arrival ({_COLUMNS}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def watermarks(unit: Unit) -> dict[str, int]:
    """Return `compacted`: all up to here is in blocks, and `heads`: see `presence.position`."""
    return {row.name: row.position for row in unit.connection.execute(select(watermark))}


def recent(unit: Unit, device_id: int) -> Iterator[Arrival]:
    """Yield the arrivals of one device that are not in blocks, in no particular order."""
    marks = watermarks(unit)
    first = None
    for arrival in between(unit, max(marks["heads"], marks["compacted"]), None, device_id):
        first = arrival if first is None else first
        yield arrival
    start = _HEAD if first is None else _PREVIOUS
    found = unit.connection.execute(
        text(start + _CHAIN), {"at": device_id if first is None else first.position, "floor": marks["compacted"]}
    )
    yield from map(Arrival._make, found)


def between(
    unit: Unit, after: int, until: int | None = None, device_id: int | None = None, *, by_device: bool = False
) -> Generator[Arrival]:
    """Yield arrivals after one position and up to another (None: the newest), in order, perhaps of one device.

    With `by_device`, all of one device stand together. To be closed where it may not be read to its end.
    """
    order = "device_id, position" if by_device else "position"
    conditions = "position > :after"
    conditions += "" if until is None else " AND position <= :until"
    conditions += "" if device_id is None else " AND device_id = :device_id"
    wanted = {"after": after, "until": until, "device_id": device_id}
    found = unit.connection.execute(
        text(f"SELECT {_COLUMNS} FROM arrival WHERE {conditions} ORDER BY {order}"),
        {name: value for name, value in wanted.items() if value is not None},
        execution_options={"yield_per": _FETCHED},
    )
    with found:
        yield from map(Arrival._make, found)


_FETCHED = 2_000
_HEAD = "WITH RECURSIVE chain(next) AS (SELECT position FROM presence WHERE device_id = :at"
_PREVIOUS = "WITH RECURSIVE chain(next) AS (SELECT previous FROM arrival WHERE position = :at"
_CHAIN = (
    " UNION ALL"
    " SELECT arrival.previous FROM chain JOIN arrival ON arrival.position = chain.next WHERE chain.next > :floor)"
    f" SELECT {', '.join(f'arrival.{name}' for name in Arrival._fields)}"
    " FROM chain JOIN arrival ON arrival.position = chain.next WHERE chain.next > :floor"
)
