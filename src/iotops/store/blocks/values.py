"""Columns of what devices send: numbers, truth values, text, null; each comes back as it was, type and all."""

from array import array
from collections.abc import Sequence
from math import copysign
from typing import Any

from iotops.store.blocks.integers import Packed, pack_integers, shuffle, unpack_integers, unshuffle
from iotops.telemetry.reading import Value

_PLACES = (1, 10, 100, 1_000, 10_000, 1_000_000)
_PROBED = 16  # values that must fit before a whole column is tried
_LOW, _HIGH = -(2**63), 2**63 - 1
_EXACT = 2.0**53  # beyond it a float is no longer one integer


def pack_values(values: Sequence[Value | None]) -> list[Any]:
    """Return n >= 1 values, packed: [kind, ...]; `unpack_values` gives back the same."""
    kinds = {type(value) for value in values}
    # `kinds` says what every value is; the type checker cannot follow that.
    if kinds == {int} and all(_LOW <= value <= _HIGH for value in values):  # type: ignore[operator]
        return ["i", *pack_integers(values)]  # type: ignore[arg-type]
    if kinds == {float}:
        return _pack_floats(values)  # type: ignore[arg-type]
    if kinds == {bool}:
        return ["b", bytes(values)]  # type: ignore[arg-type]
    return ["m", list(values)]


def unpack_values(packed: list[Any], count: int) -> list[Value | None]:
    """Return the `count` values that `pack_values` packed."""
    kind = packed[0]
    if kind == "i":
        return list(unpack_integers(packed[1:], count))
    if kind == "d":
        places = packed[1]
        return [scaled / places for scaled in unpack_integers(packed[2:], count)]
    if kind == "f":
        floats: array[float] = array("d")
        floats.frombytes(unshuffle(packed[1], 8))
        return list(floats)
    if kind == "b":
        return [value == 1 for value in packed[1]]
    return list(packed[1])


def _pack_floats(values: Sequence[float]) -> list[Any]:
    for places in _PLACES:
        if (_scaled(values[:_PROBED], places)) and (scaled := _scaled(values, places)):
            return ["d", places, *scaled]
    return ["f", shuffle(array("d", values).tobytes(), 8)]


def _scaled(values: Sequence[float], places: int) -> Packed | None:
    """Return the values times `places` as packed integers, None where not every one comes back exactly.

    Sensors round: 23.41 is 2341 / 100, and two bytes instead of eight.
    """
    if not all(-_EXACT < value * places < _EXACT for value in values):
        return None
    scaled = [round(value * places) for value in values]
    if any(whole / places != value for whole, value in zip(scaled, values, strict=True)):
        return None
    if any(not value and copysign(1.0, value) < 0 for value in values):  # -0.0 is no integer
        return None
    return pack_integers(scaled)
