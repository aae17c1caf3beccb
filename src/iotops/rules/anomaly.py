"""What is usual for a metric, learned from its samples, and how far the newest one is from it.

A model of every metric that a rule asks `anomaly()` about stands with the metric's samples. A better method is a class
with the same members and a row in `MODELS`.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from math import copysign, isfinite
from statistics import fmean, median
from typing import Any, Final, NamedTuple, Protocol

BUCKETS: Final = 24  # parts of a season that are learned apart: the hours of a day
SLOTS: Final = 8  # samples a bucket takes in each season: one day is never more than an eighth of what it knows
KEPT: Final = 64  # samples of a bucket: eight seasons, for the median of fewer jumps about
KEPT_ALONE: Final = 128  # samples of a model without a season
COLD: Final = 8  # samples below which a bucket knows nothing
COLD_ALONE: Final = 32
COLD_SEASONS: Final = 3  # seasons that a bucket must have seen: two do not tell which of them was odd
LIMIT: Final = 1_000.0  # of a score, and what any difference scores where all that was seen was the same
_MAD: Final = 1.4826  # the median absolute deviation of a normal distribution to its standard deviation
_MEAN: Final = 1.2533  # the mean absolute deviation to the same; Iglewicz and Hoaglin, How to Detect Outliers, 1993


class Model(Protocol):
    """Follows one metric of one device; a sample costs the same however many came before."""

    score: float | None
    """Of the newest sample: signed, in robust standard deviations; None while cold."""

    def observe(self, at_ms: int, value: Any) -> None:
        """Take in a sample that is not older than the one before; one at the same time replaces that."""

    def state(self) -> Any:
        """Return everything there is to remember; it never changes."""

    def restore(self, state: Any) -> None:
        """Return to what `state` was, or to what came of it through msgpack."""


class Bucket(NamedTuple):
    """One part of the season: the newest samples that it took, with the slot of each, and what they say.

    `scale` None: too few.
    """

    samples: tuple[tuple[int, float], ...]
    center: float
    scale: float | None


class SeasonalMedian:
    """Distance from the median of what was seen at this time of other seasons, in median absolute deviations.

    A season is cut into 24 buckets, by Unix time: of a day, they are hours of UTC. Each keeps its newest 64 samples, at
    most 8 a season, evenly apart; a score is missing until it has 8 from 3 seasons. The median stands as long as less
    than half of them are odd, so what is odd for three seasons in a row is not learned, and what stays for longer is.
    Without a season there is one bucket, of the newest 128 samples.

    The newest sample is learned when the next one comes, and so no sample is compared with itself.
    """

    __slots__ = ("_buckets", "_latest", "_season_ms", "score")

    def __init__(self, season_ms: int) -> None:
        self.score: float | None = None
        self._season_ms = season_ms
        self._buckets: Mapping[int, Bucket] = {}
        self._latest: tuple[int, float] | None = None

    def observe(self, at_ms: int, value: Any) -> None:
        """Learn the sample before, and score this one."""
        if self._latest is not None and self._latest[0] < at_ms:
            self._learn(*self._latest)
        number = _number(value)
        self._latest = None if number is None else (at_ms, number)
        self.score = None if number is None else self._scored(at_ms, number)

    def state(self) -> Any:
        """Return the buckets' samples, the newest sample, and its score."""
        return self._buckets, self._latest, self.score

    def restore(self, state: Any) -> None:
        """Return to a state."""
        buckets, latest, self.score = state
        self._buckets = {
            place: bucket if isinstance(bucket, Bucket) else self._bucket(tuple((slot, x) for slot, x in bucket[0]))
            for place, bucket in buckets.items()
        }
        self._latest = None if latest is None else (latest[0], latest[1])

    def _scored(self, at_ms: int, number: float) -> float | None:
        bucket = self._buckets.get(self._place(at_ms)[0])
        if bucket is None or bucket.scale is None:
            return None
        apart = number - bucket.center
        if not apart or not bucket.scale:
            return copysign(LIMIT, apart) if apart else 0.0
        return max(-LIMIT, min(LIMIT, apart / bucket.scale))

    def _learn(self, at_ms: int, number: float) -> None:
        place, slot = self._place(at_ms)
        known = self._buckets[place].samples if place in self._buckets else ()
        if known and known[-1][0] >= slot:
            return
        samples = (*known[1 - (KEPT if self._season_ms else KEPT_ALONE) :], (slot, number))
        self._buckets = {**self._buckets, place: self._bucket(samples)}

    def _place(self, at_ms: int) -> tuple[int, int]:
        """Return the bucket of an instant, and the number of its slot since 1970."""
        if not self._season_ms:
            return 0, at_ms
        slot = at_ms * BUCKETS * SLOTS // self._season_ms
        return slot // SLOTS % BUCKETS, slot

    def _bucket(self, samples: tuple[tuple[int, float], ...]) -> Bucket:
        numbers = sorted(number for _, number in samples)
        center = median(numbers)
        seasons = len({slot // (BUCKETS * SLOTS) for slot, _ in samples})
        cold = len(samples) < COLD or seasons < COLD_SEASONS if self._season_ms else len(samples) < COLD_ALONE
        return Bucket(samples, center, None if cold else _scale(numbers, center))


def _scale(numbers: list[float], center: float) -> float:
    """Return a robust standard deviation of numbers in ascending order."""
    middle = bisect_left(numbers, center)
    apart = [center - number for number in reversed(numbers[:middle])] + [
        number - center for number in numbers[middle:]
    ]
    found = _MAD * median(apart) or _MEAN * fmean(apart)
    return found if isfinite(found) else LIMIT


def _number(value: Any) -> float | None:
    """Return a sample as a float; None for what is none, and for whole numbers beyond every float."""
    if value.__class__ not in (int, float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


METHOD: Final = "seasonal-median"
MODELS: Final[Mapping[str, Callable[[int], Model]]] = {METHOD: SeasonalMedian}
"""Name in snapshots -> model for a season in milliseconds, 0 for none. `METHOD` is the one that rules use."""
