"""Rollups: what is left of telemetry whose every value is kept no longer, five minutes as one.

A rollup holds what one device sent within a day of receipt: of numbers minimum, average, maximum and count of every
five minutes of event time, of text and truth values the first of each in every five minutes. Several rollups may tell
of the same five minutes, because what is late arrives on another day; whoever reads joins them.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import msgspec
import numpy as np
import zstandard
from sqlalchemy import select

from iotops.store.blocks import Block
from iotops.store.blocks.arrays import Integers, Numbers, as_numbers, unpack_numbers
from iotops.store.blocks.integers import pack_integers, unpack_integers
from iotops.store.blocks.values import pack_values, unpack_values
from iotops.store.buckets import Buckets, in_order, thinned
from iotops.store.curves import joined
from iotops.store.database import Unit
from iotops.store.tables import rollup

STEP_MS = 300_000
_LEVEL = 6  # as of blocks
_EVER = (-(2**63), 2**63 - 1)
_DECIMALS = 6  # of averages of numbers above 1: what sensors say is coarser, and the column a third of the size


class Rollup(NamedTuple):
    """What `roll_up` made: the bytes, and the event times that are in them, Unix milliseconds."""

    packed: bytes
    first_at_ms: int
    last_at_ms: int


class Rolled(NamedTuple):
    """What rollups tell of one metric: numbers as stretches of `STEP_MS`, and points [t, value] of anything else."""

    numbers: Buckets
    others: list[list[Any]]


class _Packed(msgspec.Struct):
    """The content of a rollup: metric -> packed columns."""

    numbers: dict[str, msgspec.Raw]
    others: dict[str, msgspec.Raw]


_decode = msgspec.msgpack.Decoder(_Packed).decode


def roll_up(blocks: Sequence[bytes]) -> Rollup | None:
    """Return the rollup of packed blocks of one device, in order of arrival; None where they hold no value."""
    opened = [Block(packed, 0, None) for packed in blocks]
    content: dict[str, dict[str, Any]] = {"numbers": {}, "others": {}}
    times: set[int] = set()
    for metric in sorted(set().union(*(block.metrics() for block in opened))):
        parts = [unpack_numbers(packed, metric) for packed in blocks]
        numbers = [part for part in parts if part is not None]
        if len(numbers) == len(parts):
            buckets = Buckets.of_points(*joined(numbers, *_EVER)).of_length(STEP_MS)
            if len(buckets.start_ms):
                content["numbers"][metric] = _pack_buckets(buckets)
                times.update((int(buckets.start_ms[0]), int(buckets.start_ms[-1])))
        elif points := _firsts(opened, metric):
            content["others"][metric] = _pack_points(points)
            times.update((points[0][0], points[-1][0]))
    if not times:
        return None
    return Rollup(zstandard.compress(msgspec.msgpack.encode(content), _LEVEL), min(times), max(times))


def rolled(unit: Unit, device_id: int, metric: str, from_ms: int, to_ms: int) -> Rolled:
    """Return what rollups hold of a metric from one event time up to another, the later one excluded.

    Five minutes are in the range where their start is.
    """
    wanted = (rollup.c.device_id == device_id, rollup.c.last_at_ms >= from_ms, rollup.c.first_at_ms < to_ms)
    parts, points = [_NOTHING], []
    for packed in unit.connection.execute(select(rollup.c.packed).where(*wanted).order_by(rollup.c.id)).scalars():
        content = _decode(zstandard.decompress(packed))
        if metric in content.numbers:
            parts.append(_unpack_buckets(msgspec.msgpack.decode(content.numbers[metric])))
        elif metric in content.others:
            points += _unpack_points(msgspec.msgpack.decode(content.others[metric]))
    numbers = in_order(parts).within(from_ms, to_ms).of_length(STEP_MS)
    return Rolled(numbers, [point for point in points if from_ms <= point[0] < to_ms])


def _firsts(opened: Sequence[Block], metric: str) -> list[list[Any]]:
    last: dict[int, Any] = {}
    for block in opened:
        last.update(block.series(metric))
    return thinned([[at_ms, value] for at_ms, value in sorted(last.items()) if value is not None], STEP_MS)


def _pack_points(points: Sequence[Sequence[Any]]) -> list[Any]:
    at_ms, values = zip(*points, strict=True)
    return [len(points), pack_integers(at_ms), pack_values(values)]


def _unpack_points(packed: list[Any]) -> list[list[Any]]:
    count, at_ms, values = packed
    points = zip(unpack_integers(at_ms, count), unpack_values(values, count), strict=True)
    return [list(point) for point in points]


def _pack_buckets(buckets: Buckets) -> list[Any]:
    """Return columns; None for averages and maxima where they are the minima, as where nothing changes."""
    low, mean = buckets.low, np.asarray(buckets.mean, np.float64)
    return [
        len(low),
        pack_integers((buckets.start_ms // STEP_MS).tolist()),
        pack_integers(buckets.counts.tolist()),
        pack_values(low.tolist()),
        _pack_upper(np.round(mean, _DECIMALS) if np.abs(mean).max() > 1 else mean, low),
        _pack_upper(buckets.high, low),
    ]


def _pack_upper(values: Numbers, low: Numbers) -> list[Any] | None:
    return None if np.array_equal(values, low) else pack_values(values.tolist())


def _unpack_buckets(packed: list[Any]) -> Buckets:
    size, starts, counts, low, mean, high = packed
    lowest = _numbers(low, size)
    return Buckets(
        _integers(starts, size) * STEP_MS,
        lowest,
        lowest if mean is None else _numbers(mean, size),
        lowest if high is None else _numbers(high, size),
        _integers(counts, size),
    )


def _numbers(packed: list[Any], size: int) -> Numbers:
    return cast("Numbers", as_numbers(packed, size))  # not None: only numbers were packed


def _integers(packed: list[Any], size: int) -> Integers:
    return np.array(unpack_integers(packed, size), np.int64)


_NOTHING = Buckets.of_points(np.empty(0, np.int64), np.empty(0, np.int64))
