"""Databases that are full, locked, slow or gone: nothing is confirmed that is not stored, and all goes on by itself."""

import os
import random
import sqlite3
import threading
import time

import psycopg
import pytest

from iotops.footprint import Footprint
from iotops.ingest import retry

SOAK = "IOTOPS_SOAK" in os.environ
TROUBLE_S = 60 if SOAK else 0
"""How long a trouble goes on after it was noticed."""

pytestmark = [pytest.mark.real("mosquitto"), pytest.mark.timeout(3_600 if SOAK else 300)]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    """Have nobody wait seconds to try again."""
    monkeypatch.setattr(retry, "LONGEST_DELAY_S", 0.2)


@pytest.fixture
def works(mosquitto, database_url, make_works, wait_until):
    """An ingest that listens, on each kind of database."""
    found = make_works(mosquitto.port, database_url)
    wait_until(lambda: found.status.subscribed, 60, "the first subscription")
    return found


@pytest.fixture
def trouble(works, voices, wait_until):
    """Publish while the database refuses, until readiness says why; nothing is confirmed meanwhile."""

    def endure(said):
        before = works.counted()
        voices.say(4)
        wait_until(lambda: said in works.reasons, 60, f"readiness to say {said!r}")
        time.sleep(TROUBLE_S)  # the trouble itself: so long nothing may be stored
        assert works.counted() == before, "a database that refuses has stored"
        waiting = len(voices.rows) - before
        wait_until(lambda: works.status.unacknowledged == waiting, 60, "all that waits for the database")

    return endure


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_disk_confirms_nothing_and_heals(works, voices, trouble, all_holds):
    """F13: without a page to spare nothing is acknowledged and readiness says why; with room again all is there."""
    pages = 1_000_000

    def limit(connection):
        connection.connection.driver_connection.execute(f"PRAGMA max_page_count = {pages}")

    works.hook("begin", limit)
    voices.say(6)
    before = Footprint.now()
    pages = 1  # less than there are: SQLite takes the present size for it
    while not works.reasons:  # until what was free within the file is used up
        voices.say(1)
    trouble("full")
    pages = 1_000_000
    voices.say(2)

    all_holds(works, voices, before)


def test_a_locked_database_delays_and_is_read_meanwhile(works, voices, trouble, all_holds, database_url, lock):
    """F14: while another holds the lock nothing is confirmed, readers read on, and then everything goes on."""
    voices.say(6)
    before = Footprint.now()

    with lock(database_url) as said:
        trouble(said)
    voices.say(4)

    all_holds(works, voices, before)


@pytest.fixture
def lock():
    """Hold what every commit needs, from outside; give what the database will say."""

    def hold(url):
        return _SqliteLock(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else _PostgresLock(url)

    return hold


class _SqliteLock:
    def __init__(self, file):
        self._connection = sqlite3.connect(file, isolation_level=None, timeout=60)

    def __enter__(self):
        self._connection.execute("BEGIN IMMEDIATE")
        return "locked"

    def __exit__(self, *_):
        self._connection.execute("ROLLBACK")
        self._connection.close()


class _PostgresLock:
    def __init__(self, url):
        self._connection = psycopg.connect(url)

    def __enter__(self):
        self._connection.execute("LOCK TABLE ingest_state IN EXCLUSIVE MODE")
        return "lock"

    def __exit__(self, *_):
        self._connection.rollback()
        self._connection.close()


REFUSALS = """
CREATE SEQUENCE refusals;
CREATE FUNCTION refuse() RETURNS trigger AS $$
BEGIN
  CASE nextval('refusals')
    WHEN 1, 3 THEN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01';
    WHEN 2 THEN RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001';
    ELSE RETURN NULL;
  END CASE;
END $$ LANGUAGE plpgsql;
CREATE TRIGGER refuse AFTER INSERT ON arrival FOR EACH STATEMENT EXECUTE FUNCTION refuse();
"""


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_deadlocks_and_serialization_failures_are_tried_again(works, voices, database_url, all_holds):
    """F14: a transaction that the server gives up for the sake of others is done again, as a whole and once."""
    voices.say(2)
    before = Footprint.now()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(REFUSALS)

        voices.say(10)

        all_holds(works, voices, before)
        (refused,) = connection.execute("SELECT last_value FROM refusals").fetchone()
    assert refused > 3


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_that_goes_and_comes_back_stores_once(
    works, voices, trouble, all_holds, postgres_server, database_url, wait_until
):
    """F15: sessions that are ended at any point and a server that crashes: repeated where needed, never twice."""
    voices.say(2)
    before = Footprint.now()
    chance = random.Random(15)
    for _ in range(200 if SOAK else 8):
        talking = threading.Thread(target=voices.say, args=(1,))
        talking.start()
        time.sleep(chance.random() / 10)  # anywhere: before, in and after a commit
        _end_sessions(database_url)
        talking.join()

    postgres_server.stop()
    try:
        voices.say(3)
        wait_until(lambda: "database" in works.reasons, 60, "readiness to say that the database is gone")
        wait_until(lambda: works.status.unacknowledged >= 18, 60, "messages that wait for the database")
    finally:
        postgres_server.serve()
    voices.say(2)

    all_holds(works, voices, before)


def _end_sessions(url):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_slow_database_holds_back_the_broker(mosquitto, make_works, voices, database_url, all_holds, wait_until):
    """F16: however long each commit takes, what is in memory stays within bounds; the rest waits outside."""
    allowed, batch = 60, 40
    works = make_works(
        mosquitto.port, database_url, broker={"receive_maximum": allowed}, ingest={"commit_messages": batch}
    )

    pause_s = 0.5 if SOAK else 0.2

    def hesitate(_connection):
        time.sleep(pause_s)  # the slow database itself

    works.hook("commit", hesitate)
    wait_until(lambda: works.status.subscribed, 60, "the first subscription")
    before = Footprint.now()

    under_way = []

    def is_through():
        under_way.append(works.status.unacknowledged)
        return works.counted() == len(voices.rows)

    voices.say(600 if SOAK else 25)
    wait_until(is_through, 900 if SOAK else 120, "everything stored")

    pause_s = 0
    assert batch < max(under_way) <= allowed + batch
    assert max(works.duties.vitals.commits_ms) >= 200
    all_holds(works, voices, before)
