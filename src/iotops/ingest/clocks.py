"""Which devices are known to have clocks that are ahead; their readings say until they are right again."""

from collections.abc import Sequence

from iotops.rules.memory import Memory
from iotops.rules.source.own import CLOCK_SKEW
from iotops.telemetry.reading import DeviceKey, Reading
from iotops.telemetry.skew import AHEAD, checked


class ClockWatch:
    """Adds to readings of devices whose clock was too far ahead how far it is now.

    What is known of a device stands in the engine's memory, and so survives restarts and failed commits; this only
    remembers whom to ask about.
    """

    def __init__(self, memory: Memory, max_skew_ms: int) -> None:
        self._memory = memory
        self._max_skew_ms = max_skew_ms
        self._suspects: set[DeviceKey] | None = None

    def look(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        """Return the readings of a batch, those of clocks that were ahead with what they say now."""
        if self._suspects is None:
            self._suspects = {device.key for device in self._memory if self._is_ahead(device.key)}
        skewed = {reading.key for reading in readings if reading.skewed}
        if not skewed and not self._suspects:
            return readings
        self._suspects = {key for key in self._suspects if self._is_ahead(key)}
        ahead = self._suspects.copy()
        self._suspects |= skewed
        found = []
        for reading in readings:
            known = checked(reading, self._max_skew_ms) if reading.key in ahead else reading
            if reading.skewed:
                ahead.add(reading.key)
            found.append(known)
        return found

    def _is_ahead(self, key: DeviceKey) -> bool:
        device = self._memory.get(key)
        if device is None:
            return False
        series = device.series.get(AHEAD)
        return CLOCK_SKEW in device.open or (series is not None and bool(series.value))
