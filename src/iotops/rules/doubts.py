"""What could make a condition true: compiled from the same syntax tree as the condition, to be tested over columns.

A doubt never says what a condition is, only at which readings it cannot be true; all others are judged one by one.
What is not understood here is doubted everywhere.
"""

from collections.abc import Collection, Hashable, Mapping
from math import ceil, floor
from typing import Final

from iotops.rules.compiled import CompiledRule
from iotops.rules.doubt import NOWHERE, Doubt, all_of, any_of
from iotops.rules.guards import Guard, above, faster, holding, mean_beyond, risen, several
from iotops.rules.language import nodes
from iotops.rules.language.names import Role, role_of
from iotops.rules.language.nodes import Node
from iotops.rules.language.walk import shape, walk
from iotops.rules.masks import apart, said, silent, still
from iotops.rules.quantities import constant_of, quantity_of
from iotops.rules.rule import Parameter
from iotops.rules.values import COMPARISONS

_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_DENIED: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def doubt_of(rule: CompiledRule) -> Doubt | None:
    """Return where any tier of a rule may be true, on devices without open alerts; None where that cannot be told.

    A rule that asks for other devices speaks to them unless it is known to be false, so unknown is no less in doubt.
    """
    written = rule.rule
    roots = [expression.root for expression in written.when.values()]
    if not roots or written.lateness_ms or written.per != ("device",):
        return None
    if written.sequence is not None:
        # Where no attempt is under way, nothing happens before the first step is true.
        first = written.sequence.steps[0]
        if rule.in_group or first.negated:
            return None
        roots = [first.condition]
    if rule.in_group and not all(_is_always_known(root, rule.params) for root in roots):
        return None
    return any_of([_Doubter(rule.params, ages_only=rule.notes.reads_age).doubt(root) for root in roots])


def key_of(rule: CompiledRule) -> Hashable:
    """Return the same for rules with the same doubts."""
    written = rule.rule
    return (
        tuple(shape(expression.root) for expression in written.when.values()),
        None if written.sequence is None else shape(written.sequence),
        tuple(sorted((name, each.number, each.ms) for name, each in rule.params.items())),
        rule.in_group,
    )


def restarts(rule: CompiledRule, names: Collection[str]) -> bool:
    """Tell whether readings that say these metrics only put off what time alone turns of a rule.

    So it is where ages, of the device or of these metrics, are compared with what is fixed, or with intervals.
    """
    written = rule.rule
    expressions = [*written.when.values(), *written.until.values(), *([written.unless] if written.unless else [])]
    doubter = _Doubter(rule.params, ages_only=True)
    if written.sequence is not None:
        return False
    for node in (node for expression in expressions for node in walk(expression.root)):
        if not isinstance(node, nodes.Comparison) or not (ages := _ages(node)):
            continue
        if len(node.ops) > 1 or doubter.doubt(node) is None:
            return False
        if any(isinstance(arg, nodes.Path) and arg.name not in names for age in ages for arg in age.args):
            return False
    return True


def _ages(node: Node) -> list[nodes.Call]:
    return [part for part in walk(node) if isinstance(part, nodes.Call) and part.name == "age"]


def _is_always_known(root: Node, params: Mapping[str, Parameter]) -> bool:
    """Tell whether a condition is never unknown: it speaks of the device's age, its interval and constants only."""
    for node in walk(root):
        if isinstance(node, nodes.Path):
            if role_of(node, params) not in (Role.PARAMETER, Role.EVERY):
                return False
        elif isinstance(node, nodes.Call):
            if node.name != "age" or node.args:
                return False
        elif isinstance(node, nodes.Arithmetic):
            if node.op != "*":
                return False
        elif not isinstance(node, nodes.Comparison | nodes.Logic | nodes.Not | nodes.Literal | nodes.DurationLiteral):
            return False
    return True


