"""What a rule says about causes: whether it finds a device lost, and which alerts explain its own."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from iotops.rules.alert import Alert, AlertKey
from iotops.rules.language.nodes import Call, Comparison, Node, Not, Path
from iotops.rules.language.walk import walk
from iotops.rules.rule import Rule
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
    rule: Rule | None, alert: Alert, labels: Mapping[str, str], rules: Mapping[str, Rule]
) -> Iterator[Explanation]:
    """Yield the alerts that a rule's `unless` asks for with `firing(...)`, as seen from one alert."""
    if rule is None or rule.unless is None or alert.device is None:
        return
    for node in walk(rule.unless.root):
        if isinstance(node, Call) and node.name == "firing" and isinstance(node.args[0], Path):
            asked = rules.get(node.args[0].name)
            label = node.args[1].name if len(node.args) > 1 and isinstance(node.args[1], Path) else None
            if asked is not None:
                yield from _instance(asked, alert.device, label, labels)


def _instance(rule: Rule, asking: DeviceKey, label: str | None, labels: Mapping[str, str]) -> Iterator[Explanation]:
    if rule.per == ("fleet",):
        yield Explanation(AlertKey(rule.id, "fleet"), None)
    elif rule.per != ("device",):
        group = ",".join(f"{name}={labels.get(name, '')}" for name in rule.per)
        yield Explanation(AlertKey(rule.id, group), None)
    elif label is None:
        yield Explanation(AlertKey(rule.id, str(asking)), asking)
    elif said := labels.get(label.removeprefix("device.")):
        site, _, name = said.rpartition("/")
        device = DeviceKey(site or asking.site, name)
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
