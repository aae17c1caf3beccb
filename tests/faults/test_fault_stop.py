"""A stop in the middle of a backlog: what was received is stored and confirmed, the rest waits at the broker."""

import json
import os

import paho.mqtt.client as mqtt
import pytest

from iotops.store import heartbeats, slots
from iotops.store.database import Database

RULES = """
metrics:
  temp: {kind: gauge, every: 1m}
rules:
  - alert: hot
    when: temp > 30
"""
SOAK = "IOTOPS_SOAK" in os.environ
BACKLOG = 500_000 if SOAK else 50_000
WITHIN_S = 1_800 if SOAK else 180
START_MS = 1_767_225_600_000

pytestmark = [pytest.mark.real("mosquitto"), pytest.mark.timeout(3_600 if SOAK else 300)]


def counters(database):
    with database.read() as unit:
        return slots.state(unit).counters


def sign_of_life(database):
    with database.read() as unit:
        return heartbeats.latest(unit)["ingest"].data


def publish(port):
    """Publish the whole backlog at QoS 1 and return when the broker has confirmed all of it."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(1_000)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for seq in range(BACKLOG):
        body = {"ts": START_MS + seq * 1000, "boot": "b", "seq": seq, "temp": 20}
        sent = client.publish("iot/s1/d1/telemetry", json.dumps(body), qos=1)
    sent.wait_for_publish(WITHIN_S)
    client.disconnect()
    client.loop_stop()


def test_stop_within_a_backlog_ends_soon_and_nothing_stored_comes_again(mosquitto, database_url, deploy, wait_until):
    """F02, F03: SIGTERM ends it with status 0, long before the backlog does; the next meets nothing that is stored."""
    deployment = deploy(mosquitto.url, database_url, {"rules.yaml": RULES}, "ingest", "api")
    database = Database.open(database_url)
    assert sign_of_life(database)["session_losses"] == 0
    deployment.stop("ingest")
    publish(mosquitto.port)
    deployment.start("ingest")
    wait_until(lambda: counters(database).get("stored", 0) > 0, 60, "the first batch")

    status = deployment.stop("ingest")

    left = BACKLOG - counters(database)["stored"]
    assert status == 0
    assert left > 0, "everything was stored before the stop: it proves nothing"
    assert sign_of_life(database)["unacknowledged"] == 0
    deployment.start("ingest")
    wait_until(lambda: counters(database)["stored"] >= BACKLOG, WITHIN_S, "the rest of the backlog")
    assert counters(database).get("duplicates", 0) == 0
    database.close()
