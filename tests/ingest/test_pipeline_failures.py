"""Whatever the database does, a batch is stored once or not at all, and memory says what the database says."""

import json
import threading
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from iotops.errors import CommitUnknown, Overtaken, StoreBusy
from iotops.incidents.desk import Surroundings
from iotops.ingest import retry
from iotops.ingest.admission import Admission
from iotops.ingest.batchwork import Ledgers
from iotops.ingest.pipeline import Pipeline
from iotops.ingest.restore import restore
from iotops.ingest.retry import Patience, Stopped
from iotops.rules.alert import AlertState
from iotops.rules.compile import compile_rules
from iotops.rules.engine import Now
from iotops.rules.memory import Memory
from iotops.rules.reload import reload
from iotops.rules.rulefile import parse_rules
from iotops.store import accounting, alerts, dead_letters
from iotops.store.database import Database, Unit
from iotops.telemetry.limits import Limits
from iotops.telemetry.message import Message
from iotops.telemetry.reading import DeviceKey

RULES = """
metrics:
  temp: {kind: gauge, every: 1m}
rules:
  - alert: too_warm
    when: temp > 30
    for: 60s
    severity: warning
  - alert: left_open
    sequence: [{when: 'door == "open"'}, {not: 'door == "shut"', within: 20s}]
    until: 'door == "shut"'
"""
START_MS = 1_800_000_000_000
REFUSED = 666
"""The counter of a message that the database is made to refuse."""


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_DELAY_S", 0.001)


@pytest.fixture
def database(database_url):
    opened = Database.open(database_url)
    opened.upgrade()
    yield opened
    opened.close()


class Unreliable:
    """A database that fails as it is told: `busy`, or a commit without an answer, `lost_done` or `lost_undone`."""

    def __init__(self, database):
        self._database = database
        self.read = database.read
        self.faults = []
        self.meanwhile = lambda: None

    @contextmanager
    def begin(self):
        fault = self.faults.pop(0) if self.faults else None
        if fault == "busy":
            message = "database: locked"
            raise StoreBusy(message)
        if fault is None:
            with self._database.begin() as unit:
                yield unit
            return
        with self._database._writer.connect() as connection:
            transaction = connection.begin()
            unit = Unit(connection)
            yield unit
            transaction.commit() if fault == "lost_done" else transaction.rollback()
        self.meanwhile()
        message = "database: connection lost"
        raise CommitUnknown(message, unit)


class Plant:
    """A pipeline as the ingest builds it; `restart` forgets everything that is only in memory."""

    def __init__(self, database, *, max_devices=100, max_metrics=10):
        self.database = database
        self.faulty = Unreliable(database)
        self.stop = threading.Event()
        self._bounds = max_devices, max_metrics
        self.restart()

    def restart(self):
        rules, findings = parse_rules({"rules.yaml": RULES})
        assert not [finding for finding in findings if finding.level == "error"]
        memory, program = Memory(), compile_rules(rules)
        with self.database.read() as unit:
            ledgers = Ledgers.load(unit)
        self.patience = Patience(self.stop)
        self.pipeline = Pipeline(
            self.faulty,
            ledgers,
            memory,
            program,
            Surroundings(rules.rules, {}),
            limits=Limits(),
            admission=Admission(*self._bounds),
            patience=self.patience,
        )
        with self.database.read() as unit:
            restore(unit, memory, program, self.pipeline.roster)

    def process(self, *messages, connected_ms=0, drained=False):
        self.pipeline.process(messages, Now(START_MS + connected_ms, connected_ms, drained=drained))

    def stored(self, device="d1"):
        with self.database.read() as unit:
            return sorted(found.seq for found in accounting.stored_by_device(unit)(DeviceKey("s1", device)))

    def letters(self):
        with self.database.read() as unit:
            return [letter.reason for letter in dead_letters.page(unit, limit=200)]

    def counts(self):
        return dict(self.pipeline.ledgers.state.counters)

    def incidents(self):
        with self.database.read() as unit:
            return unit.connection.execute(text("SELECT count(*) FROM incident")).scalar_one()


