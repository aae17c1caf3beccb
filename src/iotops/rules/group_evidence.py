"""Which devices of a group made a condition true, with what they had said."""

from collections.abc import Iterator, Mapping
from heapq import nsmallest
from typing import TYPE_CHECKING, Any, Final

from iotops.rules.compiled import CompiledRule
from iotops.rules.group import Group
from iotops.rules.surveys import Question

if TYPE_CHECKING:
    from iotops.rules.memory import Memory

DEVICES_SHOWN: Final = 20  # of each condition; their number is there in full


def group_evidence(memory: "Memory", rule: CompiledRule, labels: Mapping[str, str]) -> Mapping[str, Any]:
    """Return what the groups that a rule asks looked like: nothing where it asks none.

    `group`: the labels of the instance, where it is a group. `devices`: for each condition how many devices there
    are for which it is true, false and unknown, and the first of those for which it is true, with the newest sample
    of every metric that it reads.
    """
    groups = [memory.groups.find(rule.id, survey.labels, labels) for survey in rule.surveys]
    polls = [poll for group in groups if group is not None for poll in _polls(memory, group)]
    found: dict[str, Any] = {"group": dict(labels)} if rule.is_group else {}
    return {**found, "devices": polls} if polls else found


def _polls(memory: "Memory", group: Group) -> Iterator[Mapping[str, Any]]:
    for place, poll in enumerate(group.survey.polls):
        true, false, unknown = group.tally.counts(place)
        saying = (key for key, answer in group.tally.answers.items() if answer.truths[place])
        yield {
            "text": poll.text,
            "true": true,
            "false": false,
            "unknown": unknown,
            "first": [
                {"site": key.site, "device": key.device, "samples": _samples(memory, key, poll)}
                for key in nsmallest(DEVICES_SHOWN, saying)
            ],
        }


def _samples(memory: "Memory", key: Any, poll: Question) -> Mapping[str, list[list[Any]]]:
    device = memory.get(key)
    if device is None:
        return {}
    series = ((name, device.series[name]) for name in sorted(poll.notes.metrics) if name in device.series)
    return {name: [[each.times[-1], each.values[-1]]] for name, each in series if each.times}
