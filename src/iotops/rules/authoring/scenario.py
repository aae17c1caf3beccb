"""A rule's test, read: devices, readings, times, and the timeline that it expects."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from iotops.durations import format_duration, parse_instant
from iotops.rules.authoring.expected import Timeline, read_expected
from iotops.rules.authoring.given import (
    GivenDevice,
    UnusableTest,
    is_metric,
    read_metric,
    read_offset,
    read_ranges,
)
from iotops.rules.device import DeviceFacts
from iotops.rules.language import nodes
from iotops.rules.language.walk import walk
from iotops.rules.rule import Mode, Override, Parameter, Rule, RuleSet
from iotops.telemetry.reading import DeviceKey, Kind, Reading

SITE: Final = "test"
DEVICE: Final = "test-1"
START: Final = "2026-01-01T00:00:00Z"
EVERY: Final = "1m"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A test ready to run: readings sorted as they arrive, and everything in ms from `start_ms` where named offset.

    `wait_ms`: how long after its event time everything has arrived, and has been judged.
    """

    name: str
    start_ms: int
    end_ms: int
    devices: tuple[DeviceFacts, ...]
    readings: tuple[Reading, ...]
    restarts_ms: tuple[int, ...]
    expected: Timeline
    rules: RuleSet
    params: Mapping[str, Parameter]
    wait_ms: int = 0


def read_scenario(rule_set: RuleSet, rule: Rule, test: Mapping[str, Any]) -> Scenario:
    """Return a rule's test as a scenario.

    Raises:
        UnusableTest: the test cannot be run as written.
    """
    every_ms = _duration(test.get("every", EVERY))
    start_ms = _start(test.get("start", START))
    devices = _devices(rule, test, every_ms)
    shuffle_ms = _duration(test["shuffle"]) if "shuffle" in test else 0
    if shuffle_ms > rule.lateness_ms:
        msg = (
            f"shuffle: {format_duration(shuffle_ms)} is more than the rule's lateness of "
            f"{format_duration(rule.lateness_ms)}; readings later than that are late by definition"
        )
        raise UnusableTest(msg)
    facts = tuple(_facts(rule, device, start_ms) for device in devices)
    expected = read_expected(test.get("expect") or {}, rule, facts)
    times = [at_ms for timeline in expected.values() for at_ms in timeline]
    end_ms = max([device.last_ms for device in devices] + times, default=0)
    params = _params(rule, test.get("params") or {})
    rules = rules_for(rule_set, rule.id, params)
    return Scenario(
        str(test.get("name", "test")),
        start_ms,
        end_ms,
        facts,
        _readings(devices, facts, start_ms, end_ms, shuffle_ms),
        _restarts(test.get("restart")),
        expected,
        rules,
        params,
        shuffle_ms + max(each.lateness_ms for each in rules.rules.values()),
    )


def _devices(rule: Rule, test: Mapping[str, Any], every_ms: int) -> list[GivenDevice]:
    given = test.get("given") or {}
    if not isinstance(given, Mapping):
        msg = f"given: expected a map from metric to series, found {given!r}"
        raise UnusableTest(msg)
    flat = {name: value for name, value in given.items() if is_metric(value)}
    nested = {name: value for name, value in given.items() if not is_metric(value)}
    if flat and nested:
        msg = f"given: {', '.join(flat)} look like metrics and {', '.join(nested)} like devices; write one or the other"
        raise UnusableTest(msg)
    by_device = nested or {_literal(rule.match.get("device"), DEVICE): flat}
    directory = Path(rule.position.file).parent
    return [
        GivenDevice(
            device,
            tuple(read_metric(metric, value, every_ms, directory) for metric, value in metrics.items()),
            _for_device(test.get("device"), device, by_device),
            read_ranges(_offline(test.get("offline"), device)),
        )
        for device, metrics in by_device.items()
    ]


def _for_device(labels: Any, device: str, devices: Mapping[str, Any]) -> Mapping[str, str]:
    if labels is None:
        return {}
    if not isinstance(labels, Mapping):
        msg = f"device: expected labels such as {{type: freezer}}, found {labels!r}"
        raise UnusableTest(msg)
    if labels and all(name in devices and isinstance(own, Mapping) for name, own in labels.items()):
        labels = labels.get(device, {})
    return {str(name): str(value) for name, value in labels.items()}


def _offline(given: Any, device: str) -> Any:
    return given.get(device) if isinstance(given, Mapping) else given


