"""Readings of many devices in arrival order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from iotops.telemetry.reading import DeviceKey, Reading, Value
from iotops.telemetry.track import Track


class Rows(NamedTuple):
    """A device's readings in arrival order, and where they stand in the batch: rows, ascending."""

    rows: Sequence[int]
    readings: Sequence[Reading]


class Batch:
    """n readings in arrival order; owns its layout, so that lists, NumPy or Arrow can change unseen.

    The order of one device's readings is the order in which they arrived, telemetry, events and status alike.
    """

    __slots__ = ("_by_device", "_made")

    def __init__(self, readings: Iterable[Reading] = ()) -> None:
        self._made: tuple[Reading, ...] | None = tuple(readings)
        self._by_device: Mapping[DeviceKey, Rows] | None = None

    @classmethod
    def of_devices(cls, by_device: Mapping[DeviceKey, Rows]) -> "Batch":
        """Return the readings of devices, in the order of their first rows; each row belongs to one of them.

        The readings may be such as are made only when they are asked for: see `Track`.
        """
        found = cls()
        found._made, found._by_device = None, by_device
        return found

    @property
    def _readings(self) -> tuple[Reading, ...]:
        if self._made is None:
            placed = [pair for some in (self._by_device or {}).values() for pair in zip(*some, strict=True)]
            placed.sort(key=_row)
            self._made = tuple(reading for _, reading in placed)
        return self._made

    def __len__(self) -> int:
        if self._made is None:
            return sum(len(some.rows) for some in (self._by_device or {}).values())
        return len(self._made)

    def __iter__(self) -> Iterator[Reading]:
        return iter(self._readings)

    def __getitem__(self, row: int) -> Reading:
        return self._readings[row]

    @property
    def made(self) -> Sequence[Reading] | None:
        """Return the readings; None where some are made only when they are asked for."""
        return self._made

    def by_device(self, rows: Iterable[int] | None = None) -> Mapping[DeviceKey, Rows]:
        """Return the readings of each device, devices in order of their first reading; only these rows if given."""
        if rows is not None:
            return self._grouped(rows)
        if self._by_device is None:
            self._by_device = self._grouped(range(len(self._readings)))
        return self._by_device

    def _grouped(self, rows: Iterable[int]) -> Mapping[DeviceKey, Rows]:
        found: dict[DeviceKey, list[int]] = {}
        readings = self._readings
        for row in rows:
            found.setdefault(readings[row].key, []).append(row)
        return {key: Rows(some, [readings[row] for row in some]) for key, some in found.items()}

    def connected_ms(self) -> Sequence[int]:
        """Return the broker-connected time of each row."""
        found = [0] * len(self)
        for rows, readings in self.by_device().values():
            if isinstance(readings, Track):
                times: Iterable[int] = readings.instants.connected_ms.tolist()
            else:
                times = (reading.connected_ms for reading in readings)
            for row, connected_ms in zip(rows, times, strict=True):
                found[row] = connected_ms
        return found

    def column(self, metric: str) -> tuple[list[int], list[Value | None]]:
        """Return the rows that carry `metric` and its values there, both of the same length."""
        rows = [row for row, reading in enumerate(self._readings) if metric in reading.values]
        return rows, [self._readings[row].values[metric] for row in rows]

    def without(self, rows: Iterable[int]) -> "Batch":
        """Return the batch without the given rows."""
        gone = set(rows)
        return Batch(reading for row, reading in enumerate(self._readings) if row not in gone)


def _row(placed: tuple[int, Reading]) -> int:
    return placed[0]
