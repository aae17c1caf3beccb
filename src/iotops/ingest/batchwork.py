"""One batch on its way: what it holds, what the rules made of it, and the one transaction that keeps it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from iotops.incidents.correlate import correlate
from iotops.incidents.desk import Queue, Surroundings, Waiting
from iotops.ingest.revisits import Revisits
from iotops.rules.alert import Change
from iotops.rules.engine import Evaluation, Now
from iotops.store import alerts, attempts, dead_letters, numberings, rules, slots, telemetry, waits
from iotops.store import incidents as incident_store
from iotops.store.database import Unit
from iotops.store.notes import Note
from iotops.store.registry import Registered, Registry
from iotops.store.slots import IngestState
from iotops.store.trails import Trails
from iotops.telemetry.batch import Batch
from iotops.telemetry.decode import DeadLetter
from iotops.telemetry.reading import DeviceKey


@dataclass(frozen=True, slots=True)
class BatchWork:
    """A batch that was decoded, sifted and judged, and is not stored yet.

    Attributes:
        batch: readings that are not stored, retained ones among them.
        dead_letters: messages that cannot be used and were not kept before.
        counts: what became of the messages (see `tally`).
        notes: what happened to connection, labels and rules since the batch before.
        queue: what has to be looked at although no alert changed.
        numberings: device -> how its numbers have come, packed, where that is another than before.
    """

    batch: Batch
    dead_letters: Sequence[DeadLetter]
    evaluation: Evaluation
    counts: Mapping[str, int]
    notes: Sequence[Note]
    now: Now
    queue: Queue = field(default_factory=Queue)
    numberings: Mapping[DeviceKey, bytes] = field(default_factory=dict)

    @property
    def is_worth_a_commit(self) -> bool:
        """Tell whether there is anything to write."""
        found, queue = self.evaluation, self.queue
        judged = found.transitions or found.alerts or found.attempts or found.occurrences or found.faults
        return bool(self.counts or self.notes or judged or queue.due or queue.returned or queue.grown)


@dataclass(slots=True)
class Ledgers:
    """What the ingest keeps in memory of the database: it alone writes these rows."""

    state: IngestState
    registry: Registry
    trails: Trails
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    revisits: Revisits = field(default_factory=Revisits)
    numberings: dict[DeviceKey, bytes] = field(default_factory=dict)

    @classmethod
    def load(cls, unit: Unit) -> "Ledgers":
        """Read what the newest commit left."""
        found = waits.load_waiting(unit)
        waiting = {alert.id: Waiting(alert, ms, ms, explained, by) for alert, ms, explained, by in found}
        storms = dict.fromkeys(incident_store.open_storms(unit), True)
        known = numberings.load(unit)
        return cls(slots.state(unit), Registry.load(unit), Trails.load(unit), waiting, Revisits(storms), known)


def store(unit: Unit, work: BatchWork, state: IngestState, ledgers: Ledgers, around: Surroundings) -> None:
    """Write everything that a batch changes, and that it leads to `state`; `ledgers` follow when it is committed.

    Raises:
        Overtaken: the newest commit is not that which `state` follows.
    """
    evaluation, now = work.evaluation, work.now
    slots.advance(unit, state)
    registered = ledgers.registry.register(unit, tuple(work.batch), now.connected_ms)
    telemetry.append(unit, ledgers.trails, work.batch, registered.ids, batch_no=state.batch_no, notes=work.notes)
    numberings.keep(unit, {_id_of(key, registered, ledgers): found for key, found in work.numberings.items()})
    dead_letters.keep(unit, work.dead_letters)
    known = incident_store.open_for(unit, evaluation.transitions, around, work.queue, now.wall_ms)
    outcome = correlate(evaluation.transitions, known, around, now.wall_ms, work.queue)
    alerts.keep(unit, evaluation.alerts, evaluation.transitions, now.wall_ms)
    attempts.keep(unit, evaluation.attempts)
    alerts.count(unit, evaluation.occurrences, evaluation.last_true_ms, now.wall_ms)
    incident_store.keep(unit, outcome, evaluation.occurrences, around.policy)
    before = ledgers.waiting
    began = {name: each.since_ms for name, each in outcome.waiting.items() if name not in before}
    waits.wait(unit, began, [name for name in before if name not in outcome.waiting])
    waits.silence(unit, _silenced(before, outcome.waiting))
    rules.note_fired(
        unit, {each.alert.key.rule: each.at_ms for each in evaluation.transitions if each.change is Change.FIRED}
    )

    def follow() -> None:
        ledgers.state = state
        ledgers.waiting = outcome.waiting
        ledgers.revisits.follow(outcome.changes)
        ledgers.numberings.update(work.numberings)

    unit.after_commit(follow)


def _id_of(key: DeviceKey, registered: Registered, ledgers: Ledgers) -> int:
    """Return the id of a device of the batch, or of one of which a dead letter tells, which has arrivals before."""
    found = registered.ids.get(key)
    if found is None:
        trail = ledgers.trails.get(key)
        assert trail is not None  # noqa: S101  for the type checker: who has a numbering has arrivals
        found = trail.device_id
    return found


def _silenced(before: Mapping[str, Waiting], after: Mapping[str, Waiting]) -> dict[str, str | None]:
    """Return alert id -> the suppression that keeps it back, where that is another one than before."""
    was = {name: each.suppression for name, each in before.items()}
    return {name: each.suppression for name, each in after.items() if each.suppression != was.get(name)}


def next_state(work: BatchWork, ledgers: Ledgers, ticked_ms: int) -> IngestState:
    """Return what the ingest's state is once a batch is stored; timers were run up to `ticked_ms`."""
    before = ledgers.state
    counters = Counter(before.counters)
    counters.update(work.counts)
    counters.update(f"dead_lettered:{letter.reason}" for letter in work.dead_letters)
    stored = sum(not reading.retained for reading in work.batch)
    return replace(
        before,
        batch_no=before.batch_no + 1,
        position=ledgers.trails.position + len(work.notes) + stored,
        connected_ms=work.now.connected_ms,
        counters=dict(counters),
        updated_ms=work.now.wall_ms,
        ticked_ms=ticked_ms,
    )
