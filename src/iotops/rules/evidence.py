"""Proof frozen when an alert fires, and the summary people read."""

from collections.abc import Iterable, Mapping
from math import isinf
from typing import Any

from iotops.durations import format_duration
from iotops.rules.alert import Alert
from iotops.rules.compiled import CompiledRule
from iotops.rules.group_evidence import group_evidence
from iotops.rules.machine import HOLDS
from iotops.rules.moment import Moment
from iotops.rules.parts import Part, Print
from iotops.rules.plan import EVIDENCE_SAMPLES
from iotops.rules.rule import MetricSpec, Parameter
from iotops.rules.values import NUMBERS, Interval, NoEvent


def evidence(
    rule: CompiledRule, alert: Alert, moment: Moment, catalogue: Mapping[str, MetricSpec]
) -> Mapping[str, Any]:
    """Return what was seen when the alert fired: JSON-able, complete without the rule file."""
    tier = alert.severity.word
    position = rule.rule.position
    metrics = sorted(rule.notes.metrics)
    group = group_evidence(moment.memory, rule, moment.device.facts.labels)
    return {
        **alert.evidence,
        **group,
        "rule": rule.id,
        "rule_version": rule.rule.full_hash,
        "file": position.file,
        "line": position.line,
        "severity": tier,
        "when": rule.rule.when[alert.severity].text,
        "true_since_ms": alert.true_since_ms.get(alert.severity),
        "held_ms": alert.evidence.get(HOLDS, {}).get(tier, 0),
        "fired_ms": alert.fired_ms,
        "params": {name: plain_parameter(parameter) for name, parameter in rule.params.items()},
        "expressions": list(_expressions(rule, tier, moment)),
        "samples": {name: _samples(moment, name, alert.fired_ms or moment.at_ms) for name in metrics},
        "units": {name: catalogue[name].unit for name in metrics if name in catalogue and catalogue[name].unit},
    }


def summary(prints: Iterable[str | Print], values: Iterable[Any]) -> str:
    """Return the rule's summary with these values in its placeholders."""
    filled = iter(values)
    return "".join(part if isinstance(part, str) else shown(next(filled), part) for part in prints)


def printed(rule: CompiledRule, moment: Moment) -> tuple[Any, ...]:
    """Return the values of the summary's placeholders at a moment."""
    return tuple(part.read(moment) for part in rule.prints if isinstance(part, Print))


def shown(value: Any, slot: Print) -> str:
    """Return a value as people read it; what is missing, or known only within bounds, prints `unknown`."""
    if isinstance(value, Interval) and not isinf(value.low) and not isinf(value.high):
        return f"{shown(value.low, slot)} to {shown(value.high, slot)}"  # how many freezers, while some are silent
    if value is None or isinstance(value, Interval):
        return "unknown"
    if isinstance(value, NoEvent):
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if slot.is_duration and value.__class__ in NUMBERS:
        return format_duration(value)
    try:
        return format(value, slot.format)
    except ValueError:  # a number's format on a text, or the other way round: what a device sends is not in our hands
        return str(value)


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it; bounds become `{"from": 3, "to": null}`, null where there is none."""
    if isinstance(value, Interval):
        low, high = (None if isinf(end) else end for end in (value.low, value.high))
        return {"from": low, "to": high}
    return None if isinstance(value, NoEvent) else value


def plain_parameter(parameter: Parameter) -> Any:
    """Return a parameter as an author writes it: a number, or a duration as text."""
    return parameter.number if parameter.ms is None else format_duration(parameter.ms)


def _expressions(rule: CompiledRule, tier: str, moment: Moment) -> Iterable[Mapping[str, Any]]:
    if rule.is_group or not rule.in_group:
        for part in rule.parts[tier]:
            yield _expression(part, part.read(moment))
        return
    for part, value in zip(rule.slots, moment.values, strict=False):
        yield _expression(part, value)
    for part in rule.across:
        yield _expression(part, part.read(moment))
    for cause, label in sorted(rule.notes.causes, key=str):
        asked = f"firing({cause}, {label})" if label else f"firing({cause})"
        yield {"text": asked, "value": moment.firing(cause, label)}


def _expression(part: Part, value: Any) -> Mapping[str, Any]:
    at = part.expression.position
    return {
        "text": part.text,
        "value": plain(value),
        "start": part.node.start,
        "end": part.node.end,
        "file": at.file,
        "line": at.line,
        "column": at.column,
    }


def _samples(moment: Moment, metric: str, until_ms: int) -> list[list[Any]]:
    series = moment.device.series.get(metric)
    if series is None:
        return []
    return [[at_ms, value] for at_ms, value in series.newest(EVIDENCE_SAMPLES, until_ms)]
