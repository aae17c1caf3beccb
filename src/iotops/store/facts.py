"""What rules could know of devices at some time: as the registry says now, and as the log of arrivals says it was."""

from collections.abc import Iterator

from sqlalchemy import select

from iotops.rules.device import DeviceFacts
from iotops.store import fleet
from iotops.store.arrivals import between, watermarks
from iotops.store.blocks import Block
from iotops.store.database import Unit
from iotops.store.devices import Device
from iotops.store.labels import effective_labels
from iotops.store.logged import facts_change
from iotops.store.notes import NO_DEVICE, Note, NoteKind
from iotops.store.tables import block
from iotops.telemetry.reading import DeviceKey


def ids(unit: Unit) -> dict[int, DeviceKey]:
    """Return id -> device, of all."""
    return {device.id: device.key for device in fleet.every(unit)}


def facts_now(unit: Unit) -> dict[DeviceKey, DeviceFacts]:
    """Return what the registry says of all devices."""
    return {device.key: facts_of(device) for device in fleet.every(unit)}


def facts_at(unit: Unit, at_ms: int) -> dict[DeviceKey, DeviceFacts]:
    """Return what was known at an instant of the wall clock; devices that came later, as the log tells, are absent.

    Where the log does not reach back so far, it is what is known now.
    """
    known = facts_now(unit)
    settled: set[DeviceKey] = set()
    for note in notes(unit):
        if note.kind is not NoteKind.LABELS_CHANGED:
            continue
        change = facts_change(note)
        key = change.after.key
        if key not in known:
            continue
        if note.at_ms < at_ms:
            known[key] = change.after
        elif key not in settled and not change.first_told:
            if change.before is None:
                del known[key]
            else:
                known[key] = change.before
        settled.add(key)
    return known


def facts_of(device: Device) -> DeviceFacts:
    """Return what rules can know of a device."""
    return DeviceFacts(
        device.key,
        effective_labels(device.key, device.layers, trust_status=device.trust_status),
        retired=device.lifecycle == "retired",
        registered_ms=device.first_seen_ms,
        registered_connected_ms=device.first_connected_ms,
    )


def editions(unit: Unit) -> list[tuple[int, str]]:
    """Return when rules were loaded, and the digest of their texts (`iotops.store.editions`), in order."""
    loaded = (note for note in notes(unit) if note.kind is NoteKind.RULES_RELOADED)
    return [(note.at_ms, note.data["edition"]) for note in loaded if note.data.get("edition")]


def notes(unit: Unit) -> Iterator[Note]:
    """Yield the notes of the log in order, all but those of evaluations."""
    compacted = watermarks(unit)["compacted"]
    packed = select(block.c.packed).where(block.c.device_id == NO_DEVICE, block.c.last_position <= compacted)
    for row in unit.connection.execute(packed.order_by(block.c.first_position)):
        yield from map(Note.of, Block(row.packed, NO_DEVICE, None).arrivals())
    yield from map(Note.of, between(unit, compacted, None, NO_DEVICE))
