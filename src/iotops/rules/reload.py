"""New rules take over from old ones, and every open alert learns what that means for it."""

from dataclasses import replace
from typing import Final

from iotops.rules.alert import Alert
from iotops.rules.compile import Program
from iotops.rules.device import DeviceMemory
from iotops.rules.engine import Course, Evaluation
from iotops.rules.group import Group
from iotops.rules.memory import Memory
from iotops.rules.rule import Mode, Rule
from iotops.rules.subject import Subject

REMOVED: Final = "rule removed"
CHANGED: Final = "rule changed"


def reload(program: Program, memory: Memory) -> Evaluation:
    """Put a program in force; a restart with other rules than before the stop goes the same way.

    An alert of a rule with the same meaning keeps its state, whatever became of summary, labels, file or order. Where
    the meaning changed it is judged at once from the windows: known no longer true, it ends with reason `rule
    changed`; otherwise it goes on, with the holds that it began with. An alert without its rule ends with reason
    `rule removed`. An alert of a rule that was in mode shadow and is live now is promoted, and raises its incident;
    the other way round the incident of an alert stays with it until it ends.
    """
    course = Course(program, memory)
    for device in list(memory):
        for name in list(device.open):
            _reconsider(course, program, device, name)
    course.review()
    for group in list(memory.groups):
        for alert in list(group.open.values()):
            _reconsider_group(course, group, alert)
    course.group.run()
    return course.close()


def _reconsider(course: Course, program: Program, device: DeviceMemory, name: str) -> None:
    alert = device.open[name]
    rule = program.rule_set.rules.get(name)
    if rule is not None and rule.semantic_hash == alert.semantic_hash and rule.mode is not Mode.OFF:
        if alert.is_shadow and rule.mode is Mode.LIVE:
            course.journal.touch(device)
            course.findings.promote(device, name, device.event_ms)
        return
    course.journal.touch(device)
    compiled = course.stage.plan_of(device).by_id.get(name)
    if rule is None or rule.mode is Mode.OFF:
        course.findings.end(device, name, device.event_ms, REMOVED)
    elif compiled is None or compiled.is_group or course.resumption.truth_now(device, compiled) is False:
        seen = device if compiled is None else device.seen_by(compiled.lateness_ms)
        course.findings.end(seen, name, seen.event_ms, CHANGED)
    else:
        _goes_on(course, device, alert, rule)
        return
    course.resumption.turned(device, name)


def _reconsider_group(course: Course, group: Group, alert: Alert) -> None:
    """Do the same for a group, which was formed anew from what its devices say to the new rules."""
    rule = group.rule.rule
    course.journal.touch_group(group)
    if rule.semantic_hash == alert.semantic_hash:
        if alert.is_shadow and rule.mode is Mode.LIVE:
            course.findings.promote(group, rule.id, group.clock.at_ms)
    elif course.group.assembly.court.truth_now(group) is False:
        course.group.assembly.court.end(group, CHANGED)
    else:
        _goes_on(course, group, alert, rule)


def _goes_on(course: Course, subject: Subject, alert: Alert, rule: Rule) -> None:
    alert = replace(alert, rule_version=rule.full_hash, semantic_hash=rule.semantic_hash)
    subject.open[alert.key.rule] = alert
    course.findings.alerts[alert.key] = alert
    if alert.is_shadow and rule.mode is Mode.LIVE:
        course.findings.promote(subject, alert.key.rule, alert.checked_ms)
