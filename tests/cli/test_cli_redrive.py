"""`iotops deadletter redrive` through a real broker."""

import json

import paho.mqtt.client as mqtt
import pytest

from iotops.telemetry.message import Message

pytestmark = pytest.mark.real("mosquitto")


@pytest.fixture
def broker(run, mosquitto, monkeypatch):
    """This test's broker, as the settings name it."""
    monkeypatch.setenv("IOTOPS_BROKER__URL", mosquitto.url)
    return mosquitto


@pytest.fixture
def heard(broker):
    """What a subscriber receives: (topic, payload, QoS)."""
    found, ready = [], []
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.on_message = lambda _client, _userdata, message: found.append((message.topic, message.payload, message.qos))
    client.on_subscribe = lambda *_: ready.append(True)
    client.connect("127.0.0.1", broker.port)
    client.subscribe("iot/#", qos=1)
    client.loop_start()
    while not ready:
        pass
    yield found
    client.disconnect()
    client.loop_stop()


def letter(number, *, payload=b"{bad", retain=False):
    return Message(f"iot/paris/fz-{number}/telemetry", payload, number, retain=retain)


@pytest.mark.parametrize("protocol", ["5", "4"])
def test_letters_are_sent_once_the_oldest_first(run, bury, heard, wait_until, monkeypatch, protocol):
    """Each goes out at QoS 1 on its own topic, and a second redrive has nothing to do."""
    monkeypatch.setenv("IOTOPS_BROKER__PROTOCOL", protocol)
    bury(*[letter(number) for number in range(120)])

    first = run("deadletter", "redrive", "--format", "json")
    second = run("deadletter", "redrive", "--format", "json")

    wait_until(lambda: len(heard) >= 120, what="all messages received")
    assert json.loads(first.out) == {"sent": 120, "skipped": 0, "dry_run": False}
    assert json.loads(second.out) == {"sent": 0, "skipped": 0, "dry_run": False}
    assert heard == [(f"iot/paris/fz-{number}/telemetry", b"{bad", 1) for number in range(120)]


def test_dry_run_counts_and_sends_nothing(run, bury, heard):
    """What would be sent is still there to be sent."""
    bury(letter(1), letter(2))

    dry, real = (
        run("deadletter", "redrive", "--dry-run", "--format", "json"),
        run("deadletter", "redrive", "--format", "json"),
    )

    assert json.loads(dry.out) == {"sent": 2, "skipped": 0, "dry_run": True}
    assert json.loads(real.out)["sent"] == 2


def test_reasons_choose_and_what_was_not_kept_is_skipped(run, bury, broker):
    """Messages too long to be kept, and states that the broker still has, cannot be sent again."""
    bury(letter(1), letter(2, payload=b"x" * 262_145), letter(3, retain=True))
    bury(letter(4), reason="bad_time")

    chosen = run("deadletter", "redrive", "--reason", "bad_json", "--format", "json")
    rest = run("deadletter", "redrive", "--format", "json")

    assert json.loads(chosen.out) == {"sent": 1, "skipped": 2, "dry_run": False}
    assert json.loads(rest.out) == {"sent": 1, "skipped": 2, "dry_run": False}


def test_broker_that_is_gone_leaves_the_letters_waiting(run, bury, broker):
    """Nothing is marked that the broker has not taken."""
    bury(letter(1))
    broker.stop()

    failed = run("deadletter", "redrive")
    broker.start()
    after = run("deadletter", "redrive", "--format", "json")

    assert failed.status == 1
    assert failed.err.startswith("error: broker mqtt://127.0.0.1")
    assert json.loads(after.out)["sent"] == 1


def test_broker_that_refuses_is_told_and_marks_only_what_was_taken(run, bury, broker, tmp_path):
    """A user who may not write there is told so, by letter and topic."""
    access = tmp_path / "access"
    access.write_text("topic write iot/paris/fz-1/telemetry\n")
    broker.stop()
    broker.start(extra=f"acl_file {access}")
    bury(letter(1), letter(2))

    ran = run("deadletter", "redrive")

    assert ran.status == 1
    assert ran.err.startswith("error: dead letter 2: the broker does not take it on iot/paris/fz-2/telemetry")
    listed = json.loads(run("deadletter", "list", "--format", "json").out)["items"]
    assert [each["redriven_at"] is not None for each in listed] == [False, True]
