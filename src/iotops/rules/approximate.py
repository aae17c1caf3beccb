"""Quantities of expressions over columns, each with a bound on what floats may have lost."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from iotops.rules.columns import Columns, Numbers
from iotops.rules.language import nodes
from iotops.rules.language.names import Role, role_of
from iotops.rules.language.nodes import Node
from iotops.rules.rule import Parameter
from iotops.rules.values import NUMBERS


class Amount(NamedTuple):
    """Values beside each reading, or one for all, and by how much each may be off at most."""

    value: Any
    error: Any


Approximate = Callable[[Columns], Amount | None]
"""Reads a quantity; None where these readings do not tell it."""

_ROUNDING: Final = 1e-15  # of a result, several times what one operation on floats loses


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
        return _constant(number)
    if isinstance(node, nodes.Path) and role_of(node, params) is Role.METRIC:
        return _metric(node.name)
    if isinstance(node, nodes.Negative):
        operand = quantity_of(node.operand, params)
        return None if operand is None else _arithmetic("-", _constant(0), operand)
    if isinstance(node, nodes.Arithmetic) and node.op in "+-*":
        left, right = quantity_of(node.left, params), quantity_of(node.right, params)
        return None if left is None or right is None else _arithmetic(node.op, left, right)
    if isinstance(node, nodes.Call) and len(node.args) == 1:
        return _call(node.name, node.args[0], params)
    return None


def _call(name: str, argument: Node, params: Mapping[str, Parameter]) -> Approximate | None:
    if name == "abs":
        operand = quantity_of(argument, params)
        return None if operand is None else _absolute(operand)
    if name == "delta" and isinstance(argument, nodes.Window) and argument.count == 2:
        return _step(argument.path.name)
    return None


def _constant(number: float) -> Approximate:
    try:
        value = float(number)
    except OverflowError:
        return lambda _columns: None
    amount = Amount(value, abs(value) * _ROUNDING if value != number else 0.0)
    return lambda _columns: amount


def _metric(name: str) -> Approximate:
    def read(columns: Columns) -> Amount | None:
        numbers = columns.numbers(name)
        return None if numbers is None else Amount(numbers, 0.0)

    return read


def _step(name: str) -> Approximate:
    """Read by how much a metric differs from the sample before; a first sample from itself."""

    def read(columns: Columns) -> Amount | None:
        numbers = columns.numbers(name)
        before = numbers_before(columns, name)
        if numbers is None or before is None:
            return None
        step = numbers - before
        return Amount(step, np.abs(step) * _ROUNDING)

    return read


def numbers_before(columns: Columns, name: str) -> Numbers | None:
    """Return of each reading the metric's number ahead of it, its own where there is none; None if one is no number."""
    numbers = columns.numbers(name)
    if numbers is None:
        return None
    last: list[Any] = []
    for device, start in zip(columns.devices, columns.starts.tolist(), strict=True):
        values = device.series[name].values
        last.append(values[-1] if values else columns.values[name][start])
    if not all(each.__class__ in NUMBERS for each in last):
        return None
    return columns.shifted(numbers, last)


def _absolute(operand: Approximate) -> Approximate:
    def read(columns: Columns) -> Amount | None:
        amount = operand(columns)
        return None if amount is None else Amount(np.abs(amount.value), amount.error)

    return read


def _arithmetic(op: str, left: Approximate, right: Approximate) -> Approximate:
    def read(columns: Columns) -> Amount | None:
        one, other = left(columns), right(columns)
        if one is None or other is None:
            return None
        if op == "*":
            value = one.value * other.value
            error = np.abs(one.value) * other.error + np.abs(other.value) * one.error + one.error * other.error
        else:
            value = one.value + other.value if op == "+" else one.value - other.value
            error = one.error + other.error
        return Amount(value, error + np.abs(value) * _ROUNDING)

    return read
