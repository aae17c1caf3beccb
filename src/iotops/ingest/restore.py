"""Coming back: what a start reads before the first message, so that it goes on as if it had never stopped."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from iotops.ingest.roster import Roster
from iotops.rules.compile import Program
from iotops.rules.memory import SLOTS, Memory, slot_of
from iotops.store import alerts, attempts, fleet, slots
from iotops.store.database import Unit
from iotops.store.replay import tail
from iotops.store.statuses import last_statuses
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import Reading

_TAIL_BATCH = 5_000


def restore(unit: Unit, memory: Memory, program: Program, roster: Roster) -> int:
    """Bring back devices, windows and clocks from the snapshots and the stored tail, and alerts from their rows.

    Alert rows alone say what fires, and rows of attempts how far sequences have come: they were written with the
    readings, in one transaction.

    Returns:
        How many readings of the tail were needed.
    """
    devices = fleet.every(unit)
    roster.load(devices)
    # What the registry says is what the log has told, but for what people changed while nobody looked.
    state = slots.state(unit)
    memory.ticked_ms = state.ticked_ms
    since_ms = state.updated_ms - fleet.COMMIT_LAG_MS
    unseen = {device.key for device in devices if device.updated_ms >= since_ms}
    roster.changes[:] = [replace(change, first_told=True) for change in roster.changes if change.after.key in unseen]
    position_of: dict[int, int] = {}
    for snapshot in slots.load_all(unit):
        memory.load(snapshot.slot, snapshot.data)
        position_of[snapshot.slot] = snapshot.position
    # Every sweep writes every slot, empty ones too; a missing one means that no sweep was ever finished.
    complete = len(position_of) == SLOTS
    start = min(position_of.values()) if complete else 0
    newer = (reading for position, reading in tail(unit, start) if position > position_of.get(slot_of(reading.key), 0))
    count = 0
    for readings in _batched(newer):
        roster.see(readings, 0)  # all are registered: none gets its age from here
        memory.remember(program, Batch(readings))
        count += len(readings)
    memory.remember(program, Batch(last_statuses(memory, devices)))
    memory.restore_alerts(alerts.load_open(unit))
    memory.restore_attempts(attempts.load(unit))
    return count


def _batched(readings: Iterator[Reading]) -> Iterator[list[Reading]]:
    while batch := list(islice(readings, _TAIL_BATCH)):
        yield batch
