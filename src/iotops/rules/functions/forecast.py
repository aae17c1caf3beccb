"""Where the samples of a window are heading."""

from typing import Any

from iotops.rules.values import NUMBERS
from iotops.rules.windows import Frame


def forecast(frame: Frame, at_ms: int, covered: bool, horizon_ms: Any) -> Any:
    """Return the value a horizon after the end of the window, on the line of least squares through its samples.

    The window ends at the newest sample that the rule reads, and so the value stands until the next one comes: a
    timer that runs in between finds what the last sample led to. Missing below two samples.
    """
    if not covered or horizon_ms.__class__ not in NUMBERS:
        return None
    return frame.read("trend", at_ms).at(at_ms + horizon_ms)
