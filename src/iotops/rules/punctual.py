"""Lanes side by side with the timers of all devices in between, for batches in which nothing arrived late.

What comes due on one device may matter to another, so a timer has to run when all earlier readings were taken and no
later one was. Where readings arrive as they happen, ticks see to that. A batch of hours would run its timers behind all
of its readings: here they run where they belong, and how readings are cut into batches makes no difference.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Protocol

from iotops.rules.abreast import Abreast
from iotops.rules.clocks import Now
from iotops.rules.device import DeviceMemory
from iotops.rules.lane import Lane

Heed = Callable[[DeviceMemory | None, int], bool]
"""Is told of each timer before it runs: whose (None: a group's) and when; answers whether it shall."""


class Timers(Protocol):
    """Runs what is due by now, in order."""

    def __call__(self, now: Now, row: int, heed: Heed) -> None:
        """Run it; `row`: where in the batch that is."""
        ...


class Punctual(Abreast):
    """Judges readings whose connected times ascend from row to row.

    Readings that can turn nothing move the timers of their own device, and nobody else's. So they are still taken
    together: a lane lands at the last of them, and until then nothing that seems to be due on its device is.
    """

    timers: Timers
    connected_ms: Sequence[int]
    """Of each row."""

    def run(self) -> None:
        """Take all readings, and run what is due before the last of them."""
        self._stage.before_looking = self._catch_up
        for lane in self._lanes:
            self._plan(lane)
        while self._queue:
            row, lane = self._queue[0]
            if row != lane.next_row:
                heappop(self._queue)
                continue
            self._pass_time(row)
            if self._queue[0] != (row, lane) or row != lane.next_row:
                continue  # a timer made another reading matter
            heappop(self._queue)
            self._row = row
            self._arrive(lane, bisect_left(lane.rows, row))
            self._plan(lane)
            self._plan_again()
        self._stage.before_looking = None

    def _arrive(self, lane: Lane, number: int) -> None:
        if lane.lands:
            lane.take(number + 1, self._stage)
            return
        self._judge(lane)

    def _plan(self, lane: Lane) -> None:
        """Queue a lane where its readings that can turn nothing end, or where its next one has to be judged."""
        lane.next_row = -1
        if lane.taken == len(lane.readings):
            lane.lands = False
            return
        single = lane.next_single(self._stage)
        lane.lands = single > lane.taken
        lane.next_row = lane.rows[single - 1 if lane.lands else single]
        heappush(self._queue, (lane.next_row, lane))

    def _pass_time(self, row: int) -> None:
        """Run what is due before a row's readings."""
        self.timers(Now(0, self.connected_ms[row] - 1), row, self._heed)
        self._plan_again()

    def _heed(self, device: DeviceMemory | None, connected_ms: int) -> bool:
        lane = None if device is None else self._by_device.get(device)
        if lane is not None and lane.lands:
            return False
        self._row = bisect_right(self.connected_ms, connected_ms)
        return True

    def _plan_again(self) -> None:
        while self._looked_at:
            self._plan(self._looked_at.pop())
