"""What one message may cost."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one message; whatever exceeds one is a dead letter as a whole.

    Attributes:
        max_skew_ms: an event time further ahead of the receive time than this is replaced by the receive time.
        max_payload_bytes: longest payload.
        max_metrics: most metrics in one message, over all its readings.
        max_readings: most readings in one JSON array.
        max_depth: deepest nesting of objects in a reading; the reading itself is depth 1.
        max_text_chars: longest text value.
        max_name_chars: longest metric name, dots included.
    """

    max_skew_ms: int = 300_000
    max_payload_bytes: int = 262_144
    max_metrics: int = 10_000  # a gateway's array: 1 000 readings of ten metrics
    max_readings: int = 1_000
    max_depth: int = 8
    max_text_chars: int = 1_024
    max_name_chars: int = 128
