"""What the log of arrivals is told beside readings, so that a replay sees exactly what the engine saw."""

from collections.abc import Iterator, Sequence

from iotops.ingest.roster import Roster
from iotops.rules.engine import Now
from iotops.store.logged import evaluation_note, facts_note, status_note
from iotops.store.notes import Note
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import Kind

TICKS_KEPT = 256
"""So many ticks that ran timers, with nothing to store, are remembered before they are worth a commit of their own."""


class Chronicle:
    """Collects what goes into the log with the next commit; `told` once that has happened."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._notes: list[Note] = []
        self._ticks: list[Now] = []

    @property
    def is_due(self) -> bool:
        """Tell whether there is something to tell although nothing else is to be stored."""
        return bool(self._notes or self._roster.changes) or len(self._ticks) >= TICKS_KEPT

    def add(self, note: Note) -> None:
        """Take a note that goes with the next commit."""
        self._notes.append(note)

    def ticked(self, now: Now) -> None:
        """Note that timers ran, or devices were looked through, with no consequence so far."""
        self._ticks.append(now)

    def notes(self, given: Sequence[Note], batch: Batch, now: Now) -> tuple[Note, ...]:
        """Return all notes of a commit, in the order in which a replay heeds them.

        Args:
            given: what happened to the connection, or to rules.
            batch: what is committed.
            now: as the engine was given it.
        """
        changes = [facts_note(change, now) for change in self._roster.changes]
        return (*changes, *self._notes, *given, *_retained(batch), evaluation_note(now, self._ticks))

    def told(self) -> None:
        """Forget what was committed."""
        self._roster.changes.clear()
        self._notes, self._ticks = [], []


def _retained(batch: Batch) -> Iterator[Note]:
    place = 0
    for reading in batch:
        if not reading.retained:
            place += 1
        elif reading.kind is Kind.STATUS:
            yield status_note(reading, place)
