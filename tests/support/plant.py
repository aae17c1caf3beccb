"""An ingest without a broker: the real pipeline, editions, snapshots and restarts; its transitions are watched."""

import json
import random
import threading
from dataclasses import replace

from iotops.incidents.desk import Surroundings
from iotops.ingest.admission import Admission
from iotops.ingest.batchwork import Ledgers
from iotops.ingest.editions import Editions
from iotops.ingest.pipeline import Pipeline
from iotops.ingest.restore import restore
from iotops.ingest.retry import Patience
from iotops.ingest.rulebook import Rulebook
from iotops.ingest.snapshots import Snapshots
from iotops.ingest.vitals import Vitals
from iotops.rules.compile import compile_rules
from iotops.rules.engine import Now
from iotops.rules.memory import SLOTS, Memory
from iotops.store.notes import Note, NoteKind
from iotops.telemetry.limits import Limits
from iotops.telemetry.message import Message

START_MS = 1_800_000_000_000
MINUTE_MS = 60_000


class Watched(Pipeline):
    """A pipeline that remembers the transitions of what it kept."""

    log: list

    def _keep(self, work):
        super()._keep(work)
        self.log += [seen(each) for each in work.evaluation.transitions]


def seen(transition):
    """Return everything of a transition but counts that only rows hold."""
    alert = replace(transition.alert, occurrences=0, last_true_ms=None)
    return transition.change, transition.at_ms, alert, transition.reason


class Plant:
    """Devices, a line to them, and the ingest; `now_ms` is the wall clock of all."""

    def __init__(self, database, rules, *, seed=1, now_ms=START_MS):
        self.database = database
        self.rules = rules
        self.now_ms = now_ms
        self.connected_ms = 0
        self.log = []
        self.chance = random.Random(seed)
        self._stop = threading.Event()
        self._patience = Patience(self._stop)
        self.restart()

    def restart(self):
        """Start the ingest, from whatever the database holds."""
        rulebook = Rulebook(self.rules)
        edition = rulebook.open()
        memory, program = Memory(), compile_rules(edition.rules)
        with self.database.read() as unit:
            ledgers = Ledgers.load(unit)
        self.pipeline = Watched(
            self.database,
            ledgers,
            memory,
            program,
            Surroundings(edition.rules.rules, {}),
            limits=Limits(),
            admission=Admission(1_000, 100),
            patience=self._patience,
        )
        self.pipeline.log = self.log
        with self.database.read() as unit:
            restore(unit, memory, program, self.pipeline.roster)
        self.connected_ms = ledgers.state.connected_ms
        self._rulebook = rulebook
        self._vitals = Vitals("mqtt://nowhere", self._patience)
        self._editions = Editions(self.database, rulebook, self._vitals, self._patience, every_ms=0)
        self._editions.publish(self.pipeline, edition, self.present(drained=False))
        self._snapshots = Snapshots(memory, MINUTE_MS, self.now_ms)

    def present(self, *, drained=True):
        return Now(self.now_ms, self.connected_ms, drained=drained)

    def wait(self, ms, *, connected=True):
        self.now_ms += ms
        self.connected_ms += ms if connected else 0

    def message(self, topic, payload, *, retain=False):
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return Message(f"iot/{topic}", body, self.now_ms, self.connected_ms, retain=retain)

    def process(self, *messages, drained=True, notes=()):
        self.pipeline.process(messages, self.present(drained=drained), notes)

    def look(self):
        """Look for changes of files and devices, as the worker does every second."""
        self._editions.look(self.pipeline, self.present())

    def note(self, kind):
        return Note(kind, self.now_ms, self.connected_ms, {"epoch": 1, "detail": ""})

    def snapshot(self, count=SLOTS):
        with self.database.begin() as unit:
            self._snapshots.write(unit, self._snapshots.take(self.pipeline.ledgers.state, count), self.now_ms)

    def lose_connection(self, ms):
        self.process(notes=[self.note(NoteKind.DISCONNECTED)])
        self.wait(ms, connected=False)
        self.process(notes=[self.note(NoteKind.CONNECTED)], drained=False)
