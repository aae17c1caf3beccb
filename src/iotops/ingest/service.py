"""The ingest process: one worker between the broker and the database."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iotops.clock import monotonic_ms, now_ms
from iotops.ingest.editions import Editions
from iotops.ingest.pipeline import Pipeline
from iotops.ingest.receiver import Delivery, Receiver, ReceiverEvent, ReceiverEventKind
from iotops.ingest.retry import Patience, Stopped
from iotops.ingest.snapshots import Snapshots
from iotops.ingest.vitals import Vitals
from iotops.rules.engine import Now
from iotops.rules.memory import SLOTS
from iotops.store.database import Database
from iotops.store.notes import Note, NoteKind

LOG = logging.getLogger(__name__)

YIELD_S = 0.002  # after a commit: the API's writers wait for the same lock of SQLite
LATELY_MS = 5_000
PEOPLE_WRITE_PARTS = 4  # while people write, a commit that they wait for is made of so many
FINISH_WITHIN_MS = 6_000  # who stops us waits ten seconds; what is left then is not acknowledged, and comes again
LAST_MS = 100  # how long a burst that is being received may take, before nothing more is expected
IDLE_MS = 200  # how long a turn waits for a first message; timers run at least that often
_NOTES: Mapping[ReceiverEventKind, NoteKind] = {
    ReceiverEventKind.SUBSCRIBED: NoteKind.CONNECTED,
    ReceiverEventKind.DISCONNECTED: NoteKind.DISCONNECTED,
    ReceiverEventKind.SESSION_LOST: NoteKind.SESSION_LOST,
}


@dataclass(frozen=True, slots=True)
class Pace:
    """How messages are grouped: a commit when so many are there, or so long after the first."""

    commit_messages: int
    commit_ms: int


class Ingest:
    """Receives, judges, stores and acknowledges, until it is told to stop."""

    def __init__(
        self,
        database: Database,
        receiver: Receiver,
        pipeline: Pipeline,
        *,
        editions: Editions,
        snapshots: Snapshots,
        vitals: Vitals,
        patience: Patience,
        pace: Pace,
    ) -> None:
        self._database = database
        self._receiver = receiver
        self._pipeline = pipeline
        self._editions = editions
        self._snapshots = snapshots
        self._vitals = vitals
        self._patience = patience
        self._pace = pace
        self._notes: list[Note] = []

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then finish what was received, write memory down, and disconnect."""
        self._receiver.start()
        try:
            while not stop.is_set():
                self._turn()
            self._finish()
        except Stopped as error:
            LOG.warning("stopped while the database refused work (%s); the broker delivers it again", error)
        finally:
            self._receiver.stop()

    def _turn(self) -> None:
        self._vitals.turned_ms = now_ms()
        self._vitals.devices = len(self._pipeline.roster)
        deliveries = self._gather()
        self._work(deliveries)
        self._editions.look(self._pipeline, self._now())
        self._snapshot()

    def _gather(self) -> list[Delivery]:
        """Return the messages of one commit; none where it is quiet."""
        idle_ms = min(IDLE_MS, max(self._pace.commit_ms, 1))
        return self._receiver.take(self._most(), idle_ms, self._pace.commit_ms)

    def _most(self) -> int:
        """Return how many messages are committed together at the most."""
        most = self._pace.commit_messages
        return -(-most // PEOPLE_WRITE_PARTS) if self._database.people_write(LATELY_MS) else most

    def _work(self, deliveries: Sequence[Delivery]) -> None:
        self._notes += map(_note, (each for each in self._receiver.events() if each.kind in _NOTES))
        messages = [delivery.message for delivery in deliveries]
        began_ms = monotonic_ms()
        self._pipeline.process(messages, self._now(), self._notes)
        self._notes = []
        if not deliveries:
            return
        self._receiver.acknowledge(deliveries)
        vitals = self._vitals
        vitals.commits_ms.append(monotonic_ms() - began_ms)
        vitals.last_message_ms = messages[-1].received_ms
        vitals.lag_ms = max(0, now_ms() - messages[0].received_ms)
        time.sleep(YIELD_S)

    def _now(self) -> Now:
        return Now(now_ms(), self._receiver.connected_ms(), drained=self._receiver.status().drained)

    def _snapshot(self, count: int | None = None) -> None:
        due = self._snapshots.due(monotonic_ms()) if count is None else count
        if due <= 0:
            return

        tallies = self._pipeline.tallies
        taken = self._snapshots.take(self._pipeline.ledgers.state, due)

        def write() -> None:
            with self._database.begin() as unit:
                self._snapshots.write(unit, taken, now_ms())
                if tallies.is_due(now_ms()) or count is not None:
                    tallies.write(unit, now_ms())

        # Writing the same slots twice does no harm, so an unknown outcome needs no look.
        self._patience.insist(write, lambda _error: False)

    def _finish(self) -> None:
        """Take in what is received already, so that it is not delivered again, and write all memory down.

        The broker is left before memory is written: meanwhile it would send more, for nobody.
        """
        self._receiver.stop_reading()
        deadline_ms = monotonic_ms() + FINISH_WITHIN_MS
        while monotonic_ms() < deadline_ms and (deliveries := self._receiver.take(self._pace.commit_messages, LAST_MS)):
            self._work(deliveries)
        self._receiver.stop()
        self._snapshot(SLOTS)


def _note(event: ReceiverEvent) -> Note:
    return Note(_NOTES[event.kind], event.at_ms, event.connected_ms, {"epoch": event.epoch, "detail": event.detail})
