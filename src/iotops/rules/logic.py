"""Closures that join others: constants, comparisons, Kleene's `and` and `or`."""

from typing import Any

from iotops.rules.moment import Closure, Moment
from iotops.rules.values import COMPARISONS, NUMBERS, Truth, compare


def constant(value: Any) -> Closure:
    """Return a closure that always answers the same."""
    return lambda _moment: value


def comparing(op: str, left: Closure, right: Closure) -> Closure:
    """Return a closure that compares; numbers, the usual case, without a detour."""
    holds = COMPARISONS[op]

    def judge(moment: Moment) -> Truth:
        one, other = left(moment), right(moment)
        if one.__class__ in NUMBERS and other.__class__ in NUMBERS:
            return holds(one, other)
        return compare(op, one, other)

    return judge


def comparing_with(op: str, left: Closure, number: float) -> Closure:
    """Return a closure that compares with a number that stays: the most frequent condition of all."""
    holds = COMPARISONS[op]

    def judge(moment: Moment) -> Truth:
        one = left(moment)
        return holds(one, number) if one.__class__ in NUMBERS else compare(op, one, number)

    return judge


def conjunction(operands: list[Closure]) -> Closure:
    """Return Kleene's `and`: false as soon as one operand is, unknown if one is and none is false."""

    def judge(moment: Moment) -> Truth:
        found: Truth = True
        for operand in operands:
            truth = operand(moment)
            if truth is False:
                return False
            if truth is not True:
                found = None
        return found

    return judge


def disjunction(operands: list[Closure]) -> Closure:
    """Return Kleene's `or`: true as soon as one operand is, unknown if one is and none is true."""

    def judge(moment: Moment) -> Truth:
        found: Truth = False
        for operand in operands:
            truth = operand(moment)
            if truth is True:
                return True
            if truth is not False:
                found = None
        return found

    return judge
