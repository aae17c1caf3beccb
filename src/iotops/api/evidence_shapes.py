"""The proof an alert was frozen with, as clients read it: instants in RFC 3339 and durations as authors write them."""

from collections.abc import Callable, Mapping
from typing import Any

from iotops.durations import format_duration, format_instant


def evidence_shape(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored evidence with no bare milliseconds left: `fired_ms: 0` becomes `fired_at: 1970-01-01T00:00:00Z`."""
    return dict(_SPELLINGS[name](value) if name in _SPELLINGS else (name, value) for name, value in kept.items())


def _named(name: str, spell: Callable[[Any], Any]) -> Callable[[Any], tuple[str, Any]]:
    return lambda value: (name, None if value is None else spell(value))


def _holds(by_severity: Mapping[str, int]) -> dict[str, str]:
    return {severity: format_duration(hold_ms) for severity, hold_ms in by_severity.items()}


def _samples(by_metric: Mapping[str, list[list[Any]]]) -> dict[str, list[list[Any]]]:
    return {metric: [[format_instant(at_ms), value] for at_ms, value in points] for metric, points in by_metric.items()}


def _devices(polls: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**poll, "first": [{**said, "samples": _samples(said["samples"])} for said in poll["first"]]} for poll in polls
    ]


_SPELLINGS: Mapping[str, Callable[[Any], tuple[str, Any]]] = {
    "fired_ms": _named("fired_at", format_instant),
    "true_since_ms": _named("true_since", format_instant),
    "held_ms": _named("held", format_duration),
    "hold_ms": _named("for", _holds),
    "samples": _named("samples", _samples),
    "devices": _named("devices", _devices),
}
"""Stored member -> how it reads outside. Samples are `[t, v]` as telemetry answers them."""
