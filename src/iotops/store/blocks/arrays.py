"""Blocks as NumPy columns, for those who read very many of them; what they hold is what `Block` yields."""

from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import zstandard

from iotops.store.blocks.values import unpack_values

Integers = npt.NDArray[np.int64]


class MetricColumn(NamedTuple):
    """Values of one metric: `rows` that carry it, ascending (None: every row), and as many values."""

    rows: Integers | None
    values: list[Any]


class BlockColumns(NamedTuple):
    """One block: columns of equal length, and the metrics by name (labels under `iotops.store.packing.LABELS`)."""

    position: Integers
    kind: Integers
    at_ms: Integers
    received_ms: Integers
    connected_ms: Integers
    batch_no: Integers
    skewed: Integers
    metrics: dict[str, MetricColumn]


def unpack_block(packed: bytes) -> BlockColumns:
    """Return the columns of what `pack_block` packed."""
    columns: dict[str, Any] = msgspec.msgpack.decode(zstandard.decompress(packed))
    count: int = columns["count"]
    at_ms = _integers(columns["at"], count)
    received_ms = at_ms + _integers(columns["lag"], count)
    return BlockColumns(
        _integers(columns["position"], count),
        _unrun(columns["kind"]),
        at_ms,
        received_ms,
        received_ms - _integers(columns["apart"], count),
        _integers(columns["batch"], count),
        _unrun(columns["skewed"]),
        {metric: _metric(column, count) for metric, column in columns["values"].items()},
    )


def _metric(packed: list[Any], count: int) -> MetricColumn:
    places, values = packed
    if places is None:
        return MetricColumn(None, _values(values, count))
    return MetricColumn(_integers(places[1], places[0]), _values(values, places[0]))


def _values(packed: list[Any], count: int) -> list[Any]:
    found: list[Any]
    if packed[0] == "d":
        found = (_integers(packed[2:], count) / packed[1]).tolist()
        return found
    if packed[0] == "i":
        found = _integers(packed[1:], count).tolist()
        return found
    return unpack_values(packed, count)


def _unrun(runs: list[Any]) -> Integers:
    return np.repeat(np.array(runs[::2], np.int64), np.array(runs[1::2], np.int64))


def _integers(packed: list[Any], count: int) -> Integers:
    first = packed[0]
    if len(packed) == 2:
        return np.full(count, first, np.int64) if not packed[1] else first + packed[1] * np.arange(count)
    width = np.dtype(packed[1]).itemsize
    steps = np.frombuffer(packed[2], np.uint8).reshape(width, -1).T.copy().view(f"<i{width}").reshape(-1)
    if first is None:
        return steps.astype(np.int64)
    found = np.empty(count, np.int64)
    found[0] = first
    np.cumsum(steps, out=found[1:], dtype=np.int64)
    found[1:] += first
    return found