def sent(seq, temp=20, *, device="d1", at_s=None, dup=False, **more):
    at_s = seq if at_s is None else at_s
    body = {"ts": START_MS + at_s * 1000, "boot": "b", "seq": seq, "temp": temp, **more}
    return Message(
        f"iot/s1/{device}/telemetry", json.dumps(body).encode(), START_MS + at_s * 1000, at_s * 1000, dup=dup
    )


def refuse(database):
    """Have the database itself refuse one row, whatever we think of it."""
    with database.begin() as unit:
        if unit.dialect == "postgresql":
            unit.connection.execute(text(f"ALTER TABLE arrival ADD CHECK (seq <> {REFUSED})"))
        else:
            unit.connection.execute(
                text(
                    f"CREATE TRIGGER refuse BEFORE INSERT ON arrival WHEN NEW.seq = {REFUSED} "
                    "BEGIN SELECT RAISE(ABORT, 'refused'); END"
                )
            )


@pytest.mark.parametrize("place", range(5))
def test_row_that_the_database_refuses_costs_only_its_own_message(database, place):
    """The neighbours are stored once, in order, and the message itself is kept as a dead letter."""
    refuse(database)
    plant = Plant(database)
    messages = [sent(seq) for seq in range(1, 5)]
    messages.insert(place, sent(REFUSED))

    plant.process(*messages)

    assert plant.stored() == [1, 2, 3, 4]
    assert plant.letters() == ["db_constraint"]
    assert plant.counts()["messages"] == plant.counts()["stored"] + plant.counts()["dead_lettered"] == 5


def test_halving_a_batch_runs_no_timer_early(database):
    """A hold that a later message of the same batch ends does not run out because its batch was taken apart."""
    refuse(database)
    plant = Plant(database)

    plant.process(
        sent(1, 33, at_s=0),
        sent(REFUSED, device="d2", at_s=1),
        sent(2, 20, at_s=30),
        sent(3, 20, at_s=31),
        connected_ms=300_000,
        drained=True,
    )

    assert plant.stored() == [1, 2, 3]
    assert plant.incidents() == 0


@pytest.mark.parametrize("fault", ["busy", "lost_done", "lost_undone"])
def test_failed_transaction_is_done_exactly_once(database, fault):
    """After a failure at any point the batch is stored once, and memory goes on from it."""
    plant = Plant(database)
    plant.process(sent(1, 33))
    plant.faulty.faults = [fault, "busy", fault]

    plant.process(sent(2, 33))
    plant.process(sent(2, 33, dup=True), sent(3, 33, at_s=70))

    assert plant.stored() == [1, 2, 3]
    assert plant.counts()["duplicates"] == 1
    assert plant.incidents() == 1
    assert plant.patience.trouble is None


def test_what_another_process_committed_ends_this_one(database):
    """Two ingests on one database never mix: the one that comes second is refused."""
    ours, rival = Plant(database), Plant(database)
    rival.process(sent(1))

    with pytest.raises(Overtaken):
        ours.process(sent(2))

    assert ours.stored() == [1]


def test_commit_of_a_rival_is_not_taken_for_ours(database):
    """A lost answer, and a rival's commit before we look: nothing is acknowledged that is not stored."""
    ours, rival = Plant(database), Plant(database)
    ours.faulty.faults = ["lost_undone"]
    ours.faulty.meanwhile = lambda: rival.process(sent(1), connected_ms=1)

    with pytest.raises(Overtaken):
        ours.process(sent(2))

    assert ours.stored() == [1]


def test_stop_while_the_database_refuses_leaves_everything_as_it_was(database):
    """What was not committed is delivered again, and then counts as if nothing had been."""
    plant = Plant(database)
    plant.process(sent(1, 33))
    plant.faulty.faults = ["busy"] * 3
    plant.stop.set()

    with pytest.raises(Stopped):
        plant.process(sent(2, 33, at_s=70))

    assert plant.incidents() == 0
    plant.faulty.faults = []
    plant.process(sent(2, 33, at_s=70, dup=True))
    assert plant.stored() == [1, 2]
    assert plant.incidents() == 1


