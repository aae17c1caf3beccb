"""Values while a rule is judged: three-valued truth, missing values, and what is known only within bounds."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Final

Truth = bool | None
"""True, false, or None for unknown (Kleene's strong logic)."""

NUMBERS: Final[Any] = frozenset({int, float})  # exact classes: bool is a truth value here, not a number
COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_ARITHMETIC: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
}
_TOO_LARGE = 2**1024 - 2**970  # whole numbers from here on round to no finite float: as missing as an infinite one


@dataclass(frozen=True, slots=True)
class Interval:
    """A number of which only bounds are known, both included; an end may be infinite."""

    low: float
    high: float


class NoEvent:
    """What an event metric is at every instant without an event: known, equal to no text, zero among numbers."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "no event"


NO_EVENT: Final = NoEvent()


def compare(op: str, left: Any, right: Any) -> Truth:
    """Compare two values; unknown where one is missing, the kinds do not mix, or the bounds leave it open."""
    if left is None or right is None:
        return None
    if left is NO_EVENT or right is NO_EVENT:
        left, right = _without_event(left, right)
    if left.__class__ in NUMBERS and right.__class__ in NUMBERS:
        return COMPARISONS[op](left, right)
    if isinstance(left, Interval) or isinstance(right, Interval):
        return _compare_bounds(op, _bounds(left), _bounds(right))
    if left.__class__ is right.__class__ and op in ("==", "!="):
        return COMPARISONS[op](left, right)
    return None


def calculate(op: str, left: Any, right: Any) -> Any:
    """Return `left op right`; missing where an operand is missing or no number, and where no finite result is."""
    left = 0 if left is NO_EVENT else left
    right = 0 if right is NO_EVENT else right
    if left.__class__ in NUMBERS and right.__class__ in NUMBERS:
        try:
            return finite(_ARITHMETIC[op](left, right))
        except (ZeroDivisionError, OverflowError):
            return None
    if isinstance(left, Interval) or isinstance(right, Interval):
        return _calculate_bounds(op, _bounds(left), _bounds(right))
    return None


def finite(number: Any) -> Any:
    """Return the number, or None where it is beyond every float."""
    if number.__class__ is int:
        return number if -_TOO_LARGE < number < _TOO_LARGE else None
    return number if isfinite(number) else None


def negated(value: Any) -> Any:
    """Return minus the value; missing where it is no number."""
    if value.__class__ in NUMBERS:
        return -value
    return Interval(-value.high, -value.low) if isinstance(value, Interval) else None


def absolute(value: Any) -> Any:
    """Return the absolute value; missing where it is no number."""
    if value.__class__ in NUMBERS:
        return abs(value)
    if not isinstance(value, Interval):
        return None
    ends = sorted((abs(value.low), abs(value.high)))
    return Interval(0 if value.low <= 0 <= value.high else ends[0], ends[1])


def _without_event(left: Any, right: Any) -> tuple[Any, Any]:
    """Turn "no event" into zero beside a number, and into something that equals nothing beside a text."""
    if left is NO_EVENT:
        return (0, right) if right.__class__ in NUMBERS else (f"not {right}", str(right))
    right, left = _without_event(right, left)
    return left, right


def _bounds(value: Any) -> Interval | None:
    if isinstance(value, Interval):
        return value
    return Interval(value, value) if value.__class__ in NUMBERS else None


def _compare_bounds(op: str, left: Interval | None, right: Interval | None) -> Truth:
    """Answer only where all values within the bounds agree."""
    if left is None or right is None:
        return None
    if op in (">", ">="):
        return _compare_bounds("<" if op == ">" else "<=", right, left)
    if op in ("<", "<="):
        holds = COMPARISONS[op]
        if holds(left.high, right.low):
            return True
        return None if holds(left.low, right.high) else False
    apart = left.high < right.low or right.high < left.low
    one = left.low == left.high == right.low == right.high
    if not apart and not one:
        return None
    return (op == "==") is one


def _calculate_bounds(op: str, left: Interval | None, right: Interval | None) -> Any:
    if left is None or right is None:
        return None
    if op == "+":
        return Interval(left.low + right.low, left.high + right.high)
    if op == "-":
        return Interval(left.low - right.high, left.high - right.low)
    if op == "/" and right.low > 0 and right.high < inf:
        return _product(left, Interval(1 / right.high, 1 / right.low))
    return _product(left, right) if op == "*" else None


def _product(left: Interval, right: Interval) -> Interval:
    # 0 * inf is 0 here: an unbounded count times zero is zero.
    ends = [a * b if a and b else 0 for a in (left.low, left.high) for b in (right.low, right.high)]
    return Interval(min(ends), max(ends))
