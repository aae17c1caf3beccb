"""What of a rule looks beyond the device, and how expressions are cut into what the device can answer and the rest."""

from collections.abc import Mapping

from iotops.rules.closures import Compiler, Notes
from iotops.rules.language import nodes
from iotops.rules.language.nodes import Node
from iotops.rules.language.reach import SURVEYS
from iotops.rules.language.walk import walk
from iotops.rules.logic import constant
from iotops.rules.moment import Closure
from iotops.rules.parts import Part
from iotops.rules.rule import Expression, MetricSpec, Parameter, Rule


def asks_across(node: Node, group_rules: frozenset[str]) -> bool:
    """Tell whether a part of an expression asks for something beyond the device."""
    return any(_is_across(part, group_rules) for part in walk(node))


def _is_across(node: Node, group_rules: frozenset[str]) -> bool:
    if asks_group(node):
        return True
    if not isinstance(node, nodes.Call) or node.name != "firing":
        return False
    cause = node.args[0]
    return len(node.args) > 1 or (isinstance(cause, nodes.Path) and cause.name in group_rules)


def asks_group(node: Node) -> bool:
    return isinstance(node, nodes.Call) and node.name in SURVEYS


class Cut:
    """Cuts expressions into parts that the device can answer (slots) and the rest, which asks for other devices."""

    def __init__(self, local: Compiler, group_rules: frozenset[str]) -> None:
        self.slots: list[Part] = []
        self.expression: Expression | None = None
        self._local = local
        self._group_rules = group_rules

    def leaf(self, node: Node) -> Closure | None:
        """Return how the group stage reads a part that the device stage has read; None for the rest."""
        if isinstance(node, nodes.Literal) or asks_across(node, self._group_rules):
            return None
        assert self.expression is not None  # noqa: S101  set before every compilation
        place = len(self.slots)
        self.slots.append(Part(self.expression, node, self._local.closure(node)))
        return lambda moment: moment.values[place]


def may_be(
    rule: Rule,
    params: Mapping[str, Parameter],
    catalogue: Mapping[str, MetricSpec],
    notes: Notes,
    group_rules: frozenset[str],
) -> tuple[Closure, ...]:
    """Compile the conditions with everything beyond the device unknown."""

    def leaf(node: Node) -> Closure | None:
        return constant(None) if _is_across(node, group_rules) else None

    if rule.sequence is not None:
        return (constant(None),)
    silent = Notes(events=notes.events)
    compiler = Compiler(rule, params, catalogue, silent, leaf)
    return tuple(compiler.closure(rule.when[severity].root) for severity in sorted(rule.when))
