"""How much of a metric's past a device keeps."""

from typing import NamedTuple

from iotops.rules.device import DeviceMemory
from iotops.rules.plan import EVIDENCE_SAMPLES


class Span(NamedTuple):
    """Samples younger than so many milliseconds, and at least so many samples."""

    keep_ms: int
    samples: int


def kept_of(device: DeviceMemory, metric: str) -> Span:
    """Return what rules can see of a metric, or an alert can show."""
    kept = device.plan.kept.get(metric) if device.plan is not None else None
    return Span(0, EVIDENCE_SAMPLES) if kept is None else Span(kept.span_ms, kept.count)


def evict(device: DeviceMemory, metric: str) -> None:
    """Keep what changed in a metric's samples, and let go those that nothing sees any more."""
    device.series[metric].apply(*kept_of(device, metric))
