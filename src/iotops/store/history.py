"""The log of arrivals in long stretches of columns: for a backtest, which goes through millions of readings."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, and_, func, select

from iotops.store.arrivals import watermarks
from iotops.store.blocks.arrays import BlockColumns, Integers, unpack_block
from iotops.store.cells import Cells, Piece
from iotops.store.database import Unit
from iotops.store.notes import NO_DEVICE
from iotops.store.tables import arrival, block
from iotops.store.upsert import chunks

_READINGS: Final = 250_000  # a stretch is about so long, or as long as what overlaps
_ROWS: Final = 50_000  # fetched at once of what is not compacted
_HELD: Final = 5_000  # places of blocks, fetched at once
_decode = msgspec.msgpack.Decoder(list[dict[str, Any]]).decode


class Stretch(NamedTuple):
    """Consecutive arrivals as columns of equal length; `cells`: what they say."""

    position: Integers
    device_id: Integers
    kind: Integers
    at_ms: Integers
    received_ms: Integers
    connected_ms: Integers
    batch_no: Integers
    skewed: Integers
    cells: Cells

    def take(self, rows: Integers) -> "Stretch":
        """Return some rows, in the order given."""
        return Stretch._make([*(column[rows] for column in self[:-1]), self.cells.take(rows)])

    def slice(self, begin: int, end: int) -> "Stretch":
        """Return consecutive rows."""
        return self.take(np.arange(begin, end)) if (begin, end) != (0, len(self.position)) else self

    @classmethod
    def joined(cls, some: Sequence["Stretch"]) -> "Stretch":
        """Return one after the other."""
        columns = [np.concatenate(column) for column in list(zip(*some, strict=True))[:-1]]
        return cls._make([*columns, Cells.joined([piece.cells for piece in some])])

    def sorted(self, *, by_event: bool) -> "Stretch":
        """Return all rows by position, or by event time and then position."""
        keys = (self.position, self.at_ms) if by_event else (self.position,)
        return self.take(np.lexsort(keys))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read.

    Attributes:
        from_ms, to_ms: received within; the end is excluded. With `by_event` the event time is meant, and the order.
        device_ids: whose; None: everybody's. What is not about a device comes always, but not `by_event`.
    """

    from_ms: int
    to_ms: int
    by_event: bool = False
    device_ids: frozenset[int] | None = None

    def rows(self, device_id: Integers, at_ms: Integers, received_ms: Integers) -> Integers:
        """Return the rows that are wanted, ascending."""
        when = at_ms if self.by_event else received_ms
        found: npt.NDArray[np.bool_] = (when >= self.from_ms) & (when < self.to_ms)
        if self.by_event:
            found &= device_id > NO_DEVICE
        if self.device_ids is not None:
            found &= (device_id <= NO_DEVICE) | np.isin(device_id, np.fromiter(self.device_ids, np.int64))
        return np.flatnonzero(found)

    def wants(self, device_id: int) -> bool:
        """Tell whether anything of a device may be wanted."""
        if device_id <= NO_DEVICE:
            return not self.by_event
        return self.device_ids is None or device_id in self.device_ids


def stretches(unit: Unit, wanted: Wanted) -> Iterator[Stretch]:
    """Yield what is wanted in order of arrival, or of event time, from blocks and rows alike."""
    pieces = heapq.merge(_from_blocks(unit, wanted), _from_rows(unit, wanted), key=_first)
    pool: list[Stretch] = []
    held, enough = 0, _READINGS
    for first, piece in pieces:
        if held >= enough:
            done, rest = _cut(Stretch.joined(pool), first, by_event=wanted.by_event)
            if len(done.position) >= _READINGS // 2:
                yield done
                pool, held, enough = [rest], len(rest.position), _READINGS + len(rest.position)
            else:  # what comes overlaps: look again when there is half as much again
                enough = held + held // 2
        pool.append(piece)
        held += len(piece.position)
    if held:
        yield Stretch.joined(pool).sorted(by_event=wanted.by_event)


