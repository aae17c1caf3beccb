"""Small charts without axes, made here so that they need no script."""

from collections.abc import Sequence

WIDTH, HEIGHT = 96, 24
_EDGE = 2.5  # room for the dot at the end, and for half of the line
_INK = "#6b8299"  # 3:1 and more on the paper of both appearances: an image knows nothing of the page's tokens
_MARK = "#c2414b"


def sparkline(points: Sequence[tuple[float, float]], start: float, end: float, mark: float | None = None) -> str:
    """Return an SVG image of values over time.

    Args:
        points: (time, value), in order of time.
        start: what the left edge stands for, in the unit of the times.
        end: what the right edge stands for.
        mark: an instant to mark by a vertical line, where it lies within.

    Returns:
        96 x 24 pixels; a dash where there are no points. A flat line runs through the middle.
    """
    body = _line(points, start, end) if points else f'<path d="M44 12h8" stroke="{_INK}" stroke-width="1.5"/>'
    if mark is not None and start < mark < end:
        x = _across(mark, start, end)
        body = f'<path d="M{x:.1f} 1v22" stroke="{_MARK}" stroke-width="1" stroke-dasharray="2 2"/>{body}'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" fill="none">{body}</svg>'
    )


def _line(points: Sequence[tuple[float, float]], start: float, end: float) -> str:
    low, high = min(value for _, value in points), max(value for _, value in points)
    span = high - low
    placed = [
        (
            _across(at, start, end),
            HEIGHT / 2 if span == 0 else HEIGHT - _EDGE - (value - low) / span * (HEIGHT - 2 * _EDGE),
        )
        for at, value in points
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    x, y = placed[-1]
    return (
        f'<polyline points="{path}" stroke="{_INK}" stroke-width="1.5" stroke-linejoin="round"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{_INK}"/>'
    )


def _across(at: float, start: float, end: float) -> float:
    return _EDGE + (at - start) / max(end - start, 1e-9) * (WIDTH - 2 * _EDGE)
