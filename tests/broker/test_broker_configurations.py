"""The configurations that ship are accepted by a real mosquitto and mean what they say."""

import os
import re
import shutil
import ssl
import subprocess
from itertools import pairwise
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from iotops.broker.credentials import Credentials
from iotops.broker.mosquitto import find_mosquitto
from iotops.broker.visit import Visit
from iotops.errors import NotOurSession
from iotops.ingest.receivers import new_receiver
from iotops.processes import Child
from iotops.settings import BrokerSettings

ROOT = Path(__file__).resolve().parents[2]
real = pytest.mark.real("mosquitto")


@pytest.fixture
def run_mosquitto(tmp_path, wait_until):
    """Start mosquitto with the text of a configuration and wait until it runs."""
    made = []

    def run(text):
        config = tmp_path / "mosquitto.conf"
        log = tmp_path / "mosquitto.log"
        text = re.sub(r"^log_dest .*\n", "", text, flags=re.MULTILINE)
        user = "user root\n" if os.geteuid() == 0 else ""
        config.write_text(f"{user}log_dest file {log}\nlog_type information\n{text}")
        child = Child("mosquitto", (find_mosquitto(), "-c", str(config)))
        made.append(child)
        child.start()
        wait_until(lambda: not child.running or (log.exists() and " running" in log.read_text()))
        assert child.running, log.read_text() if log.exists() else "ended without a log"

    yield run
    for child in made:
        child.stop()


@pytest.mark.parametrize("file", ["mosquitto.conf", "docs/mosquitto-production.conf"])
def test_every_line_has_a_comment_above_it(file):
    """A reader finds what each setting is for; a section may explain several listeners' equal lines."""
    lines = [line for line in (ROOT / file).read_text().splitlines() if line]

    uncommented = [line for above, line in pairwise(lines) if not line.startswith("#") and not above.startswith("#")]

    assert uncommented == []


@real
def test_development_configuration_takes_anonymous_clients_on_loopback(run_mosquitto, tmp_path, free_port, wait_until):
    """`mosquitto -c mosquitto.conf` works with ingest's default settings."""
    port = free_port()
    text = (ROOT / "mosquitto.conf").read_text()
    assert "\nlistener 1883 127.0.0.1\n" in text
    run_mosquitto(text.replace("listener 1883 ", f"listener {port} ").replace("location ./", f"location {tmp_path}/"))

    receiver = new_receiver(BrokerSettings(url=f"mqtt://127.0.0.1:{port}"))
    receiver.start()

    wait_until(lambda: receiver.status().subscribed)
    receiver.stop()


