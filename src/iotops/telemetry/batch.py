"""Readings of many devices, column-wise, in arrival order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from iotops.telemetry.reading import DeviceKey, Reading, Value


class Batch:
    """n readings in arrival order; owns its layout, so that lists, NumPy or Arrow can change unseen.

    The order of one device's readings is the order in which they arrived, telemetry, events and status alike.
    """

    __slots__ = ("_readings", "_rows_by_device")

    def __init__(self, readings: Iterable[Reading] = ()) -> None:
        self._readings: tuple[Reading, ...] = tuple(readings)
        self._rows_by_device: dict[DeviceKey, list[int]] | None = None

    def __len__(self) -> int:
        return len(self._readings)

    def __iter__(self) -> Iterator[Reading]:
        return iter(self._readings)

    def __getitem__(self, row: int) -> Reading:
        return self._readings[row]

    def by_device(self) -> Iterator[tuple[DeviceKey, Iterator[Reading]]]:
        """Yield each device with its readings in arrival order, devices in order of their first reading."""
        for key, rows in self.rows_by_device().items():
            yield key, (self._readings[row] for row in rows)

    def at(self, rows: Sequence[int]) -> list[Reading]:
        """Return the readings of some rows."""
        readings = self._readings
        return [readings[row] for row in rows]

    def rows_by_device(self) -> Mapping[DeviceKey, Sequence[int]]:
        """Return the rows of each device, ascending."""
        if self._rows_by_device is None:
            rows: dict[DeviceKey, list[int]] = {}
            for row, reading in enumerate(self._readings):
                rows.setdefault(reading.key, []).append(row)
            self._rows_by_device = rows
        return self._rows_by_device

    def column(self, metric: str) -> tuple[list[int], list[Value | None]]:
        """Return the rows that carry `metric` and its values there, both of the same length."""
        rows = [row for row, reading in enumerate(self._readings) if metric in reading.values]
        return rows, [self._readings[row].values[metric] for row in rows]

    def without(self, rows: Iterable[int]) -> "Batch":
        """Return the batch without the given rows."""
        gone = set(rows)
        return Batch(reading for row, reading in enumerate(self._readings) if row not in gone)
