"""What both brokers of the demonstration do: the real mosquitto and the embedded one."""

import os
import signal
import subprocess
import sys
import threading
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest

from iotops.broker.embedded import EmbeddedBroker
from iotops.broker.mosquitto import Mosquitto, find_mosquitto
from iotops.errors import BrokerError
from iotops.ingest.receivers import new_receiver
from iotops.settings import BrokerSettings

both = pytest.mark.parametrize("kind", [pytest.param("mosquitto", marks=pytest.mark.real("mosquitto")), "embedded"])


@pytest.fixture
def make_broker(tmp_path, free_port):
    made = []

    def make(kind, port=None):
        port = port or free_port()
        if kind == "mosquitto":
            made.append(Mosquitto(tmp_path / "broker", port, find_mosquitto()))
        else:
            made.append(EmbeddedBroker(tmp_path / "broker", port))
        return made[-1]

    yield make
    for broker in made:
        broker.stop()


@pytest.fixture
def connect():
    """Connect a device to a broker; `gone()` cuts its connection without a word."""
    made = []

    def connect(broker, *, password=None, will=None):
        url = urlsplit(broker.url)
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        client.username_pw_set(url.username, password or url.password)
        if will:
            client.will_set(*will, qos=1, retain=True)
        answered = threading.Event()
        client.answer = []
        client.on_connect = lambda _c, _u, _flags, reason, _more: (client.answer.append(reason), answered.set())
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        made.append(client)
        assert answered.wait(60)
        return client

    yield connect
    for client in made:
        client.disconnect()
        client.loop_stop()


@pytest.fixture
def receive():
    """Start receivers that are stopped with the test."""
    made = []

    def receive(broker):
        made.append(new_receiver(BrokerSettings(url=broker.url, protocol=broker.protocol)))
        made[-1].start()
        return made[-1]

    yield receive
    for receiver in made:
        receiver.stop()


def publish(client, payloads, topic="iot/s1/d1/telemetry", **options):
    for sent in [client.publish(topic, payload, qos=1, **options) for payload in payloads]:
        sent.wait_for_publish(60)


def drain(receiver, wait_until, count, *, acknowledge=True):
    taken = []

    def enough():
        found = receiver.take(500, 100)
        taken.extend(found)
        if acknowledge:
            receiver.acknowledge(found)
        return len(taken) >= count

    wait_until(enough, what=f"{count} messages")
    return [delivery.message for delivery in taken]


@both
def test_durable_session_gets_what_was_published_while_it_was_away(kind, make_broker, connect, receive, wait_until):
    """Messages wait for an absent consumer, in order, and are no retained ones when they come."""
    broker = make_broker(kind)
    broker.start()
    first = receive(broker)
    wait_until(lambda: first.status().subscribed)
    first.stop()
    payloads = [b"%d" % number for number in range(300)]

    publish(connect(broker), payloads)
    messages = drain(receive(broker), wait_until, 300)

    assert [message.payload for message in messages] == payloads
    assert not any(message.retain for message in messages)


@both
def test_unconfirmed_messages_come_again(kind, make_broker, connect, receive, wait_until):
    """What a consumer did not confirm is sent again, as a duplicate, when it returns."""
    broker = make_broker(kind)
    broker.start()
    first = receive(broker)
    wait_until(lambda: first.status().subscribed)
    publish(connect(broker), [b"a", b"b", b"c"])
    drain(first, wait_until, 3, acknowledge=False)
    first.stop()

    again = drain(receive(broker), wait_until, 3)

    assert [message.payload for message in again] == [b"a", b"b", b"c"]
    assert all(message.dup for message in again)


@both
def test_message_is_kept_although_its_publisher_leaves_at_once(kind, make_broker, connect, receive, wait_until):
    """A confirmed message reaches its consumer also where the publisher is gone the moment it was confirmed."""
    broker = make_broker(kind)
    broker.start()
    receiver = receive(broker)
    wait_until(lambda: receiver.status().subscribed)

    for number in range(20):
        device = connect(broker)
        publish(device, [b"%d" % number])
        device.disconnect()

    assert len(drain(receiver, wait_until, 20)) == 20


@both
def test_last_will_is_sent_and_kept(kind, make_broker, connect, receive, wait_until):
    """A device that vanishes is declared offline, for those who listen and for those who come later."""
    broker = make_broker(kind)
    broker.start()
    early = receive(broker)
    wait_until(lambda: early.status().subscribed)
    device = connect(broker, will=("iot/s1/d1/status", "offline"))
    publish(device, [b"online"], "iot/s1/d1/status", retain=True)

    device.socket().shutdown(2)
    live = drain(early, wait_until, 2)
    early.stop()
    late = new_receiver(BrokerSettings(url=broker.url, protocol=broker.protocol, client_id="late"))
    late.start()
    replayed = drain(late, wait_until, 1)
    late.stop()

    assert [(m.payload, m.retain) for m in live] == [(b"online", False), (b"offline", False)]
    assert [(m.payload, m.retain) for m in replayed] == [(b"offline", True)]


@both
def test_wrong_password_is_refused(kind, make_broker, connect):
    """Nobody comes in without the password."""
    broker = make_broker(kind)
    broker.start()

    device = connect(broker, password="guess")

    assert device.answer[0].is_failure


@both
def test_password_stands_in_no_process_list_and_no_open_file(kind, make_broker, tmp_path):
    """The password is in a file that only we can read, and not on a command line."""
    broker = make_broker(kind)
    broker.start()
    password = urlsplit(broker.url).password

    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    kept = [file for file in (tmp_path / "broker").iterdir() if "password" in file.name]

    assert password not in listed
    assert kept
    assert all(file.stat().st_mode & 0o077 == 0 for file in kept)
    assert password not in repr(vars(broker)["_credentials"])


@both
def test_taken_port_is_said_and_not_mistaken_for_our_broker(kind, make_broker, free_port):
    """Where another program listens on the port we do not start, and send it no password."""
    port = free_port()
    other = make_broker("embedded", port)
    other.start()

    with pytest.raises(BrokerError, match=f"port {port} is taken"):
        make_broker(kind, port).start()


@both
def test_broker_ends_with_its_parent(kind, make_broker, tmp_path, free_port, wait_until):
    """A killed parent leaves no broker behind."""
    name = "Mosquitto" if kind == "mosquitto" else "EmbeddedBroker"
    module = kind
    program = f", {find_mosquitto()!r}" if kind == "mosquitto" else ""
    port = free_port()
    code = (
        f"import pathlib, time\nfrom iotops.broker.{module} import {name}\n"
        f"broker = {name}(pathlib.Path({str(tmp_path)!r}), {port}{program})\nbroker.start()\n"
        "print(broker._child.pid, flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        os.kill(parent.pid, signal.SIGKILL)

    wait_until(lambda: not _lives(pid), what="the end of the broker")


def _lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.real("mosquitto")
def test_stopped_mosquitto_keeps_its_sessions(make_broker, connect, receive, wait_until):
    """mosquitto's queues are there again after a restart."""
    broker = make_broker("mosquitto")
    broker.start()
    first = receive(broker)
    wait_until(lambda: first.status().subscribed)
    first.stop()
    publish(connect(broker), [b"kept"])

    broker.stop()
    broker.start()

    assert [message.payload for message in drain(receive(broker), wait_until, 1)] == [b"kept"]


def test_broker_that_cannot_run_says_why(tmp_path, free_port):
    """A program that ends at once is reported with its status."""
    with pytest.raises(BrokerError, match="ended with status 1"):
        Mosquitto(tmp_path, free_port(), "false").start()
