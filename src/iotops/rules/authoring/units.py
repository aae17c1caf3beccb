"""Findings about quantities of different units that are compared or added."""

from collections.abc import Iterator, Mapping

from iotops.rules.language.names import Role, role_of
from iotops.rules.language.nodes import Arithmetic, Call, Comparison, Negative, Node, Path, Window
from iotops.rules.language.walk import walk
from iotops.rules.rule import MetricSpec, Parameter

_SAME_UNIT = frozenset(
    [
        "abs",
        "avg",
        "delta",
        "forecast",
        "increase",
        "max",
        "median",
        "min",
        "peers",
        "quantile",
        "range",
        "stddev",
        "sum",
    ]
)


def unit_clashes(
    root: Node, params: Mapping[str, Parameter], catalogue: Mapping[str, MetricSpec]
) -> Iterator[tuple[Node, str, str]]:
    """Yield each part of an expression whose unit differs from that of the part before it, with both units."""
    for node in walk(root):
        for left, right in _neighbours(node):
            one, other = unit_of(left, params, catalogue), unit_of(right, params, catalogue)
            if one is not None and other is not None and one != other:
                yield right, one, other


def unit_of(node: Node, params: Mapping[str, Parameter], catalogue: Mapping[str, MetricSpec]) -> str | None:
    """Return the declared unit of what a part of an expression yields; None where none is known."""
    if isinstance(node, Path):
        spec = catalogue.get(node.name) if role_of(node, params) is Role.METRIC else None
        return spec.unit if spec else None
    if isinstance(node, Window):
        return unit_of(node.path, params, catalogue)
    if isinstance(node, Negative):
        return unit_of(node.operand, params, catalogue)
    if isinstance(node, Arithmetic) and node.op in "+-":
        return unit_of(node.left, params, catalogue) or unit_of(node.right, params, catalogue)
    if isinstance(node, Call) and node.args:
        unit = unit_of(node.args[0], params, catalogue)
        if node.name == "rate" and unit is not None:
            return f"{unit}/s"
        return unit if node.name in _SAME_UNIT else None
    return None


def _neighbours(node: Node) -> Iterator[tuple[Node, Node]]:
    if isinstance(node, Comparison):
        yield from zip(node.operands, node.operands[1:], strict=False)
    elif isinstance(node, Arithmetic) and node.op in "+-":
        yield node.left, node.right
