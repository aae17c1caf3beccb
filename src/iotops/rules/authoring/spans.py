"""Sets of numbers as spans, to tell when a comparison of one quantity can hold."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import NamedTuple


class Edge(NamedTuple):
    """A place on the number line: side -1 is just below the value, 0 the value itself, 1 just above it."""

    value: float
    side: int = 0


@dataclass(frozen=True, slots=True)
class Spans:
    """A set of numbers: (first, last) pairs of edges, both included, ascending and apart."""

    pairs: tuple[tuple[Edge, Edge], ...]

    def __and__(self, other: "Spans") -> "Spans":
        met = ((max(a, c), min(b, d)) for a, b in self.pairs for c, d in other.pairs)
        return spans(pair for pair in met if pair[0] <= pair[1])

    def __or__(self, other: "Spans") -> "Spans":
        return spans((*self.pairs, *other.pairs))

    def __invert__(self) -> "Spans":
        gaps, start = [], Edge(-inf)
        for first, last in self.pairs:
            if start < first:
                gaps.append((start, _step(first, -1)))
            start = _step(last, 1)
        if start <= Edge(inf):
            gaps.append((start, Edge(inf)))
        return Spans(tuple(gaps))

    def __le__(self, other: "Spans") -> bool:
        """Tell whether every number of this set is in the other."""
        return not (self & ~other).pairs

    def __bool__(self) -> bool:
        return bool(self.pairs)


EVERYTHING = Spans(((Edge(-inf), Edge(inf)),))
NOT_NEGATIVE = Spans(((Edge(0.0), Edge(inf)),))
FRACTION = Spans(((Edge(0.0), Edge(1.0)),))


def spans(pairs: Iterable[tuple[Edge, Edge]]) -> Spans:
    """Return the set that the pairs cover together."""
    merged: list[tuple[Edge, Edge]] = []
    for first, last in sorted(pairs):
        if merged and first <= _step(merged[-1][1], 1):
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return Spans(tuple(merged))


def holding(op: str, limit: float) -> Spans:
    """Return the numbers x for which `x op limit` holds; op is one of < <= > >= == !=."""
    exactly = Spans(((Edge(limit), Edge(limit)),))
    if op in ("==", "!="):
        return exactly if op == "==" else ~exactly
    if op in ("<", "<="):
        return Spans(((Edge(-inf), Edge(limit, -1 if op == "<" else 0)),))
    return Spans(((Edge(limit, 1 if op == ">" else 0), Edge(inf)),))


def _step(edge: Edge, direction: int) -> Edge:
    """Return the next place up or down; spans begin at a value or just above it, and end at one or just below it."""
    return Edge(edge.value, edge.side + direction)
