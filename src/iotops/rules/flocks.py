"""Which calm devices stand together in which flock, and how one is had back."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import numpy as np

from iotops.rules.before import Instants
from iotops.rules.device import DeviceMemory
from iotops.rules.flock import Flock
from iotops.rules.moment import Moment
from iotops.rules.outlook import Outlook
from iotops.telemetry.reading import DeviceKey

if TYPE_CHECKING:
    from iotops.rules.memory import Memory

_PLACES = 32  # bits of a device's number that say its place; those above say which flock


class Aloft(Protocol):
    """Readings of an evaluation under way that are in no memory yet: those of devices in flocks."""

    def alight(self, device: DeviceMemory, flock: Flock, place: int) -> None:
        """Put what a device said, which has just left its flock, into its memory."""

    def land(self) -> None:
        """Leave what all others said to their flocks: the evaluation counts."""

    def connected_ms(self, flock: Flock, place: int) -> int:
        """Return the broker-connected time of a device's newest reading."""


class Flocks:
    """All flocks of a memory.

    Attributes:
        numbers: device -> number that says flock and place, see `flock_of` and `place_of`.
        aloft: what an evaluation holds of devices in flocks, between `evaluate` and the end of its journal.
    """

    def __init__(self, memory: "Memory") -> None:
        self.numbers: dict[DeviceKey, int] = {}
        self.aloft: Aloft | None = None
        self._flocks: list[Flock] = []
        self._by_likeness: dict[int, Flock] = {}
        self._moment = Moment(memory)

    def flock(self, number: int) -> Flock:
        """Return the flock that a device's number says."""
        return self._flocks[number >> _PLACES]

    def join(self, device: DeviceMemory, outlook: Outlook) -> None:
        """Have a device stand with others alike from now on, if it `may_join`."""
        if device.flock is not None or not may_join(device, outlook):
            return
        flock = self._by_likeness.get(outlook.likeness)
        if flock is None:
            flock = self._by_likeness[outlook.likeness] = Flock(len(self._flocks), outlook, self._moment)
            self._flocks.append(flock)
        device.flock, device.place = flock, flock.join(device, outlook)
        self.numbers[device.key] = number_of(flock.number, device.place)

    def leave(self, device: DeviceMemory) -> None:
        """Have a device for itself, with everything it said in its memory: it may be changed from here on."""
        flock, place = device.flock, device.place
        if flock is None:
            return
        flock.leave(place)
        device.flock = None
        del self.numbers[device.key]
        if self.aloft is not None:
            self.aloft.alight(device, flock, place)

    def settle(self, device: DeviceMemory) -> None:
        """Have everything that a device said in its memory, to be looked at."""
        if self.aloft is not None:
            self.leave(device)
        elif device.flock is not None:
            device.flock.unload(device.place)

    def disband(self, devices: Iterable[DeviceMemory]) -> None:
        """Forget all flocks: the rules are others than before."""
        for device in devices:
            self.leave(device)
        self._flocks, self._by_likeness = [], {}

    def land(self) -> None:
        """Keep what an evaluation holds: it counts."""
        aloft, self.aloft = self.aloft, None
        if aloft is not None:
            aloft.land()

    def due_ms(self, device: DeviceMemory) -> int:
        """Return a broker-connected time before which nothing is due on a device in a flock; it is queued for then."""
        flock, place = device.flock, device.place
        assert flock is not None  # noqa: S101  for the type checker
        said_ms = self.aloft.connected_ms(flock, place) if self.aloft is not None else int(flock.connected_ms[place])
        lead_ms, every_ms = int(flock.lead_ms[place]), max(int(flock.every_ms[place]), 1)
        due_ms = said_ms + lead_ms * min(int(flock.shortest_ms[place]), every_ms) // every_ms
        flock.due_ms[place] = due_ms
        return due_ms


def may_join(device: DeviceMemory, outlook: Outlook) -> bool:
    """Tell whether a device is calm, and whether its newest reading said everything that the next will say."""
    if not outlook.settled or not outlook.suits(device) or device.heard_ms != device.event_ms:
        return False
    for name in outlook.followed:
        series = device.series[name]
        if series.value is None or not series.good_ms == series.last_ms == device.event_ms:
            return False
    return outlook.is_calm(device, lambda device, rules: not device.emitted.keys().isdisjoint(rules))


def number_of(flock: int, place: int) -> int:
    """Return the number of a device at a place of a flock."""
    return flock << _PLACES | place


def flock_of(numbers: Instants) -> Instants:
    """Return which flocks the numbers of devices say."""
    return numbers >> np.int64(_PLACES)


def place_of(numbers: Instants) -> Instants:
    """Return which places the numbers of devices say."""
    return numbers & np.int64((1 << _PLACES) - 1)
