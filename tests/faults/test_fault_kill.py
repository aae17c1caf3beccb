"""Nothing is lost and nothing counts twice when processes are killed."""

import csv
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from sqlalchemy import text

from iotops.ledger import COLUMNS
from iotops.store.database import Database

pytestmark = [pytest.mark.real("mosquitto"), pytest.mark.timeout(600)]

KILLS = 200 if os.environ.get("IOTOPS_SOAK") == "1" else 10
DEVICES = 20
WINDOW = 20  # messages that the broker has not acknowledged; its own limit for a client, too
RULES = """
metrics:
  temp: {kind: gauge, every: 1m}
rules:
  - alert: hot
    when: temp > 30
    for: 5m
    until: temp < 25
  - alert: jumpy
    when: count(temp[5] > 30) >= 3
    severity: info
"""
START_MS = 1_767_225_600_000


def readings() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield an endless fleet: every device warms up and cools down again and again, each at its own pace."""
    seq = 0
    while True:
        seq += 1
        for number in range(DEVICES):
            warm = (seq // (20 + number)) % 2
            value = 33 + number % 3 if warm else 20 + number % 3
            yield f"d{number}", {"ts": START_MS + seq * 60_000, "boot": "b1", "seq": seq, "temp": value}


class Publisher:
    """Publishes at QoS 1, at most `WINDOW` unacknowledged: beyond its in-flight limit paho does not keep the order."""

    def __init__(self, port: int, name: str) -> None:
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, name, clean_session=False)
        self._room = threading.Semaphore(WINDOW)
        self._client.on_publish = lambda *_: self._room.release()
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def publish(self, device: str, payload: str) -> None:
        """Publish once there is room in the window."""
        self._wait()
        self._client.publish(f"iot/site/{device}/telemetry", payload, qos=1)

    def close(self) -> None:
        """Wait for every acknowledgement and disconnect."""
        for _ in range(WINDOW):
            self._wait()
        self.abandon()

    def abandon(self) -> None:
        """Disconnect at once; whoever waits for room gets it."""
        self._client.disconnect()
        self._client.loop_stop()
        self._room.release(WINDOW)

    def _wait(self) -> None:
        assert self._room.acquire(timeout=60), "the broker has acknowledged nothing for 60 s; " + (
            "connected" if self._client.is_connected() else "not connected"
        )


class Fleet:
    """Devices that publish from a thread, until told to finish, and keep the ledger."""

    def __init__(self, port: int, ledger: Path) -> None:
        self._port = port
        self._ledger = ledger
        self._sent: list[list[Any]] = []
        self._last_round = threading.Event()
        self._abandoned = False
        self._publisher: Publisher | None = None
        self._thread = ThreadPoolExecutor(1)  # its future brings what went wrong in the thread to the test

    def start(self) -> None:
        """Begin to publish."""
        self._publisher = Publisher(self._port, "fleet")
        self._publishing = self._thread.submit(self._run, self._publisher)

    @property
    def sent(self) -> list[list[Any]]:
        """The ledger's rows up to now; raises what has ended the publishing, if anything has."""
        if self._publishing.done():
            self._publishing.result()
        return self._sent

    def finish(self) -> int:
        """Stop after a whole round, wait for every acknowledgement, write the ledger; return the number of messages."""
        self._last_round.set()
        self._publishing.result(120)
        self._publisher.close()
        with self._ledger.open("w", newline="") as stream:
            csv.writer(stream).writerows([COLUMNS, *self._sent])
        return len(self._sent)

    def abandon(self) -> None:
        """End the thread, of a test that has failed too, while its broker is still there; raises what has ended it."""
        self._abandoned = True
        if self._publisher is not None:
            self._publisher.abandon()
            self._publishing.result(120)
        self._thread.shutdown()

    def _run(self, publisher: Publisher) -> None:
        for device, body in readings():
            payload = json.dumps(body)
            publisher.publish(device, payload)
            digest = hashlib.sha256(payload.encode()).hexdigest()
            at_ms = time.time_ns() // 1_000_000
            self._sent.append(["site", device, "b1", body["seq"], body["ts"], digest, at_ms, at_ms])
            if self._abandoned or (device == f"d{DEVICES - 1}" and self._last_round.is_set()):
                return
            if len(self._sent) % 4 == 0:
                time.sleep(0.01)  # fewer than 400 messages a second: a busy machine, too, keeps up with them


@pytest.fixture
def fleet(mosquitto, tmp_path) -> Iterator[Fleet]:
    """A fleet that has not started yet; it ends before its broker does."""
    fleet = Fleet(mosquitto.port, tmp_path / "published.csv")
    yield fleet
    fleet.abandon()


