"""Stored arrivals as the calls of the engine that they were, or, where that was not kept, as they may have been."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np

from iotops.backtest.readings import Lists, batch_of, readings_of
from iotops.backtest.told import Reload, Told, read_notes, with_retained
from iotops.rules.clocks import Now
from iotops.rules.device import DeviceFacts
from iotops.store.history import Stretch
from iotops.store.notes import NO_DEVICE
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey

AT_ONCE: Final = 20_000
"""Readings judged at once where the log does not say how it was."""

TIMER_LAG_MS: Final = 500
"""Timers run so far behind, as in the ingest: what is due at the same instant is judged first."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to the engine, in this order.

    Attributes:
        ticks: timers ran, with nothing to store.
        facts: what was learned of devices.
        quarantined: rules that were left out from here on.
        reload: in place of the batch, None where there was none.
        batch: judged at `now`; `readings` of it are stored ones.
        exact: the log says that it was so.
        punctual: nothing in the batch is late, so that its timers run where they belong.
    """

    batch: Batch
    now: Now
    readings: int = 0
    ticks: tuple[Now, ...] = ()
    facts: tuple[DeviceFacts, ...] = ()
    quarantined: tuple[str, ...] = ()
    reload: Reload | None = None
    exact: bool = False
    punctual: bool = False


def arrival_steps(stretches: Iterable[Stretch], key_of: Mapping[int, DeviceKey], since_ms: int) -> Iterator[Step]:
    """Yield the steps of stretches in order of arrival; devices that `key_of` lacks are left out.

    No step without an exact time has readings from both before and after `since_ms`.
    """
    for stretch in _whole_batches(stretches):
        yield from _Arrivals(stretch, key_of, since_ms).steps()


def event_steps(stretches: Iterable[Stretch], key_of: Mapping[int, DeviceKey]) -> Iterator[Step]:
    """Yield steps as if every reading had arrived at its event time; the stretches are in that order."""
    for stretch in stretches:
        batch = batch_of(stretch._replace(received_ms=stretch.at_ms, connected_ms=stretch.at_ms), key_of)
        newest_ms = int(stretch.at_ms[-1])
        yield Step(batch, Now(newest_ms, newest_ms - TIMER_LAG_MS), len(batch), punctual=True)


def _whole_batches(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    """Yield the same arrivals so that no batch is in two stretches."""
    rest: Stretch | None = None
    for found in stretches:
        stretch = found if rest is None else Stretch.joined([rest, found])
        edges = np.flatnonzero(np.diff(stretch.batch_no)) + 1
        if len(edges):
            yield stretch.slice(0, int(edges[-1]))
        rest = stretch.slice(int(edges[-1]) if len(edges) else 0, len(stretch.position))
    if rest is not None:
        yield rest


class _Arrivals:
    """Consecutive batches as they arrived: one by one where the log tells how each was judged, else many at once."""

    def __init__(self, stretch: Stretch, key_of: Mapping[int, DeviceKey], since_ms: int) -> None:
        self._stretch = stretch
        self._key_of = key_of
        self._known = frozenset(key_of.values())
        self._since_ms = since_ms

    @cached_property
    def _lists(self) -> Lists:
        return Lists.of(self._stretch)

    def steps(self) -> Iterator[Step]:
        edges = [0, *(np.flatnonzero(np.diff(self._stretch.batch_no)) + 1).tolist(), len(self._stretch.position)]
        begin = 0  # from here on nothing was told
        for start, end in pairwise(edges):
            told = self._told(start, end)
            if begin < start and (not told.is_silent or self._parts(begin, start)):
                yield from self._guessed(begin, start)
                begin = start
            if not told.is_silent:
                yield self._exact(told, start, end)
                begin = end
        yield from self._guessed(begin, edges[-1])

    def _told(self, start: int, end: int) -> Told:
        if start == end or self._stretch.device_id[start] > NO_DEVICE:
            return Told()
        return read_notes(self._lists.slice(start, end), self._known)

    def _parts(self, begin: int, start: int) -> bool:
        """Tell whether what nothing was told of has to be judged apart from a batch that begins here."""
        received_ms = self._stretch.received_ms
        return start - begin >= AT_ONCE or received_ms[begin] < self._since_ms <= received_ms[start]

    def _guessed(self, begin: int, end: int) -> Iterator[Step]:
        """Yield rows as one batch. Where it ends is the present: nobody knows how long the quiet lasted then."""
        some = self._stretch.slice(begin, end)
        if bool((some.device_id <= NO_DEVICE).any()):
            some = some.take(np.flatnonzero(some.device_id > NO_DEVICE))
        batch = batch_of(some, self._key_of)
        if len(batch):
            now = Now(int(some.received_ms[-1]), int(some.connected_ms.max()) - TIMER_LAG_MS)
            yield Step(batch, now, len(batch))

    def _exact(self, told: Told, start: int, end: int) -> Step:
        rows = self._lists.slice(start, end)
        readings = readings_of(rows, self._key_of)
        newest = max(readings, key=lambda reading: reading.connected_ms, default=None)
        now = Now(0, 0, drained=False)
        if newest is not None:
            now = Now(readings[-1].received_ms, newest.connected_ms - TIMER_LAG_MS)
        return Step(
            Batch(with_retained(told, readings, rows)),
            told.now or now,
            len(readings),
            told.ticks,
            tuple(told.facts),
            told.quarantined,
            told.reload,
            exact=told.now is not None,
        )
