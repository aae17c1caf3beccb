"""What stands in the memory of devices before readings that are looked at in columns."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from iotops.rules.device import DeviceMemory
from iotops.rules.series import Series
from iotops.rules.values import NUMBERS

Instants = NDArray[np.int64]
Numbers = NDArray[np.float64]

EXACT: Final = 2.0**53  # whole numbers up to here are the same as floats
LONG_AGO_MS: Final = -(1 << 53)


class Before(Protocol):
    """What d devices said before; arrays have the shape (d,).

    Attributes:
        event_ms: newest event times. `away_ms`: receive time minus connected time of those readings.
    """

    event_ms: Instants
    away_ms: Instants

    @property
    def heard_ms(self) -> Instants:
        """Return when each device itself was heard last."""
        ...

    def newest(self, name: str, otherwise: Numbers) -> Numbers | None:
        """Return each device's newest sample of a metric, `otherwise` where there is none; None if one is no number."""
        ...

    def newest_ms(self, name: str, otherwise: Instants) -> Instants:
        """Return the times of these samples, `otherwise` where there are none."""
        ...

    def good_ms(self, name: str) -> Instants:
        """Return the times of these samples, long ago where there are none."""
        ...

    def different_ms(self, name: str) -> Instants | None:
        """Return when each device last said another number than its newest; None where one said none, or no number."""
        ...

    def shortest_ms(self, gaps_ms: Instants) -> Instants:
        """Return what the expected intervals are at the least, if no gap to come is shorter than these."""
        ...

    def series(self, name: str) -> Sequence[Series] | None:
        """Return each device's samples of a metric; None where they are not at hand."""
        ...


class OfDevices:
    """What the memories of devices say, each of which has samples, or at least a series, of all metrics at hand."""

    def __init__(self, devices: Sequence[DeviceMemory]) -> None:
        self._devices = devices
        self.event_ms: Instants = np.array([device.event_ms for device in devices], dtype=np.int64)
        away_ms = [device.received_ms - device.connected_ms for device in devices]
        self.away_ms: Instants = np.array(away_ms, dtype=np.int64)

    @property
    def heard_ms(self) -> Instants:
        """Return when each device itself was heard last."""
        return np.array([device.heard_ms for device in self._devices], dtype=np.int64)

    def newest(self, name: str, otherwise: Numbers) -> Numbers | None:
        """Return each device's newest sample of a metric, `otherwise` where there is none; None if one is no number."""
        last: list[Any] = [
            series.values[-1] if series.values else own
            for series, own in zip(self.series(name), otherwise.tolist(), strict=True)
        ]
        return as_numbers(last)

    def newest_ms(self, name: str, otherwise: Instants) -> Instants:
        """Return the times of these samples, `otherwise` where there are none."""
        pairs = zip(self.series(name), otherwise.tolist(), strict=True)
        return np.array([series.times[-1] if series.times else own for series, own in pairs], dtype=np.int64)

    def good_ms(self, name: str) -> Instants:
        """Return the times of these samples, long ago where there are none."""
        return np.array([series.good_ms for series in self.series(name)], dtype=np.int64)

    def different_ms(self, name: str) -> Instants | None:
        """Return when each device last said another number than its newest; None where one said none, or no number."""
        found = [different_ms(series) for series in self.series(name)]
        return None if None in found else np.array(found, dtype=np.int64)

    def shortest_ms(self, gaps_ms: Instants) -> Instants:
        """Return what the expected intervals are at the least, if no gap to come is shorter than these."""
        found = []
        for device, gap_ms in zip(self._devices, gaps_ms.tolist(), strict=True):
            shortest = shortest_ms(device)
            found.append(shortest if device.facts.every_ms is not None else min(shortest, gap_ms))
        return np.array(found, dtype=np.int64)

    def series(self, name: str) -> Sequence[Series]:
        """Return each device's samples of a metric."""
        return [device.series[name] for device in self._devices]


def different_ms(series: Series) -> int | None:
    """Return the time of the last number that differs from the newest, long ago where there is none.

    None: the newest sample is no number, or there is none.
    """
    values = series.values
    if not values or values[-1].__class__ not in NUMBERS:
        return None
    newest = values[-1]
    for place in range(len(values) - 2, -1, -1):
        if values[place] != newest:
            return series.times[place]
    return LONG_AGO_MS


def as_numbers(values: Sequence[Any]) -> Numbers | None:
    """Return values as floats, None where that says something else than they do."""
    kinds = set(map(type, values))
    if not kinds <= NUMBERS:
        return None
    try:
        found: Numbers = np.array(values, dtype=np.float64)
    except OverflowError:
        return None
    limit = EXACT if int in kinds else np.inf
    return found if bool((np.abs(found) < limit).all()) else None  # nor are there infinite ones, or what is no number


def shortest_ms(device: DeviceMemory) -> int:
    """Return what a device's expected interval is at the least, as far as its gaps so far tell."""
    if device.facts.every_ms is not None:
        return device.facts.every_ms
    learnt = (min(gaps) for series in device.series.values() if (gaps := series.gaps))
    return min(device.every_ms, min(learnt, default=device.every_ms))
