"""A batch in lanes, one for each device that does not fly with its flock."""

from collections.abc import Mapping, Sequence

from iotops.rules.ahead import Ahead, look_ahead
from iotops.rules.columns import Run
from iotops.rules.compile import Program
from iotops.rules.device import DeviceMemory
from iotops.rules.device_stage import DeviceStage
from iotops.rules.lane import Lane
from iotops.rules.memory import Memory
from iotops.telemetry.batch import Rows
from iotops.telemetry.reading import DeviceKey
from iotops.telemetry.track import Track


def lanes(
    program: Program | None, stage: DeviceStage, memory: Memory, by_device: Mapping[DeviceKey, Rows]
) -> list[Lane]:
    """Return a lane for each device, in order of their first readings; without a program nobody looks ahead."""
    found: list[Lane] = []
    alike: dict[tuple[int, bool], list[Lane]] = {}
    for key, (rows, readings) in by_device.items():
        lane = Lane(rows, readings, memory.get(key), program)
        found.append(lane)
        outlook = lane.look_out(stage)
        if outlook is not None:
            alike.setdefault((outlook.likeness, isinstance(readings, Track)), []).append(lane)
    for members in alike.values():
        _look_together(members)
    return found


def _look_together(members: Sequence[Lane]) -> None:
    """Look at the readings of many devices at once."""
    outlook = members[0].outlook
    assert outlook is not None  # noqa: S101  for the type checker: lanes without one are not looked at
    devices: list[DeviceMemory] = [lane.device for lane in members if lane.device is not None]
    found = look_ahead(outlook, [Run(*pair) for pair in zip(devices, (lane.readings for lane in members), strict=True)])
    if found is None:
        return
    begin = 0
    for lane, count in zip(members, found.counts, strict=True):
        lane.ahead = Ahead(found.columns, 0, count, begin, found.doubts)
        begin += count
