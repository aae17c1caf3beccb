"""People and ingest write to one database: a change waits for its turn, and says so where it gets none."""

import asyncio
import threading
from contextlib import contextmanager

from sqlalchemy import select

from iotops.store.tables import timeline_head


@contextmanager
def ingest_writes(database):
    """Hold what every change needs: SQLite's only write lock, or the head of the timeline on PostgreSQL."""
    with database.begin() as unit:
        unit.connection.execute(select(timeline_head).with_for_update())
        yield


def test_a_change_that_gets_no_turn_is_refused_for_now_and_reading_goes_on(client, database, machine):
    """503 with Retry-After after two seconds; nothing was done; lists are served meanwhile."""
    machine.fires()

    with ingest_writes(database):
        refused = client.post("/api/v1/incidents/1/acknowledge")
        read = client.get("/api/v1/incidents/1")

    assert (refused.status_code, refused.json()["code"]) == (503, "store_busy")
    assert refused.headers["retry-after"] == "1"
    assert 1.5 < refused.elapsed.total_seconds() < 30  # two, and what a busy machine adds
    assert read.json()["state"] == "new"


def test_a_change_waits_for_its_turn(client, database, machine):
    """A writer that is done within two seconds delays a change and does not refuse it."""
    machine.fires()
    begun = threading.Event()

    def write():
        with ingest_writes(database):
            begun.set()
            threading.Event().wait(0.4)

    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(60)

    answer = client.post("/api/v1/incidents/1/acknowledge")

    writer.join()
    assert answer.json()["state"] == "in_progress"


def test_a_refused_change_can_be_repeated_with_its_key(client, database, machine):
    """What was refused was not done, so that the same key does it now."""
    machine.fires()
    headers = {"Idempotency-Key": "k"}
    with ingest_writes(database):
        client.post("/api/v1/incidents/1/comments", {"text": "x"}, headers=headers)

    answer = client.post("/api/v1/incidents/1/comments", {"text": "x"}, headers=headers)

    assert answer.status_code == 200
    assert "idempotency-replayed" not in answer.headers
    assert len(client.get("/api/v1/incidents/1/timeline").json()["items"]) == 2


def test_the_same_request_sent_twice_at_once_is_done_once(app, client, machine):
    """Two that race with one key: one does it, the other waits and is answered alike, on both databases."""
    machine.fires()
    answers = []

    def send():
        with asyncio.Runner() as runner:
            twin = type(client)(app, runner, client.token)
            headers = {"Idempotency-Key": "race"}
            answers.append(twin.post("/api/v1/incidents/1/comments", {"text": "x"}, headers=headers))

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    assert [answer.status_code for answer in answers] == [200] * 4
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert len(client.get("/api/v1/incidents/1/timeline").json()["items"]) == 2
