"""Credentials of devices: files that a real mosquitto heeds, so that nobody speaks for somebody else."""

import json
import os
import re
import shutil
import ssl
import stat

import paho.mqtt.client as mqtt
import pytest

from iotops.broker.credentials import Credentials
from iotops.broker.enrolment import register
from iotops.broker.enrolment.clerk import Clerk
from iotops.broker.mosquitto import find_mosquitto
from iotops.errors import ConfigurationError, Conflict, NotFound
from iotops.processes import Child
from iotops.telemetry.reading import DeviceKey

FREEZER, DOOR, GATEWAY = DeviceKey("shop-1", "freezer-7"), DeviceKey("shop-1", "door-1"), DeviceKey("shop-1", "gw-1")
NOW_MS = 1_795_346_861_000
CONFIGURATION = """\
allow_anonymous false
password_file {home}/passwords
acl_file {home}/acl
listener {tls} 127.0.0.1
cafile {home}/ca.crt
certfile {home}/issued/127.0.0.1.crt
keyfile {home}/issued/127.0.0.1.key
crlfile {home}/crl.pem
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
use_username_as_clientid true
listener {plain} 127.0.0.1
use_username_as_clientid true
"""


@pytest.fixture
def clerk(tmp_path):
    return Clerk(tmp_path / "broker", 30)


class Broker:
    """A real mosquitto over the files of a clerk."""

    def __init__(self, home, tls, plain, wait_until):
        self.home, self.tls, self.plain, self._wait = home, tls, plain, wait_until
        self._log = home / "mosquitto.log"
        config = home / "mosquitto.conf"
        user = "user root\n" if os.geteuid() == 0 else ""
        text = CONFIGURATION.format(home=home, tls=tls, plain=plain)
        config.write_text(f"{user}log_dest file {self._log}\nlog_type all\n{text}")
        self.child = Child("mosquitto", (find_mosquitto(), "-c", str(config)))
        self.child.start()
        wait_until(lambda: not self.child.running or (self._log.exists() and " running" in self._log.read_text()))
        assert self.child.running, self._log.read_text()

    def reload(self):
        """Make it read its files again."""
        before = self._log.read_text().count("Reloading config.")
        (pid,) = [int(found) for found in re.findall(r"pid (\d+)", f"pid {self.child.pid}")]
        os.kill(pid, 1)
        self._wait(lambda: self._log.read_text().count("Reloading config.") > before)

    def client(self, *, user=None, password=None, certificate=None):
        """Return a connected client, or None where it is not let in."""
        told = []
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, reconnect_on_failure=False)
        client.on_connect = lambda _c, _u, _f, reason, _p: told.append(reason)
        client.on_disconnect = lambda _c, _u, _f, reason, _p: told.append(reason)
        if user is not None:
            client.username_pw_set(user, password)
        if certificate is not None:
            client.tls_set(str(self.home / "ca.crt"), *(str(file) for file in certificate))
        try:
            client.connect("127.0.0.1", self.tls if certificate else self.plain)
            self._wait(lambda: client.loop(0.05) or told)
        except (ssl.SSLError, OSError):
            return None
        return None if not told or told[0].is_failure else client

    def says(self, client, topic, payload=b"x"):
        """Publish at QoS 1 and return whether the broker took it; mosquitto 2.0.11 hangs up on whom it denies."""
        reasons, gone = [], []
        client.on_publish = lambda _c, _u, _m, reason, _p: reasons.append(reason)
        client.on_disconnect = lambda *_: gone.append(True)
        client.publish(topic, payload, qos=1)
        self._wait(lambda: client.loop(0.05) or reasons or gone)
        return bool(reasons) and not reasons[0].is_failure


@pytest.fixture
def broker(clerk, tmp_path, free_port, wait_until):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed; install it: apt-get install openssl")
    clerk.prepare(("127.0.0.1", "broker.example.org"), NOW_MS)
    running = []

    def start():
        running.append(Broker(tmp_path / "broker", free_port(), free_port(), wait_until))
        return running[0]

    yield start
    for each in running:
        each.child.stop()


