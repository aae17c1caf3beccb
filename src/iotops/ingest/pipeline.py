"""The heart: messages in, one transaction out, and only then may they be acknowledged."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from iotops.clock import monotonic_ns
from iotops.errors import CommitUnknown, Overtaken, PoisonRow
from iotops.incidents.desk import Queue, Surroundings
from iotops.incidents.outlook import Outlook
from iotops.incidents.storm import review
from iotops.ingest.admission import Admission
from iotops.ingest.batchwork import BatchWork, Ledgers, next_state, store
from iotops.ingest.chronicle import Chronicle
from iotops.ingest.clocks import ClockWatch
from iotops.ingest.figures import Tallies
from iotops.ingest.gaps import GapWatch
from iotops.ingest.retry import Patience
from iotops.ingest.roster import Roster
from iotops.ingest.tally import tally
from iotops.rules.compile import Program
from iotops.rules.engine import Evaluation, Now, evaluate
from iotops.rules.memory import Memory
from iotops.store import dead_letters, slots
from iotops.store.database import Database, Unit
from iotops.store.duplicates import Recent
from iotops.store.notes import Note
from iotops.store.slots import IngestState
from iotops.telemetry.batch import Batch
from iotops.telemetry.decode import DeadLetter, Decoded, decode_all
from iotops.telemetry.limits import Limits
from iotops.telemetry.message import Message

LOG = logging.getLogger(__name__)

TIMER_LAG_MS = 500
"""Timers run this far behind: a reading that is due at the same instant and still on its way is to be judged first."""


REVIEW_EVERY_MS = 500
"""Wall-clock time between two looks at what waits for a cause: thousands may wait, and none is in a hurry."""


class Pipeline:
    """Takes raw messages all the way to stored telemetry and incidents. One thread uses it.

    Attributes:
        program: the compiled rules in force.
        around: what correlation knows beside the alerts.
        faults, fault_texts: rule -> how often it raised, and what it said last.
        tallies: counts by rule and metric.
        chronicle: what the log of arrivals is told with the next commit.
    """

    def __init__(
        self,
        database: Database,
        ledgers: Ledgers,
        memory: Memory,
        program: Program,
        around: Surroundings,
        *,
        limits: Limits,
        admission: Admission,
        patience: Patience,
    ) -> None:
        self.program = program
        self.memory = memory
        self.roster = Roster(memory)
        self.around = replace(around, landscape=self.roster.landscape)
        self.ledgers = ledgers
        self.faults: Counter[str] = Counter()
        self.fault_texts: dict[str, str] = {}
        self.chronicle = Chronicle(self.roster)
        self.tallies = Tallies(monotonic_ns)
        self._database = database
        self._recent = Recent(ledgers.trails)
        self._limits = limits
        self._clocks = ClockWatch(memory, limits.max_skew_ms)
        self._gaps = GapWatch(memory, ledgers.trails, ledgers.numberings)
        self._admission = admission
        self._patience = patience
        self._reviewed_ms = 0

    def process(self, messages: Sequence[Message], now: Now, notes: Sequence[Note] = ()) -> None:
        """Judge and store messages in their order; once this returns they are safe.

        Without messages it is a tick: timers that are due run, and nothing is written where nothing changed.

        Raises:
            Stopped: the database refused until we were told to end; nothing of this call is stored.
        """
        try:
            self._process(messages, now, notes)
        except PoisonRow as error:
            self._isolate(messages, now, notes, error)

    def apply(self, judge: Callable[[], Evaluation], now: Now, notes: Sequence[Note] = ()) -> None:
        """Store what an evaluation other than that of a batch found: a reload of rules.

        Raises:
            Stopped: as `process`.
        """
        self._keep(BatchWork(Batch(), (), judge(), {}, notes, now))

    def _process(self, messages: Sequence[Message], now: Now, notes: Sequence[Note]) -> None:
        decoded = self._admission.admit(decode_all(messages, self._limits), messages, self.roster)
        repeated, letters = self._sift(decoded)
        readings = [reading for row, reading in enumerate(decoded.readings) if row not in repeated]
        counts = dict(tally(messages, replace(decoded, dead_letters=letters), repeated))
        if len(letters) < len(decoded.dead_letters):
            counts["duplicates"] = counts.get("duplicates", 0) + len(decoded.dead_letters) - len(letters)
        self.roster.see(readings, now.connected_ms)
        batch = Batch(self._gaps.look(self._clocks.look(readings), letters))
        costs = self.tallies.costs() if readings else None
        evaluation = evaluate(self.program, batch, self.memory, _for_timers(now), costs=costs)
        judged = {
            "evaluated": sum(not reading.retained for reading in readings),
            "late": evaluation.late_count,
            "rejected": sum(evaluation.rejected.values()),
        }
        counts |= {name: count for name, count in judged.items() if count} | self._gaps.counts
        self._keep(BatchWork(batch, letters, evaluation, counts, notes, now, numberings=self._gaps.changed))
        self._gaps.settle()
        self.tallies.take(evaluation, costs)

    def _sift(self, decoded: Decoded) -> tuple[set[int], tuple[DeadLetter, ...]]:
        """Return the rows of readings that are stored already, and the dead letters that are not."""
        found: tuple[set[int], tuple[DeadLetter, ...]] = (set(), ())

        def look() -> None:
            nonlocal found
            with self._database.read() as unit:
                found = (
                    self._recent.known(unit, decoded.readings),
                    tuple(dead_letters.fresh(unit, decoded.dead_letters)),
                )

        if decoded.readings or decoded.dead_letters:
            self._patience.insist(look, _never_commits)
        return found

    def _keep(self, work: BatchWork) -> None:
        """Commit a batch, and let memory follow; on any failure memory is as it was."""
        evaluation = work.evaluation
        for fault in evaluation.faults:
            self.faults[fault.rule] += 1
            self.fault_texts[fault.rule] = f"on {fault.device}: {fault.error}"
        outlook = Outlook(self.memory, work.now.connected_ms)
        around = replace(self.around, labels=self.roster.labels, outlook=outlook)
        work = replace(work, queue=self._queue(around, work.now))

        engine_now = _for_timers(work.now)
        is_worth_a_commit = work.is_worth_a_commit or self.chronicle.is_due
        work = replace(work, notes=self.chronicle.notes(work.notes, work.batch, engine_now))
        state = next_state(work, self.ledgers, self.memory.ticked_ms)

        def write() -> None:
            with self._database.begin() as unit:
                store(unit, work, state, self.ledgers, around)

        try:
            if is_worth_a_commit:
                self._patience.insist(write, partial(self._was_committed, state))
        except BaseException:
            evaluation.journal.drop()
            raise
        if is_worth_a_commit:
            self.chronicle.told()
        elif not evaluation.journal.is_empty:
            self.chronicle.ticked(engine_now)
        evaluation.journal.apply()

    def _queue(self, around: Surroundings, now: Now) -> Queue:
        """Return what has to be looked at beside alerts that change; now and then see what that is."""
        waiting, revisits = self.ledgers.waiting, self.ledgers.revisits
        if abs(now.wall_ms - self._reviewed_ms) < REVIEW_EVERY_MS:
            return Queue(waiting, frozenset())
        self._reviewed_ms = now.wall_ms
        queue = review(waiting, around, now.wall_ms) if waiting else Queue(waiting, frozenset())
        self.ledgers.waiting = queue.waiting
        return queue._replace(returned=revisits.returned(around.outlook), grown=revisits.grown(around.outlook))

    def _was_committed(self, state: IngestState, error: CommitUnknown) -> bool:
        """Read whether the commit that leads to `state` happened, although its answer was lost."""
        with self._database.read() as unit:
            found = slots.state(unit)
        if found == self.ledgers.state:
            return False
        if found != state:
            msg = f"database: batch {found.batch_no} is not ours; another ingest is at work on it, stop one"
            raise Overtaken(msg)
        assert isinstance(error.unit, Unit)  # noqa: S101  `Database.begin` is the only one to raise it
        error.unit.settle(committed=True)
        return True

    def _isolate(self, messages: Sequence[Message], now: Now, notes: Sequence[Note], error: PoisonRow) -> None:
        """Find the messages that the database refuses by halving, dead-letter them, and store the others."""
        if not messages:
            raise error
        if len(messages) > 1:
            half = len(messages) // 2
            # Timers wait until all of the batch is judged, as they would have without the halving.
            self.process(messages[:half], replace(now, drained=False), notes)
            self.process(messages[half:], now)
            return
        LOG.error("message on %s is refused by the database and kept as a dead letter: %s", messages[0].topic, error)
        letter = DeadLetter(messages[0], "db_constraint", str(error), 0)
        self._gaps.look((), (letter,))
        nothing = evaluate(self.program, Batch(), self.memory, _for_timers(replace(now, drained=False)))
        counts = {"messages": 1, "dead_lettered": 1}
        self._keep(BatchWork(Batch(), (letter,), nothing, counts, notes, now, numberings=self._gaps.changed))
        self._gaps.settle()


def _for_timers(now: Now) -> Now:
    return replace(now, connected_ms=now.connected_ms - TIMER_LAG_MS)


def _never_commits(_error: CommitUnknown) -> bool:
    return False
