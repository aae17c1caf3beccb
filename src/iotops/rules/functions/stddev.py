"""How far the samples of a window lie apart."""

from typing import Any

from iotops.rules.windows import Frame


def stddev(frame: Frame, at_ms: int, covered: bool) -> Any:
    """Return the standard deviation of the samples as a population, 0 of one; as Prometheus' `stddev_over_time`."""
    return frame.read("spread", at_ms).deviation if covered else None
