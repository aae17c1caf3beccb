"""A newcomer can publish to the broker of the demonstration, and nobody else can."""

import shutil
import subprocess
import threading
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest

from iotops.broker.embedded import EmbeddedBroker
from iotops.broker.mosquitto import Mosquitto, find_mosquitto
from iotops.demo.by_hand import publishing


@pytest.fixture
def listen():
    """Subscribe to everything below `iot/`; returns what has come and an event that is set by it."""
    clients = []

    def listen(url):
        place, subscribed, heard, came = urlsplit(url), threading.Event(), [], threading.Event()
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        client.username_pw_set(place.username, place.password)
        client.on_connect = lambda *_: client.subscribe("iot/#", 1)
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_message = lambda _c, _u, message: (heard.append((message.topic, message.payload)), came.set())
        client.connect(place.hostname, place.port)
        client.loop_start()
        clients.append(client)
        assert subscribed.wait(60)
        return heard, came

    yield listen
    for client in clients:
        client.disconnect()
        client.loop_stop()


@pytest.mark.real("mosquitto")
@pytest.mark.parametrize("kind", ["mosquitto", "embedded"])
def test_the_printed_command_publishes_and_does_not_show_the_password(tmp_path, free_port, listen, kind):
    """Run as it stands, it reaches the broker; the password is in a file of ours. Without it nobody is let in."""
    if shutil.which("mosquitto_pub") is None:
        pytest.skip("mosquitto_pub is not installed; install it: apt-get install mosquitto-clients")
    port = free_port()
    broker = Mosquitto(tmp_path, port, find_mosquitto()) if kind == "mosquitto" else EmbeddedBroker(tmp_path, port)
    broker.start()
    try:
        heard, came = listen(broker.url)
        command = publishing(tmp_path, broker.url)
        done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        assert came.wait(60)
        anonymous = command.split(" ", 1)[1].replace("-q 1", f"-q 1 -h 127.0.0.1 -p {port}")
        refused = subprocess.run(
            anonymous, shell=True, capture_output=True, check=False, timeout=60, env={"PATH": "/usr/bin:/bin"}
        )
    finally:
        broker.stop()

    assert heard == [("iot/lab/hand-01/telemetry", b'{"temp": 21.5}')]
    assert refused.returncode != 0
    assert str(urlsplit(broker.url).password) not in command
    assert (tmp_path / "mosquitto_pub").stat().st_mode & 0o777 == 0o600
