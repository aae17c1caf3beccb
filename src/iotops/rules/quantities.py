"""Quantities of expressions, compiled to be read over columns."""

from collections.abc import Mapping
from typing import Any

from iotops.rules.approximate import Approximate, absolute, arithmetic, constant, metric, step
from iotops.rules.before import EXACT
from iotops.rules.language import nodes
from iotops.rules.language.names import Role, role_of
from iotops.rules.language.nodes import Node
from iotops.rules.rule import Parameter
from iotops.rules.trails import change_over, mean_over
from iotops.rules.values import NUMBERS


def constant_of(node: Node, params: Mapping[str, Parameter]) -> Any:
    """Return the number that a part of an expression always is, None for all others."""
    if isinstance(node, nodes.Negative):
        operand = constant_of(node.operand, params)
        return None if operand is None else -operand
    value: Any = None
    if isinstance(node, nodes.Literal):
        value = node.value
    elif isinstance(node, nodes.DurationLiteral):
        value = node.ms
    elif isinstance(node, nodes.Path) and role_of(node, params) is Role.PARAMETER:
        parameter = params[node.name]
        value = parameter.ms if parameter.number is None else parameter.number
    return value if value.__class__ in NUMBERS else None


def quantity_of(node: Node, params: Mapping[str, Parameter]) -> Approximate | None:
    """Return how to read a number made of metrics, constants, sums and products; None for anything else."""
    number = constant_of(node, params)
    if number is not None:
        return constant(number)
    if isinstance(node, nodes.Path) and role_of(node, params) is Role.METRIC:
        return metric(node.name)
    if isinstance(node, nodes.Negative):
        operand = quantity_of(node.operand, params)
        return None if operand is None else arithmetic("-", constant(0), operand)
    if isinstance(node, nodes.Arithmetic) and node.op == "/":
        divisor, operand = constant_of(node.right, params), quantity_of(node.left, params)
        if not divisor or abs(divisor) >= EXACT or operand is None:
            return None
        return arithmetic("/", operand, constant(divisor))
    if isinstance(node, nodes.Arithmetic) and node.op in "+-*":
        left, right = quantity_of(node.left, params), quantity_of(node.right, params)
        return None if left is None or right is None else arithmetic(node.op, left, right)
    if isinstance(node, nodes.Call) and len(node.args) == 1:
        return _call(node.name, node.args[0], params)
    return None


def _call(name: str, argument: Node, params: Mapping[str, Parameter]) -> Approximate | None:
    if name == "abs":
        operand = quantity_of(argument, params)
        return None if operand is None else absolute(operand)
    if not isinstance(argument, nodes.Window) or role_of(argument.path, params) is not Role.METRIC:
        return None
    if name == "delta":
        return step(argument.path.name) if argument.count == 2 else change_over(argument)
    return mean_over(argument) if name == "avg" else None
