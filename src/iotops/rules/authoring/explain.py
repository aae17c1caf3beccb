"""Why a rule fires on an instance at an instant, why it does not, and when it would: read off the engine's memory."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from iotops.rules.alert import Alert, AlertKey
from iotops.rules.authoring.explanation import INACTIVE, NOT_WATCHED, Branch, Clock, Explanation
from iotops.rules.authoring.obstacles import obstacles, why_not_watched
from iotops.rules.authoring.outlook import outlook
from iotops.rules.authoring.tree import branch_of
from iotops.rules.compile import Program
from iotops.rules.compiled import CompiledRule
from iotops.rules.device import DeviceMemory
from iotops.rules.group import Group
from iotops.rules.language.usage import metrics_in
from iotops.rules.lookup import subject_of
from iotops.rules.machine import hold_of
from iotops.rules.memory import Memory
from iotops.rules.moment import Moment
from iotops.rules.rule import Expression


@dataclass(frozen=True, slots=True)
class _Scene:
    """What is explained: one rule on one device at one moment."""

    compiled: CompiledRule
    device: DeviceMemory | Group
    memory: Memory
    moment: Moment
    alert: Alert | None


def explain(program: Program, memory: Memory, rule: str, instance: str, at_ms: int) -> Explanation:
    """Explain a rule on an instance as memory stands.

    Args:
        program: the rules.
        memory: as the engine left it, timers run up to `at_ms`. It stays as it is.
        rule: its id.
        instance: `site/device`, or a group as alerts name it: `site=paris`.
        at_ms: the instant on the clock of the device, or the group, that memory stands at; a rule with a lateness is
            explained as it stands then, that much behind.
    """
    device = subject_of(memory, AlertKey(rule, instance))
    compiled = _rule_of(program, device, rule)
    known = program.rule_set.rules.get(rule)
    position = known.position if known is not None else None
    found = Explanation(rule, instance, at_ms, NOT_WATCHED, position=position)
    if device is None or compiled is None:
        alone = device if isinstance(device, DeviceMemory) else None
        return replace(found, blocks=tuple(why_not_watched(program, alone, rule, instance)))
    now_ms = device.connected_at(at_ms)
    if isinstance(device, DeviceMemory):
        device, at_ms = device.seen_by(compiled.lateness_ms), at_ms - compiled.lateness_ms
    moment = Moment(memory)
    asof_ms = compiled.asof_ms(device) if isinstance(device, DeviceMemory) else at_ms
    moment.at(device, at_ms, at_ms > device.event_ms, asof_ms)
    scene = _Scene(compiled, device, memory, moment, device.open.get(rule))
    branches = tuple(_branches(program, scene))
    found = replace(
        found,
        state=INACTIVE,
        branches=branches,
        clocks=tuple(_clocks(scene)),
        blocks=tuple(obstacles(program, compiled, moment, scene.alert, branches)),
        coming=outlook(program, memory, AlertKey(rule, instance), now_ms),
        lateness_ms=found.at_ms - at_ms,
    )
    return found if scene.alert is None else _with_alert(found, scene.alert)


def _rule_of(program: Program, subject: DeviceMemory | Group | None, rule: str) -> CompiledRule | None:
    """Return the rule as it is compiled for a device or a group, None where it is not about it."""
    if isinstance(subject, Group):
        return subject.rule
    return None if subject is None else program.plan_of(subject.facts).by_id.get(rule)


def _with_alert(found: Explanation, alert: Alert) -> Explanation:
    return replace(
        found,
        state=alert.state.value,
        severity=alert.severity.word,
        data_known=alert.data_known,
        fired_ms=alert.fired_ms,
    )


def _branches(program: Program, scene: _Scene) -> Iterator[Branch]:
    """Yield the conditions of the rule, the worst tier last, then recovery and suppression."""
    rule = scene.compiled.rule
    expressions: Iterator[tuple[str, Expression]] = chain(
        ((severity.word, rule.when[severity]) for severity in sorted(rule.when)),
        ((f"until {tier.word}" if tier else "until", found) for tier, found in rule.until.items()),
        [("unless", rule.unless)] if rule.unless else [],
    )
    for role, expression in expressions:
        yield branch_of(role, expression, scene.compiled, scene.moment, program.rule_set.catalogue)


def _clocks(scene: _Scene) -> Iterator[Clock]:
    """Yield the clocks that run: of the tiers not reached yet, and of recovery."""
    alert, machine = scene.alert, scene.compiled.machine
    if alert is None:
        return
    for severity, since_ms in sorted(alert.true_since_ms.items()):
        if severity in machine.severities and severity not in alert.tiers_reached:
            hold_ms = hold_of(machine, alert, severity)
            yield _clock(scene, severity.word, since_ms, hold_ms, scene.compiled.rule.when[severity])
    if alert.clear_since_ms is not None and machine.keep_ms:
        until = scene.compiled.rule.until.get(None) or scene.compiled.rule.when[alert.severity]
        yield _clock(scene, "keep_firing_for", alert.clear_since_ms, machine.keep_ms, until)


def _clock(scene: _Scene, role: str, since_ms: int, length_ms: int, expression: Expression) -> Clock:
    """Return a clock with the samples since it began, and the one before it, which reset it.

    Of a group the samples are those of all its devices, and the last before came from one of them.
    """
    times: set[tuple[int, int]] = set()
    before: tuple[str, int, Any] | None = None
    for number, device in enumerate(_heard_by(scene)):
        for metric in sorted(metrics_in(expression.root, scene.compiled.params)):
            series = device.series.get(metric)
            if series is None:
                continue
            times.update((number, at) for at in series.times if since_ms <= at <= scene.moment.at_ms)
            for at_ms, value in series.newest(1, since_ms - 1):
                if before is None or at_ms > before[1]:
                    name = metric if device is scene.device else f"{metric} of {device.key}"
                    before = (name, at_ms, value)
    return Clock(role, since_ms, length_ms, len(times), before)


def _heard_by(scene: _Scene) -> list[DeviceMemory]:
    """Return the devices whose samples a condition is made of: the one itself, or all of the group."""
    if isinstance(scene.device, DeviceMemory):
        return [scene.device]
    found = (scene.memory.get(key) for key in sorted(scene.device.tally.answers))
    return [device for device in found if device is not None]
