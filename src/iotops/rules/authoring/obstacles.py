"""What keeps a rule from firing, or an alert from resolving."""

from collections.abc import Iterator

from iotops.durations import format_duration, format_instant
from iotops.rules.alert import Alert
from iotops.rules.authoring.explanation import Branch
from iotops.rules.compile import Program
from iotops.rules.compiled import CompiledRule
from iotops.rules.device import DeviceMemory
from iotops.rules.language.suggest import did_you_mean
from iotops.rules.language.usage import metrics_in
from iotops.rules.matching import matches
from iotops.rules.moment import FIRING, Moment
from iotops.rules.rule import Mode
from iotops.rules.series import STALE_FACTOR, UNKNOWN_EVERY_MS

Obstacle = tuple[str, str]
"""A short stable word, and a sentence."""

OFF: Obstacle = ("off", "the rule's mode is off: it is never judged")


def why_not_watched(program: Program, device: DeviceMemory | None, rule: str, instance: str) -> Iterator[Obstacle]:
    """Yield why a rule is not about an instance at all."""
    known = program.rule_set.rules.get(rule)
    if known is None:
        hint = did_you_mean(rule, program.rule_set.rules)
        yield "unknown-rule", f'there is no rule "{rule}"' + (f"; {hint}" if hint else "")
    if rule in program.per:
        yield "unknown-group", f"no device that the rule matches is in the group {instance}"
    elif device is None:
        yield "unknown-device", f"no device {instance} is registered; it is by its first message or by devices.yaml"
    if known is None or device is None:
        return
    if known.mode is Mode.OFF:
        yield OFF
    if device.facts.retired:
        yield "retired", f"{instance} is retired, and retired devices raise nothing"
    for label, accepted in known.match.items():
        if not matches({label: accepted}, device.facts.labels):
            value = device.facts.labels.get(label)
            has = f'"{value}"' if value is not None else "none"
            yield "not-matched", f"the rule wants {label} {' or '.join(accepted)}, and the device has {has}"


def obstacles(
    program: Program, rule: CompiledRule, moment: Moment, alert: Alert | None, branches: tuple[Branch, ...]
) -> Iterator[Obstacle]:
    """Yield what stands in the way of a rule that watches an instance."""
    if rule.id in program.quarantined:
        yield "quarantined", "the rule failed again and again and is not judged until its file changes"
    if rule.rule.mode is Mode.SHADOW:
        yield "shadow", "mode shadow: alerts as usual, and no incidents"
    truths = {branch.role: branch.truth for branch in branches}
    firing = alert is not None and alert.state in FIRING
    active = rule.machine.active
    if active is not None and not firing and not active.covers(moment.at_ms):
        begin_ms = active.next_begin(moment.at_ms)
        begins = "" if begin_ms is None else f"; they begin at {format_instant(begin_ms)}"
        yield "inactive", f"outside of the rule's active times ({active.zone}){begins}"
    if truths.get("unless") and not firing:
        yield "unless", f"suppressed while {rule.rule.unless.text if rule.rule.unless else ''} is true"
    elif alert is not None and alert.suppressed_by is not None:
        yield "suppressed", f"suppressed by {alert.suppressed_by}"
    whens = [truths[severity.word] for severity in rule.rule.when]
    if not any(whens) and None in whens:
        yield from _unknown(rule, moment)
    elif not any(whens) and not firing:
        waits = rule.rule.sequence is not None
        yield "known-false", "the sequence has not completed" if waits else "the condition is known to be false"
    if firing and alert is not None and not alert.data_known:
        yield "data-unknown", "it stays firing while data is missing: missing is never recovery"


def _unknown(rule: CompiledRule, moment: Moment) -> Iterator[Obstacle]:
    """Yield why the condition is neither true nor false."""
    yield from _undecided(rule, moment)
    if rule.is_group:
        return
    metrics = set[str]()
    for expression in rule.rule.when.values():
        metrics |= metrics_in(expression.root, rule.params)
    for metric in sorted(metrics):
        said = _missing(rule, moment, metric)
        if said:
            yield "data-unknown", said
    if rule.notes.reads_online and moment.device.online is None:
        yield "data-unknown", "the device never said whether it is online"
    for metric, span_ms in sorted(rule.notes.spans_ms.items()):
        full_ms = moment.device.first_ms + span_ms
        if metric in metrics and moment.device.started and moment.asof_ms < full_ms:
            span, since = format_duration(span_ms), format_instant(moment.device.first_ms)
            said = f"{metric}[{span}] is not covered yet: the device is heard since {since}"
            yield "window-not-covered", f"{said}, it will be at {format_instant(full_ms)}"
    for metric, count in sorted(rule.notes.counts.items()):
        series = moment.device.series.get(metric)
        if metric in metrics and series is not None and len(series.times) < count:
            yield "window-not-covered", f"{metric}[{count}] has {len(series.times)} of its {count} samples so far"


def _undecided(rule: CompiledRule, moment: Moment) -> Iterator[Obstacle]:
    """Yield the questions to groups that some of their devices leave open."""
    for survey in rule.surveys:
        group = moment.group(rule.id, survey.labels)
        if group is None:
            continue
        for place, poll in enumerate(survey.polls):
            unknown = group.tally.counts(place)[2]
            if unknown:
                devices = f"{unknown} of {len(group.tally.answers)} devices"
                yield "data-unknown", f"{poll.text} is unknown on {devices}: never heard of, silent, or without a value"
        for place, rank in enumerate(survey.ranks):
            if group.tally.median(place, without=moment.device.key) is None:
                where = ", ".join(f"{name} {value}" for name, value in group.facts.labels.items())
                yield "data-unknown", f"no other device of {where} has a value of {rank.text}"


def _missing(rule: CompiledRule, moment: Moment, metric: str) -> str:
    series = moment.device.series.get(metric)
    if metric in rule.notes.events:
        return "" if moment.edge_ms <= moment.device.heard_until_ms() else f"{metric}: the device is silent"
    if series is None or (not series.times and series.value is None and series.last_ms < 0):
        return f"{metric} was never reported"
    stale_ms = rule.rule.stale_ms or STALE_FACTOR * (series.every_ms or UNKNOWN_EVERY_MS)
    if series.times and moment.edge_ms > series.good_ms + stale_ms:
        last = f"the last value came at {format_instant(series.good_ms)}"
        return f"{metric} is stale: {last}, and counts for {format_duration(stale_ms)}"
    if series.value is None:
        return f"{metric} came at {format_instant(series.last_ms)} without a usable value: null, text, or outside valid"
    return ""
