"""Counts by rule and by metric, for `iotops rules stats`: kept in memory, added to the database once a minute."""

from collections import Counter
from collections.abc import Callable
from typing import Final

from iotops.rules.alert import Change
from iotops.rules.costs import Costs
from iotops.rules.engine import Evaluation
from iotops.store import figures
from iotops.store.database import Unit
from iotops.store.figures import Figure, of_metrics

EVERY_MS: Final = 60_000
_SAMPLED: Final = 64
"""One batch in so many is timed, reading by reading: a per cent of its cost, on average."""


class Tallies:
    """Counts what evaluations found; a process that dies loses the last minute of it, and nothing else.

    Args:
        clock: a steady clock in nanoseconds.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._counts: Counter[Figure] = Counter()
        self._batches = 0
        self._written_ms = 0

    def costs(self) -> Costs | None:
        """Return what is to measure the next batch, None for most."""
        self._batches += 1
        return Costs(self._clock) if self._batches % _SAMPLED == 0 else None

    def take(self, evaluation: Evaluation, costs: Costs | None) -> None:
        """Take what was kept of an evaluation."""
        counts = self._counts
        for transition in evaluation.transitions:
            if transition.change is Change.SUPPRESSED:
                counts[Figure("rule", transition.alert.key.rule, "suppressed")] += 1
        told = [(0, "rejected", evaluation.rejected), (0, "late", evaluation.late)]
        for lateness_ms, found in evaluation.delayed.items():
            told += [(lateness_ms, "rejected", found.rejected), (lateness_ms, "late", found.late)]
        for lateness_ms, name, by_metric in told:
            for metric, count in by_metric.items():
                counts[Figure(of_metrics(lateness_ms), metric, name)] += count
        if costs is not None:
            for rule, count in costs.judged.items():
                counts[Figure("rule", rule, "timed")] += count
                counts[Figure("rule", rule, "spent_ns")] += costs.spent_ns[rule]

    def is_due(self, wall_ms: int) -> bool:
        """Tell whether it is time to write."""
        return bool(self._counts) and wall_ms - self._written_ms >= EVERY_MS

    def write(self, unit: Unit, wall_ms: int) -> None:
        """Add the counts so far to the day's; once the unit is committed they begin anew."""
        figures.add(unit, self._counts, wall_ms)

        def begin_anew() -> None:
            self._counts.clear()
            self._written_ms = wall_ms

        unit.after_commit(begin_anew)
