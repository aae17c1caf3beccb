"""A layered drawing of what needs what: every node below all that need it, with few crossings. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

BOX_WIDTH, BOX_HEIGHT = 176, 52
WAY_WIDTH = 12
AT_MOST = 6  # boxes beside each other
GAP_X, GAP_Y = 20, 56
MARGIN = 16
_SWEEPS = 6


class Box(NamedTuple):
    """Where the upper left corner of a node stands."""

    x: float
    y: float
    layer: int


class Layout(NamedTuple):
    """Places of all nodes, the ways of the edges as points from above to below, and the size of the drawing."""

    boxes: Mapping[str, Box]
    ways: Mapping[tuple[str, str], Sequence[tuple[float, float]]]
    width: float
    height: float


def layers_of(nodes: Sequence[str], edges: Sequence[tuple[str, str]], least: Mapping[str, int]) -> dict[str, int]:
    """Return node -> layer: below whatever needs it, and not above the layer where its kind begins (`least`).

    What is part of a circle, as labels of devices can make one, stays where the way into the circle left it.
    """
    layers = {node: least.get(node, 0) for node in nodes}
    for _ in nodes:  # the longest way has at most so many steps; in a circle this would never end by itself
        moved = [(low, layers[high] + 1) for high, low in edges if layers[low] <= layers[high] < len(nodes)]
        if not moved:
            break
        for node, layer in moved:
            layers[node] = min(max(layers[node], layer), len(nodes))
    known = {layer: place for place, layer in enumerate(sorted(set(layers.values())))}
    return {node: known[layer] for node, layer in layers.items()}


def arranged(nodes: Sequence[str], edges: Iterable[tuple[str, str]], least: Mapping[str, int]) -> Layout:
    """Return where nodes stand.

    Args:
        nodes: in the order in which they stand where nothing else decides.
        edges: (what needs, what is needed); ends that are no nodes are left out.
        least: node -> the highest layer that it may stand in, 0 being the uppermost.
    """
    known = set(nodes)
    among = [(high, low) for high, low in edges if high in known and low in known and high != low]
    layers = _wrapped(nodes, among, layers_of(nodes, among, least))
    rows: dict[int, list[str]] = defaultdict(list)
    for node in nodes:
        rows[layers[node]].append(node)
    chains = {edge: _chain(edge, layers, rows) for edge in among}
    _untangle(rows, [step for chain in chains.values() for step in pairwise(chain)])
    wide = max((_width(row, known) for row in rows.values()), default=0.0)
    boxes: dict[str, Box] = {}
    for layer, row in rows.items():
        x = MARGIN + (wide - _width(row, known)) / 2
        for node in row:
            boxes[node] = Box(x, _top(layer), layer)
            x += _slot(node, known) + _gap(node, known)
    ways = {edge: _points(chain, boxes, known) for edge, chain in chains.items()}
    return Layout({node: boxes[node] for node in nodes}, ways, 2 * MARGIN + wide, _top(len(rows)) - GAP_Y + MARGIN)


def _wrapped(nodes: Sequence[str], edges: Sequence[tuple[str, str]], layers: Mapping[str, int]) -> dict[str, int]:
    """Return the layers with those that are too wide for a screen split, those that are linked alike together."""
    rows: dict[int, list[str]] = defaultdict(list)
    for node in nodes:
        rows[layers[node]].append(node)
    _untangle(rows, edges)
    split = (part for layer in sorted(rows) for part in _parts(rows[layer], AT_MOST))
    return {node: layer for layer, part in enumerate(split) for node in part}


def _parts(row: Sequence[str], most: int) -> list[Sequence[str]]:
    """Return a row as parts of nearly equal length, of at most so many each."""
    count = -(-len(row) // most)
    return [row[len(row) * part // count : len(row) * (part + 1) // count] for part in range(count)]


def _chain(edge: tuple[str, str], layers: Mapping[str, int], rows: dict[int, list[str]]) -> list[str]:
    """Return the nodes that an edge goes through: in layers between its ends it gets a narrow place of its own."""
    high, low = edge
    between = []
    for layer in range(layers[high] + 1, layers[low]):
        between.append(f"{high}\0{low}\0{layer}")
        rows[layer].append(between[-1])
    return [high, *between, low]


def _points(chain: Sequence[str], boxes: Mapping[str, Box], known: set[str]) -> list[tuple[float, float]]:
    middles = [(boxes[node].x + _slot(node, known) / 2, boxes[node].y) for node in chain]
    (first_x, first_y), *between, last = middles
    passed = [point for x, y in between for point in ((x, y), (x, y + BOX_HEIGHT))]
    return [(first_x, first_y + BOX_HEIGHT), *passed, last]


def _slot(node: str, known: set[str]) -> float:
    return BOX_WIDTH if node in known else WAY_WIDTH


def _width(row: Sequence[str], known: set[str]) -> float:
    return sum(_slot(node, known) + _gap(node, known) for node in row) - (_gap(row[-1], known) if row else 0)


def _gap(node: str, known: set[str]) -> float:
    return GAP_X if node in known else WAY_WIDTH / 2


def _top(layer: int) -> float:
    return MARGIN + layer * (BOX_HEIGHT + GAP_Y)


def _untangle(rows: dict[int, list[str]], edges: Sequence[tuple[str, str]]) -> None:
    """Order each row by the mean place of its neighbours, down and up in turns (Sugiyama's barycentres)."""
    linked: dict[str, list[str]] = defaultdict(list)
    for high, low in edges:
        linked[high].append(low)
        linked[low].append(high)
    places = {node: place - len(row) / 2 for row in rows.values() for place, node in enumerate(row)}
    for sweep in range(_SWEEPS):
        for layer in sorted(rows, reverse=sweep % 2 == 1):
            row = rows[layer]
            row.sort(key=lambda node: _mean([places[each] for each in linked[node]], places[node]))
            places.update((node, place - len(row) / 2) for place, node in enumerate(row))


def _mean(numbers: Sequence[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise
