"""How the pages spell figures, readings and healths. Pure."""

from collections.abc import Mapping

from iotops.console.times import long_duration

HEALTH_WORDS: Mapping[str, tuple[str, str, str]] = {
    "alert": ("▲", "Alert", "bad"),
    "degraded": ("◆", "Degraded", "warn"),
    "unknown": ("?", "Unknown", "warn"),
    "maintenance": ("◷", "Maintenance", ""),
    "ok": ("✓", "OK", "good"),
    "retired": ("○", "Retired", ""),
}
"""Health -> sign (colour is never the only one), word, and tone of its mark."""


def figure(value: float | None, unit: str) -> str:
    """Return a figure as people read it: `3h10m`, `94.2 %`, `1,234`; `—` where there was nothing to count.

    Args:
        value: milliseconds, a share from 0 to 1, or a count.
        unit: ms, share or count.
    """
    if value is None:
        return "—"
    if unit == "ms":
        return "< 1s" if 0 < value < 1_000 else long_duration(value / 1_000)
    if unit == "share":
        return f"{value * 100:.3g} %" if value < 0.995 else f"{value * 100:.4g} %"
    return f"{round(value):,}"


def reading(value: object) -> str:
    """Return a value that a device sent: numbers with six digits at most, the rest as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
