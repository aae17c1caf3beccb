"""A device's readings of one batch: those that can turn nothing are taken together, the others judged one by one."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from iotops.rules.absorb import absorb, quiet_rows
from iotops.rules.ahead import WORTH, Ahead, look_ahead
from iotops.rules.columns import Run
from iotops.rules.compile import Program
from iotops.rules.compiled import CompiledRule
from iotops.rules.device import DeviceMemory
from iotops.rules.device_stage import DeviceStage, Sift
from iotops.rules.outlook import Outlook, outlook_of
from iotops.telemetry.reading import Reading
from iotops.telemetry.track import Track

AHEAD: Final = 4_096  # readings of one device that are looked at together once some were irregular


class Lane:
    """Readings of one device, of which the first `taken` are in its memory.

    Attributes:
        rows: where they stand in the batch, ascending.
        device: None as long as nobody has heard of it.
        next_row: the row that is queued to be judged by itself, -1 where none is.
        lands: the queued row is instead the last of some that are taken together.
        ahead: what was found when it was looked ahead last.
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
        self.ahead: Ahead | None = None
        self.outlook: Outlook | None = None
        self._program = program
        self._again = 0

    def next_single(self, stage: DeviceStage) -> int:
        """Return the number of the next reading that has to be judged by itself; of all, if there is none."""
        found = self.ahead
        if found is None or self.taken >= found.last:
            found = self._look(stage)
        if found is None or self.outlook is None or self.device is None:
            return self.taken
        if not self.outlook.is_calm(self.device, stage.outbox.is_live):
            return self.taken
        shift = found.begin - found.first
        rows = found.doubts.rows
        place = bisect_left(rows, self.taken + shift)
        return min(rows[place] - shift, found.last) if place < len(rows) else found.last

    def sift(self, stage: DeviceStage) -> Sift | None:
        """Return how to find the rules that the next reading may turn, once it is in memory; None where any may be."""
        found, outlook = self.ahead, self.outlook
        if found is None or outlook is None or not found.first <= self.taken < found.last:
            return None
        row = self.taken + found.begin - found.first

        def sift(device: DeviceMemory, rules: Sequence[CompiledRule]) -> Sequence[CompiledRule]:
            return [rule for rule in rules if _may_turn(rule, device)]

        def _may_turn(rule: CompiledRule, device: DeviceMemory) -> bool:
            concern = outlook.concerns.get(rule.id)
            if concern is None or rule.crossings:
                return True
            flags = found.doubts.masks[concern.number]
            if flags is not None and bool(flags[row]):
                return True
            return concern.is_underway(device, stage.outbox.is_live) or concern.is_close(device, outlook.guards)

        return sift

    def look_out(self, stage: DeviceStage) -> Outlook | None:
        """Tell what the readings from here on may turn; None where each has to be judged."""
        if self._program is None or self.device is None:
            return None
        names = _names(self.readings, self.taken)
        outlook = outlook_of(self._program, stage.plan_of(self.device), names)
        self.outlook = outlook if outlook is not None and outlook.suits(self.device) else None
        return self.outlook

    def _look(self, stage: DeviceStage) -> Ahead | None:
        """Look ahead, behind readings that were irregular; not too often, for there may be more of them."""
        if self.taken < self._again or len(self.readings) - self.taken < WORTH:
            return None
        outlook = self.look_out(stage)
        if outlook is None or self.device is None or not outlook.is_calm(self.device, stage.outbox.is_live):
            return None
        self._again = self.taken + 4 * WORTH
        found = look_ahead(outlook, [Run(self.device, self.readings[self.taken : self.taken + AHEAD])])
        if found is None:
            return None
        self.ahead = Ahead(found.columns, self.taken, self.taken + found.counts[0], 0, found.doubts)
        self._again = self.taken
        return self.ahead

    def take(self, until: int, stage: DeviceStage) -> None:
        """Take the readings up to a number into memory: none of them can turn anything."""
        if until == self.taken:
            return
        device, outlook, found = self.device, self.outlook, self.ahead
        assert device is not None  # noqa: S101  for the type checker: it was looked ahead
        assert outlook is not None  # noqa: S101
        assert found is not None  # noqa: S101
        shift = found.begin - found.first
        rows = slice(self.taken + shift, until + shift)
        self.taken = until
        stage.journal.touch(device)
        absorb(stage.journal, device, outlook, quiet_rows(found.columns, tuple(outlook.followed), rows), stage.moment)


def _names(readings: Sequence[Reading], number: int) -> tuple[str, ...]:
    return tuple(readings.values if isinstance(readings, Track) else readings[number].values)
