"""What the log tells of one batch: how it was judged, and what happened since the batch before."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from iotops.backtest.readings import Lists
from iotops.rules.clocks import Now
from iotops.rules.device import DeviceFacts
from iotops.store.logged import evaluated, facts_change, retained_status
from iotops.store.notes import EVALUATIONS, NO_DEVICE, Note, NoteKind
from iotops.telemetry.reading import DeviceKey, Reading


@dataclass(frozen=True, slots=True)
class Reload:
    """Rules were loaded; `started`: by a process that had just started. `edition`: digest of their texts."""

    edition: str
    started: bool


@dataclass(slots=True)
class Told:
    """The notes of one batch; see `Step`. `retained`: status readings, and behind how many stored ones each stood."""

    now: Now | None = None
    ticks: tuple[Now, ...] = ()
    facts: list[DeviceFacts] = field(default_factory=list)
    quarantined: tuple[str, ...] = ()
    reload: Reload | None = None
    retained: list[tuple[int, Reading]] = field(default_factory=list)

    @property
    def is_silent(self) -> bool:
        """Tell whether nothing is known of how the batch was judged."""
        return self.now is None and self.reload is None and not self.facts


def read_notes(batch: Lists, known: AbstractSet[DeviceKey]) -> Told:
    """Return what is told at the beginning of a batch; of other devices than the known ones nothing."""
    told = Told()
    for row, device_id in enumerate(batch.device_id):
        if device_id > NO_DEVICE:
            break  # notes come first
        note = Note(NoteKind(batch.kind[row]), batch.at_ms[row], batch.connected_ms[row], batch.values[row])
        if note.kind is NoteKind.EVALUATED:
            told.now, told.ticks = evaluated(note)
        elif note.kind is NoteKind.LABELS_CHANGED:
            facts = facts_change(note).after
            told.facts += [facts] if facts.key in known else []
        elif note.kind is NoteKind.STATUS_RETAINED:
            place, status = retained_status(note)
            told.retained += [(place, status)] if status.key in known else []
        elif note.kind is NoteKind.RULES_RELOADED:
            told.reload = Reload(note.data.get("edition", ""), note.data.get("started", False))
        elif note.kind is NoteKind.RULES_QUARANTINED:
            told.quarantined = tuple(note.data["rules"])
    return told


def with_retained(told: Told, readings: list[Reading], batch: Lists) -> list[Reading]:
    """Return a batch as it was judged.

    Positions are consecutive, so they say how many stored readings stood before one, also where only some are read.
    """
    if not told.retained:
        return readings
    notes = batch.device_id.count(NO_DEVICE) + batch.device_id.count(EVALUATIONS)
    places = [position - batch.position[0] - notes for position in batch.position[notes:]]
    # At one place the retained ones come first: they stood behind the readings before it.
    keyed = [(place, 0, reading) for place, reading in told.retained]
    keyed += [(place, 1, reading) for place, reading in zip(places, readings, strict=True)]
    return [reading for _, _, reading in sorted(keyed, key=lambda item: item[:2])]
