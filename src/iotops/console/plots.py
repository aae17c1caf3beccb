"""A metric over time as lines of a drawing: what is seen before, or without, a script. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from itertools import pairwise
from math import floor, isfinite, log10
from typing import Any, NamedTuple

from iotops.clock import utc
from iotops.durations import parse_instant

WIDTH, HEIGHT = 960, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 14, 24
_TICKS = 5


class Tick(NamedTuple):
    """A line of the grid: where, and what stands beside it."""

    at: float
    text: str


class Plot(NamedTuple):
    """A drawing of `WIDTH` by `HEIGHT`: `spread` is the area between minimum and maximum, `line` the average."""

    spread: str
    line: str
    rows: Sequence[Tick]
    columns: Sequence[Tick]


class Stretch(NamedTuple):
    """A band of the drawing: where it begins, and how wide it is."""

    left: float
    width: float


def plot(points: Sequence[Sequence[Any]], from_ms: int, to_ms: int, zone: tzinfo) -> Plot | None:
    """Return the drawing of buckets [t, min, avg, max, n] or truth values [t, value]; None of text, or of nothing.

    A line is broken where three times as long as usual nothing came.
    """
    rows = [_numbers(point) for point in points]
    told = [row for row in rows if row is not None]
    if not told or len(told) < len(rows):
        return None
    low, high = _padded(min(row[1] for row in told), max(row[3] for row in told))

    def x(at_ms: float) -> float:
        return round(LEFT + (at_ms - from_ms) / (to_ms - from_ms) * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    runs = list(_runs(told))
    return Plot(
        spread="".join(_area([(x(row[0]), y(row[1]), y(row[3])) for row in run]) for run in runs),
        line="".join(_line([(x(row[0]), y(row[2])) for row in run]) for run in runs),
        rows=[Tick(y(value), f"{value:g}") for value in _values(low, high)],
        columns=[Tick(x(at_ms), _told(at_ms, to_ms - from_ms, zone)) for at_ms in _instants(from_ms, to_ms)],
    )


def stretch(since_ms: int, until_ms: int | None, from_ms: int, to_ms: int) -> Stretch | None:
    """Return the band of what lasted from one instant to another (None: lasts); None where it is outside."""
    start, end = max(since_ms, from_ms), min(to_ms if until_ms is None else until_ms, to_ms)
    if end < from_ms or start > to_ms:
        return None
    scale = (WIDTH - LEFT - RIGHT) / (to_ms - from_ms)
    return Stretch(round(LEFT + (start - from_ms) * scale, 1), round(max(2.0, (end - start) * scale), 1))


def _numbers(point: Sequence[Any]) -> tuple[int, float, float, float] | None:
    at_ms = parse_instant(point[0])
    if len(point) == 5:
        return at_ms, float(point[1]), float(point[2]), float(point[3])
    value = point[1]
    return (at_ms, float(value), float(value), float(value)) if isinstance(value, bool | int | float) else None


def _padded(low: float, high: float) -> tuple[float, float]:
    if not (isfinite(high - low) and high > low):
        return low - max(1.0, abs(low) / 10), high + max(1.0, abs(high) / 10)
    return low - (high - low) * 0.06, high + (high - low) * 0.06


def _runs(told: Sequence[tuple[int, float, float, float]]) -> Iterable[list[tuple[int, float, float, float]]]:
    gaps = sorted(after[0] - before[0] for before, after in pairwise(told))
    longest = 3 * gaps[len(gaps) // 2] if gaps else 0
    run: list[tuple[int, float, float, float]] = []
    for row in told:
        if run and row[0] - run[-1][0] > longest:
            yield run
            run = []
        run.append(row)
    yield run


def _line(places: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = places
    if not rest:
        return f"M{x} {y}h.1"  # a point on its own is a dot
    return f"M{x} {y}" + "".join(f"L{x} {y}" for x, y in rest)


def _area(places: Sequence[tuple[float, float, float]]) -> str:
    upper = [f"{x} {high}" for x, _, high in places]
    lower = [f"{x} {low}" for x, low, _ in reversed(places)]
    return f"M{'L'.join([*upper, *lower])}Z" if len(places) > 1 else ""


def _values(low: float, high: float) -> list[float]:
    """Return round values between two, about `_TICKS` of them."""
    raw = (high - low) / _TICKS
    size = 10.0 ** floor(log10(raw))
    step = next(size * times for times in (1, 2, 5, 10) if size * times >= raw)
    first = floor(low / step) + 1
    return [round((first + place) * step, 12) for place in range(int((high - first * step) / step) + 1)]


def _instants(from_ms: int, to_ms: int) -> list[int]:
    return [from_ms + (to_ms - from_ms) * place // 6 for place in range(1, 6)]


def _told(at_ms: int, length_ms: int, zone: tzinfo) -> str:
    at: datetime = utc(at_ms).astimezone(zone)
    if length_ms <= 36 * 3_600_000:
        return f"{at:%H:%M}"
    return f"{at:%-d %b %H:%M}" if length_ms <= 8 * 86_400_000 else f"{at:%-d %b}"
