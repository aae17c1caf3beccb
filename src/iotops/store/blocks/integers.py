"""Columns of 64-bit integers: first value and steps, in as few bytes as the widest step needs."""

from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

Packed = list[Any]
"""[first, step] where every step is the same, else [first, type code, steps as shuffled bytes]."""

_RANGES = (("b", 2**7), ("h", 2**15), ("i", 2**31), ("q", 2**63))


def pack_integers(values: Sequence[int]) -> Packed:
    """Return n >= 1 integers of at most 64 bits, packed; `unpack_integers` gives back the same."""
    first = values[0]
    steps = [after - before for before, after in pairwise(values)]
    low, high = min(steps, default=0), max(steps, default=0)
    if low == high:
        return [first, low]
    code = next((code for code, bound in _RANGES if -bound <= low and high < bound), None)
    if code is None:  # a step beyond 64 bits: the values themselves, which are within
        return [None, "q", shuffle(array("q", values).tobytes(), 8)]
    packed = array(code, steps)
    return [first, code, shuffle(packed.tobytes(), packed.itemsize)]


def unpack_integers(packed: Packed, count: int) -> list[int]:
    """Return the `count` integers that `pack_integers` packed."""
    first = packed[0]
    if len(packed) == 2:
        step = packed[1]
        return list(range(first, first + step * count, step)) if step else [first] * count
    steps: array[int] = array(packed[1])
    steps.frombytes(unshuffle(packed[2], steps.itemsize))
    return list(steps) if first is None else list(accumulate(steps, initial=first))


def shuffle(raw: bytes, width: int) -> bytes:
    """Return all first bytes, then all second ones, ...: like stands by like, and compresses.

    Little-endian as all machines are that wheels of our dependencies exist for.
    """
    return raw if width == 1 else b"".join(raw[offset::width] for offset in range(width))


def unshuffle(shuffled: bytes, width: int) -> bytes:
    """Undo `shuffle`."""
    if width == 1:
        return shuffled
    count = len(shuffled) // width
    raw = bytearray(len(shuffled))
    for offset in range(width):
        raw[offset::width] = shuffled[offset * count : (offset + 1) * count]
    return bytes(raw)
