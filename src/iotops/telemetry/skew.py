"""How far a device's clock is ahead, as a value of our own beside those that the device sent."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from iotops.telemetry.reading import Kind, Reading, Value

AHEAD: Final = "@clock_ahead"
"""The metric (seconds). Only readings have it that were too far ahead, and those of such a device until it is right."""


def with_ahead(values: Mapping[str, Value | None], sent_ms: int, received_ms: int) -> Mapping[str, Value | None]:
    """Return the values of a reading whose time was too far ahead, and how far."""
    return {**values, AHEAD: (sent_ms - received_ms) / 1_000}


def checked(reading: Reading, max_skew_ms: int) -> Reading:
    """Return a reading of a device that was too far ahead, with what it says about its clock now.

    The clock is right again, 0 s, where it is ahead by half of `max_skew_ms` at most: one just at the limit shall not
    go to and fro. A reading without a time of its own, stamped on receipt, says nothing.
    """
    says_nothing = reading.skewed or reading.retained or reading.at_ms == reading.received_ms
    if says_nothing or reading.kind is Kind.STATUS:
        return reading
    ahead_ms = reading.at_ms - reading.received_ms
    return replace(reading, values={**reading.values, AHEAD: ahead_ms / 1_000 if 2 * ahead_ms > max_skew_ms else 0})
