"""One device's readings as columns: what was stored in columns stays so until somebody asks for a reading."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, overload

import numpy as np
import numpy.typing as npt

from iotops.telemetry.reading import DeviceKey, Reading, Value

Integers = npt.NDArray[np.int64]


class Instants(NamedTuple):
    """Columns of equal length, as in `Reading`."""

    at_ms: Integers
    received_ms: Integers
    connected_ms: Integers
    skewed: Integers


class Track(Sequence[Reading]):
    """Telemetry of one device in arrival order, of which each says the same metrics and none was retained.

    A `Reading` is made when it is asked for.

    Attributes:
        instants: when, one row for each.
        values: metric -> as many values.
    """

    __slots__ = ("instants", "key", "values")

    def __init__(self, key: DeviceKey, instants: Instants, values: Mapping[str, Sequence[Value | None]]) -> None:
        self.key = key
        self.instants = instants
        self.values = values

    def __len__(self) -> int:
        return len(self.instants.at_ms)

    @overload
    def __getitem__(self, place: int) -> Reading: ...
    @overload
    def __getitem__(self, place: slice) -> "Track": ...
    def __getitem__(self, place: int | slice) -> "Reading | Track":
        if isinstance(place, slice):
            instants = Instants._make(column[place] for column in self.instants)
            return Track(self.key, instants, {metric: column[place] for metric, column in self.values.items()})
        at_ms, received_ms, connected_ms, skewed = (int(column[place]) for column in self.instants)
        values = {metric: column[place] for metric, column in self.values.items()}
        return Reading(self.key, at_ms, received_ms, values, connected_ms=connected_ms, skewed=bool(skewed))
