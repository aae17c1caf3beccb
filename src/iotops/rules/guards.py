"""Cheap proofs that a condition over a window cannot have become true, in constant time and memory a sample.

A guard gives each sample a score, such that the condition can only be true where some of the newest samples score zero
or more together: `avg(x[15m]) > 27` only where `x - 27` of the window's samples add up to more than zero. The best sum
over any number of newest samples is the level, `level = max(level, 0) + score` (Page's CUSUM, Biometrika 41, 1954). As
long as it is below zero the condition is not true, however long the window is. Samples that score below zero leave it
there, so that it is enough to look at each by itself.

Scores are floats, and each is raised by a part of what was added up in it that is far above any rounding.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from iotops.rules.before import EXACT, as_numbers
from iotops.rules.series import NEVER, Series
from iotops.rules.values import COMPARISONS

Score = Callable[[Any, Any, Any], Any]
"""Value, the value before it, and the milliseconds between the two -> score; floats, or arrays of them."""

Sum = Callable[[Sequence[Any]], bool]
"""Tells of all numbers in a window whether a condition over it may be true."""

_MARGIN: Final = 1e-9
_LATEST: Final = 2
_SHORT: Final = 400  # samples, up to which adding them up costs less than it costs a window to follow them


@dataclass(frozen=True, slots=True, eq=False)
class Guard:
    """A condition over a window of a metric, which has a span or a count, with its score.

    `adds_up` tells more exactly, at the cost of the window's length: it is asked where the score lets the condition be.
    """

    metric: str
    score: Score
    span_ms: int | None = None
    count: int | None = None
    adds_up: Sum | None = None

    def may_hold(self, series: Series) -> bool:
        """Tell whether the condition may be true with the samples there are, if that is said with a few steps."""
        times, values = series.times, series.values
        if self.adds_up is None or not times:
            return True
        if self.span_ms is None:
            return self.adds_up(values[-(self.count or 0) :])
        first = bisect_right(times, times[-1] - self.span_ms)
        return len(times) - first > _SHORT or self.adds_up(values[first:])


@dataclass(frozen=True, slots=True, eq=False)
class Guards:
    """The guards of one metric under a plan; windows and levels of a series are kept by such keys."""

    each: tuple[Guard, ...]


@dataclass(slots=True)
class Watch:
    """The levels of a series' guards; `end` and `version` say of which samples.

    `scored`: of each guard time and running number of the last sample that scored. A window without any is calm,
    however much there was before.
    """

    levels: list[float]
    scored: list[tuple[int, int]]
    end: int = 0
    version: int = -1

    def is_calm(self, series: Series, guards: Sequence[Guard]) -> bool:
        """Tell whether no guarded condition can be true with the samples there are."""
        self._catch_up(series, guards)
        return max(self.levels) < 0

    def is_low(self, series: Series, guards: Sequence[Guard], place: int) -> bool:
        """Tell whether the guarded condition at a place cannot be true with the samples there are."""
        self._catch_up(series, guards)
        level = self.levels[place]
        return level < 0 or (level < inf and not guards[place].may_hold(series))

    def _catch_up(self, series: Series, guards: Sequence[Guard]) -> None:
        end = series.start + len(series.times)
        if end != self.end or self.version != series.version:
            self._follow(series, guards)
            self.end, self.version = end, series.version

    def passed(self, series: Series) -> None:
        """Note that samples came that all scored below zero."""
        self.end = series.start + len(series.times)

    def _follow(self, series: Series, guards: Sequence[Guard]) -> None:
        """Take in the samples that came since, all of them where something else than coming happened."""
        first = self.end - series.start
        if self.version != series.version or first <= 0:
            self.levels, self.scored = [-inf] * len(guards), [(NEVER, NEVER)] * len(guards)
            first = 0
        # The first sample of all comes after itself: a step of nothing.
        begin = max(first - 1, 0)
        numbers, times = _as_floats(series.values[begin:]), series.times[begin:]
        if numbers is None:  # not for long: what is irregular leaves the windows
            self.levels = [inf] * len(guards)
            return
        if not first:
            numbers, times = numbers[:1] + numbers, times[:1] + times
        steps = zip(numbers, numbers[1:], times, times[1:], strict=False)
        for number, (before, value, since_ms, at_ms) in enumerate(steps, series.start + first):
            for place, guard in enumerate(guards):
                score = guard.score(value, before, at_ms - since_ms)
                if not score < 0:
                    self.scored[place] = (at_ms, number)
                elif self._is_past(place, guard, at_ms, number):
                    self.levels[place] = score
                    continue
                level = self.levels[place]
                level = (level if level > 0 else 0.0) + score
                self.levels[place] = level if level == level else inf  # noqa: PLR0124  beyond all floats

    def _is_past(self, place: int, guard: Guard, at_ms: int, number: int) -> bool:
        """Tell whether the last sample that scored has left the window that ends at a sample."""
        scored_ms, scored = self.scored[place]
        if guard.count is not None:
            return number - scored >= guard.count
        return guard.span_ms is not None and at_ms - scored_ms >= guard.span_ms


def _as_floats(values: list[Any]) -> list[float] | None:
    """Return values as floats, None where that says something else than they do."""
    if len(values) == _LATEST and all(value.__class__ is float and -EXACT < value < EXACT for value in values):
        return values  # one sample and that before it: no array is worth it
    numbers = as_numbers(values)
    return None if numbers is None else numbers.tolist()


def watch_of(series: Series, guards: Guards) -> Watch:
    """Return the levels of a series under a plan's guards; like windows they live as long as the rules."""
    found: Watch | None = series.frames.get(guards)
    if found is None:
        found = series.frames[guards] = Watch([], [])
    return found