@pytest.mark.real("mosquitto")
def test_a_device_speaks_for_itself_and_hears_only_what_is_for_it(clerk, broker, wait_until):
    """A04: a device publishes below its own name only, a gateway for those it was enrolled for; `#` brings nothing."""
    freezer = clerk.enroll(FREEZER, NOW_MS, password=False)
    door = clerk.enroll(DOOR, NOW_MS, password=True)
    gateway = clerk.enroll(GATEWAY, NOW_MS, password=True, speaks_for=("freezer-7",))
    running = broker()
    proof = (freezer.certificate, freezer.key)
    ingest = running.client(user="iotops-ingest", password=(running.home / "ingest.password").read_text().strip())
    heard, overheard = [], []
    ingest.on_message = lambda _c, _u, message: heard.append((message.topic, message.payload))
    ingest.subscribe("iot/+/+/telemetry", qos=1)
    listener = running.client(user=door.device.user, password=door.password)
    listener.on_message = lambda _c, _u, message: overheard.append(message.topic)
    listener.subscribe([("#", 1), ("$SYS/#", 1), ("iot/shop-1/freezer-7/#", 1)])
    listener.loop(0.2)

    allowed = [
        running.says(running.client(certificate=proof), "iot/shop-1/freezer-7/telemetry", b"own"),
        running.says(
            running.client(user=gateway.device.user, password=gateway.password), "iot/shop-1/freezer-7/status"
        ),
    ]
    denied = {
        topic: running.says(running.client(certificate=proof), topic, b"forged")
        for topic in (
            *("iot/shop-1/door-1/telemetry", "iot/shop-1/door-1/status", "iot/shop-2/freezer-7/telemetry"),
            *("iot/shop-1/freezer-7/command", "iot/shop-1/freezer-7/x", "$CONTROL/dynamic-security/v1"),
            *("spBv1.0/STATE/x", "homeassistant/sensor/x/config", "$SYS/broker/uptime"),
        )
    }
    for_another = running.says(
        running.client(user=gateway.device.user, password=gateway.password), f"iot/{DOOR}/status"
    )
    command = running.says(ingest, "iot/shop-1/freezer-7/command")
    ingest = running.client(user="iotops-ingest", password=(running.home / "ingest.password").read_text().strip())

    assert allowed == [True, True]
    assert not any(denied.values()), denied
    assert (for_another, command) == (False, False)
    for _ in range(10):
        listener.loop(0.05)
    assert overheard == []


@pytest.mark.real("mosquitto")
def test_rotated_and_revoked_credentials_are_worth_nothing_after_a_reload(clerk, broker, wait_until):
    """A SIGHUP is enough: old passwords and certificates do not get in, and who is in is stopped."""
    freezer = clerk.enroll(FREEZER, NOW_MS, password=False)
    door = clerk.enroll(DOOR, NOW_MS, password=True)
    running = broker()
    inside = running.client(certificate=(freezer.certificate, freezer.key))
    kept = [file.read_bytes() for file in (freezer.certificate, freezer.key)]
    fresh = clerk.rotate(DOOR, NOW_MS + 1)
    clerk.revoke(FREEZER, NOW_MS + 2)

    running.reload()

    wait_until(lambda: running.client(user=door.device.user, password=door.password) is None)
    assert running.client(user=door.device.user, password=fresh.password) is not None
    assert not running.says(inside, "iot/shop-1/freezer-7/telemetry")
    assert [file.read_bytes() for file in (freezer.certificate, freezer.key)] == kept
    again = running.client(certificate=(freezer.certificate, freezer.key))
    assert again is None or not running.says(again, "iot/shop-1/freezer-7/telemetry")


@pytest.mark.real("mosquitto")
def test_nobody_comes_in_without_a_credential_of_ours(clerk, broker, tmp_path):
    """Neither anonymous, nor with a wrong password, nor with a certificate that another authority signed."""
    clerk.enroll(DOOR, NOW_MS, password=True)
    stranger = Clerk(tmp_path / "elsewhere", 30).enroll(DOOR, NOW_MS, password=False)
    running = broker()

    assert running.client() is None
    assert running.client(user="door-1@shop-1", password="guess") is None
    assert running.client(user="iotops-ingest", password="") is None
    assert running.client(certificate=(stranger.certificate, stranger.key)) is None


