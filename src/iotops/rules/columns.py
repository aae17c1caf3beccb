"""Readings of devices that send the same metrics, as arrays: device by device, each device's in arrival order.

Only regular readings stand in columns: telemetry, each newer than all before it, with the same metrics, and with values
that are accepted as they are. What is irregular is taken one by one.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iotops.rules.before import EXACT, Before, Instants, Numbers, OfDevices, as_numbers
from iotops.rules.device import DeviceMemory
from iotops.rules.plan import Taken
from iotops.rules.values import NUMBERS
from iotops.telemetry.reading import Kind, Reading, Value
from iotops.telemetry.track import Track

Flags = NDArray[np.bool_]

_NUMERIC: Final = frozenset({"gauge", "counter"})
_parts = attrgetter("at_ms", "received_ms", "connected_ms", "values", "kind", "retained")


class Run(NamedTuple):
    """Readings of one device, in arrival order."""

    device: DeviceMemory
    readings: Sequence[Reading]


class Parts(NamedTuple):
    """What readings consist of; `plain`: all are telemetry, none was retained, none says more than the metrics."""

    times: Sequence[int]
    received_ms: Instants
    connected_ms: Instants
    values: dict[str, Sequence[Any]]
    plain: bool


class Columns:
    """n readings of d devices.

    Attributes:
        at_ms: event times, shape (n,); `times` the same as a list.
        before_ms: of the reading before it; for a device's first the newest event time so far.
        pause_ms: time before each reading during which nobody could hear (see `DeviceMemory.pause`).
        starts: where each device's readings begin, shape (d,); `ends` where they end.
        before: what stands before them.
    """

    def __init__(self, parts: Parts, counts: Instants, before: Before) -> None:
        self.before = before
        self._counts = counts
        ends = counts.cumsum()
        self.starts, self.ends = ends - counts, ends
        self.times, self.received_ms, self.connected_ms, self.values, self._plain = parts
        self.at_ms: Instants = np.array(self.times, dtype=np.int64)
        self.before_ms = self.shifted(self.at_ms, before.event_ms)
        away_ms = self.received_ms - self.connected_ms
        pauses = away_ms - self.shifted(away_ms, before.away_ms)
        heard_ms = np.maximum(self.before_ms, self.spread(before.heard_ms))
        self.pause_ms: Instants = np.maximum(np.minimum(pauses, self.at_ms - heard_ms), 0)
        self.has_pauses = bool(self.pause_ms.any())
        self._numbers: dict[str, Numbers | None] = {}

    @classmethod
    def of(cls, runs: Sequence[Run], names: Sequence[str]) -> "Columns":
        """Return the readings of devices.

        Raises:
            KeyError: a reading lacks a metric.
            OverflowError: a time that no clock shows.
        """
        tracks = [run.readings for run in runs if isinstance(run.readings, Track)]
        if len(tracks) == len(runs):
            parts = _of_tracks(tracks)
        else:
            parts = parts_of(list(chain.from_iterable(run.readings for run in runs)), names)
        counts = np.array([len(run.readings) for run in runs], dtype=np.int64)
        return cls(parts, counts, OfDevices([run.device for run in runs]))

    def __len__(self) -> int:
        return len(self.times)

    def tick(self, device: DeviceMemory, row: int) -> None:
        """Move a device's clock to a reading."""
        device.tick(self.times[row], int(self.received_ms[row]), int(self.connected_ms[row]))

    def shifted(self, column: NDArray[Any], first: NDArray[Any]) -> NDArray[Any]:
        """Return of each reading what the one before it says; `first`: what stands before each device's first."""
        found = np.empty_like(column)
        found[1:] = column[:-1]
        found[self.starts] = first
        return found

    def spread(self, of_devices: NDArray[Any]) -> NDArray[Any]:
        """Return a value of each device beside each of its readings."""
        return np.repeat(of_devices, self._counts)

    def numbers_before(self, name: str) -> Numbers | None:
        """Return of each reading the metric's number before it, its own where there is none.

        None: something is no number.
        """
        numbers = self.numbers(name)
        newest = None if numbers is None else self.before.newest(name, numbers[self.starts])
        return None if numbers is None or newest is None else self.shifted(numbers, newest)

    def samples_before_ms(self, name: str) -> Instants:
        """Return of each reading the time of the sample before it, its own where there is none."""
        return self.shifted(self.at_ms, self.before.newest_ms(name, self.at_ms[self.starts]))

    def shortest_ms(self) -> Instants:
        """Return beside each reading what the device's expected interval is at the least, whatever it learns here.

        An interval is the median of a metric's last gaps, and so no less than the shortest of them. Those of a metric
        are no less than those of the readings, of which each says every metric.
        """
        return self.spread(self.before.shortest_ms(self.gaps_ms))

    @property
    def gaps_ms(self) -> Instants:
        """Return of each device the shortest time from one reading to the next."""
        found: Instants = np.minimum.reduceat(self.at_ms - self.before_ms, self.starts)
        return found

    def numbers(self, name: str) -> Numbers | None:
        """Return a metric's values, None where some are no numbers, or too large to be the same as floats."""
        if name not in self._numbers:
            self._numbers[name] = as_numbers(self.values[name]) if name in self.values else None
        return self._numbers[name]

    def are_regular(self, taken: Mapping[str, Taken | None]) -> bool:
        """Tell whether all readings are regular."""
        return (
            self._plain
            and bool((self.at_ms > self.before_ms).all() and self.at_ms.max() < EXACT)
            and all(self._is_accepted(name, how) for name, how in taken.items())
        )

    def first_irregular(self, taken: Mapping[str, Taken | None]) -> list[int]:
        """Return how many readings of each run stand before the first that is not regular, where all are plain."""
        found = (self.at_ms <= self.before_ms) | (self.at_ms >= EXACT)
        for name, how in taken.items():
            if not self._is_accepted(name, how):
                found |= np.array([not _accepts(how, value) for value in self.values[name]], dtype=np.bool_)
        places = np.append(np.flatnonzero(found), len(found))
        firsts = np.minimum(places[np.searchsorted(places, self.starts)], self.ends)
        counts: list[int] = (firsts - self.starts).tolist()
        return counts

    def _is_accepted(self, name: str, how: Taken | None) -> bool:
        if how is None:
            return True
        spec = how.spec
        if spec is None or (spec.kind not in _NUMERIC and spec.valid is None):
            return None not in self.values[name]
        numbers = self.numbers(name)
        if numbers is None:
            return False
        return spec.valid is None or bool(((numbers >= spec.valid[0]) & (numbers <= spec.valid[1])).all())


