"""Walk over syntax trees, and compare them without regard to where they stand."""

from collections.abc import Iterator
from dataclasses import fields
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
    Window,
)

_KINDS: tuple[type[Node], ...] = (
    Literal,
    DurationLiteral,
    Path,
    Window,
    Call,
    Negative,
    Arithmetic,
    Comparison,
    Not,
    Logic,
    ListOf,
)
_PARTS = {kind: tuple(part.name for part in fields(kind) if part.name not in ("start", "end")) for kind in _KINDS}


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it, from left to right."""
    pending = [node]
    while pending:
        found = pending.pop()
        yield found
        pending.extend(reversed(tuple(children(found))))


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes directly below."""
    for name in _PARTS[type(node)]:
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, Node))


def shape(node: Node) -> tuple[Any, ...]:
    """Return what the node means: equal for two texts that differ in blanks, parentheses or places only."""
    return (type(node).__name__, *(_shape_of(getattr(node, name)) for name in _PARTS[type(node)]))


def _shape_of(value: Any) -> Any:
    if isinstance(value, Node):
        return shape(value)
    if isinstance(value, tuple):
        return tuple(_shape_of(item) for item in value)
    return value
