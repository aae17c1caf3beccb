"""Who belongs to which group, and where a group stands that comes back: what `Assembly` asks of devices and rules."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from iotops.rules.alert import Alert
from iotops.rules.compiled import CompiledRule
from iotops.rules.device import DeviceFacts
from iotops.rules.group import Group, GroupKey
from iotops.rules.links import values_of
from iotops.rules.rule import Rule
from iotops.rules.surveys import Survey
from iotops.rules.verdict import Due


@dataclass(slots=True)
class Seating:
    """Which groups a look through devices concerned: formed ones, those with other devices, and why some left."""

    formed: dict[GroupKey, Group] = field(default_factory=dict)
    altered: dict[GroupKey, Group] = field(default_factory=dict)
    changed: set[GroupKey] = field(default_factory=set)
    reasons: dict[GroupKey, str] = field(default_factory=dict)


def places(rules: Iterable[CompiledRule], facts: DeviceFacts) -> dict[GroupKey, tuple[CompiledRule, Survey]]:
    """Return the groups that a device belongs to by its labels, with the questions that it is asked there."""
    found = {}
    for rule in rules:
        for survey in rule.surveys:
            values = values_of(survey.labels, facts.labels)
            if values is not None:
                found[GroupKey(rule.id, survey.labels, values)] = (rule, survey)
    return found


def reached(group: Group, ticked_ms: int) -> Due:
    """Return the instant up to which a group was judged: by readings, by its alert, or by timers.

    `ticked_ms`: broker-connected time up to which timers were run.
    """
    alert = group.open.get(group.rule.id)
    checked_ms = group.clock.at_ms if alert is None else max(alert.checked_ms, group.clock.at_ms)
    return max(Due(checked_ms, past=False), Due(group.clock_ms(ticked_ms), past=True))


def why_unseated(rule: Rule | None, alert: Alert) -> str:
    """Return why an alert ends whose group was not formed."""
    if rule is None:
        return "rule removed"
    return "rule changed" if rule.semantic_hash != alert.semantic_hash else "no longer matched"