def above(sign: int, limit: float) -> Score:
    """Score for a mean above a limit (sign 1) or below it (-1)."""
    margin = _MARGIN * abs(limit)
    return lambda value, _before, _since: sign * (value - limit) + (abs(value) * _MARGIN + margin)


def mean_beyond(sign: int, limit: float) -> Sum:
    """Add up for a mean above a limit (sign 1) or below it (-1)."""

    def may_hold(values: Sequence[Any]) -> bool:
        allowed = len(values) * limit
        margin = _MARGIN * (sum(map(abs, values)) + abs(allowed))
        return not sign * (sum(values) - allowed) + margin < 0

    return may_hold


def holding(op: str, limit: float, least: float) -> Sum:
    """Add up for at least so many samples that compare."""
    holds = COMPARISONS[op]
    return lambda values: sum([holds(value, limit) for value in values]) >= least


def faster(sign: int, limit: float) -> Score:
    """Score for an increase a second above a limit, or below it."""

    def score(value: Any, before: Any, since: Any) -> Any:
        allowed = since * (limit / 1000)
        return sign * (_step(value, before) - allowed) + _MARGIN * (abs(value) + abs(before) + abs(allowed))

    return score


def risen(span_ms: int, limit: float) -> Score:
    """Score for an increase over a limit within a span.

    A step counts less half of the limit's share in the time that it took, at most of a whole span: the steps of a
    window take its span and what the first reaches back.
    """
    share = limit / (2 * span_ms)

    def score(value: Any, before: Any, since: Any) -> Any:
        counted = since - (since - span_ms) * (since > span_ms)
        return _step(value, before) - share * counted + _MARGIN * (abs(value) + abs(before) + limit)

    return score


def several(op: str, limit: float, least: float, of: int) -> Score:
    """Score for at least so many of so many samples that compare: those that do against those that may not."""
    misses, holds = of - least, COMPARISONS[op]
    price = (least / misses if misses else 1.0) * (1 - _MARGIN)
    return lambda value, _before, _since: holds(value, limit) * (1.0 + price) - price


def _step(value: Any, before: Any) -> Any:
    """Return by how much a counter rose; a drop is a reset, and the new value was added since."""
    return value - before * (value >= before)
