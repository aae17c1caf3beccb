"""The sample that stands at a given place when those of a window are put in order."""

from typing import Any

from iotops.rules.values import NUMBERS
from iotops.rules.windows import Frame


def quantile(frame: Frame, at_ms: int, covered: bool, fraction: Any) -> Any:
    """Return the value below which a fraction of the samples lies, on the line between the two closest ranks.

    Missing unless the fraction is from 0 to 1: parameters that overrides set are known only here.
    """
    if not covered or fraction.__class__ not in NUMBERS or not 0 <= fraction <= 1:
        return None
    return frame.read("ranks", at_ms).quantile(fraction)


def median(frame: Frame, at_ms: int, covered: bool) -> Any:
    """Return the middle sample, or the mean of the two in the middle."""
    return quantile(frame, at_ms, covered, 0.5)
