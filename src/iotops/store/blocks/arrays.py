"""Blocks as NumPy columns, for those who read very many of them; what they hold is what `Block` yields."""

from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import zstandard

from iotops.store.blocks.values import unpack_values

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]


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


def unpack_numbers(packed: bytes, metric: str) -> tuple[Integers, Numbers] | None:
    """Return event times and values of one metric in what `pack_block` packed, in order of arrival.

    Returns:
        Integers where the metric has nothing else, else floats, NaN for null; nothing else of the block is unpacked.
        None where one of its values is text or a truth value.
    """
    block = _one_metric(zstandard.decompress(packed))
    if metric not in block.values:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    places, column = msgspec.msgpack.decode(block.values[metric])
    at_ms = _integers(block.at, block.count)
    if places is None:
        values = as_numbers(column, block.count)
    else:
        at_ms, values = at_ms[_integers(places[1], places[0])], as_numbers(column, places[0])
    return None if values is None else (at_ms, values)


def as_numbers(packed: list[Any], count: int) -> Numbers | None:
    """Return what `pack_values` packed as an array; None where something in it is no number and no null."""
    kind = packed[0]
    if kind == "i":
        return _integers(packed[1:], count)
    if kind == "d":
        places: int = packed[1]
        return _integers(packed[2:], count) / places
    if kind == "f":
        floats: npt.NDArray[np.float64] = np.frombuffer(packed[1], np.uint8).reshape(8, -1).T.copy().view("<f8")
        return floats.reshape(-1)
    if kind == "m" and all(value is None or type(value) in (int, float) for value in packed[1]):
        return _mixed(packed[1])
    return None


def _mixed(values: list[int | float | None]) -> Numbers:
    if all(type(value) is int and -(2**63) <= value < 2**63 for value in values):
        return np.array(values, np.int64)
    return np.array([np.nan if value is None else float(value) for value in values], np.float64)


class _OneMetric(msgspec.Struct):
    """A block of which only what is named here is decoded."""

    count: int
    at: list[Any]
    values: dict[str, msgspec.Raw]


_one_metric = msgspec.msgpack.Decoder(_OneMetric).decode


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
