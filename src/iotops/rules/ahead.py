"""Looking ahead: readings in columns, before they are taken, and which of them have to be judged one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from iotops.rules.columns import Columns, Run, regular
from iotops.rules.outlook import Doubts, Outlook
from iotops.telemetry.track import Track

WORTH: Final = 4  # readings from which on looking at all together costs less than looking at each


@dataclass(slots=True)
class Ahead:
    """Columns in which a device's readings from number `first` on (up to `last`) stand from row `begin` on.

    `doubts.rows`: those that have to be judged one by one.
    """

    columns: Columns
    first: int
    last: int
    begin: int
    doubts: Doubts


class Found(NamedTuple):
    """Regular readings in columns, which of them have to be judged one by one, and how many there are of each run."""

    columns: Columns
    doubts: Doubts
    counts: list[int]


def look_ahead(outlook: Outlook, runs: Sequence[Run]) -> Found | None:
    """Put the regular readings at the beginning of each run into columns; None where it is not worth it."""
    counts = [len(run.readings) for run in runs]
    if sum(counts) < WORTH:
        return None
    columns = _columns(outlook, runs)
    if columns is None:
        counts = _regular(outlook, runs)
        if sum(counts) < WORTH:
            return None
        cut = [Run(run.device, run.readings[:count]) for run, count in zip(runs, counts, strict=True) if count]
        columns = _columns(outlook, cut)
    if columns is None:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        doubts = outlook.doubts(columns)
    return Found(columns, doubts, counts)


def _regular(outlook: Outlook, runs: Sequence[Run]) -> list[int]:
    """Return how many readings at the beginning of each run are regular."""
    if all(isinstance(run.readings, Track) for run in runs):
        return Columns.of(runs, outlook.names).first_irregular(outlook.taken)
    return [regular(outlook.taken, run, outlook.names) for run in runs]


def _columns(outlook: Outlook, runs: Sequence[Run]) -> Columns | None:
    """Return the readings as columns, None where some of them are irregular."""
    try:
        columns = Columns.of(runs, outlook.names)
    except (KeyError, OverflowError):  # a metric is missing; a time that no clock shows
        return None
    return columns if columns.are_regular(outlook.taken) else None
