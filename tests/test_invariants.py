"""I1 to I7: each holds after a run without faults, and each fails where what it says was broken on purpose."""

import hashlib
import json

import pytest
from plant import Plant
from sqlalchemy import text
from works import NOTIFY, RULES

from iotops.footprint import Footprint
from iotops.invariants import NAMES, Expectation, judge
from iotops.ledger import Published
from iotops.notify.courier import Courier
from iotops.notify.routefile import parse_notify
from iotops.store.database import Database
from iotops.telemetry.reading import DeviceKey

KEY = DeviceKey("site", "d1")
BAD = b'{"seq": "x"}'
CALM = Footprint(40, 9, 100 << 20)


@pytest.fixture
def after_a_run(sqlite_url, tmp_path, wait_until):
    """A database with ten readings, a dead letter, an episode, its incident and its notice; and the ledger."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "rules.yaml").write_text(RULES)
    (tmp_path / "rules" / "notify.yaml").write_text(NOTIFY)
    database = Database.open(sqlite_url)
    database.upgrade()
    plant, ledger = Plant(database, tmp_path / "rules"), []
    for seq in range(1, 11):
        body = json.dumps({"ts": plant.now_ms, "boot": "b", "seq": seq, "temp": 35 if 3 <= seq < 7 else 20}).encode()
        ledger.append(_published(plant, body, "b", seq))
        plant.process(plant.message("site/d1/telemetry", body))
        plant.wait(60_000)
    plant.process(plant.message("site/d1/telemetry", BAD))
    ledger.append(_published(plant, BAD, "", None))
    courier = Courier(database, tmp_path / "rules")

    def told():
        courier.turn(plant.now_ms)
        with database.read() as unit:
            waiting = "SELECT (SELECT count(*) FROM outbox) + count(*) FROM notice WHERE state <> 'delivered'"
            return not unit.connection.execute(text(waiting)).scalar_one()

    wait_until(told, 60, "everybody told")
    yield database, ledger
    database.close()


def _published(plant, body, boot, seq):
    at_ms = None if seq is None else plant.now_ms
    return Published(KEY, boot, seq, at_ms, hashlib.sha256(body).hexdigest(), acked=True)


def broken(database, ledger, *, now=CALM, sql=()):
    """Return those of the seven that do not hold, after statements by which somebody breaks them."""
    with database.begin() as unit:
        for each in sql:
            unit.connection.execute(text(each))
    notify, _ = parse_notify("notify.yaml", NOTIFY)
    expected = Expectation(notify, footprints=(CALM, now), episodes=[("hot", "site/d1")])
    with database.read() as unit:
        found = judge(unit, ledger, expected)
    assert [line[:2] for line in found.lines()] == list(NAMES)
    return {number for number, fault in found.faults.items() if fault}


_COPY = "device_id, previous, kind, at_ms, received_ms, connected_ms, batch_no, skewed, boot, seq, identity, packed"
_REST = "route, channel, events, state, attempts, created_ms, due_ms, updated_ms"
PLANTED = {
    "a stored row is gone": ({"I1"}, "DELETE FROM arrival WHERE seq = 5"),
    "a dead letter is gone": ({"I1"}, "DELETE FROM dead_letter"),
    "a row is there twice": (
        {"I3"},
        f"INSERT INTO arrival (position, {_COPY}) SELECT position + 1000, {_COPY} FROM arrival WHERE seq = 5",
    ),
    "an episode without its incident": (
        {"I4"},
        "UPDATE alert SET incident_id = NULL",
        "UPDATE incident SET alert_id = NULL",
    ),
    "an incident without its episode": ({"I4"}, "DELETE FROM alert"),
    "an incident that nobody was told of": ({"I5"}, "DELETE FROM notice"),
    "a notice that failed": ({"I5"}, "UPDATE notice SET state = 'failed'"),
    "a notice under two keys": (
        {"I5"},
        f"INSERT INTO notice (key, {_REST}) SELECT key || '2', {_REST} FROM notice",
    ),
    "a notice on its way": ({"I5"}, "UPDATE notice SET state = 'pending'"),
    "a chain whose head is another": ({"I6"}, "UPDATE timeline_head SET seq = seq + 1"),
    "a chain of deeds whose head is another": ({"I6"}, "UPDATE deed_head SET seq = seq + 1"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_what_was_broken_on_purpose_is_found_by_its_invariant_alone(after_a_run, planted):
    """Nothing is wrong before; afterwards exactly that one of the seven which says so."""
    database, ledger = after_a_run
    assert broken(database, ledger) == set()

    expected, *sql = PLANTED[planted]

    assert broken(database, ledger, sql=sql) == expected


def test_message_that_is_stored_and_a_dead_letter_breaks_the_second(after_a_run):
    """A letter with the payload of a stored message is one too many, until it was sent again."""
    database, ledger = after_a_run
    stored = next(row for row in ledger if row.seq == 4)
    also = f"UPDATE dead_letter SET sha256 = '{stored.sha256}'"
    rest = [row for row in ledger if row.seq is not None]

    assert broken(database, rest, sql=[also]) == {"I2"}
    assert broken(database, rest, sql=["UPDATE dead_letter SET redriven_ms = 1"]) == set()


def test_growth_breaks_the_last(after_a_run):
    """A tenth more and some spare is no growth; more files, threads or memory are."""
    database, ledger = after_a_run

    assert broken(database, ledger, now=Footprint(50, 11, 150 << 20)) == set()
    for grown in (Footprint(99, 9, 1), Footprint(40, 30, 1), Footprint(40, 9, 200 << 20)):
        assert broken(database, ledger, now=grown) == {"I7"}


def test_what_nobody_can_know_is_said(after_a_run):
    """Without an ingest that said what it holds the last is neither kept nor broken."""
    database, ledger = after_a_run
    with database.read() as unit:
        found = judge(unit, ledger, Expectation())

    assert found.faults["I7"] is None
    assert list(found.lines())[-1].endswith("not known")