def test_restart_goes_on_with_a_hold_that_had_begun(database):
    """A hold that began before a restart ends when it would have ended without one."""
    plant = Plant(database)
    plant.process(sent(1, 33, at_s=0), sent(2, 33, at_s=40))

    plant.restart()
    plant.process(sent(3, 33, at_s=61))

    assert plant.incidents() == 1


def test_restart_goes_on_with_a_sequence_that_had_begun(database):
    """How far it had come was committed with the readings: it completes at its time, whoever judges it then."""
    plant = Plant(database)
    plant.process(sent(1, 33, at_s=0, door="shut"))

    plant.restart()
    plant.process(sent(2, 20, at_s=30, door="open"))
    plant.restart()
    plant.process(drained=True, connected_ms=60_000)

    with database.read() as unit:
        fired = [(alert.key.rule, alert.fired_ms) for alert in alerts.load_open(unit)]
    assert fired == [("left_open", START_MS + 50_000)]


def test_rule_on_trial_raises_its_incident_when_the_trial_ends(database):
    """In shadow the alert is stored and marked, and nobody is called; the reload that makes it live calls them once."""
    plant = Plant(database)
    trial, live = (
        parse_rules({"r.yaml": RULES.replace("for: 60s", f"mode: {mode}")})[0] for mode in ("shadow", "live")
    )

    def put_in_force(rule_set):
        plant.pipeline.program, plant.pipeline.around = compile_rules(rule_set), Surroundings(rule_set.rules, {})
        plant.pipeline.apply(
            lambda: reload(plant.pipeline.program, plant.pipeline.memory), Now(START_MS + 2_000, 2_000)
        )

    put_in_force(trial)
    plant.process(sent(1, 33))
    with database.read() as unit:
        marked = [(alert.state, alert.is_shadow) for alert in alerts.load_open(unit)]
    before = plant.incidents()
    put_in_force(live)
    put_in_force(live)

    assert (marked, before) == ([(AlertState.FIRING, True)], 0)
    assert plant.incidents() == 1


def test_restart_knows_what_a_retained_status_said(database):
    """A retained status is no arrival and comes only once; whoever is offline stays so over a restart."""
    plant = Plant(database)
    plant.process(Message("iot/s1/d1/status", b"offline", START_MS, retain=True))
    plant.process(sent(1, device="d2"), Message("iot/s1/d2/status", b"online", START_MS + 2_000, retain=True))

    plant.restart()

    memory = plant.pipeline.memory
    assert memory.get(DeviceKey("s1", "d1")).online is False
    assert memory.get(DeviceKey("s1", "d2")).online is True


def test_bad_message_beside_its_own_redelivery_is_kept_once(database):
    """After a reconnect a message may stand in the buffer twice before any of it is stored."""
    plant = Plant(database)
    bad = Message("iot/s1/d1/telemetry", b"{", START_MS)
    again = Message("iot/s1/d1/telemetry", b"{", START_MS + 1, dup=True)

    plant.process(bad, again)
    plant.process(again)

    assert plant.letters() == ["bad_json"]
    assert plant.counts() == {"messages": 3, "dead_lettered": 1, "duplicates": 2, "redelivered": 2, **_reasons(plant)}


def test_devices_beyond_the_bound_are_dead_letters(database):
    """Whoever invents devices fills no memory; those that are known go on."""
    plant = Plant(database, max_devices=2)

    plant.process(sent(1, device="d1"), sent(1, device="d2"), sent(1, device="d3"))
    plant.restart()
    plant.process(sent(2, device="d3"), sent(2, device="d1"))

    assert plant.letters() == ["device_limit", "device_limit"]
    assert (plant.stored("d1"), plant.stored("d2"), plant.stored("d3")) == ([1, 2], [1], [])
    assert len(plant.pipeline.roster) == 2


def test_metrics_beyond_the_bound_are_dead_letters(database):
    """A device that invents metric names is held; what it always sent is stored on."""
    plant = Plant(database, max_metrics=3)

    plant.process(sent(1, a=1, b=2), sent(2, c=3), sent(3, a=1))

    assert plant.letters() == ["metric_limit"]
    assert plant.stored() == [1, 3]


def _reasons(plant):
    return {name: count for name, count in plant.counts().items() if ":" in name}
