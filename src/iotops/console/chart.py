"""A chart of one metric over hours or months as SVG, with what happened meanwhile; made here, so it needs no script.

Colours come from the page's style sheet by class. Times are Unix milliseconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from html import escape
from math import ceil, floor, log10

from iotops.clock import utc

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 22, 24
_TICKS_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440)
_MOST_TICKS = 8
_DAY_MINUTES = 1_440
_LONG = 10_000_000  # what has more digits than there is room for is told by its power of ten


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was measured within a span of time."""

    at_ms: int
    low: float
    mean: float
    high: float


@dataclass(frozen=True, slots=True)
class Band:
    """Something that lasted: `change`, `maintenance`, or the priority of an incident; without an end it goes on."""

    start_ms: int
    end_ms: int | None
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """An instant that matters: `raise` or `clear`."""

    at_ms: int
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What to draw.

    Attributes:
        start_ms: of the left edge.
        end_ms: of the right edge.
        buckets: in order of time; a gap of more than `gap_ms` is not bridged.
        limits: (value, name) of thresholds.
        unit: of the values, empty where there is none.
    """

    start_ms: int
    end_ms: int
    buckets: Sequence[Bucket]
    gap_ms: int
    limits: Sequence[tuple[float, str]] = ()
    bands: Sequence[Band] = ()
    marks: Sequence[Mark] = ()
    unit: str = ""


def draw(chart: Chart, label: str, zone: tzinfo) -> str:
    """Return the chart as an `<svg>` element; `label` tells those who do not see it what it shows."""
    low, high = _bounds(chart)
    scale = _Scale(chart.start_ms, chart.end_ms, low, high)
    parts = [
        *_bands(chart, scale),
        *_grid(scale, chart.unit),
        *_clock(chart, scale, zone),
        *_spread(chart, scale),
        *_limits(chart, scale),
        *_marks(chart, scale),
    ]
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    start_ms: int
    end_ms: int
    low: float
    high: float

    def x(self, at_ms: float) -> float:
        within = min(max(at_ms, self.start_ms), self.end_ms)
        return LEFT + (within - self.start_ms) / max(1, self.end_ms - self.start_ms) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (value - self.low) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)


def _bounds(chart: Chart) -> tuple[float, float]:
    """Return what the height stands for: all values, and limits that are not so far off that they would flatten it."""
    values = [value for bucket in chart.buckets for value in (bucket.low, bucket.high)]
    limits = [value for value, _ in chart.limits]
    low, high = min(values or limits or [0]), max(values or limits or [1])
    span = (high - low) or max(abs(high), 1.0)
    near = [value for value in limits if low - 2 * span <= value <= high + 2 * span]
    low, high = min([low, *near]), max([high, *near])
    pad = ((high - low) or max(abs(high), 1.0)) * 0.08
    return low - pad, high + pad


def _grid(scale: _Scale, unit: str) -> Iterator[str]:
    step = _nice((scale.high - scale.low) / 5)
    digits = min(12, max(0, -floor(log10(step))))
    for number in range(ceil(scale.low / step), floor(scale.high / step) + 1):
        y = scale.y(number * step)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        value = number * step
        told = f"{value:.{digits}f}" if abs(value) < _LONG else f"{value:g}"
        yield f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{told}</text>'
    if unit:
        yield f'<text class="tick" x="{LEFT - 6}" y="12" text-anchor="end">{escape(unit)}</text>'


def _nice(rough: float) -> float:
    """Return the next of 1, 2, 5, 10, 20 ... (or 0.5, 0.2 ...) that is not below."""
    power: float = 10.0 ** floor(log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def _clock(chart: Chart, scale: _Scale, zone: tzinfo) -> Iterator[str]:
    minutes = (chart.end_ms - chart.start_ms) / 60_000
    days = _DAY_MINUTES * ceil(minutes / _MOST_TICKS / _DAY_MINUTES)
    step_ms = 60_000 * next((each for each in _TICKS_MINUTES if minutes / each <= _MOST_TICKS), days)
    ahead = utc(chart.start_ms).astimezone(zone).utcoffset()
    ahead_ms = round(ahead.total_seconds() * 1_000) if ahead else 0  # days begin where the visitor is
    for number in range(ceil((chart.start_ms + ahead_ms) / step_ms), floor((chart.end_ms + ahead_ms) / step_ms) + 1):
        at_ms = number * step_ms - ahead_ms
        x = scale.x(at_ms)
        yield f'<path class="grid" d="M{x:.1f} {HEIGHT - BOTTOM}v4"/>'
        told = _told(utc(at_ms).astimezone(zone), minutes, step_ms)
        yield f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{told}</text>'


def _told(at: datetime, minutes: float, step_ms: int) -> str:
    if minutes <= _DAY_MINUTES:
        return f"{at:%H:%M}"
    return f"{at:%-d %b}" if step_ms >= _DAY_MINUTES * 60_000 else f"{at:%-d %b %H:%M}"


def _spread(chart: Chart, scale: _Scale) -> Iterator[str]:
    """Yield the line of means over the area between lowest and highest, anew after each gap."""
    for run in _runs(chart):
        there = " ".join(f"{scale.x(each.at_ms):.1f},{scale.y(each.high):.1f}" for each in run)
        back = " ".join(f"{scale.x(each.at_ms):.1f},{scale.y(each.low):.1f}" for each in reversed(run))
        line = " ".join(f"{scale.x(each.at_ms):.1f},{scale.y(each.mean):.1f}" for each in run)
        if len(run) == 1:
            x, y = line.split(",")
            yield f'<circle class="dot" cx="{x}" cy="{y}" r="2"/>'
        else:
            yield f'<polygon class="spread" points="{there} {back}"/><polyline class="line" points="{line}"/>'


def _runs(chart: Chart) -> list[list[Bucket]]:
    runs: list[list[Bucket]] = []
    for bucket in chart.buckets:
        if not runs or bucket.at_ms - runs[-1][-1].at_ms > chart.gap_ms:
            runs.append([])
        runs[-1].append(bucket)
    return runs


def _limits(chart: Chart, scale: _Scale) -> Iterator[str]:
    for value, name in chart.limits:
        if scale.low <= value <= scale.high:
            y = scale.y(value)
            yield f'<path class="limit" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
            yield (
                f'<text class="limit-name" x="{WIDTH - RIGHT - 2}" y="{y - 4:.1f}" text-anchor="end">'
                f"{escape(name[:40])}</text>"
            )


def _bands(chart: Chart, scale: _Scale) -> Iterator[str]:
    for band in chart.bands:
        end_ms = chart.end_ms if band.end_ms is None else band.end_ms
        if end_ms < chart.start_ms or band.start_ms > chart.end_ms:
            continue
        x, right = scale.x(band.start_ms), scale.x(end_ms)
        yield (
            f'<g class="band {escape(band.kind)}"><title>{escape(band.label)}</title>'
            f'<rect x="{x:.1f}" y="{TOP}" width="{max(3.0, right - x):.1f}" height="{HEIGHT - TOP - BOTTOM}"/></g>'
        )


def _marks(chart: Chart, scale: _Scale) -> Iterator[str]:
    for mark in chart.marks:
        if not chart.start_ms <= mark.at_ms <= chart.end_ms:
            continue
        x = scale.x(mark.at_ms)
        anchor = "end" if x > WIDTH - 90 else "start" if x < LEFT + 40 else "middle"
        yield (
            f'<g class="at {escape(mark.kind)}"><title>{escape(mark.label)}</title>'
            f'<path d="M{x:.1f} {TOP - 4}V{HEIGHT - BOTTOM}"/>'
            f'<text x="{x:.1f}" y="{TOP - 8}" text-anchor="{anchor}">{escape(mark.label)}</text></g>'
        )