def _of_tracks(tracks: Sequence[Track]) -> Parts:
    return Parts(
        [at_ms for track in tracks for at_ms in track.instants.at_ms.tolist()],
        np.concatenate([track.instants.received_ms for track in tracks]),
        np.concatenate([track.instants.connected_ms for track in tracks]),
        {name: list(chain.from_iterable(track.values[name] for track in tracks)) for name in tracks[0].values},
        plain=True,
    )


def parts_of(readings: Iterable[Reading], names: Sequence[str]) -> Parts:
    """Return the parts of readings.

    Raises:
        KeyError: a reading lacks a metric.
        OverflowError: a time that no clock shows.
    """
    times, received, connected, mappings, kinds, retained = zip(*map(_parts, readings), strict=True)
    plain = set(map(len, mappings)) == {len(names)} and not any(retained) and set(kinds) == {Kind.TELEMETRY}
    received_ms, connected_ms = np.array(received, dtype=np.int64), np.array(connected, dtype=np.int64)
    return Parts(times, received_ms, connected_ms, _transposed(mappings, names), plain)


def regular(taken: Mapping[str, Taken | None], run: Run, names: Sequence[str]) -> int:
    """Return how many readings at the beginning of a run are regular."""
    newest_ms = run.device.event_ms
    for number, reading in enumerate(run.readings):
        if reading.at_ms <= newest_ms or not is_plain(taken, reading, names):
            return number
        newest_ms = reading.at_ms
    return len(run.readings)


def is_plain(taken: Mapping[str, Taken | None], reading: Reading, names: Sequence[str]) -> bool:
    """Tell whether a reading is regular, apart from its time."""
    return (
        reading.kind is Kind.TELEMETRY
        and not reading.retained
        and len(reading.values) == len(names)
        and all(name in reading.values and _accepts(taken[name], reading.values[name]) for name in names)
    )


def _accepts(how: Taken | None, value: Value | None) -> bool:
    if how is None:
        return True
    spec = how.spec
    if value is None or spec is None:
        return value is not None
    if value.__class__ in NUMBERS and abs(value) < EXACT:  # type: ignore[arg-type]  # it is a number
        return spec.valid is None or spec.valid[0] <= value <= spec.valid[1]  # type: ignore[operator]
    return spec.kind not in _NUMERIC and spec.valid is None


def _transposed(mappings: Sequence[Mapping[str, Value | None]], names: Sequence[str]) -> dict[str, Sequence[Any]]:
    """Return the values of each metric.

    Raises:
        KeyError: a reading lacks one.
    """
    if len(names) == 1:
        name = names[0]
        return {name: [mapping[name] for mapping in mappings]}
    return dict(zip(names, zip(*map(itemgetter(*names), mappings), strict=True), strict=True))