def test_files_are_whole_and_only_their_owner_reads_them(clerk, tmp_path):
    """Nothing that opens a door can be read by others, and no half-written file is left."""
    home = tmp_path / "broker"
    issued = clerk.enroll(DOOR, NOW_MS, password=True)
    clerk.enroll(FREEZER, NOW_MS, password=False)

    files = [file for file in home.rglob("*") if file.is_file()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert not [file for file in files if file.name.startswith(".") and file.name != ".lock"]
    assert issued.password not in "".join(file.read_text() for file in files)
    assert issued.password not in repr(Credentials("x", issued.password))


def test_the_access_list_names_topics_and_no_patterns(clerk, tmp_path):
    """What a device may do follows from its name alone, and lines of the administrator's own are kept."""
    home = tmp_path / "broker"
    home.mkdir(mode=0o700)
    (home / "acl.extra").write_text("user grafana\ntopic read iot/#\n")
    (home / "passwords.extra").write_text("grafana:$7$x\n")
    clerk.enroll(GATEWAY, NOW_MS, password=True, speaks_for=("door-1",))

    text = (home / "acl").read_text()
    assert "user gw-1@shop-1\ntopic write iot/shop-1/gw-1/telemetry\n" in text
    assert "topic write iot/shop-1/door-1/status\n" in text
    assert not re.search(
        r"^(pattern|topic \w+ (#|iot/\+/))", text.split("user gw")[1].split("user gr")[0], re.MULTILINE
    )
    assert text.endswith("user grafana\ntopic read iot/#\n")
    assert (home / "passwords").read_text().splitlines()[-1] == "grafana:$7$x"


def test_names_never_collide(clerk):
    """Two devices never share a user, whatever dots and colons are in their names; `:` ends a name in the file."""
    keys = [DeviceKey("a.b", "c"), DeviceKey("a", "b.c"), DeviceKey("a:b", "c"), DeviceKey("a", "b:c")]

    users = {clerk.enroll(key, NOW_MS, password=True).device.user for key in keys}

    assert len(users) == len(keys)
    assert not any(":" in user for user in users)


def test_a_device_is_enrolled_once_and_known_when_it_is_revoked(clerk):
    """Enrolling twice is a conflict; revoking or rotating who is not enrolled is an error that says what to do."""
    clerk.enroll(DOOR, NOW_MS, password=True)
    with pytest.raises(Conflict, match="rotate"):
        clerk.enroll(DOOR, NOW_MS, password=True)
    clerk.revoke(DOOR, NOW_MS + 1)
    for refused in (clerk.revoke, clerk.rotate):
        with pytest.raises(NotFound, match="enroll"):
            refused(DOOR, NOW_MS + 2)

    again = clerk.enroll(DOOR, NOW_MS + 3, password=True)

    assert [each.revoked_ms for each in clerk.listed()] == [None]
    assert again.password


def test_a_broken_register_stops_everything(clerk, tmp_path):
    """Files for the broker are never made from half a register: everybody would be locked out."""
    clerk.enroll(DOOR, NOW_MS, password=True)
    before = (tmp_path / "broker" / "acl").read_text()
    (tmp_path / "broker" / register.FILE).write_text('{"devices": [')

    with pytest.raises(ConfigurationError, match=register.FILE):
        clerk.enroll(FREEZER, NOW_MS, password=True)

    assert (tmp_path / "broker" / "acl").read_text() == before


def test_a_name_that_no_certificate_holds_is_refused(clerk):
    """64 characters are the most that a common name has; a password has no such bound."""
    long = DeviceKey("s" * 40, "d" * 40)

    with pytest.raises(ConfigurationError, match="--password"):
        clerk.enroll(long, NOW_MS, password=False)

    assert clerk.enroll(long, NOW_MS, password=True).password


def test_every_certificate_of_a_revoked_device_is_on_the_list(clerk, tmp_path):
    """The list for `crlfile` names the old and the new one, as rotating kept the old one good."""
    first = clerk.enroll(FREEZER, NOW_MS, password=False)
    second = clerk.rotate(FREEZER, NOW_MS + 1, keep_old=True)
    gone = clerk.revoke(FREEZER, NOW_MS + 2)

    serials = [each.serial for each in gone.certificates]
    assert [each.serial for each in (*first.device.certificates, second.device.certificates[-1])] == serials
    assert all(each.revoked_ms == NOW_MS + 2 for each in gone.certificates)
    assert "BEGIN X509 CRL" in (tmp_path / "broker" / "crl.pem").read_text()
    json.loads((tmp_path / "broker" / register.FILE).read_text())
