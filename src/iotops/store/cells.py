"""Values of many readings, left in the columns of the blocks that they come from until somebody asks for them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np

from iotops.store.blocks.arrays import Integers, MetricColumn
from iotops.store.packing import LABELS

_PIECES: Final = 16
"""Rows of a device that follow each other in a block, on average, from which on columns are worth it."""


class Piece(NamedTuple):
    """Readings that are stored together: `metrics` as columns, or else `maps`, one for each reading."""

    metrics: Mapping[str, MetricColumn]
    maps: Sequence[dict[str, Any]] | None = None

    def rows(self, begin: int, end: int) -> Sequence[dict[str, Any]]:
        """Return metric -> value of consecutive readings."""
        if self.maps is not None:
            return self.maps[begin:end]
        found: list[dict[str, Any]] = [{} for _ in range(end - begin)]
        for metric, column in self.metrics.items():
            if column.rows is None:
                for carried, value in zip(found, column.values[begin:end], strict=True):
                    carried[metric] = value
                continue
            first, last = np.searchsorted(column.rows, (begin, end)).tolist()
            carrying = (column.rows[first:last] - begin).tolist()
            for row, value in zip(carrying, column.values[first:last], strict=True):
                found[row][metric] = value
        return found

    def columns(self, begin: int, end: int) -> dict[str, list[Any]] | None:
        """Return metric -> values of consecutive readings; None where some of them lack what others have."""
        if self.maps is not None:
            return None
        found = {}
        for metric, column in self.metrics.items():
            first, last = begin, end
            if column.rows is not None:
                first, last = np.searchsorted(column.rows, (begin, end)).tolist()
            if last - first == end - begin:
                found[metric] = column.values[first:last]
            elif last > first:
                return None
        return found


class Cells:
    """What n readings say: the number of the piece, and of the row in it, of each."""

    def __init__(self, pieces: Sequence[Piece], piece: Integers, row: Integers) -> None:
        self._pieces = pieces
        self._piece = piece
        self._row = row

    @classmethod
    def of(cls, piece: Piece, length: int) -> "Cells":
        """Return all rows of a piece."""
        return cls((piece,), np.zeros(length, np.int64), np.arange(length))

    @classmethod
    def joined(cls, some: Sequence["Cells"]) -> "Cells":
        """Return one after the other; pieces of which nothing is left are let go."""
        pieces: list[Piece] = []
        numbers = []
        for cells in some:
            used = np.bincount(cells._piece, minlength=len(cells._pieces)) > 0  # noqa: SLF001  of the same class
            numbers.append((np.cumsum(used) - 1 + len(pieces))[cells._piece])  # noqa: SLF001
            pieces += [cells._pieces[number] for number in np.flatnonzero(used).tolist()]  # noqa: SLF001
        return cls(pieces, np.concatenate(numbers), np.concatenate([cells._row for cells in some]))  # noqa: SLF001

    def take(self, rows: Integers) -> "Cells":
        """Return some rows, in the order given."""
        return Cells(self._pieces, self._piece[rows], self._row[rows])

    def maps(self) -> list[dict[str, Any]]:
        """Return metric -> value of each reading, labels under `packing.LABELS`; the maps are the caller's."""
        found: list[dict[str, Any]] = [{}] * len(self._row)
        order = np.lexsort((self._row, self._piece))
        for begin, end in pairwise([0, *(np.flatnonzero(np.diff(self._piece[order])) + 1).tolist(), len(order)]):
            if begin == end:
                continue
            places, rows = order[begin:end].tolist(), self._row[order[begin:end]]
            first = int(rows[0])
            some = self._pieces[int(self._piece[places[0]])].rows(first, int(rows[-1]) + 1)
            for place, row in zip(places, (rows - first).tolist(), strict=True):
                found[place] = some[row]
        return found

    def columns(self, rows: Integers) -> dict[str, list[Any]] | None:
        """Return metric -> values of some readings; None where they do not all say the same metrics, or have labels."""
        piece, row = self._piece[rows], self._row[rows]
        breaks = np.flatnonzero((np.diff(piece) != 0) | (np.diff(row) != 1)) + 1
        if not len(rows) or len(breaks) * _PIECES > len(rows):
            return None
        found: dict[str, list[Any]] | None = None
        for begin, end in pairwise([0, *breaks.tolist(), len(rows)]):
            part = self._pieces[int(piece[begin])].columns(int(row[begin]), int(row[end - 1]) + 1)
            if part is None or LABELS in part or (found is not None and list(part) != list(found)):
                return None
            if found is None:
                found = part
            else:
                for metric, values in part.items():
                    found[metric] += values
        return found
