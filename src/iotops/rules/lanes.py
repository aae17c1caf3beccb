"""A device's readings of one batch: those that can turn nothing are taken together, the others judged one by one."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from iotops.rules.columns import Columns, Run, regular
from iotops.rules.compile import Program
from iotops.rules.device import DeviceMemory
from iotops.rules.device_stage import DeviceStage
from iotops.rules.guards import watch_of
from iotops.rules.journal import Journal
from iotops.rules.memory import Memory
from iotops.rules.outlook import Outlook, outlook_of
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import Reading
from iotops.telemetry.track import Track

WORTH: Final = 16  # readings from which on looking at all together costs less than looking at each
AHEAD: Final = 4_096  # readings of one device that are looked at together once some were irregular


@dataclass(slots=True)
class Survey:
    """Columns in which a device's readings from number `first` on (up to `last`) stand from row `begin` on.

    `doubtful`: the rows in ascending order that have to be judged one by one.
    """

    columns: Columns
    first: int
    last: int
    begin: int
    doubtful: Sequence[int]


class Lane:
    """Readings of one device, of which the first `taken` are in its memory.

    Attributes:
        rows: where they stand in the batch, ascending.
        device: None as long as nobody has heard of it.
        next_row: the row that is queued to be judged by itself, -1 where none is.
        lands: the queued row is instead the last of some that are taken together.
        survey: the last look ahead.
    """

    def __init__(
        self, rows: Sequence[int], readings: Sequence[Reading], device: DeviceMemory | None, program: Program | None
    ) -> None:
        self.rows = rows
        self.readings = readings
        self.device = device
        self.taken = 0
        self.next_row = -1
        self.lands = False
        self.survey: Survey | None = None
        self.outlook: Outlook | None = None
        self._program = program
        self._again = 0

    def next_single(self, stage: DeviceStage) -> int:
        """Return the number of the next reading that has to be judged by itself; of all, if there is none."""
        found = self.survey
        if found is None or self.taken >= found.last:
            found = self._look(stage)
        if found is None or self.outlook is None or self.device is None:
            return self.taken
        if not self.outlook.is_calm(self.device, stage):
            return self.taken
        shift = found.begin - found.first
        place = bisect_left(found.doubtful, self.taken + shift)
        return min(found.doubtful[place] - shift, found.last) if place < len(found.doubtful) else found.last

    def look_out(self, stage: DeviceStage) -> Outlook | None:
        """Tell what the readings from here on may turn; None where each has to be judged."""
        if self._program is None or self.device is None:
            return None
        names = _names(self.readings, self.taken)
        outlook = outlook_of(self._program, stage.plan_of(self.device), names)
        self.outlook = outlook if outlook is not None and outlook.suits(self.device) else None
        return self.outlook

    def _look(self, stage: DeviceStage) -> Survey | None:
        """Look ahead, behind readings that were irregular; not too often, for there may be more of them."""
        if self.taken < self._again or len(self.readings) - self.taken < WORTH:
            return None
        outlook = self.look_out(stage)
        if outlook is None or self.device is None or not outlook.is_calm(self.device, stage):
            return None
        self._again = self.taken + 4 * WORTH
        found = survey(outlook, [Run(self.device, self.readings[self.taken : self.taken + AHEAD])])
        if found is None:
            return None
        self.survey = Survey(found.columns, self.taken, self.taken + found.counts[0], 0, found.doubtful)
        self._again = self.taken
        return self.survey

    def take(self, until: int, stage: DeviceStage, journal: Journal) -> None:
        """Take the readings up to a number into memory: none of them can turn anything."""
        if until == self.taken:
            return
        device, outlook, found = self.device, self.outlook, self.survey
        assert device is not None  # noqa: S101  for the type checker: there is a survey
        assert outlook is not None  # noqa: S101
        assert found is not None  # noqa: S101
        shift = found.begin - found.first
        rows = slice(self.taken + shift, until + shift)
        self.taken = until
        journal.touch(device)
        sooner = _absorb(journal, device, outlook, found.columns, rows)
        if outlook.crossings and (outlook.renewed or sooner or outlook.is_overdue(device)):
            stage.renew(device, outlook.crossings)


def _names(readings: Sequence[Reading], number: int) -> tuple[str, ...]:
    return tuple(readings.values if isinstance(readings, Track) else readings[number].values)


def _absorb(journal: Journal, device: DeviceMemory, outlook: Outlook, columns: Columns, rows: slice) -> bool:
    """Take rows of columns into memory, as `DeviceStage.reading` would; return whether the interval became shorter."""
    times = columns.times[rows]
    if columns.has_pauses:
        device.paused_ms += int(columns.pause_ms[rows].sum())
    columns.tick(device, rows.stop - 1)
    device.heard_ms = max(device.heard_ms, device.event_ms)
    device.heard_paused_ms = device.paused_ms
    for name, how in outlook.taken.items():
        if how is not None:
            series = device.series[name]
            journal.touch_series(device, name, series)
            values = columns.values[name][rows]
            series.extend(times, values, declared=how.declared, paused_ms=device.paused_ms)
            if how.seasons or series.models:
                for at_ms, value in zip(times, values, strict=True):
                    series.learn(how.seasons, at_ms, value)
            if name in outlook.guards:
                watch_of(series, outlook.guards[name]).passed(series)
    return outlook.uses_every and device.learn_every()


def lanes(program: Program, stage: DeviceStage, memory: Memory, batch: Batch, *, singly: bool) -> list[Lane]:
    """Return a lane for each device of a batch, in order of their first readings; `singly`: without looking ahead."""
    ahead = None if singly or len(batch) < WORTH else program
    found: list[Lane] = []
    alike: dict[tuple[Outlook, bool], list[Lane]] = {}
    for key, (rows, readings) in batch.by_device().items():
        lane = Lane(rows, readings, memory.get(key), ahead)
        found.append(lane)
        outlook = lane.look_out(stage)
        if outlook is not None:
            alike.setdefault((outlook, isinstance(readings, Track)), []).append(lane)
    for (outlook, _), members in alike.items():
        _look_together(outlook, members)
    return found


def _look_together(outlook: Outlook, members: list[Lane]) -> None:
    """Look at the readings of many devices at once."""
    found = survey(outlook, [Run(lane.device, lane.readings) for lane in members if lane.device is not None])
    if found is None:
        return
    begin = 0
    for lane, count in zip(members, found.counts, strict=True):
        lane.survey = Survey(found.columns, 0, count, begin, found.doubtful)
        begin += count


class Surveyed(NamedTuple):
    """Regular readings in columns, which of them have to be judged one by one, and how many there are of each run."""

    columns: Columns
    doubtful: Sequence[int]
    counts: list[int]


def survey(outlook: Outlook, runs: Sequence[Run]) -> Surveyed | None:
    """Put the regular readings at the beginning of each run into columns; None where it is not worth it."""
    counts = [len(run.readings) for run in runs]
    if sum(counts) < WORTH:
        return None
    columns = _columns(outlook, runs)
    if columns is None:
        counts = _regular(outlook, runs)
        if sum(counts) < WORTH:
            return None
        cut = [Run(run.device, run.readings[:count]) for run, count in zip(runs, counts, strict=True) if count]
        columns = _columns(outlook, cut)
    if columns is None:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        doubtful = np.flatnonzero(outlook.doubtful(columns)).tolist()
    return Surveyed(columns, doubtful, counts)


def _regular(outlook: Outlook, runs: Sequence[Run]) -> list[int]:
    """Return how many readings at the beginning of each run are regular."""
    if all(isinstance(run.readings, Track) for run in runs):
        return Columns(runs, outlook.names).first_irregular(outlook.taken)
    return [regular(outlook.taken, run, outlook.names) for run in runs]


def _columns(outlook: Outlook, runs: Sequence[Run]) -> Columns | None:
    """Return the readings as columns, None where some of them are irregular."""
    try:
        columns = Columns(runs, outlook.names)
    except (KeyError, OverflowError):  # a metric is missing; a time that no clock shows
        return None
    return columns if columns.are_regular(outlook.taken) else None
