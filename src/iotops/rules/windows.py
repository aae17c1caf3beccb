"""Trailing windows over a series: `x[5m]` sees (t - 5m, t], `x[5]` the last five samples."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any, Final

from iotops.rules.accumulators import Accumulator, Extreme, Steps, Total, Trues
from iotops.rules.estimates import Ranks, Spread, Trend
from iotops.rules.series import NEVER, Series

Element = Callable[[Any], Any]
"""What a function sees of each sample's value: the value itself, or `x > 80` of `count(x[5] > 80)`."""

ACCUMULATORS: Final[Mapping[str, Callable[[], Accumulator]]] = {
    "total": Total,
    "trues": Trues,
    "largest": lambda: Extreme(1),
    "smallest": lambda: Extreme(-1),
    "steps": Steps,
    "spread": Spread,
    "ranks": Ranks,
    "trend": Trend,
}


class Frame:
    """One window over one series, carried along with it; all functions over the same window share it.

    It catches up when it is read: each sample enters once and leaves once. Late samples, replaced values and dropped
    batches make it start again from the samples.
    """

    __slots__ = (
        "_accumulators",
        "_at_ms",
        "_count",
        "_element",
        "_high",
        "_low",
        "_series",
        "_span_ms",
        "_start",
        "_version",
        "truths",
    )

    def __init__(
        self, series: Series, span_ms: int | None, count: int | None, element: Element, *, truths: bool = False
    ) -> None:
        self.truths = truths
        self._series = series
        self._span_ms = span_ms
        self._count = count
        self._element = element
        self._accumulators: dict[str, Any] = {}
        self._version = -1
        self._low = self._high = self._start = 0
        self._at_ms = NEVER

    def read(self, name: str, at_ms: int) -> Any:
        """Return the accumulator of that name, brought to the window that ends at `at_ms`."""
        if name not in self._accumulators:
            self._accumulators[name] = ACCUMULATORS[name]()
            self._version = -1
        self._move(at_ms)
        return self._accumulators[name]

    def size(self, at_ms: int) -> int:
        """Return the number of samples in the window."""
        self._move(at_ms)
        return self._high - self._low

    def ends(self, at_ms: int) -> tuple[tuple[int, Any], tuple[int, Any]] | None:
        """Return time and element of the first and the last sample in the window, None where it is empty."""
        self._move(at_ms)
        if self._high == self._low:
            return None
        first, last = self._low - self._series.start, self._high - 1 - self._series.start
        times, values = self._series.times, self._series.values
        return (times[first], self._element(values[first])), (times[last], self._element(values[last]))

    def before_ms(self, at_ms: int) -> int | None:
        """Return the time of the last sample before the window, None where there is none."""
        self._move(at_ms)
        index = self._low - 1 - self._series.start
        return self._series.times[index] if index >= 0 else None

    def covered(self, at_ms: int, first_ms: int) -> bool:
        """Tell whether the device's stream, which began at `first_ms`, has covered this window once."""
        if self._count is not None:
            return self.size(at_ms) >= self._count
        begin_ms = at_ms - (self._span_ms or 0)
        return first_ms <= begin_ms and self._series.lost_ms <= begin_ms

    def _move(self, at_ms: int) -> None:
        series = self._series
        start = series.start
        if (
            at_ms == self._at_ms
            and start == self._start
            and self._version == series.version
            and self._high == start + len(series.times)
        ):
            return  # as it was last read: several functions share a window
        # Samples were evicted up to our oldest: it lost the one before it, so what it brought in cannot be taken out.
        cut = start != self._start and self._low <= start
        if cut or self._version != series.version or at_ms < self._at_ms:
            self._begin(at_ms)
        self._at_ms, self._start = at_ms, start
        times = series.times
        high, end = self._high, start + len(times)
        while high < end and times[high - start] <= at_ms:
            self._enter(high)
            high += 1
            self._high = high
        low = self._low
        if self._count is not None:
            first = max(high - self._count, low)
        else:
            begin_ms = at_ms - (self._span_ms or 0)
            first = low
            while first < high and times[first - start] <= begin_ms:
                first += 1
        for index in range(low, first):
            self._leave(index)
        self._low = first

    def _begin(self, at_ms: int) -> None:
        """Start again: empty, at the first sample that the window sees."""
        series = self._series
        if self._count is not None:
            first = max(0, bisect_right(series.times, at_ms) - self._count)
        else:
            first = bisect_right(series.times, at_ms - (self._span_ms or 0))
        self._low = self._high = series.start + first
        self._version = series.version
        for name in self._accumulators:
            self._accumulators[name] = ACCUMULATORS[name]()

    def _enter(self, index: int) -> None:
        if self._accumulators:
            at_ms, element, before = self._sample(index)
            for accumulator in self._accumulators.values():
                accumulator.add(at_ms, element, before)

    def _leave(self, index: int) -> None:
        if self._accumulators:
            at_ms, element, before = self._sample(index)
            for accumulator in self._accumulators.values():
                accumulator.remove(at_ms, element, before)

    def _sample(self, index: int) -> tuple[int, Any, Any]:
        """Return time and element at a running number, and the element ahead of it."""
        series = self._series
        place, values = index - series.start, series.values
        before = self._element(values[place - 1]) if place > 0 else None
        return series.times[place], self._element(values[place]), before
