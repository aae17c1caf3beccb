"""What devices of one flock say in one batch: in no memory yet, and proved to turn nothing but where it is doubted."""

from collections.abc import Sequence

import numpy as np

from iotops.rules.before import Instants
from iotops.rules.columns import Columns, Flags, is_plain, parts_of
from iotops.rules.flock import Flock, OfFlock
from iotops.rules.outlook import Doubts
from iotops.telemetry.reading import Reading

FEW = 8
"""Readings of a device from which on its own columns cost less than its share of the flock's."""


class Flight:
    """n readings of d devices of a flock, device by device.

    Attributes:
        rows: where the readings stand in their batch.
        places: of the devices in the flock, ascending; `counts` of their readings.
        stays: which devices are still part of it.
    """

    def __init__(self, flock: Flock, rows: Sequence[int], readings: Sequence[Reading], places: Instants) -> None:
        """Take readings; `places` says whose each is, ascending. `keep` tells which of them can stay."""
        self.flock = flock
        self.rows, self.readings = rows, readings
        starts = np.concatenate(([0], np.flatnonzero(np.diff(places)) + 1))
        self.places: Instants = places[starts]
        self.counts: Instants = np.diff(np.append(starts, len(places)))
        self.starts: Instants = starts
        self.stays: Flags = np.ones(len(starts), dtype=np.bool_)
        self.columns = self._columns()
        self.doubts = Doubts([], ())

    def _columns(self) -> Columns | None:
        try:
            parts = parts_of(self.readings, self.flock.outlook.names)
        except (KeyError, OverflowError):
            return None
        columns = Columns(parts, self.counts, OfFlock(self.flock, self.places))
        return columns if columns.are_regular(self.flock.outlook.taken) and int(self.counts.max()) <= FEW else None

    def look(self) -> None:
        """Find the readings that have to be judged one by one."""
        assert self.columns is not None  # noqa: S101  for the type checker
        with np.errstate(over="ignore", invalid="ignore"):
            self.doubts = self.flock.outlook.doubts(self.columns)

    def irregular(self) -> Flags:
        """Tell which devices say something that does not fit into the columns of all."""
        names, taken = self.flock.outlook.names, self.flock.outlook.taken
        plain = np.array([is_plain(taken, reading, names) for reading in self.readings], dtype=np.bool_)
        at_ms = np.array([reading.at_ms if fits else 0 for reading, fits in zip(self.readings, plain, strict=True)])
        before_ms = np.empty_like(at_ms)
        before_ms[1:] = at_ms[:-1]
        before_ms[self.starts] = self.flock.event_ms[self.places]
        odd = ~plain | (at_ms <= before_ms)
        return np.logical_or.reduceat(odd, self.starts) | (self.counts > FEW)

    def index(self, place: int) -> int | None:
        """Return which device stands at a place of the flock, None where it is no part of the flight any more."""
        found = int(np.searchsorted(self.places, place))
        if found == len(self.places) or self.places[found] != place or not self.stays[found]:
            return None
        return found

    def span(self, index: int) -> slice:
        """Return where a device's readings are."""
        start = int(self.starts[index])
        return slice(start, start + int(self.counts[index]))

    def doubted(self) -> list[int]:
        """Return the devices of which some readings have to be judged one by one, or may bring what is due nearer."""
        found = np.zeros(len(self.places), dtype=np.bool_)
        found[np.searchsorted(self.starts, self.doubts.rows, side="right") - 1] = True
        return np.flatnonzero(found | self._nearer()).tolist()

    def _nearer(self) -> Flags:
        """Tell on which devices something may be due before they come up in the queue: their intervals shrink."""
        flock, columns = self.flock, self.columns
        assert columns is not None  # noqa: S101  for the type checker
        if not flock.outlook.crossings or not flock.outlook.uses_every:
            return np.zeros(len(self.places), dtype=np.bool_)
        every_ms = np.maximum(flock.every_ms[self.places], 1)
        share = np.minimum(flock.least_ms(self.places, columns.gaps_ms) / every_ms, 1.0)
        due_ms = columns.connected_ms[columns.ends - 1] + flock.lead_ms[self.places] * share
        found: Flags = due_ms < flock.due_ms[self.places]
        return found

    def land(self) -> None:
        """Leave what still stays to the flock."""
        columns = self.columns
        if columns is None or not bool(self.stays.any()):
            return
        self.flock.receive(self.places, columns, self.counts, self.stays)
