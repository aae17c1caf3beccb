"""The evidence that an alert was frozen with when it fired, for people."""

from collections.abc import Iterator, Mapping
from typing import Any

from iotops.durations import format_duration, format_instant
from iotops.rules.alert import Alert

_SAMPLES = 5  # of each metric, the newest


def frozen_lines(alert: Alert) -> list[str]:
    """Return why an alert fired: its clock, the value of every part of the condition, and the samples it saw."""
    evidence = alert.evidence
    fired = "never" if alert.fired_ms is None else format_instant(alert.fired_ms)
    lines = [
        f"{alert.key.rule} on {alert.key.instance} fired {evidence.get('severity', alert.severity.word)} at {fired}"
    ]
    since_ms, held_ms = evidence.get("true_since_ms"), evidence.get("held_ms") or 0
    if since_ms is not None:
        place = f"{evidence.get('file', '')}:{evidence.get('line', '')}"
        held = f"true since {format_instant(since_ms)}, for {format_duration(held_ms)}"
        lines.append(f"  {evidence.get('when', '')}    {held}    {place}")
    lines += [f"    {part['text']} = {_shown(part['value'])}" for part in evidence.get("expressions", ())]
    if evidence.get("params"):
        lines.append("    with " + ", ".join(f"{name} = {value}" for name, value in evidence["params"].items()))
    return [*lines, *_samples(evidence)]


def _samples(evidence: Mapping[str, Any]) -> Iterator[str]:
    units = evidence.get("units", {})
    for metric, samples in evidence.get("samples", {}).items():
        unit = f" {units[metric]}" if metric in units else ""
        for at_ms, value in samples[-_SAMPLES:]:
            yield f"    {format_instant(at_ms)}  {metric} = {_shown(value)}{unit}"


def _shown(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, dict):
        low, high = (value[end] if value[end] is not None else "?" for end in ("from", "to"))
        return f"{low} to {high}"
    return str(value).lower() if isinstance(value, bool) else str(value)