class _Doubter:
    """Compiles the doubts of one rule for devices with the same parameters.

    Where ages turn a condition between two readings (`ages_only`), all else stands as the first of them left it:
    columns show the second, and so only the ages are looked at.
    """

    def __init__(self, params: Mapping[str, Parameter], *, ages_only: bool) -> None:
        self._params = params
        self._ages_only = ages_only

    def doubt(self, node: Node, *, truth: bool = True) -> Doubt | None:
        """Return where an expression may be true (or false)."""
        if isinstance(node, nodes.Not):
            return self.doubt(node.operand, truth=not truth)
        if isinstance(node, nodes.Logic):
            parts = [self.doubt(operand, truth=truth) for operand in node.operands]
            return all_of(parts) if (node.op == "and") is truth else any_of(parts)
        if isinstance(node, nodes.Comparison):
            pairs = zip(node.ops, node.operands, node.operands[1:], strict=False)
            parts = [self._pair(op if truth else _DENIED.get(op, op), left, right) for op, left, right in pairs]
            return all_of(parts) if truth else any_of(parts)
        if isinstance(node, nodes.Call) and node.name == "firing" and len(node.args) == 1:
            return NOWHERE if truth else None  # nothing fires on a device without open alerts
        name = self._metric(node)
        return None if name is None or self._ages_only else Doubt((said("==", name, truth),))

    def _metric(self, node: Node) -> str | None:
        if isinstance(node, nodes.Path) and role_of(node, self._params) is Role.METRIC:
            return node.name
        return None

    def _pair(self, op: str, left: Node, right: Node) -> Doubt | None:
        if op not in COMPARISONS:
            return None
        number = constant_of(right, self._params)
        if number is None and constant_of(left, self._params) is not None:
            return self._pair(_MIRRORED[op], right, left)
        if isinstance(left, nodes.Call) and left.name == "age":
            return self._age(op, left, right)
        if self._ages_only:
            return None
        if isinstance(left, nodes.Call):
            found = self._window(op, left, number)
            if found is not None:
                return found
        name = self._metric(left)
        if name is not None and isinstance(right, nodes.Literal) and isinstance(right.value, str | bool):
            return Doubt((said(op, name, right.value),))
        one, other = quantity_of(left, self._params), quantity_of(right, self._params)
        return None if one is None or other is None else Doubt((apart(op, one, other),))

    def _window(self, op: str, call: nodes.Call, number: float | None) -> Doubt | None:
        """Doubt a function over a window against a number."""
        argument = call.args[0] if call.args else None
        if number is None or argument is None:
            return None
        if call.name == "count" and isinstance(argument, nodes.Comparison):
            return self._count(op, argument, number)
        name = self._metric(argument.path) if isinstance(argument, nodes.Window) else None
        if name is None or not isinstance(argument, nodes.Window):
            return None
        span_ms, sign = argument.span_ms, 1 if op in (">", ">=") else -1
        if call.name == "range" and op == "==" and number == 0:
            return Doubt((still(name, span_ms),))
        if op in ("==", "!="):
            return None
        if call.name == "avg":
            return Doubt(guards=(Guard(name, above(sign, number), span_ms, argument.count, mean_beyond(sign, number)),))
        if call.name == "rate":
            return Doubt(guards=(Guard(name, faster(sign, number), span_ms, argument.count),))
        if call.name == "increase" and sign == 1 and span_ms is not None and number > 0:
            return Doubt(guards=(Guard(name, risen(span_ms, number), span_ms),))
        return None

    def _age(self, op: str, call: nodes.Call, right: Node) -> Doubt | None:
        """Doubt an age that must be at least so long, or so many intervals."""
        if op not in (">", ">="):
            return None
        metric = self._metric(call.args[0]) if call.args else None
        if call.args and metric is None:
            return None
        limit = constant_of(right, self._params)
        if limit is not None:
            return Doubt((silent(op, metric, limit, 0),))
        times = self._intervals(right)
        return None if times is None else Doubt((silent(op, metric, 0, times),))

    def _intervals(self, node: Node) -> float | None:
        """Return how many expected intervals an expression is, None where it is something else."""
        if isinstance(node, nodes.Path) and role_of(node, self._params) is Role.EVERY:
            return 1
        if isinstance(node, nodes.Arithmetic) and node.op == "*":
            for one, other in ((node.left, node.right), (node.right, node.left)):
                times = constant_of(one, self._params)
                if times is not None and times > 0 and self._intervals(other) == 1:
                    return float(times)
        return None

    def _count(self, op: str, argument: nodes.Comparison, limit: float) -> Doubt | None:
        """Doubt M of the last N samples."""
        window, *others = argument.operands
        within, number = argument.ops[0], constant_of(others[0], self._params)
        if len(others) > 1 or number is None or within not in COMPARISONS or op not in (">", ">="):
            return None
        if not isinstance(window, nodes.Window) or window.count is None:
            return None
        name, least = self._metric(window.path), floor(limit) + 1 if op == ">" else ceil(limit)
        if name is None or not 0 < least <= window.count:
            return None
        score, adds_up = several(within, number, least, window.count), holding(within, number, least)
        return Doubt(guards=(Guard(name, score, None, window.count, adds_up),))
