"""Devices in shares that rules do not connect, so that each share can be judged by a process of its own."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Final

from iotops.rules.device import DeviceFacts
from iotops.rules.language import nodes
from iotops.rules.language.walk import walk
from iotops.rules.rule import Expression, Rule, RuleSet

_UNBALANCED: Final = 0.75  # one share with more of all devices is not worth the second process
_OWN: Final = ("device",)


def shares(rule_sets: Sequence[RuleSet | None], devices: Sequence[DeviceFacts], count: int) -> list[list[DeviceFacts]]:
    """Return the devices in at most `count` shares; one share where rules connect too many of them.

    Devices are connected where a rule may look from one to the other: through a label that names a device, or
    through a group or a label that they have in common. Of rules that are not known beforehand nothing is known.
    """
    if count < 2 or any(rules is None for rules in rule_sets):
        return [list(devices)]
    links = frozenset().union(*(_links(rules) for rules in rule_sets if rules is not None))
    connected = sorted(_connected(devices, links), key=len, reverse=True)
    if not connected or len(connected[0]) > _UNBALANCED * len(devices):
        return [list(devices)]
    found: list[list[DeviceFacts]] = [[] for _ in range(count)]
    for some in connected:
        min(found, key=len).extend(some)
    return [share for share in found if share]


def _links(rules: RuleSet) -> frozenset[tuple[str, tuple[str, ...]]]:
    """Return how rules look beyond a device: ("named", label), or ("common", labels)."""
    found: set[tuple[str, tuple[str, ...]]] = set()
    for rule in rules.rules.values():
        if rule.per != _OWN:
            found.add(("common", () if rule.per == ("fleet",) else rule.per))
        for call in _calls(rule):
            labels = [each.name.removeprefix("device.") for each in call.args if isinstance(each, nodes.Path)]
            if call.name == "firing" and len(labels) > 1:
                found.add(("named", (labels[1],)))
            elif call.name == "peers" and len(call.args) > 1 and labels:
                found.add(("common", (labels[-1],)))
    return frozenset(found)


def _calls(rule: Rule) -> Iterable[nodes.Call]:
    expressions: list[Expression] = [*rule.when.values(), *rule.until.values()]
    expressions += [rule.unless] if rule.unless else []
    return (node for each in expressions for node in walk(each.root) if isinstance(node, nodes.Call))


def _connected(
    devices: Sequence[DeviceFacts], links: Iterable[tuple[str, tuple[str, ...]]]
) -> Iterable[list[DeviceFacts]]:
    """Return the devices in the smallest sets that no link leaves."""
    parent: dict[Hashable, Hashable] = {}

    def root(item: Hashable) -> Hashable:
        while (above := parent.setdefault(item, item)) != item:
            parent[item] = parent[above]
            item = above
        return item

    for facts in devices:
        own: Hashable = ("device", facts.key.site, facts.key.device)
        root(own)
        for how, labels in links:
            values = tuple(facts.labels.get(label) for label in labels)
            if None in values:
                continue
            if how == "named":
                site, _, name = str(values[0]).rpartition("/")
                parent[root(own)] = root(("device", site or facts.key.site, name))
            else:
                parent[root(own)] = root(("common", labels, values))
    found: dict[Hashable, list[DeviceFacts]] = {}
    for facts in devices:
        found.setdefault(root(("device", facts.key.site, facts.key.device)), []).append(facts)
    return found.values()