def _facts(rule: Rule, given: GivenDevice, start_ms: int) -> DeviceFacts:
    labels = {label: _literal(accepted, "") for label, accepted in rule.match.items()}
    site = given.labels.get("site", labels.get("site", SITE))
    labels |= {"site": site, "device": given.device, "name": given.device, **given.labels}
    return DeviceFacts(DeviceKey(site, given.device), labels, registered_ms=start_ms)


def _literal(accepted: tuple[str, ...] | None, otherwise: str) -> str:
    """Return the first value that a matcher accepts; of a glob, a text that fits it."""
    values = accepted or (otherwise,)
    plain = [value for value in values if "*" not in value and "?" not in value]
    return plain[0] if plain else values[0].replace("*", "x").replace("?", "x")


def _readings(
    devices: list[GivenDevice], facts: tuple[DeviceFacts, ...], start_ms: int, end_ms: int, shuffle_ms: int
) -> tuple[Reading, ...]:
    disorder = random.Random(0)  # noqa: S311  a seed, so that a test does the same each time it runs
    arriving: list[tuple[int, int, Reading]] = []
    for device, known in zip(devices, facts, strict=True):
        for at_ms, values in sorted(_by_time(device).items()):
            kind = Kind.EVENT if "event" in values else Kind.TELEMETRY
            arrives_ms = at_ms + disorder.randrange(shuffle_ms + 1)
            arriving.append((arrives_ms, 0, _reading(known.key, start_ms + at_ms, values, kind)))
        spans = [(at_ms, online) for span in device.offline for at_ms, online in zip(span, (False, True), strict=True)]
        for changed_ms, online in spans:
            if changed_ms is not None:
                status = _reading(known.key, start_ms + changed_ms, {"online": online}, Kind.STATUS)
                arriving.append((changed_ms, 1, status))
    arriving.sort(key=lambda item: item[:2])
    return tuple(
        replace(reading, received_ms=start_ms + at_ms, connected_ms=at_ms)
        for at_ms, _, reading in arriving
        if reading.at_ms <= start_ms + end_ms
    )


def _by_time(device: GivenDevice) -> Mapping[int, dict[str, Any]]:
    values: dict[int, dict[str, Any]] = {}
    for given in device.metrics:
        for at_ms, value in given.samples:
            values.setdefault(at_ms, {})[given.metric] = value
    return values


def _reading(key: DeviceKey, at_ms: int, values: Mapping[str, Any], kind: Kind) -> Reading:
    return Reading(key, at_ms, at_ms, values, kind=kind)


def rules_for(rule_set: RuleSet, rule_id: str, params: Mapping[str, Parameter]) -> RuleSet:
    """Return the tested rule, live and with the test's parameters, and the rules that its `firing()` names."""
    found: dict[str, Rule] = {}
    pending = [rule_id]
    while pending:
        name = pending.pop()
        if name in found or name not in rule_set.rules:
            continue
        found[name] = each = replace(rule_set.rules[name], mode=Mode.LIVE)
        expressions = [*each.when.values(), *each.until.values(), *([each.unless] if each.unless else [])]
        calls = (node for each in expressions for node in walk(each.root) if isinstance(node, nodes.Call))
        causes = (call.args[0] for call in calls if call.name == "firing")
        pending += [cause.name for cause in causes if isinstance(cause, nodes.Path)]
    if params:
        tested = found[rule_id]
        found[rule_id] = replace(tested, overrides=(*tested.overrides, Override({}, params)))
    return replace(rule_set, rules=found)


def _params(rule: Rule, given: Any) -> dict[str, Parameter]:
    """Read `params`: other values for parameters that the rule has, numbers for numbers, durations for durations."""
    if not isinstance(given, Mapping):
        msg = f"params: expected a map such as {{warn: 8}}, found {given!r}"
        raise UnusableTest(msg)
    found = {}
    for name, value in given.items():
        if name not in rule.params:
            msg = f"params: the rule has no {name!r}; it has {', '.join(rule.params) or 'none'}"
            raise UnusableTest(msg)
        is_duration = rule.params[name].ms is not None
        if not is_duration and (isinstance(value, bool) or not isinstance(value, int | float)):
            msg = f"params: {name} is a number, found {value!r}"
            raise UnusableTest(msg)
        found[name] = Parameter(ms=read_offset(value)) if is_duration else Parameter(number=value)
    return found


def _restarts(given: Any) -> tuple[int, ...]:
    """Read `restart`: one time, or a list of them."""
    times = given if isinstance(given, list) else [] if given is None else [given]
    return tuple(sorted(read_offset(time) for time in times))


def _duration(text: Any) -> int:
    return read_offset(text)


def _start(text: Any) -> int:
    try:
        return parse_instant(str(text))
    except ValueError as error:
        msg = f"start: {error}"
        raise UnusableTest(msg) from error