def count(unit: Unit, wanted: Wanted) -> int:
    """Return about how many readings are wanted: blocks count as a whole, and devices are not looked at."""
    compacted = watermarks(unit)["compacted"]
    blocks = select(func.coalesce(func.sum(block.c.readings), 0)).where(_blocks(wanted, compacted))
    rows = select(func.count()).where(_rows(wanted, compacted))
    of_devices = (block.c.device_id > NO_DEVICE, arrival.c.device_id > NO_DEVICE)
    found = [
        unit.connection.execute(statement.where(only)).scalar_one()
        for statement, only in zip((blocks, rows), of_devices, strict=True)
    ]
    return int(sum(found))


def _first(found: tuple[int, Stretch]) -> int:
    return found[0]


def _cut(found: Stretch, first: int, *, by_event: bool) -> tuple[Stretch, Stretch]:
    """Return what lies before a position, or an event time, in order, and the rest."""
    before = (found.at_ms if by_event else found.position) < first
    return found.take(np.flatnonzero(before)).sorted(by_event=by_event), found.take(np.flatnonzero(~before))


def _blocks(wanted: Wanted, compacted: int) -> ColumnElement[bool]:
    name = "at_ms" if wanted.by_event else "received_ms"
    first, last = block.c[f"first_{name}"], block.c[f"last_{name}"]
    return and_(block.c.last_position <= compacted, last >= wanted.from_ms, first < wanted.to_ms)


def _rows(wanted: Wanted, compacted: int) -> ColumnElement[bool]:
    when = arrival.c.at_ms if wanted.by_event else arrival.c.received_ms
    return and_(arrival.c.position > compacted, when >= wanted.from_ms, when < wanted.to_ms)


def _from_blocks(unit: Unit, wanted: Wanted) -> Iterator[tuple[int, Stretch]]:
    """Yield each block as a stretch by what it begins with: a position, or an event time."""
    begins = block.c.first_at_ms if wanted.by_event else block.c.first_position
    places = select(begins.label("begins"), block.c.first_position, block.c.device_id)
    places = places.where(_blocks(wanted, watermarks(unit)["compacted"])).order_by(begins, block.c.first_position)
    found = unit.connection.execute(places, execution_options={"yield_per": _HELD})
    for some in found.partitions():
        kept = [row for row in some if wanted.wants(row.device_id)]
        for rows in chunks(kept):
            numbers = [row.first_position for row in rows]
            texts = unit.connection.execute(
                select(block.c.first_position, block.c.packed).where(block.c.first_position.in_(numbers))
            )
            packed = {row.first_position: row.packed for row in texts}
            for row in rows:
                yield row.begins, _stretch_of(unpack_block(packed[row.first_position]), row.device_id, wanted)


def _stretch_of(found: BlockColumns, device_id: int, wanted: Wanted) -> Stretch:
    length = len(found.position)
    whole = Stretch(
        found.position,
        np.full(length, device_id, np.int64),
        found.kind,
        found.at_ms,
        found.received_ms,
        found.connected_ms,
        found.batch_no,
        found.skewed,
        Cells.of(Piece(found.metrics), length),
    )
    rows = wanted.rows(whole.device_id, whole.at_ms, whole.received_ms)
    return whole if len(rows) == length else whole.take(rows)


def _from_rows(unit: Unit, wanted: Wanted) -> Iterator[tuple[int, Stretch]]:
    """Yield what is not compacted in stretches, by what each begins with."""
    names = ("position", "device_id", "kind", "at_ms", "received_ms", "connected_ms", "batch_no", "skewed")
    order = (arrival.c.at_ms, arrival.c.position) if wanted.by_event else (arrival.c.position,)
    statement = select(*(arrival.c[name] for name in names), arrival.c.packed)
    statement = statement.where(_rows(wanted, watermarks(unit)["compacted"])).order_by(*order)
    found = unit.connection.execute(statement, execution_options={"yield_per": _ROWS})
    for some in found.partitions():
        *numbers, packed = zip(*some, strict=True)
        columns = [np.array(column, np.int64) for column in numbers]
        rows = wanted.rows(columns[1], columns[3], columns[4])
        kept = [packed[row] for row in rows.tolist()]
        # One array of maps is decoded at once, for a third of what its members cost one by one.
        values = _decode(b"\xdd" + len(kept).to_bytes(4, "big") + b"".join(kept))
        piece = Stretch._make([*(column[rows] for column in columns), Cells.of(Piece({}, values), len(values))])
        if kept:
            yield int((piece.at_ms if wanted.by_event else piece.position)[0]), piece
