"""Whether a sample that came late contradicts what an alert fired on: it would not have fired, had it come in time.

Looked at is the tier that fired, in two places, with the samples of the rule's metrics up to there and the late one
among them: at the instant of firing, and at the late sample's own, where that lies within the hold. Where the
condition is known false in either, the evidence is contradicted.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from iotops.rules.alert import Alert
from iotops.rules.compiled import CompiledRule
from iotops.rules.device import DeviceMemory
from iotops.rules.memory import Memory
from iotops.rules.moment import FIRING, Moment
from iotops.rules.rule import Severity
from iotops.rules.series import Series
from iotops.telemetry.reading import Reading

LATE: Final = "late"
"""Member of the evidence of an alert that a late sample contradicts: when it was, what it said, and where it counts."""


def contradicted(memory: Memory, device: DeviceMemory, rules: Iterable[CompiledRule], reading: Reading) -> list[Alert]:
    """Return the alerts, as they are from now on, whose evidence a late reading contradicts.

    Each is told of once. Sequences, and conditions about `age()`, `online`, events or other rules are left alone:
    samples do not say how those stood then.

    Args:
        memory: which `device` belongs to.
        device: that has taken the reading in.
        rules: that read what it says.
        reading: late for these rules.
    """
    found = []
    for rule in rules:
        alert = device.open.get(rule.id)
        if alert is not None and alert.state in FIRING and LATE not in alert.evidence and _is_plain(rule):
            at_ms = _refuted_ms(memory, device, rule, alert, reading.at_ms)
            if at_ms is not None:
                values = {name: value for name, value in reading.values.items() if name in rule.notes.metrics}
                late = {"at_ms": reading.at_ms, "values": values, "not_true_at_ms": at_ms}
                found.append(replace(alert, evidence={**alert.evidence, LATE: late}))
    return found


def _is_plain(rule: CompiledRule) -> bool:
    notes = rule.notes
    beyond = rule.sequence is not None or rule.in_group or rule.is_group
    return not (beyond or notes.reads_age or notes.reads_online or notes.events or notes.causes)


def _refuted_ms(memory: Memory, device: DeviceMemory, rule: CompiledRule, alert: Alert, late_ms: int) -> int | None:
    """Return at which of the two instants the tier that fired is known false; None where it is at neither."""
    fired_ms, since_ms = alert.fired_ms, alert.evidence.get("true_since_ms")
    tier = _tier(rule, alert.evidence)
    if fired_ms is None or since_ms is None or tier is None or late_ms > fired_ms:
        return None
    instants = dict.fromkeys([*([late_ms] if since_ms <= late_ms else []), fired_ms])
    moment = Moment(memory)
    for at_ms in instants:
        past = _as_of(device, rule, at_ms)
        if past is not None:
            moment.at(past, at_ms, False, rule.asof_ms(past))
            if rule.whens[tier](moment) is False:
                return at_ms
    return None


def _tier(rule: CompiledRule, evidence: Mapping[str, Any]) -> int | None:
    words = [Severity(severity).word for severity in rule.machine.severities]
    return words.index(evidence["severity"]) if evidence.get("severity") in words else None


def _as_of(device: DeviceMemory, rule: CompiledRule, at_ms: int) -> DeviceMemory | None:
    """Return the device with the samples up to an instant; None where they are gone from memory."""
    past = DeviceMemory(device.facts)
    past.started, past.first_ms, past.every_ms = device.started, device.first_ms, device.every_ms
    past.event_ms = past.heard_ms = at_ms
    for metric in rule.notes.metrics:
        series = device.series.get(metric)
        if series is None:
            continue
        end = bisect_right(series.times, at_ms)
        if not end and series.lost_ms <= at_ms and series.lost_ms > 0:
            return None
        past.series[metric] = _first(series, end)
    return past


def _first(series: Series, end: int) -> Series:
    found = Series(series.every_ms)
    found.times, found.values, found.lost_ms = series.times[:end], series.values[:end], series.lost_ms
    if end:
        found.value, found.last_ms = found.values[-1], found.times[-1]
        found.good_ms = found.last_ms
    return found
