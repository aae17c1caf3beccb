"""Counts as bars: incidents by day, stacked by priority, and the backlog by age. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from iotops.clock import utc
from iotops.console.spans import Span

WIDTH, HEIGHT = 960, 200
LEFT, TOP, BOTTOM = 40, 10, 24

AGES = {
    "0s": "under 1 hour",
    "1h": "1 to 4 hours",
    "4h": "4 to 24 hours",
    "1d": "1 to 3 days",
    "3d": "3 to 7 days",
    "1w": "1 to 4 weeks",
    "4w": "over 4 weeks",
}
"""Age class as the API names it -> what people read."""


class Bar(NamedTuple):
    """One count and where its incidents are listed."""

    key: str
    n: int
    href: str


class Block(NamedTuple):
    """A part of a stacked bar."""

    tone: str
    n: int
    y: float
    height: float
    href: str


class Day(NamedTuple):
    """One day: its date, its total, where its bar stands, and the blocks of it from below; every other label is odd."""

    date: str
    total: int
    x: float
    width: float
    blocks: Sequence[Block]
    label: str | None
    odd: bool


class Days(NamedTuple):
    """The drawing: days in order, and round counts as (height, text)."""

    days: Sequence[Day]
    rows: Sequence[tuple[float, str]]


class Age(NamedTuple):
    """One class of the backlog; `share` is its part of the longest bar, in percent."""

    text: str
    n: int
    href: str
    share: float


def day_bars(counts: Mapping[str, Sequence[Bar]], span: Span) -> Days:
    """Return a bar for every day of the span, in UTC as the API counts, those without incidents included.

    Args:
        counts: priority -> its count by day.
        span: at most as many days are drawn as fit: the last 400.
    """
    of_day: dict[str, dict[str, Bar]] = defaultdict(dict)
    for priority, bars in counts.items():
        for bar in bars:
            of_day[bar.key][priority] = bar
    dates = _dates(span)
    most = max((sum(bar.n for bar in of_day[date].values()) for date in dates if date in of_day), default=0)
    top, rows = _rows(most)
    slot = (WIDTH - LEFT) / max(1, len(dates))
    each = max(1, -(-len(dates) // 10))
    days = [
        Day(
            date,
            sum(bar.n for bar in of_day[date].values()),
            round(LEFT + place * slot + slot * 0.12, 1),
            round(slot * 0.76, 1),
            _blocks(of_day[date], top),
            _short(date) if place % each == 0 else None,
            place // each % 2 == 1,
        )
        for place, date in enumerate(dates)
    ]
    return Days(days, rows)


def ages(bars: Sequence[Bar]) -> list[Age]:
    """Return every age class with its count; those that nothing is in as well."""
    found = {bar.key: bar for bar in bars}
    most = max((bar.n for bar in bars), default=0)
    return [
        Age(text, bar.n, bar.href, round(100 * bar.n / most, 1) if most else 0.0)
        for key, text in AGES.items()
        for bar in [found.get(key, Bar(key, 0, ""))]
    ]


def _dates(span: Span) -> list[str]:
    day, last = utc(span.from_ms).date(), utc(max(span.from_ms, span.to_ms - 1)).date()
    count = min(400, (last - day).days + 1)
    return [(last - timedelta(days=back)).isoformat() for back in range(count - 1, -1, -1)]


def _blocks(bars: Mapping[str, Bar], top: float) -> list[Block]:
    found, y = [], float(HEIGHT - BOTTOM)
    for priority in sorted(bars, reverse=True):  # the most pressing on top
        height = bars[priority].n / top * (HEIGHT - TOP - BOTTOM)
        y -= height
        found.append(Block(priority, bars[priority].n, round(y, 1), round(height, 1), bars[priority].href))
    return found


def _rows(most: int) -> tuple[float, list[tuple[float, str]]]:
    """Return the count at the upper edge, and the lines of the grid with what stands beside them."""
    step = next(size for size in (10**power * times for power in range(12) for times in (1, 2, 5)) if size * 4 >= most)
    top = step * max(1, -(-most // step))
    scale = (HEIGHT - TOP - BOTTOM) / top
    return top, [(round(HEIGHT - BOTTOM - n * scale, 1), f"{n:,}") for n in range(0, top + 1, step)]


def _short(date: str) -> str:
    return date[5:]
