"""Coming back: what a start reads before the first message, so that it goes on as if it had never stopped."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, islice
from typing import NamedTuple

from iotops.ingest.roster import Roster
from iotops.rules.clocks import Now
from iotops.rules.compile import Program
from iotops.rules.memory import SLOTS, Memory, slot_of
from iotops.store import alerts, attempts, fleet, slots
from iotops.store.database import Unit
from iotops.store.logged import evaluated
from iotops.store.notes import NoteKind
from iotops.store.replay import Logged, log
from iotops.store.statuses import last_statuses
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import Reading

LOG = logging.getLogger(__name__)

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
        try:
            memory.load(snapshot.slot, snapshot.data)
        except ValueError as error:
            LOG.error("%s; its devices are remembered anew from everything that is stored", error)  # noqa: TRY400  it says where
        else:
            position_of[snapshot.slot] = snapshot.position
    # Every sweep writes every slot, empty ones too; a missing one means that no sweep was ever finished, or damage.
    complete = len(position_of) == SLOTS
    start = min(position_of.values()) if complete else 0
    count = 0
    for ticks, entries, now in _evaluations(log(unit, start), told=program.waits):
        readings = [entry for position, entry in entries if position > position_of.get(slot_of(entry.key), 0)]
        roster.see(readings, 0)  # all are registered: none gets its age from here
        for tick in ticks:
            memory.remember(program, Batch(), tick)
        memory.remember(program, Batch(readings), now)
        count += len(readings)
    memory.remember(program, Batch(last_statuses(memory, devices)))
    memory.restore_alerts(alerts.load_open(unit))
    memory.restore_attempts(attempts.load(unit))
    return count


class _Evaluated(NamedTuple):
    """Ticks, the readings of a batch with their positions, and how the batch was judged where that matters."""

    ticks: tuple[Now, ...]
    readings: list[tuple[int, Reading]]
    now: Now | None


def _evaluations(entries: Iterator[Logged], *, told: bool) -> Iterator[_Evaluated]:
    """Yield what was judged, in order; `told`: batch by batch as it was, otherwise in portions without their times.

    What waited for late samples, and was let in as time went by, must not be judged again.
    """
    if not told:
        readings = ((position, entry) for position, _, entry in entries if isinstance(entry, Reading))
        while portion := list(islice(readings, _TAIL_BATCH)):
            yield _Evaluated((), portion, None)
        return
    for _, batch in groupby(entries, key=lambda logged: logged.batch_no):
        found = _Evaluated((), [], None)
        for position, _, entry in batch:
            if isinstance(entry, Reading):
                found.readings.append((position, entry))
            elif entry.kind is NoteKind.EVALUATED:
                now, ticks = evaluated(entry)
                found = found._replace(ticks=tuple(tick for tick in ticks if tick.drained)[-1:], now=now)
        yield found
