"""Replay readings through the engine, with a tick at every instant at which something is due in between."""

from collections.abc import Iterable, Sequence

from iotops.rules.alert import Transition
from iotops.rules.clocks import Now
from iotops.rules.compile import Program
from iotops.rules.engine import evaluate
from iotops.rules.memory import Memory, slot_of
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import Reading


def replay(
    program: Program, readings: Iterable[Reading], memory: Memory, *, until_connected_ms: int | None = None
) -> list[Transition]:
    """Return what these readings, in this order, do to the alerts.

    Each is a batch of its own, as when the line is quiet: what comes due before it runs before it. Afterwards timers
    run up to `until_connected_ms` of broker-connected time.
    """
    found: list[Transition] = []
    for reading in readings:
        found += run_timers(program, memory, reading.connected_ms - 1)
        found += step(program, [reading], memory, Now(reading.received_ms, reading.connected_ms, drained=False))
    if until_connected_ms is not None:
        found += run_timers(program, memory, until_connected_ms)
    return found


def run_timers(program: Program, memory: Memory, until_connected_ms: int) -> list[Transition]:
    """Tick at every instant at which a timer is due, in order across devices, up to an instant of connected time."""
    found = step(program, [], memory, Now(0, 0, drained=False))
    while (due_ms := memory.next_due_ms()) is not None and due_ms <= until_connected_ms:
        found += step(program, [], memory, Now(due_ms, due_ms))
    return found


def step(program: Program, readings: Sequence[Reading], memory: Memory, now: Now) -> list[Transition]:
    """Evaluate one batch and keep its changes."""
    evaluation = evaluate(program, Batch(readings), memory, now)
    evaluation.journal.apply()
    for fault in evaluation.faults:
        msg = f"rule {fault.rule} on {fault.device}: {fault.error}"
        raise RuntimeError(msg)
    return list(evaluation.transitions)


def restarted(memory: Memory) -> Memory:
    """Return what a kill and a start leave of memory: the registry, snapshots of all slots, and the alerts' rows."""
    fresh = Memory()
    fresh.ticked_ms = memory.ticked_ms
    for device in memory:
        fresh.register(device.facts)
    for slot in sorted({slot_of(device.key) for device in memory}):
        fresh.load(slot, memory.dump(slot))
    fresh.restore_alerts(memory.open_alerts())
    fresh.restore_attempts(memory.attempts())
    return fresh
