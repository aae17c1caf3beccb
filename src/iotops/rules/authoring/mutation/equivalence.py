"""Proofs that a mutant says the same as its rule, so that no test can tell them apart.

A proof holds for every input. Conditions are compared part by part: two parts say the same where they are the same
tree with the same parameters, or where both compare one quantity with a number and hold for the same of its possible
values. What is not proved has to be told apart by a test.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from math import ceil, floor, isinf

from iotops.rules.authoring.regions import Region, Setting, constant, region
from iotops.rules.authoring.spans import Edge, Spans, spans
from iotops.rules.hashes import semantic_hash
from iotops.rules.language.names import Role, role_of
from iotops.rules.language.nodes import Call, Comparison, Logic, Node, Not, Path, Sequence, SequenceStep
from iotops.rules.language.walk import children, shape, walk
from iotops.rules.rule import Expression, MetricSpec, Rule

_WHOLE = frozenset({"count", "devices"})  # their values are whole numbers, and so are the bounds while they are open
_ORDER = frozenset({"<", "<=", ">", ">="})
_JOINING = Logic | Not | Sequence | SequenceStep
_MANY = 6  # overrides, which lie one upon another: beyond 64 sets of them nothing is proved


@dataclass(frozen=True, slots=True)
class _Sides:
    """What names stand for in the rule, and in its mutant, on the same devices."""

    before: Setting
    after: Setting


def proof(rule: Rule, mutant: Rule, catalogue: Mapping[str, MetricSpec]) -> str:
    """Return why a mutant of a rule cannot behave otherwise, "" where that is not proved."""
    if _is_without_until(rule, mutant, catalogue) and _until_says_nothing(rule, catalogue):
        return "`until` holds wherever `when` does not, so it changes nothing"
    if not _alike_beside_conditions(rule, mutant, catalogue):
        return ""
    reasons: list[str] = []
    for sides in _settings(rule, mutant, catalogue):
        for one, other in zip(_conditions(rule).values(), _conditions(mutant).values(), strict=True):
            reason = _same(one.root, other.root, sides)
            if reason is None:
                return ""
            reasons.append(reason)
    return next(filter(None, reasons), "")


def _alike_beside_conditions(rule: Rule, mutant: Rule, catalogue: Mapping[str, MetricSpec]) -> bool:
    """Tell whether the two differ in expressions and in values of parameters only, condition by condition."""
    if list(_conditions(rule)) != list(_conditions(mutant)) or set(rule.params) != set(mutant.params):
        return False
    matches = [[override.match for override in each.overrides] for each in (rule, mutant)]
    if matches[0] != matches[1] or len(matches[0]) > _MANY:
        return False
    bare = replace(
        mutant, when=rule.when, until=rule.until, unless=rule.unless, params=rule.params, overrides=rule.overrides
    )
    return semantic_hash(bare, catalogue) == semantic_hash(rule, catalogue)


def _conditions(rule: Rule) -> Mapping[tuple[str, object], Expression]:
    found: dict[tuple[str, object], Expression] = {("when", tier): each for tier, each in rule.when.items()}
    found |= {("until", tier): each for tier, each in rule.until.items()}
    return found | ({("unless", None): rule.unless} if rule.unless else {})


def _settings(rule: Rule, mutant: Rule, catalogue: Mapping[str, MetricSpec]) -> Iterator[_Sides]:
    """Yield the parameters of every set of overrides that may hold at once on a device, in both rules."""
    pairs = list(zip(rule.overrides, mutant.overrides, strict=True))
    for chosen in range(2 ** len(pairs)):
        here = [pair for place, pair in enumerate(pairs) if chosen >> place & 1]
        before = reduce(lambda found, pair: {**found, **pair[0].params}, here, dict(rule.params))
        after = reduce(lambda found, pair: {**found, **pair[1].params}, here, dict(mutant.params))
        yield _Sides(Setting(before, catalogue), Setting(after, catalogue))


def _same(one: Node, other: Node, sides: _Sides) -> str | None:
    """Return why two conditions say the same, "" where they are the same; None where that is not proved."""
    if shape(one) == shape(other) and _same_values(one, sides):
        return ""
    reason = _same_region(one, other, sides)
    if reason is not None:
        return reason
    below, above = children(one), children(other)
    if not isinstance(one, _JOINING) or _manner(one) != _manner(other) or len(below) != len(above):
        return None
    reasons = [_same(left, right, sides) for left, right in zip(below, above, strict=True)]
    return None if None in reasons else next(filter(None, reasons), "")


def _manner(node: Node) -> tuple[object, ...]:
    """Return how what is below a node is joined."""
    if isinstance(node, SequenceStep):
        return (SequenceStep, node.negated, node.within_ms)
    return (type(node), node.op if isinstance(node, Logic) else None)


def _same_values(node: Node, sides: _Sides) -> bool:
    names = [part for part in walk(node) if isinstance(part, Path)]
    return all(
        sides.before.params[path.name] == sides.after.params[path.name]
        for path in names
        if role_of(path, sides.before.params) is Role.PARAMETER
    )


def _same_region(one: Node, other: Node, sides: _Sides) -> str | None:
    """Compare two comparisons of one quantity with a number.

    Where only bounds of the quantity are known (`count`, `devices`, windows that are not covered yet), single
    comparisons by order answer alike if the values for which they hold are the same: the bounds are such values, too.
    """
    if not (_is_by_order(one, sides.before) and _is_by_order(other, sides.after)):
        return None
    before, after = region(one, sides.before), region(other, sides.after)
    if before is None or after is None or before.quantity != after.quantity or not _same_values(before.node, sides):
        return None
    if _is_whole(before.node) and _whole(before) == _whole(after):
        return f"{_name(before)} is a whole number, and both hold for the same ones"
    if isinstance(before.node, Path) and before.holds == after.holds:
        return f"both hold for the same values of {_name(before)} that are valid"
    return None


def _is_by_order(node: Node, setting: Setting) -> bool:
    if not isinstance(node, Comparison) or len(node.ops) != 1 or node.ops[0] not in _ORDER:
        return False
    return any(constant(operand, setting) is not None for operand in node.operands)


def _is_whole(node: Node) -> bool:
    return isinstance(node, Call) and node.name in _WHOLE


def _whole(found: Region) -> Spans:
    """Return the whole numbers for which a comparison holds, each span from its first to its last."""
    rounded = ((_up(first), _down(last)) for first, last in found.holds.pairs)
    return spans((first, last) for first, last in rounded if first <= last)


def _up(edge: Edge) -> Edge:
    if isinf(edge.value):
        return edge
    value = ceil(edge.value)
    return Edge(value + 1 if value == edge.value and edge.side > 0 else value)


def _down(edge: Edge) -> Edge:
    if isinf(edge.value):
        return edge
    value = floor(edge.value)
    return Edge(value - 1 if value == edge.value and edge.side < 0 else value)


def _name(found: Region) -> str:
    return f"{found.node.name}()" if isinstance(found.node, Call) else str(getattr(found.node, "name", "it"))


def _is_without_until(rule: Rule, mutant: Rule, catalogue: Mapping[str, MetricSpec]) -> bool:
    if not rule.until or mutant.until:
        return False
    return semantic_hash(replace(mutant, until=rule.until), catalogue) == semantic_hash(rule, catalogue)


def _until_says_nothing(rule: Rule, catalogue: Mapping[str, MetricSpec]) -> bool:
    """Tell whether a metric beyond the only tier's limit is always within the limit of `until`, and both are known."""
    if len(rule.when) > 1 or set(rule.until) != {None} or len(rule.overrides) > _MANY:
        return False
    (when,), (until,) = rule.when.values(), rule.until.values()
    for sides in _settings(rule, rule, catalogue):
        raised, recovered = region(when.root, sides.before), region(until.root, sides.before)
        if raised is None or recovered is None or raised.quantity != recovered.quantity:
            return False
        if not isinstance(raised.node, Path) or not raised.possible & ~raised.holds <= recovered.holds:
            return False
    return True
