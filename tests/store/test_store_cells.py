"""Values in the columns that they are stored in: the same as the maps, in any order, or no columns at all."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from iotops.store.blocks.arrays import MetricColumn
from iotops.store.cells import Cells, Piece
from iotops.store.packing import LABELS


def piece(maps, *, as_rows):
    """Return a piece that says so, as rows or as columns."""
    if as_rows:
        return Piece({}, [dict(each) for each in maps])
    metrics = {}
    for name in dict.fromkeys(name for each in maps for name in each):
        rows = [row for row, each in enumerate(maps) if name in each]
        values = [maps[row][name] for row in rows]
        metrics[name] = MetricColumn(None if len(rows) == len(maps) else np.array(rows, np.int64), values)
    return Piece(metrics)


SAID = st.sampled_from([{"t": 1.5}, {"t": 2, "n": None}, {"t": 1.5}, {"t": 1.5}])
PIECES = st.lists(st.tuples(st.lists(SAID, min_size=1, max_size=40), st.booleans()), min_size=1, max_size=4)


@given(PIECES, st.randoms(use_true_random=False))
def test_cells_say_what_their_pieces_say_in_any_order(some, chance):
    """Joined, picked and joined again: each row says what it did."""
    cells = Cells.joined([Cells.of(piece(maps, as_rows=as_rows), len(maps)) for maps, as_rows in some])
    maps = [each for said, _ in some for each in said]
    picked = [row for row in range(len(maps)) if chance.random() < 0.7]
    chance.shuffle(picked)
    rows = np.array(picked, np.int64)

    again = Cells.joined([cells.take(rows), cells.take(rows[:3])])

    assert cells.maps() == maps
    assert again.maps() == [maps[row] for row in picked + picked[:3]]


@given(st.lists(st.lists(SAID, min_size=1, max_size=60), min_size=1, max_size=3), st.integers(0, 50))
def test_columns_are_those_of_the_maps_where_all_say_the_same(some, first):
    """Rows of one piece or of several: metric by metric what the maps say, or None."""
    cells = Cells.joined([Cells.of(piece(maps, as_rows=False), len(maps)) for maps in some])
    rows = np.arange(min(first, len(cells.maps())), len(cells.maps()))

    found = cells.columns(rows)

    maps = cells.maps()[first:]
    if found is not None:
        assert [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)] == maps
    elif len(maps) >= 48:  # of three pieces, each but the first begins anew
        assert len({tuple(each) for each in maps}) > 1


def test_labels_are_no_column():
    """What is no metric is left to those who make readings one by one."""
    cells = Cells.of(piece([{"t": 1, LABELS: {"model": "x"}}] * 20, as_rows=False), 20)

    assert cells.columns(np.arange(20)) is None
    assert cells.maps()[3] == {"t": 1, LABELS: {"model": "x"}}
