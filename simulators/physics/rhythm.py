"""The rhythm of a day, in closed form, so that counters need no adding up."""

import math

DAY_S = 86_400.0
_TURN = 2.0 * math.pi / DAY_S


def load(at_s: float, peak_s: float = 54_000.0) -> float:
    """Return how busy the day is: 0 twelve hours from the peak, 1 at the peak (seconds after midnight UTC)."""
    return 0.5 + 0.5 * math.cos(_TURN * (at_s - peak_s))


def load_until(at_s: float, peak_s: float = 54_000.0) -> float:
    """Return the integral of `load` from 1970 to an instant, in seconds; it never falls."""
    return 0.5 * at_s + 0.5 * math.sin(_TURN * (at_s - peak_s)) / _TURN
