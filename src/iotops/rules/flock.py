"""Calm devices that say the same metrics under like rules: what they said lately waits in columns of all of them.

A reading that can turn nothing costs a few array cells here, while in the memory of its device it would cost a dozen
calls. It goes there together with others once somebody looks at the device, or when there is no more room.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from iotops.rules.absorb import Clocks, Quiet, absorb
from iotops.rules.before import Instants, Numbers, as_numbers, different_ms, shortest_ms
from iotops.rules.columns import Columns, Flags
from iotops.rules.device import FOREVER, DeviceMemory
from iotops.rules.eviction import evict
from iotops.rules.moment import Moment
from iotops.rules.outlook import Outlook
from iotops.rules.series import Series

ROOM: Final = 64
"""Readings of a device that wait at most."""

_FIRST: Final = 64  # places at the beginning; twice as many whenever there are too few
_CLOCKS: Final = ("event_ms", "received_ms", "connected_ms", "paused_ms")


class Flock:
    """Devices by place; arrays have the shape (places,), those of what waits (places, ROOM).

    Attributes:
        number: which flock of the memory it is.
        outlook: of one of the devices; what it doubts is the same for all.
        members: None where a place is free.
        event_ms, received_ms, connected_ms: of the newest reading of each device.
        waiting: how many readings wait. `paused_ms`: time before these during which nobody could hear the device.
        due_ms: broker-connected time for which the device is queued.
        lead_ms: how long after a reading something comes due at the earliest, while the expected interval is
            `every_ms`; in proportion where it becomes shorter.
    """

    def __init__(self, number: int, outlook: Outlook, moment: Moment) -> None:
        self.number = number
        self.outlook = outlook
        self.members: list[DeviceMemory | None] = []
        self._outlooks: list[Outlook] = []
        self._free: list[int] = []
        self._moment = moment
        self.event_ms, self.received_ms, self.connected_ms, self.paused_ms = (_zeros() for _ in _CLOCKS)
        self.waiting, self._times = _zeros(), np.zeros((0, ROOM), dtype=np.int64)
        self.due_ms, self.lead_ms, self.every_ms, self.shortest_ms = _zeros(), _zeros(), _zeros(), _zeros()
        self.is_declared = np.zeros(0, dtype=np.bool_)
        self.numbers: dict[str, Numbers] = {name: np.zeros(0) for name in outlook.followed}
        self._values: dict[str, NDArray[Any]] = {name: np.empty((0, ROOM), dtype=object) for name in outlook.followed}
        self._different_ms: dict[str, Instants] = {}

    def join(self, device: DeviceMemory, outlook: Outlook) -> int:
        """Take a device in, which `may_join`; return its place."""
        place = self._free.pop() if self._free else self._place()
        self.members[place], self._outlooks[place] = device, outlook
        self.event_ms[place], self.received_ms[place] = device.event_ms, device.received_ms
        self.connected_ms[place], self.paused_ms[place], self.waiting[place] = device.connected_ms, 0, 0
        soonest_ms = device.soonest_ms()
        self.due_ms[place] = device.queued_ms
        self.lead_ms[place] = FOREVER if soonest_ms is None else soonest_ms - device.event_ms
        self.every_ms[place], self.shortest_ms[place] = device.every_ms, shortest_ms(device)
        self.is_declared[place] = device.facts.every_ms is not None
        for name, numbers in self.numbers.items():
            numbers[place] = _number(device.series[name])
        for name, found in self._different_ms.items():
            found[place] = different_ms(device.series[name]) or 0
        return place

    def leave(self, place: int) -> None:
        """Let a device go, with all that waited in its memory."""
        self.unload(place)
        self.members[place] = None
        self._free.append(place)

    def receive(self, places: Instants, columns: Columns, counts: Instants, stays: Flags) -> None:
        """Keep what devices at these places, each once, said: `counts` readings of each, one device after the other.

        Only of those which stay.
        """
        here, counted = places[stays], counts[stays]
        for place in here[self.waiting[here] + counted > ROOM].tolist():
            self.unload(place)
        kept = np.flatnonzero(columns.spread(stays))
        at = np.repeat(places, counts)[kept]
        cells = kept - columns.spread(columns.starts)[kept] + self.waiting[at]
        self._times[at, cells] = columns.at_ms[kept]
        last = columns.ends[stays] - 1
        for name, known in self._different_ms.items():
            known[here] = self._changed_ms(name, places, columns)[stays]
        for name, values in self._values.items():
            column = np.empty(len(columns), dtype=object)
            column[:] = columns.values[name]
            values[at, cells] = column[kept]
            numbers = columns.numbers(name)
            self.numbers[name][here] = np.nan if numbers is None else numbers[last]
        if columns.has_pauses:
            self.paused_ms[here] += np.add.reduceat(columns.pause_ms, columns.starts)[stays]
        self.shortest_ms[here] = self.least_ms(places, columns.gaps_ms)[stays]
        self.event_ms[here], self.received_ms[here] = columns.at_ms[last], columns.received_ms[last]
        self.connected_ms[here] = columns.connected_ms[last]
        self.waiting[here] += counted

    def unload(self, place: int) -> None:
        """Put what waits of a device into its memory, which no evaluation has touched."""
        device, count, outlook = self.members[place], int(self.waiting[place]), self._outlooks[place]
        if device is None or not count:
            return
        clocks = Clocks(*(int(getattr(self, name)[place]) for name in _CLOCKS))
        values = {name: column[place, :count].tolist() for name, column in self._values.items()}
        absorb(None, device, outlook, Quiet(self._times[place, :count].tolist(), values, clocks), self._moment)
        for name in self._values:
            evict(device, name)
        self.waiting[place] = self.paused_ms[place] = 0
        self.every_ms[place], self.shortest_ms[place] = device.every_ms, shortest_ms(device)

    def least_ms(self, places: Instants, gaps_ms: Instants) -> Instants:
        """Return what expected intervals are at the least once there were these gaps."""
        known = self.shortest_ms[places]
        return np.where(self.is_declared[places], known, np.minimum(known, gaps_ms))

    def different_ms(self, name: str) -> Instants:
        """Return of each place when its device last said another number than its newest."""
        if name not in self._different_ms:
            found = _zeros(len(self.waiting))
            for place, device in enumerate(self.members):
                self.unload(place)
                found[place] = 0 if device is None else different_ms(device.series[name]) or 0
            self._different_ms[name] = found
        return self._different_ms[name]

    def _changed_ms(self, name: str, places: Instants, columns: Columns) -> Instants:
        """Return the same behind readings: where these changed the number, the time of the sample before the change."""
        known = self._different_ms[name][places]
        numbers, before = columns.numbers(name), columns.numbers_before(name)
        if numbers is None or before is None:
            return known
        changed = np.where(numbers != before, np.arange(len(numbers)), -1)
        last = np.maximum.reduceat(changed, columns.starts)
        return np.where(last >= 0, columns.before_ms[last], known)

    def _place(self) -> int:
        place = len(self.members)
        self.members.append(None)
        self._outlooks.append(self.outlook)
        if place >= len(self.waiting):
            self._grow(max(_FIRST, 2 * place))
        return place

    def _grow(self, size: int) -> None:
        for name in (*_CLOCKS, "waiting", "due_ms", "lead_ms", "every_ms", "shortest_ms", "is_declared", "_times"):
            setattr(self, name, _grown(getattr(self, name), size))
        for table in (self.numbers, self._values, self._different_ms):
            for name, column in table.items():
                table[name] = _grown(column, size)


class OfFlock:
    """What devices of a flock said before; see `Before`. The newest reading of each said all metrics."""

    def __init__(self, flock: Flock, places: Instants) -> None:
        self._flock = flock
        self._places = places
        self.event_ms: Instants = flock.event_ms[places]
        self.away_ms: Instants = flock.received_ms[places] - flock.connected_ms[places]

    @property
    def heard_ms(self) -> Instants:
        """Return when each device itself was heard last."""
        return self.event_ms

    def newest(self, name: str, _otherwise: Numbers) -> Numbers | None:
        """Return each device's newest sample of a metric; None if one is no number."""
        found = self._flock.numbers[name][self._places]
        return None if bool(np.isnan(found).any()) else found

    def newest_ms(self, _name: str, _otherwise: Instants) -> Instants:
        """Return the times of these samples."""
        return self.event_ms

    def good_ms(self, _name: str) -> Instants:
        """Return the times of these samples."""
        return self.event_ms

    def different_ms(self, name: str) -> Instants | None:
        """Return when each device last said another number than its newest."""
        return self._flock.different_ms(name)[self._places]

    def shortest_ms(self, gaps_ms: Instants) -> Instants:
        """Return what the expected intervals are at the least, if no gap to come is shorter than these."""
        return self._flock.least_ms(self._places, gaps_ms)

    def series(self, _name: str) -> None:
        """Return None: samples are not at hand."""


def _zeros(size: int = 0) -> Instants:
    return np.zeros(size, dtype=np.int64)


def _grown(column: NDArray[Any], size: int) -> NDArray[Any]:
    found = np.zeros((size, *column.shape[1:]), dtype=column.dtype)
    found[: len(column)] = column
    return found


def _number(series: Series) -> float:
    """Return the newest sample, NaN where it is no number."""
    number = as_numbers(series.values[-1:])
    return float("nan") if number is None else float(number[0])
