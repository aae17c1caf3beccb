"""The log of arrivals, read in order: what a restart and a backtest go through."""

import heapq
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from sqlalchemy import ColumnElement, select

from iotops.store.arrivals import Arrival, between, recent, watermarks
from iotops.store.blocks import Block
from iotops.store.database import Unit
from iotops.store.notes import Note, NoteKind
from iotops.store.tables import block, device
from iotops.telemetry.reading import DeviceKey, Reading


class Logged(NamedTuple):
    """One entry: its position, the batch that it was committed with, and what it is."""

    position: int
    batch_no: int
    entry: Reading | Note


def log(unit: Unit, after_position: int) -> Iterator[Logged]:
    """Yield everything after a position in order of arrival, from blocks and rows alike."""
    key_of = {
        row.id: DeviceKey(row.site, row.device)
        for row in unit.connection.execute(select(device.c.id, device.c.site, device.c.device))
    }
    for arrival in _arrivals(unit, key_of, after_position):
        known = arrival.kind < min(NoteKind)
        entry = arrival.reading(key_of[arrival.device_id]) if known else Note.of(arrival)
        yield Logged(arrival.position, arrival.batch_no, entry)


def tail(unit: Unit, after_position: int) -> Iterator[tuple[int, Reading]]:
    """Yield (position, reading) after a position in order of arrival."""
    for position, _, entry in log(unit, after_position):
        if isinstance(entry, Reading):
            yield position, entry


def log_of(unit: Unit, key_of: Mapping[int, DeviceKey], since_ms: int) -> Iterator[Reading]:
    """Yield what some devices (id -> key) sent from about an event time on, in order of arrival.

    Blocks that reach beyond that time are read as a whole, so that some older readings come first.
    """
    compacted = watermarks(unit)["compacted"]
    mine = (block.c.device_id.in_(list(key_of)), block.c.last_at_ms >= since_ms)
    newest = sorted(arrival for device_id in key_of for arrival in recent(unit, device_id))
    for arrival in chain(_merged(unit, key_of, 0, compacted, mine), newest):
        yield arrival.reading(key_of[arrival.device_id])


def _arrivals(unit: Unit, key_of: dict[int, DeviceKey], after: int) -> Iterator[Arrival]:
    compacted = watermarks(unit)["compacted"]
    if after < compacted:
        yield from _merged(unit, key_of, after, compacted)
    yield from between(unit, max(after, compacted))


def _merged(
    unit: Unit, key_of: Mapping[int, DeviceKey], after: int, until: int, only: tuple[ColumnElement[bool], ...] = ()
) -> Iterator[Arrival]:
    """Yield arrivals out of blocks by position; no more blocks are open at once than overlap."""
    statement = (
        select(block.c.first_position, block.c.device_id, block.c.packed)
        .where(block.c.last_position > after, block.c.last_position <= until, *only)
        .order_by(block.c.first_position)
    )
    rows = unit.connection.execute(statement, execution_options={"yield_per": 100})
    open_: list[tuple[Arrival, Iterator[Arrival]]] = []
    for row in rows:
        while open_ and open_[0][0].position < row.first_position:
            yield from _next(open_, after)
        _open(open_, iter(Block(row.packed, row.device_id, key_of.get(row.device_id)).arrivals()))
    while open_:
        yield from _next(open_, after)


def _next(open_: list[tuple[Arrival, Iterator[Arrival]]], after: int) -> Iterator[Arrival]:
    arrival, rest = heapq.heappop(open_)
    _open(open_, rest)
    if arrival.position > after:
        yield arrival


def _open(open_: list[tuple[Arrival, Iterator[Arrival]]], arrivals: Iterator[Arrival]) -> None:
    if (first := next(arrivals, None)) is not None:
        heapq.heappush(open_, (first, arrivals))
