"""What notes of the arrivals log say, put in and read out again: devices' facts, retained statuses, evaluations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from iotops.rules.clocks import Now
from iotops.rules.device import DeviceFacts
from iotops.store.notes import Note, NoteKind
from iotops.telemetry.reading import DeviceKey, Kind, Reading


@dataclass(frozen=True, slots=True)
class FactsChange:
    """What rules can know of a device became another.

    Attributes:
        before: None where the device is new. `first_told`: nobody knows what the log said of it before.
    """

    after: DeviceFacts
    before: DeviceFacts | None = None
    first_told: bool = False


def facts_note(change: FactsChange, now: Now) -> Note:
    """Return the note of a change, as `facts_change` reads it."""
    key = change.after.key
    data: dict[str, Any] = {"site": key.site, "device": key.device, "after": _told(change.after)}
    if not change.first_told:
        data["before"] = None if change.before is None else _told(change.before)
    return Note(NoteKind.LABELS_CHANGED, now.wall_ms, now.connected_ms, data)


def facts_change(note: Note) -> FactsChange:
    """Return the change that a note tells."""
    key = DeviceKey(note.data["site"], note.data["device"])
    before = note.data.get("before")
    return FactsChange(
        _facts(key, note.data["after"]), None if before is None else _facts(key, before), "before" not in note.data
    )


def status_note(reading: Reading, place: int) -> Note:
    """Return the note of a retained status that was judged behind so many stored readings of its batch."""
    data = {
        "site": reading.key.site,
        "device": reading.key.device,
        "place": place,
        "at": reading.at_ms,
        "received": reading.received_ms,
        "online": reading.values["online"],
        "labels": dict(reading.labels),
        "skewed": reading.skewed,
    }
    return Note(NoteKind.STATUS_RETAINED, reading.received_ms, reading.connected_ms, data)


def retained_status(note: Note) -> tuple[int, Reading]:
    """Return behind how many stored readings of its batch a retained status stood, and the status."""
    told = note.data
    reading = Reading(
        DeviceKey(told["site"], told["device"]),
        told["at"],
        told["received"],
        {"online": told["online"]},
        connected_ms=note.connected_ms,
        kind=Kind.STATUS,
        skewed=told["skewed"],
        retained=True,
        labels=told["labels"],
    )
    return told["place"], reading


def evaluation_note(now: Now, ticks: Sequence[Now]) -> Note:
    """Return the note of one evaluation, and of the ticks since the note before that had nothing to store.

    Args:
        now: as the engine was given it.
        ticks: the same, of each.
    """
    data: dict[str, Any] = {} if now.drained else {"waits": True}
    if ticks:
        data["ticks"] = [[each.wall_ms, each.connected_ms, each.drained] for each in ticks]
    return Note(NoteKind.EVALUATED, now.wall_ms, now.connected_ms, data)


def evaluated(note: Note) -> tuple[Now, tuple[Now, ...]]:
    """Return the present that an evaluation was given, and those of the ticks before it."""
    now = Now(note.at_ms, note.connected_ms, drained=not note.data.get("waits", False))
    return now, tuple(Now(*each) for each in note.data.get("ticks", ()))


def _told(facts: DeviceFacts) -> list[Any]:
    return [dict(facts.labels), facts.retired, facts.registered_ms, facts.registered_connected_ms, facts.every_ms]


def _facts(key: DeviceKey, told: Sequence[Any]) -> DeviceFacts:
    return DeviceFacts(key, *told)
