"""In which order the timers of devices come due."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import NamedTuple

from iotops.rules.device import FOREVER, DeviceMemory
from iotops.rules.flocks import Flocks
from iotops.telemetry.reading import DeviceKey


class DueDevice(NamedTuple):
    """A device with a timer that came due, and the broker-connected time at which it did."""

    device: DeviceMemory
    connected_ms: int


class Agenda:
    """Devices by the broker-connected time at which something is due on them.

    Each device stands in the queue once; where its timer moved on meanwhile it is queued again when it comes up.
    """

    def __init__(self, device_of: Callable[[DeviceKey], DeviceMemory | None], flocks: Flocks) -> None:
        self._device_of = device_of
        self._flocks = flocks
        self._queue: list[tuple[int, DeviceKey]] = []

    def queue(self, device: DeviceMemory) -> None:
        """See to it that the device comes up when its next timer is due."""
        soonest_ms = device.soonest_ms()
        if soonest_ms is None:
            return
        due_ms = device.connected_at(soonest_ms)
        if due_ms < device.queued_ms:
            self._push(device, due_ms)

    def _push(self, device: DeviceMemory, due_ms: int) -> None:
        device.queued_ms = due_ms
        heappush(self._queue, (due_ms, device.key))

    def pop(self, connected_ms: int) -> DueDevice | None:
        """Return the device whose timer came due first, up to an instant of broker-connected time, and when."""
        while self._queue and self._queue[0][0] <= connected_ms:
            due_ms, key = heappop(self._queue)
            device = self._device_of(key)
            if device is None or device.queued_ms != due_ms:
                continue  # it stands further ahead in the queue, or is gone
            if device.flock is not None:
                later_ms = self._flocks.due_ms(device)
                if later_ms > due_ms:
                    self._push(device, later_ms)
                    continue
                self._flocks.leave(device)
            device.queued_ms = FOREVER
            soonest_ms = device.soonest_ms()
            if soonest_ms is not None and device.connected_at(soonest_ms) == due_ms:
                return DueDevice(device, due_ms)
            self.queue(device)
        return None

    def next_ms(self) -> int | None:
        """Return when a device comes up next, None where none does."""
        return self._queue[0][0] if self._queue else None
