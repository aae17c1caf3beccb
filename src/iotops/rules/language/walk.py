"""Walk over syntax trees, and compare them without regard to where they stand."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from operator import attrgetter
from typing import Any

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
    Sequence,
    SequenceStep,
    Window,
)

_CHILDREN: Mapping[type[Node], Callable[[Any], tuple[Node, ...]] | None] = {
    Literal: None,
    DurationLiteral: None,
    Path: None,
    Window: lambda node: (node.path,),
    Call: attrgetter("args"),
    Negative: lambda node: (node.operand,),
    Arithmetic: attrgetter("left", "right"),
    Comparison: attrgetter("operands"),
    Not: lambda node: (node.operand,),
    Logic: attrgetter("operands"),
    ListOf: attrgetter("items"),
    SequenceStep: lambda node: (node.condition,),
    Sequence: attrgetter("steps"),
}
_PARTS = {kind: tuple(part.name for part in fields(kind) if part.name not in ("start", "end")) for kind in _CHILDREN}


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it, from left to right."""
    pending = [node]
    while pending:
        found = pending.pop()
        yield found
        below = _CHILDREN[found.__class__]
        if below is not None:
            pending.extend(below(found)[::-1])


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below, from left to right."""
    below = _CHILDREN[node.__class__]
    return () if below is None else below(node)


def height(node: Node) -> int:
    """Return how many nodes lie on the longest way down, this one included."""
    longest, pending = 0, [(node, 1)]
    while pending:
        found, level = pending.pop()
        longest = max(longest, level)
        pending.extend((child, level + 1) for child in children(found))
    return longest


def shifted(node: Node, by: int) -> Node:
    """Return the same tree for a text in which everything stands `by` characters further on."""
    parts = {name: _shifted(getattr(node, name), by) for name in _PARTS[type(node)]}
    return replace(node, start=node.start + by, end=node.end + by, **parts)


def _shifted(value: Any, by: int) -> Any:
    if isinstance(value, Node):
        return shifted(value, by)
    return tuple(_shifted(item, by) for item in value) if isinstance(value, tuple) else value


def shape(node: Node) -> tuple[Any, ...]:
    """Return what the node means: equal for two texts that differ in blanks, parentheses or places only."""
    return (type(node).__name__, *(_shape_of(getattr(node, name)) for name in _PARTS[type(node)]))


def _shape_of(value: Any) -> Any:
    if isinstance(value, Node):
        return shape(value)
    if isinstance(value, tuple):
        return tuple(_shape_of(item) for item in value)
    return value