def counters(database: Database) -> dict[str, int]:
    """Return what ingest has counted so far, as committed."""
    with database.read() as unit:
        row = unit.connection.execute(text("SELECT batch_no, counters FROM ingest_state")).first()
    if row is None:
        return {"batch_no": 0}
    found = row[1] if isinstance(row[1], dict) else json.loads(row[1])
    return {"batch_no": row[0], **found}


def episodes(deployment) -> list[tuple[Any, ...]]:
    """Return what matters of every incident, in an order of its own."""
    return sorted(
        (
            found["rule"],
            found["device"],
            found["fired_at"],
            found["resolved_at"] is not None,
            found["severity"],
            found["occurrence_count"],
        )
        for found in deployment.incidents()
    )


def undisturbed(deploy, broker, database_url: str, sent: list[list[Any]], wait_until) -> list[tuple[Any, ...]]:
    """Publish the very same messages to an iotops that nothing disturbs and return its episodes."""
    deployment = deploy(broker.url, database_url, {"rules.yaml": RULES}, "ingest", "api")
    publisher = Publisher(broker.port, "again")
    for (device, body), _row in zip(readings(), sent, strict=False):
        publisher.publish(device, json.dumps(body))
    publisher.close()
    database = Database.open(database_url)
    wait_until(lambda: counters(database).get("stored", 0) >= len(sent), 120, "the undisturbed run")
    database.close()
    return episodes(deployment)


def kill_once(deployment, fleet: Fleet, database: Database, wait_until) -> None:
    """SIGKILL ingest with messages on the way to it, start it again, and see the broker redeliver.

    It is frozen, wherever it is, until the broker has sent it more, and killed then: a kill alone may find everything
    confirmed, just after a commit and while the fleet lacks the processor, and nothing would have to come again.
    """
    before = counters(database)
    wait_until(lambda: counters(database)["batch_no"] > before["batch_no"] + 3, 60, "commits since the last kill")
    deployment.freeze("ingest")
    sent = len(fleet.sent)
    wait_until(lambda: len(fleet.sent) > sent + 2 * WINDOW, 60, "messages acknowledged, while ingest stands still")
    deployment.kill("ingest")
    redelivered = counters(database).get("redelivered", 0)
    deployment.start("ingest")
    wait_until(lambda: counters(database).get("redelivered", 0) > redelivered, 60, "redeliveries after the kill")


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_ingest_killed_again_and_again_loses_and_doubles_nothing(
    backend, request, mosquitto, fleet, tmp_path, deploy, wait_until
):
    """Every message is stored once, and the incidents are those of an undisturbed run."""
    if backend == "sqlite":
        urls = [f"sqlite:///{tmp_path / name}.db" for name in ("killed", "calm")]
    else:
        server = request.getfixturevalue("postgres_server")
        urls = [server.new_database(), server.new_database()]
    kills = KILLS if backend == "sqlite" else min(KILLS, 3)
    deployment = deploy(mosquitto.url, urls[0], {"rules.yaml": RULES}, "ingest", "api")
    database = Database.open(urls[0])
    fleet.start()

    for _ in range(kills):
        kill_once(deployment, fleet, database, wait_until)
    published = fleet.finish()

    wait_until(lambda: counters(database).get("stored", 0) >= published, 120, "every message stored")
    account = json.loads(deployment.iotops("ledger", str(tmp_path / "published.csv"), "--format", "json"))
    assert (account["published"], account["stored"], account["lost"], account["stored_twice"]) == (
        published,
        published,
        0,
        0,
    )
    killed = episodes(deployment)
    deployment.stop_all()
    database.close()
    assert killed
    calm = undisturbed(deploy, mosquitto, urls[1], fleet.sent, wait_until)
    assert killed == calm


def test_broker_restarted_in_the_middle_loses_nothing(mosquitto, fleet, tmp_path, deploy, wait_until):
    """With persistence on, a broker that is stopped and started again delivers everything it acknowledged."""
    url = f"sqlite:///{tmp_path / 'broker.db'}"
    deployment = deploy(mosquitto.url, url, {"rules.yaml": RULES}, "ingest", "api")
    database = Database.open(url)
    fleet.start()

    for _ in range(3):
        before = counters(database)["batch_no"]
        wait_until(lambda before=before: counters(database)["batch_no"] > before + 3, 60, "commits")
        mosquitto.stop()
        mosquitto.start()
    published = fleet.finish()

    wait_until(lambda: counters(database).get("stored", 0) >= published, 120, "every message stored")
    account = json.loads(deployment.iotops("ledger", str(tmp_path / "published.csv"), "--format", "json"))
    assert (account["stored"], account["lost"], account["stored_twice"]) == (published, 0, 0)
    assert all(found["site"] == "site" for found in deployment.incidents())
    database.close()
