"""The samples of one metric of one device: stored once, shared by all rules, and put back exactly after a failure."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from itertools import accumulate
from operator import sub
from typing import Any, Final

from iotops.rules.anomaly import METHOD, MODELS, Model
from iotops.telemetry.reading import Value

UNKNOWN_EVERY_MS: Final = 60_000  # until two samples were seen and where the catalogue is silent
STALE_FACTOR: Final = 3
GAPS: Final = 10
NEVER: Final = -(1 << 62)


class Series:
    """Samples in event time, newest last, each time once.

    Missing values (null, text in a gauge, outside `valid`) are no samples: they make `value` None until the next
    good one. `start` is the running number of `times[0]`, so that windows can remember positions while old samples
    are evicted; `version` changes whenever something other than appending happened.

    Attributes:
        value: the newest value; None while it is missing.
        last_ms: event time of the newest report, missing or not.
        good_ms: event time of the newest sample.
        lost_ms: event time of the newest evicted sample.
        every_ms: expected interval: declared, else the median of the last 10 gaps, else None.
        models: season (ms, 0: none) -> what is usual for the metric, and how far its newest sample is from that.
        paused_ms: the device's pauses so far, at `good_ms` (see `DeviceMemory.paused_ms`).
    """

    __slots__ = (
        "_every_ms",
        "_mark",
        "_reports",
        "_undo",
        "frames",
        "good_ms",
        "last_ms",
        "lost_ms",
        "models",
        "paused_ms",
        "start",
        "times",
        "value",
        "values",
        "version",
    )

    def __init__(self, every_ms: int | None = None) -> None:
        self.times: list[int] = []
        self.values: list[Value] = []
        self.start = 0
        self.version = 0
        self.value: Value | None = None
        self.last_ms = self.good_ms = self.lost_ms = NEVER
        self._every_ms = every_ms
        self._reports: list[int] = []
        self.paused_ms = 0
        self.frames: dict[Any, Any] = {}
        self.models: dict[int, Model] = {}
        self._mark: tuple[Any, ...] | None = None
        self._undo: list[tuple[int, int, Value | None]] = []

    @property
    def every_ms(self) -> int | None:
        """Return the expected interval; the median is taken when it is asked for, not with each sample."""
        if self._every_ms is None and len(self._reports) > 1:
            ordered = sorted(self.gaps)
            middle = len(ordered) // 2
            odd = len(ordered) % 2
            self._every_ms = ordered[middle] if odd else (ordered[middle - 1] + ordered[middle]) // 2
        return self._every_ms

    @property
    def gaps(self) -> tuple[int, ...]:
        """Return the last ten times between two reports, as far as the catalogue did not say what to expect."""
        recent = self._reports[-GAPS - 1 :]
        return tuple(map(sub, recent[1:], recent))

    @gaps.setter
    def gaps(self, gaps: Sequence[int]) -> None:
        back = accumulate(reversed(gaps), sub, initial=self.last_ms)
        self._reports = [*back][::-1] if gaps else []

    @property
    def stale_ms(self) -> int:
        """Return after how long without a sample the metric is stale, by default."""
        return STALE_FACTOR * (self.every_ms or UNKNOWN_EVERY_MS)

    def add(self, at_ms: int, value: Value | None, *, declared: bool, paused_ms: int = 0) -> bool:
        """Take a value, or None for a missing one; return whether it is the newest of the metric.

        A late value goes into the windows only; an equal time replaces. `declared`: the catalogue fixes `every`.
        """
        if at_ms > self.last_ms:
            if not declared:
                self._report((at_ms,))
            self.last_ms = at_ms
        elif at_ms < self.last_ms:
            if value is not None:
                self._insert(at_ms, value)
            return False
        self.value = value
        if value is None:
            return True
        if at_ms == self.good_ms:
            self._insert(at_ms, value)
        else:
            self.times.append(at_ms)
            self.values.append(value)
            self.good_ms = at_ms
            self.paused_ms = paused_ms
        return True

    def extend(self, times: Sequence[int], values: Sequence[Value], *, declared: bool, paused_ms: int) -> None:
        """Take samples that are all newer than what there is, in ascending order; as `add` one after the other."""
        if not declared:
            self._report(times)
        self.times.extend(times)
        self.values.extend(values)
        self.value = values[-1]
        self.last_ms = self.good_ms = times[-1]
        self.paused_ms = paused_ms

    def _report(self, times: Sequence[int]) -> None:
        """Note when the metric was reported; what else there was meanwhile, while `every` was declared, is no gap."""
        reports = self._reports
        if not reports:
            if self.last_ms != NEVER:
                reports.append(self.last_ms)
        elif reports[-1] != self.last_ms:
            self.gaps = self.gaps
        self._reports += times
        if len(self._reports) > 1:
            self._every_ms = None

    def learn(self, seasons: Collection[int], at_ms: int, value: Value) -> None:
        """Let the models of these seasons, and no others, take in the newest sample."""
        if self.models.keys() != set(seasons):
            self.models = {season: self.models.get(season) or MODELS[METHOD](season) for season in sorted(seasons)}
        for model in self.models.values():
            model.observe(at_ms, value)

    def _insert(self, at_ms: int, value: Value) -> None:
        index = bisect_left(self.times, at_ms)
        if index < len(self.times) and self.times[index] == at_ms:
            if self.values[index].__class__ is value.__class__ and self.values[index] == value:
                return
            self._undo.append((index, at_ms, self.values[index]))
            self.values[index] = value
        elif at_ms <= self.lost_ms:
            return  # older than everything that a window can still see
        else:
            self._undo.append((index, at_ms, None))
            self.times.insert(index, at_ms)
            self.values.insert(index, value)
            self.good_ms = max(self.good_ms, at_ms)  # a late sample may stand behind a newer null
        self.version += 1

    def mark(self) -> bool:
        """Remember the present state; return whether it was not yet remembered."""
        if self._mark is not None:
            return False
        self._mark = (
            len(self.times), self.value, self.last_ms, self.good_ms, self._every_ms, self.paused_ms,
            tuple(self._reports[-GAPS - 1 :]) if self._reports else (),
            [(season, model, model.state()) for season, model in self.models.items()] if self.models else (),
        )  # fmt: skip
        return True

    def drop(self) -> None:
        """Return to the remembered state; windows rebuild themselves when they are next read."""
        if self._mark is None:
            return
        for index, _, value in reversed(self._undo):
            if value is None:
                del self.times[index], self.values[index]
            else:
                self.values[index] = value
        length, self.value, self.last_ms, self.good_ms, self._every_ms, self.paused_ms, reports, models = self._mark
        self.models = {season: model for season, model, _ in models}
        for _, model, state in models:
            model.restore(state)
        self._reports = list(reports)
        del self.times[length:], self.values[length:]
        self.version += 1
        self._mark = None
        self._undo = []

    def apply(self, keep_ms: int, keep_count: int) -> None:
        """Forget the remembered state, and evict what no window can see any more.

        Kept are the samples younger than `keep_ms` and one before them (a counter's step into the window begins
        there), and at least the newest `keep_count`. Eviction waits until it is worth moving the rest.
        """
        self._mark = None
        if self._undo:
            self._undo = []
        if len(self._reports) > 4 * GAPS:
            del self._reports[: -GAPS - 1]
        if len(self.times) > 2 * keep_count + 16:
            first = self.evictable(keep_ms, keep_count)
            if 2 * first > len(self.times):
                self.lost_ms = self.times[first - 1]
                del self.times[:first], self.values[:first]
                self.start += first

    def evictable(self, keep_ms: int, keep_count: int) -> int:
        """Return how many of the oldest samples no window can see any more: see `apply`."""
        first = bisect_left(self.times, self.last_ms - keep_ms + 1) - 1
        return max(0, min(first, len(self.times) - keep_count))

    def newest(self, count: int, until_ms: int) -> Sequence[tuple[int, Value]]:
        """Return the last `count` samples up to an instant, oldest first."""
        end = bisect_left(self.times, until_ms + 1)
        begin = max(0, end - count)
        return list(zip(self.times[begin:end], self.values[begin:end], strict=True))
