"""The only reader of the wall clock; everything else takes `now` as an argument."""

import time
from datetime import UTC, datetime


def now_ms() -> int:
    """Return the wall clock as Unix milliseconds."""
    return time.time_ns() // 1_000_000


def monotonic_ms() -> int:
    """Return a clock that never steps, in milliseconds since an arbitrary start."""
    return time.monotonic_ns() // 1_000_000


def monotonic_ns() -> int:
    """Return the same clock in nanoseconds, for short durations."""
    return time.monotonic_ns()


def utc(at_ms: int) -> datetime:
    """Return Unix milliseconds as an aware UTC `datetime`."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)
