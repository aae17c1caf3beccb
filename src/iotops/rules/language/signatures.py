"""The functions of the language: what they take and what they return. A new function is one new line."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, Flag, auto


class Kind(Flag):
    """What a value can be; several where it is known only at run time."""

    NUMBER = auto()
    DURATION = auto()
    TRUTH = auto()
    TEXT = auto()


REPORTED = Kind.NUMBER | Kind.TRUTH | Kind.TEXT  # what a device can send
QUANTITY = Kind.NUMBER | Kind.DURATION


class Takes(Enum):
    """What an argument must be."""

    NUMBERS = "one window of numbers, as in temp[5m]"
    WINDOW = "one window, as in temp[5m] or temp[5] > 80"
    METRIC = "a metric"
    QUANTITY = "a number or a duration"
    NUMBER = "a number"
    DURATION = "a duration"
    CONDITION = "a condition"
    RULE = "the name of a rule"
    LABEL = "the name of a label"


@dataclass(frozen=True, slots=True)
class Signature:
    """How a function is called.

    Attributes:
        optional: how many of the last arguments may be left out.
        result: what it returns; None: what its first argument is.
    """

    name: str
    takes: tuple[Takes, ...]
    result: Kind | None
    optional: int = 0

    @property
    def usage(self) -> str:
        """Return an example call, as in `quantile(NUMBERS, NUMBER)`."""
        return f"{self.name}({', '.join(argument.name.lower() for argument in self.takes)})"


def _of_numbers(*names: str) -> tuple[Signature, ...]:
    return tuple(Signature(name, (Takes.NUMBERS,), Kind.NUMBER) for name in names)


SIGNATURES: Mapping[str, Signature] = {
    signature.name: signature
    for signature in (
        *_of_numbers("avg", "min", "max", "sum", "range", "delta", "increase", "rate", "median", "stddev"),
        Signature("count", (Takes.WINDOW,), Kind.NUMBER),
        Signature("quantile", (Takes.NUMBERS, Takes.NUMBER), Kind.NUMBER),
        Signature("forecast", (Takes.NUMBERS, Takes.DURATION), Kind.NUMBER),
        Signature("abs", (Takes.QUANTITY,), None),
        Signature("age", (Takes.METRIC,), Kind.DURATION, optional=1),
        Signature("anomaly", (Takes.METRIC, Takes.DURATION), Kind.NUMBER, optional=1),
        Signature("devices", (Takes.CONDITION,), Kind.NUMBER),
        Signature("share", (Takes.CONDITION,), Kind.NUMBER),
        Signature("peers", (Takes.METRIC, Takes.LABEL), Kind.NUMBER),
        Signature("firing", (Takes.RULE, Takes.LABEL), Kind.TRUTH, optional=1),
    )
}
