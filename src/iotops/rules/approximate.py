"""Quantities over columns, each with a bound on what floats may have lost."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from iotops.rules.columns import Columns


class Amount(NamedTuple):
    """Values beside each reading, or one for all, and by how much each may be off at most."""

    value: Any
    error: Any


Approximate = Callable[[Columns], Amount | None]
"""Reads a quantity; None where these readings do not tell it."""

_ROUNDING: Final = 1e-15  # of a result, several times what one operation on floats loses


def constant(number: float) -> Approximate:
    """Return how to read what is always the same."""
    try:
        value = float(number)
    except OverflowError:
        return lambda _columns: None
    amount = Amount(value, abs(value) * _ROUNDING if value != number else 0.0)
    return lambda _columns: amount


def metric(name: str) -> Approximate:
    """Return how to read a metric."""

    def read(columns: Columns) -> Amount | None:
        numbers = columns.numbers(name)
        return None if numbers is None else Amount(numbers, 0.0)

    return read


def step(name: str) -> Approximate:
    """Return how to read by how much a metric differs from the sample before; a first sample from itself."""

    def read(columns: Columns) -> Amount | None:
        numbers = columns.numbers(name)
        before = columns.numbers_before(name)
        if numbers is None or before is None:
            return None
        step = numbers - before
        return Amount(step, np.abs(step) * _ROUNDING)

    return read


def absolute(operand: Approximate) -> Approximate:
    """Return how to read an absolute value."""

    def read(columns: Columns) -> Amount | None:
        amount = operand(columns)
        return None if amount is None else Amount(np.abs(amount.value), amount.error)

    return read


def arithmetic(op: str, left: Approximate, right: Approximate) -> Approximate:
    """Return how to read a sum, a difference, a product, or a quotient of something and a constant."""

    def read(columns: Columns) -> Amount | None:
        one, other = left(columns), right(columns)
        if one is None or other is None:
            return None
        if op == "*":
            value = one.value * other.value
            error = np.abs(one.value) * other.error + np.abs(other.value) * one.error + one.error * other.error
        elif op == "/":
            value, error = one.value / other.value, one.error / np.abs(other.value)
        else:
            value = one.value + other.value if op == "+" else one.value - other.value
            error = one.error + other.error
        return Amount(value, error + np.abs(value) * _ROUNDING)

    return read
