"""The periodic jobs of the ingest process."""

import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from iotops import schedule
from iotops.clock import now_ms
from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import Actor
from iotops.ingest.intake_watch import IntakeWatch
from iotops.ingest.receiver import ReceiverStatus
from iotops.ingest.retry import Patience
from iotops.ingest.vitals import Vitals
from iotops.settings import AuditSettings, RetentionSettings
from iotops.store import dead_letters, heartbeats, incidents, timeline, topology
from iotops.store.database import Database
from iotops.telemetry.decode import DeadLetter
from iotops.telemetry.message import Message

DAY_MS = 86_400_000


@pytest.fixture
def duties(database_url, tmp_path):
    """Return duties over an empty database and a receiver that is subscribed."""
    database = Database.open(database_url)
    database.upgrade()
    stop = threading.Event()
    receiver = SimpleNamespace(status=lambda: ReceiverStatus(connected=True, subscribed=True))
    vitals = Vitals("mqtt://b", Patience(stop), turned_ms=now_ms())
    watch = IntakeWatch(now_ms(), 60_000)
    audit = AuditSettings(anchor_file=tmp_path / "iotops.anchors")
    kept = (RetentionSettings(), now_ms(), stop, watch)
    yield schedule.Duties(database, receiver, vitals, Policy(), *kept, audit=audit)
    database.close()


def test_sign_of_life_says_how_the_ingest_is(duties):
    """The heartbeat is ready while the worker turns, and says why it is not when it hangs."""
    schedule.beat(duties)
    well = latest(duties)
    duties.vitals.turned_ms -= 60_000
    schedule.beat(duties)
    hanging = latest(duties)

    assert (well["ready"], well["reasons"]) == (True, [])
    assert not hanging["ready"]
    assert "has not turned for 60 s" in hanging["reasons"][0]


def test_clocks_are_followed_and_tell_their_breach_once_over_a_restart(duties):
    """The job promises, and tells near and breach; another process that starts anew tells nothing again."""
    long_ago_ms = now_ms() - 3_600_000
    with duties.database.begin() as unit:
        topology.create(unit, "sla-policies", "default", {"respond_minutes": {"P4": 1}}, long_ago_ms)
        ana = Actor("token", "ana")
        number = incidents.create(unit, ana, long_ago_ms, title="it leaks", policy=Policy()).number

    for _ in range(3):
        schedule.follow_clocks(replace(duties, started_ms=now_ms()))

    with duties.database.read() as unit:
        told = [stored.entry.type for stored in timeline.entries(unit, number)]
    assert told == ["raised", "promised", "sla_near", "sla_breached"]


def latest(duties):
    """Return what the newest sign of life says."""
    with duties.database.read() as unit:
        return heartbeats.latest(unit)["ingest"].data


def test_prune_deletes_what_is_older_than_it_is_kept(duties):
    """A dead letter of 31 days ago goes, one of 29 days stays."""
    with duties.database.begin() as unit:
        dead_letters.keep(
            unit, [DeadLetter(Message("t", b"{", now_ms() - days * DAY_MS), "bad_json", "", 0) for days in (31, 29)]
        )

    schedule.prune(duties)

    with duties.database.read() as unit:
        (kept,) = dead_letters.page(unit, limit=10)
    assert kept.received_ms > now_ms() - 30 * DAY_MS


def test_failing_job_takes_its_next_turn_and_stops_no_other(duties, monkeypatch, wait_until, caplog):
    """One job's failure is logged; it is called again, and the others go on."""
    turns = []

    def fails(_duties):
        turns.append(1)
        raise ZeroDivisionError

    monkeypatch.setattr(schedule, "JOBS", ((fails, 1), (schedule.beat, 1)))
    scheduler = schedule.start(duties, keep_lock=lambda: None)

    wait_until(lambda: len(turns) >= 2, what="the second turn")
    wait_until(lambda: latest_or_none(duties), what="the other job")
    schedule.finish(scheduler, duties)

    assert "fails failed; tried again at its next turn" in caplog.text


def latest_or_none(duties):
    """Return the newest sign of life where there is one."""
    with duties.database.read() as unit:
        return heartbeats.latest(unit)
