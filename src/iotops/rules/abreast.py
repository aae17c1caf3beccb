"""Lanes side by side: what asks for other devices sees them as they stood when a reading arrived."""

from bisect import bisect_left
from collections.abc import Callable
from heapq import heappop, heappush

from iotops.rules.device import DeviceMemory
from iotops.rules.device_stage import DeviceStage
from iotops.rules.group_stage import GroupStage
from iotops.rules.lane import Lane


class Abreast:
    """Judges, in the order of arrival, the readings that have to be judged; the others are taken when it matters.

    They matter to their own device's next reading that is judged, and to rules of other devices that look at it.
    """

    def __init__(
        self,
        single: Callable[[Lane], None],
        stage: DeviceStage,
        group: GroupStage,
        lanes: list[Lane],
        lane_of: Callable[[DeviceMemory], Lane | None],
    ) -> None:
        """Take lanes; `lane_of` finds that of a device which was to fly with its flock, and has none yet."""
        self._single = single
        self._stage = stage
        self._group = group
        self._lanes = lanes
        self._lane_of = lane_of
        self._by_device: dict[DeviceMemory, Lane] = {lane.device: lane for lane in lanes if lane.device is not None}
        self._queue: list[tuple[int, Lane]] = []
        self._looked_at: list[Lane] = []
        self._row = -1

    def run(self) -> None:
        """Take all readings."""
        self._stage.before_looking = self._catch_up
        for lane in self._lanes:
            self._plan(lane)
        while self._queue:
            row, lane = heappop(self._queue)
            if row != lane.next_row:
                continue
            self._row = row
            lane.take(bisect_left(lane.rows, row), self._stage)
            self._judge(lane)
            self._plan(lane)
            while self._looked_at:
                self._plan(self._looked_at.pop())
        for lane in self._lanes:
            lane.take(len(lane.readings), self._stage)
        self._stage.before_looking = None

    def _judge(self, lane: Lane) -> None:
        """Judge a lane's next reading, which may be the first that anybody hears of the device."""
        is_new = lane.device is None
        self._single(lane)
        if is_new and lane.device is not None:
            self._by_device[lane.device] = lane
        self._group.run()

    def _plan(self, lane: Lane) -> None:
        """Queue a lane where its next reading has to be judged by itself."""
        single = lane.next_single(self._stage)
        lane.next_row = lane.rows[single] if single < len(lane.rows) else -1
        if lane.next_row >= 0:
            heappush(self._queue, (lane.next_row, lane))

    def _catch_up(self, device: DeviceMemory) -> None:
        """Bring a device that is being looked at to where the reading at hand arrived."""
        lane = self._by_device.get(device)
        if lane is None and (lane := self._lane_of(device)) is not None:
            self._by_device[device] = lane
            self._lanes.append(lane)
        if lane is not None:
            lane.take(max(lane.taken, bisect_left(lane.rows, self._row)), self._stage)
            self._looked_at.append(lane)
