"""For which values of one quantity a condition holds, where it is about one quantity only."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from math import inf
from typing import Any

from iotops.rules.authoring.spans import EVERYTHING, FRACTION, NOT_NEGATIVE, Edge, Spans, holding, spans
from iotops.rules.language.names import Role, role_of
from iotops.rules.language.nodes import (
    Arithmetic,
    Call,
    Comparison,
    DurationLiteral,
    ListOf,
    Literal,
    Logic,
    Negative,
    Node,
    Not,
    Path,
    Window,
)
from iotops.rules.language.walk import shape, walk
from iotops.rules.rule import MetricSpec, Parameter

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": operator.mod}
_NOT_NEGATIVE = frozenset({"count", "range", "increase", "rate", "stddev", "age", "abs", "devices"})
_WITHIN_VALID = frozenset({"avg", "min", "max", "median", "quantile"})


@dataclass(frozen=True, slots=True)
class Region:
    """The values of a quantity for which a condition holds.

    Attributes:
        quantity: what is compared, as a tree without places.
        node: where it stands first.
        possible: the values that the quantity can have at all.
    """

    quantity: tuple[Any, ...]
    node: Node
    holds: Spans
    possible: Spans


@dataclass(frozen=True, slots=True)
class Setting:
    """What numbers a rule's names stand for: one set of parameters, and the catalogue's valid ranges."""

    params: Mapping[str, Parameter]
    catalogue: Mapping[str, MetricSpec]


def region(node: Node, setting: Setting) -> Region | None:
    """Return where the condition holds; None where it is about several quantities, texts, or none at all."""
    if isinstance(node, Comparison):
        return _of_chain(node, setting)
    if isinstance(node, Not):
        inner = region(node.operand, setting)
        return inner and Region(inner.quantity, inner.node, ~inner.holds & inner.possible, inner.possible)
    if isinstance(node, Logic):
        return _joined([region(operand, setting) for operand in node.operands], node.op)
    return None


def constant(node: Node, setting: Setting) -> float | None:
    """Return the number that a part of an expression always is (durations in milliseconds); None where it varies."""
    if isinstance(node, Literal):
        return node.value if isinstance(node.value, int | float) and not isinstance(node.value, bool) else None
    if isinstance(node, DurationLiteral):
        return node.ms
    if isinstance(node, Path):
        found = setting.params.get(node.name) if role_of(node, setting.params) is Role.PARAMETER else None
        return None if found is None else found.number if found.ms is None else found.ms
    if isinstance(node, Negative):
        inner = constant(node.operand, setting)
        return None if inner is None else -inner
    return _calculated(node, setting) if isinstance(node, Arithmetic) else None


def _calculated(node: Arithmetic, setting: Setting) -> float | None:
    left, right = constant(node.left, setting), constant(node.right, setting)
    if left is None or right is None:
        return None
    try:
        found: float = _OPERATORS[node.op](left, right)
    except (ZeroDivisionError, OverflowError):
        return None
    return found


def _of_chain(node: Comparison, setting: Setting) -> Region | None:
    pairs = zip(node.ops, node.operands, node.operands[1:], strict=False)
    return _joined([_of_pair(op, left, right, setting) for op, left, right in pairs], "and")


def _of_pair(op: str, left: Node, right: Node, setting: Setting) -> Region | None:
    if op == "in":
        return _of_list(left, right, setting)
    low, high = constant(left, setting), constant(right, setting)
    if high is not None and low is None:
        return _region(left, holding(op, high), setting)
    if low is not None and high is None:
        return _region(right, holding(_MIRRORED[op], low), setting)
    return None


def _of_list(left: Node, right: Node, setting: Setting) -> Region | None:
    items = [constant(item, setting) for item in right.items] if isinstance(right, ListOf) else [None]
    known = [item for item in items if item is not None]
    if len(known) < len(items) or constant(left, setting) is not None:
        return None
    return _region(left, spans((Edge(item), Edge(item)) for item in known), setting)


def _region(quantity: Node, holds: Spans, setting: Setting) -> Region:
    possible = _possible(quantity, setting)
    return Region(shape(quantity), quantity, holds & possible, possible)


def _possible(node: Node, setting: Setting) -> Spans:
    if isinstance(node, Call) and node.name in _WITHIN_VALID and node.args and isinstance(node.args[0], Window):
        return _possible(node.args[0].path, setting)
    if isinstance(node, Call) and node.name == "share":
        return FRACTION
    if isinstance(node, Call) and node.name == "count":
        return NOT_NEGATIVE & _at_most(node)
    if isinstance(node, Call):
        return NOT_NEGATIVE if node.name in _NOT_NEGATIVE else EVERYTHING
    if not isinstance(node, Path) or role_of(node, setting.params) is not Role.METRIC:
        return EVERYTHING
    spec = setting.catalogue.get(node.name)
    if spec is None or spec.valid is None:
        return EVERYTHING
    return Spans(((Edge(spec.valid[0]), Edge(spec.valid[1])),))


def _at_most(count: Call) -> Spans:
    """Return how many samples a window of so many samples can hold."""
    windows = [part for argument in count.args for part in walk(argument) if isinstance(part, Window)]
    limit = windows[0].count if windows else None
    return EVERYTHING if limit is None else Spans(((Edge(-inf), Edge(limit)),))


def _joined(parts: list[Region | None], op: str) -> Region | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or len({part.quantity for part in known}) != 1:
        return None
    first = known[0]
    holds = reduce(Spans.__and__ if op == "and" else Spans.__or__, (part.holds for part in known))
    return Region(first.quantity, first.node, holds, first.possible)
