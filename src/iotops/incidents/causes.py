"""What a rule says about causes: whether it finds a device lost, and which alerts explain its own."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from iotops.rules.alert import Alert, AlertKey
from iotops.rules.compiled import DEVICE
from iotops.rules.instances import instance_of, labels_of
from iotops.rules.language.nodes import Call, Comparison, Node, Not, Path
from iotops.rules.language.walk import walk
from iotops.rules.links import linked, values_of
from iotops.rules.rule import Rule
from iotops.rules.surveys import group_labels
from iotops.telemetry.reading import DeviceKey

_GREATER, _SMALLER = frozenset({">", ">="}), frozenset({"<", "<="})


class Explanation(NamedTuple):
    """An alert that explains another, and the device it is on; None for a group's."""

    key: AlertKey
    device: DeviceKey | None


def finds_down(rule: Rule | None) -> bool:
    """Tell whether a rule fires when a whole device is out of sight: `not online`, or `age()` beyond something."""
    return rule is not None and any(_is_offline(node) or _is_old(node, whole=True) for node in _conditions(rule))


def finds_lost(rule: Rule | None) -> bool:
    """Tell whether a rule fires when something is not heard any more, be it one metric: a parent may explain it."""
    return rule is not None and any(_is_offline(node) or _is_old(node, whole=False) for node in _conditions(rule))


def explanations(
    alert: Alert, labels: Mapping[DeviceKey, Mapping[str, str]], rules: Mapping[str, Rule]
) -> Iterator[Explanation]:
    """Yield the alerts that the `unless` of an alert's rule asks for with `firing(...)`, as seen from the alert.

    Args:
        alert: of a device, or of a group, whose labels its name tells.
        labels: of devices.
        rules: by id.
    """
    rule = rules.get(alert.key.rule)
    if rule is None or rule.unless is None:
        return
    own = labels_of(alert.key.instance) if alert.device is None else _labels(alert.device, labels)
    for node in walk(rule.unless.root):
        if not (isinstance(node, Call) and node.name == "firing" and isinstance(node.args[0], Path)):
            continue
        asked = rules.get(node.args[0].name)
        device, seen = alert.device, own
        if len(node.args) > 1 and isinstance(node.args[1], Path):
            device = linked(alert.site, own, node.args[1].name.removeprefix("device."))
            seen = {} if device is None else _labels(device, labels)
        if asked is not None:
            yield from _instance(asked, device, seen)


def _labels(device: DeviceKey, labels: Mapping[DeviceKey, Mapping[str, str]]) -> Mapping[str, str]:
    return {**labels.get(device, {}), "site": device.site, "device": device.device}


def _instance(rule: Rule, device: DeviceKey | None, labels: Mapping[str, str]) -> Iterator[Explanation]:
    """Yield the instance of a rule that covers a device, or the group of these labels."""
    if rule.per != DEVICE:
        names = group_labels(rule.per)
        values = values_of(names, labels)
        if values is not None:
            yield Explanation(AlertKey(rule.id, instance_of(names, values)), None)
    elif device is not None:
        yield Explanation(AlertKey(rule.id, str(device)), device)


def _conditions(rule: Rule) -> Iterator[Node]:
    for expression in rule.when.values():
        yield from walk(expression.root)


def _is_offline(node: Node) -> bool:
    return isinstance(node, Not) and isinstance(node.operand, Path) and node.operand.name == "online"


def _is_old(node: Node, *, whole: bool) -> bool:
    """Tell whether a comparison is true of great ages; `whole`: only of the age of everything the device says."""
    if not isinstance(node, Comparison):
        return False
    pairs = zip(node.operands, node.ops, node.operands[1:], strict=False)
    return any(
        (op in _GREATER and _is_age(left, whole)) or (op in _SMALLER and _is_age(right, whole))
        for left, op, right in pairs
    )


def _is_age(node: Node, whole: bool) -> bool:
    return isinstance(node, Call) and node.name == "age" and not (whole and node.args)
