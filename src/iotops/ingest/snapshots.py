"""Writing the engine's memory down, a few slots at a time, so that no pause is long and every slot is a minute old."""

from collections.abc import Sequence

from iotops.rules.memory import SLOTS, Memory
from iotops.store import slots
from iotops.store.database import Unit
from iotops.store.slots import IngestState, Snapshot

LONG_TAIL = 10_000
"""Readings behind the snapshots from which on a start writes all of memory at once.

Else one who is killed again and again within a round would never finish one, and have more to read at every start.
"""
_EVERY_MS = 1_000  # how often slots are written: each transaction costs a flush to the disk


class Snapshots:
    """Goes round all slots once per `sweep_ms`.

    Args:
        memory: what is written.
        sweep_ms: how long one round takes.
        now_ms: a steady clock.
        tail: how many readings had to be read behind the snapshots when memory came back.
    """

    def __init__(self, memory: Memory, sweep_ms: int, now_ms: int, *, tail: int = 0) -> None:
        self._memory = memory
        self._sweep_ms = max(1, sweep_ms)
        self._portion = min(SLOTS, SLOTS * _EVERY_MS // self._sweep_ms)
        self._began_ms = now_ms if tail < LONG_TAIL else now_ms - self._sweep_ms
        self._done = 0

    def due(self, now_ms: int) -> int:
        """Return how many slots are to be written by now; 0 while that is too little to be worth a transaction."""
        owed = (now_ms - self._began_ms) * SLOTS // self._sweep_ms - self._done
        if owed > SLOTS:  # rounds that were missed while the database was away: one makes good for all
            self._began_ms += (owed - SLOTS) * self._sweep_ms // SLOTS
            owed = SLOTS
        return owed if owed >= self._portion else 0

    def take(self, state: IngestState, count: int) -> list[Snapshot]:
        """Return the next slots as they are to be written: nobody shall wait for the database meanwhile.

        Args:
            state: of the newest commit, which memory agrees with.
            count: how many slots.
        """
        numbers = (number % SLOTS for number in range(self._done, self._done + count))
        return [Snapshot(each, state.position, state.connected_ms, self._memory.dump(each)) for each in numbers]

    def write(self, unit: Unit, taken: Sequence[Snapshot], wall_ms: int) -> None:
        """Write slots that were taken just now; the unit's outcome decides whether they count.

        Args:
            unit: a write transaction of its own, between two batches.
            taken: since when no batch was committed.
            wall_ms: the wall clock.
        """
        slots.save(unit, taken, wall_ms)

        def advance() -> None:
            self._done += len(taken)

        unit.after_commit(advance)