@pytest.fixture
def certificates(tmp_path):
    """A throw-away authority, and certificates of a server and of a device that it signed."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed; install it: apt-get install openssl")

    def run(*arguments):
        subprocess.run([openssl, *arguments], cwd=tmp_path, check=True, capture_output=True)

    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test ca")
    for name, common in (("server", "127.0.0.1"), ("device", "shop-1.freezer-7")):
        (tmp_path / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1\n")
        request = ("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        run(*request, "-subj", f"/CN={common}")
        signing = ("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial")
        run(*signing, "-out", f"{name}.crt", "-extfile", f"{name}.ext")
    return tmp_path


@pytest.fixture
def production(run_mosquitto, certificates, free_port):
    """The production configuration, running with the paths and ports of this test."""
    tls_port, password_port = free_port(), free_port()
    ingest = Credentials("iotops-ingest")
    for name, text in (("passwords", ingest.mosquitto_line()), ("acl", _text("docs/mosquitto-production.acl"))):
        (certificates / name).write_text(text)
        (certificates / name).chmod(0o600)
    text = _text("docs/mosquitto-production.conf").replace("/etc/mosquitto/certs/", f"{certificates}/")
    text = text.replace("/etc/mosquitto/", f"{certificates}/").replace("/var/lib/mosquitto/", f"{certificates}/")
    for port, ours in ((8883, tls_port), (8884, password_port)):
        text = text.replace(f"listener {port}", f"listener {ours} 127.0.0.1")
    run_mosquitto(text)
    return ingest, tls_port, password_port


def _text(file):
    return (ROOT / file).read_text()


@real
def test_production_configuration_lets_a_device_speak_for_itself_only(production, certificates, wait_until):
    """A device with a certificate reaches ingest over TLS under its own topics, and under no other's."""
    ingest, tls_port, password_port = production
    url = ingest.url(password_port).replace("mqtt://", "mqtts://")
    receiver = new_receiver(BrokerSettings(url=url, ca_file=certificates / "ca.crt"))
    receiver.start()
    wait_until(lambda: receiver.status().subscribed)

    # A connection for each: mosquitto 2.0.11 closes one after it has denied a publish.
    for topic, payload in (("freezer-8", b"spoofed"), ("freezer-7", b"own")):
        device = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        device.tls_set(*(str(certificates / name) for name in ("ca.crt", "device.crt", "device.key")))
        device.connect("127.0.0.1", tls_port)
        sent = device.publish(f"iot/shop-1/{topic}/telemetry", payload, qos=1)
        wait_until(lambda device=device, sent=sent: device.loop(0.1) or sent.is_published())
        device.disconnect()
    (delivery,) = receiver.take(10, 10_000)
    receiver.stop()

    assert delivery.message.topic == "iot/shop-1/freezer-7/telemetry"
    assert delivery.message.payload == b"own"


@real
def test_production_configuration_refuses_a_device_without_certificate(production, certificates):
    """On the devices' port nobody comes in without a certificate of the authority."""
    _, tls_port, _ = production
    device = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, reconnect_on_failure=False)
    device.tls_set(str(certificates / "ca.crt"))
    accepted = []
    device.on_connect = lambda _c, _u, _flags, reason, _more: accepted.append(not reason.is_failure)

    try:
        device.connect("127.0.0.1", tls_port)
        device.loop_forever()
    except (ssl.SSLError, ConnectionError):
        accepted.append(False)

    assert True not in accepted


@real
def test_a_visit_to_a_broker_that_names_clients_after_users_takes_nothing_from_the_ingest(
    production, certificates, wait_until
):
    """A diagnosis under the ingest's user leaves at once: the session and what waits in it stay the ingest's."""
    ingest, _, password_port = production
    url = ingest.url(password_port).replace("mqtt://", "mqtts://")
    settings = BrokerSettings(url=url, ca_file=certificates / "ca.crt")
    receiver = new_receiver(settings)
    receiver.start()
    wait_until(lambda: receiver.status().subscribed)
    receiver.stop()
    tell(certificates, production[1], b"while nobody listens")

    with pytest.raises(NotOurSession, match="as another user"), Visit(settings, "doctor"):
        pass
    back = new_receiver(settings, expects_session=True)
    back.start()
    (delivery,) = back.take(10, 10_000)
    back.stop()

    assert delivery.message.payload == b"while nobody listens"
    assert back.status().session_losses == 0


def tell(certificates, port, payload):
    """Publish as the device and wait until the broker has it."""
    device = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    device.tls_set(*(str(certificates / name) for name in ("ca.crt", "device.crt", "device.key")))
    device.connect("127.0.0.1", port)
    device.loop_start()
    device.publish("iot/shop-1/freezer-7/telemetry", payload, qos=1).wait_for_publish(10)
    device.disconnect()
    device.loop_stop()


@real
def test_server_that_the_authority_did_not_sign_is_not_trusted(production, wait_until):
    """Ingest does not send its password to a server whose certificate it cannot check."""
    ingest, _, password_port = production
    receiver = new_receiver(BrokerSettings(url=ingest.url(password_port).replace("mqtt://", "mqtts://")))
    receiver.start()

    wait_until(lambda: receiver.status().last_error)
    receiver.stop()

    assert "certificate" in receiver.status().last_error
