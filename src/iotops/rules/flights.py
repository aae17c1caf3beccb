"""A batch taken apart: what devices in flocks say is looked at together, and only what is doubted goes by a lane."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from iotops.rules.absorb import absorb, quiet_rows
from iotops.rules.ahead import WORTH, Ahead
from iotops.rules.before import Instants
from iotops.rules.compile import Program
from iotops.rules.device import DeviceMemory
from iotops.rules.device_stage import DeviceStage
from iotops.rules.flight import FEW, Flight
from iotops.rules.flock import Flock
from iotops.rules.flocks import flock_of, place_of
from iotops.rules.lane import Lane
from iotops.rules.lanes import lanes
from iotops.rules.memory import Memory
from iotops.rules.outlook import outlook_of
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import Reading


class Flights:
    """What devices in flocks say in one evaluation, until it counts; and the lanes of all others."""

    def __init__(self, program: Program, memory: Memory, stage: DeviceStage) -> None:
        self._program = program
        self._memory = memory
        self._stage = stage
        self._flights: dict[Flock, Flight] = {}
        self._lanes: list[Lane] = []

    def lanes(self, batch: Batch, *, singly: bool, flying: bool) -> list[Lane]:
        """Return a lane for each device that has a reading which may turn something, in order of the first rows.

        `singly`: there all readings may. `flying`: devices may fly with their flocks, as no timers run in between.
        """
        if singly or len(batch) < WORTH:
            return lanes(None, self._stage, self._memory, batch.by_device())
        readings = batch.made
        if readings is None or not flying:  # those in columns are few and long
            return lanes(self._program, self._stage, self._memory, batch.by_device())
        numbers = self._numbers(readings)
        order = numbers.argsort(kind="stable")
        first = int(np.searchsorted(numbers[order], 0))
        others = order[:first].tolist()
        left = self._board(readings, order[first:], numbers[order[first:]], others)
        rest = lanes(self._program, self._stage, self._memory, batch.by_device(sorted(others) if others else ()))
        self._lanes = rest if not left else sorted([*rest, *left], key=_first_row)
        self._memory.flocks.aloft = self
        return self._lanes

    def _numbers(self, readings: Sequence[Reading]) -> Instants:
        """Return the number of each reading's device, -1 where it is in no flock."""
        number = self._memory.flocks.numbers.get
        return np.array([number(reading.key, -1) for reading in readings], dtype=np.int64)

    def _board(self, readings: Sequence[Reading], rows: Instants, numbers: Instants, others: list[int]) -> list[Lane]:
        """Let devices say together what fits; add the rows of what does not to the others.

        Returns:
            Lanes of those which said something that is in doubt.
        """
        if not len(rows):
            return []
        found = []
        flocks = self._memory.flocks
        edges = np.flatnonzero(np.diff(flock_of(numbers))) + 1
        for begin, end in pairwise([0, *edges.tolist(), len(rows)]):
            flock = flocks.flock(int(numbers[begin]))
            places = place_of(numbers[begin:end])
            flight = self._fitting(flock, readings, rows[begin:end], places, others)
            if flight is None:
                continue
            flight.look()
            self._flights[flock] = flight
            found += [self._lane(flight, index) for index in flight.doubted()]
        return found

    def _fitting(
        self, flock: Flock, readings: Sequence[Reading], rows: Instants, places: Instants, others: list[int]
    ) -> Flight | None:
        """Return what fits into the columns of a flock, None where nothing does."""
        while len(rows) >= FEW:
            numbers = rows.tolist()
            flight = Flight(flock, numbers, [readings[row] for row in numbers], places)
            if flight.columns is not None:
                return flight
            odd = np.repeat(flight.irregular(), flight.counts)
            if not odd.any():
                break
            others += rows[odd].tolist()
            rows, places = rows[~odd], places[~odd]
        others += rows.tolist()
        return None

    def lane_of(self, device: DeviceMemory) -> Lane | None:
        """Take a device out of its flock; return its readings of this batch, None where there are none in flight."""
        flock = device.flock
        flight = None if flock is None else self._flights.get(flock)
        index = None if flight is None else flight.index(device.place)
        return None if flight is None or index is None else self._lane(flight, index)

    def _lane(self, flight: Flight, index: int) -> Lane:
        device = flight.flock.members[int(flight.places[index])]
        assert device is not None  # noqa: S101  for the type checker: its place is taken
        assert flight.columns is not None  # noqa: S101
        flight.stays[index] = False
        self._memory.flocks.leave(device)
        span = flight.span(index)
        lane = Lane(flight.rows[span], flight.readings[span], device, self._program)
        lane.outlook = outlook_of(self._program, self._stage.plan_of(device), flight.flock.outlook.names)
        lane.ahead = Ahead(flight.columns, 0, len(lane.rows), span.start, flight.doubts)
        return lane

    # For the flocks

    def alight(self, device: DeviceMemory, flock: Flock, place: int) -> None:
        """Put what a device said, which has just left its flock, into its memory."""
        flight = self._flights.get(flock)
        index = None if flight is None else flight.index(place)
        if flight is None or index is None or flight.columns is None:
            return
        flight.stays[index] = False
        outlook = outlook_of(self._program, self._stage.plan_of(device), flock.outlook.names)
        assert outlook is not None  # noqa: S101  for the type checker: it had one
        self._stage.journal.touch(device)
        quiet = quiet_rows(flight.columns, tuple(outlook.followed), flight.span(index))
        absorb(self._stage.journal, device, outlook, quiet, self._stage.moment)

    def connected_ms(self, flock: Flock, place: int) -> int:
        """Return the broker-connected time of a device's newest reading."""
        flight = self._flights.get(flock)
        index = None if flight is None else flight.index(place)
        if flight is None or index is None or flight.columns is None:
            return int(flock.connected_ms[place])
        return int(flight.columns.connected_ms[flight.span(index).stop - 1])

    def land(self) -> None:
        """Leave what others said to their flocks; calm devices that came by a lane join one."""
        for flight in self._flights.values():
            flight.land()
        for lane in self._lanes:
            device, outlook = lane.device, lane.outlook
            if device is not None and outlook is not None and len(lane.rows) <= FEW:
                self._memory.flocks.join(device, outlook)


def _first_row(lane: Lane) -> int:
    return lane.rows[0]
