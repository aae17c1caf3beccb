"""Receivers, publishers and a broker that says whatever a test wants."""

import contextlib
import json
import socket
import threading

import paho.mqtt.client as mqtt
import pytest

from iotops.incidents.desk import Surroundings
from iotops.ingest.admission import Admission
from iotops.ingest.batchwork import Ledgers
from iotops.ingest.pipeline import Pipeline
from iotops.ingest.receivers import LINKS, new_receiver
from iotops.ingest.restore import restore
from iotops.ingest.retry import Patience
from iotops.ingest.snapshots import Snapshots
from iotops.rules.compile import compile_rules
from iotops.rules.engine import Now
from iotops.rules.memory import SLOTS, Memory
from iotops.rules.rulefile import parse_rules
from iotops.settings import BrokerSettings
from iotops.store import rules
from iotops.store.database import Database
from iotops.telemetry.limits import Limits
from iotops.telemetry.message import Message


@pytest.fixture(params=LINKS)
def make_receiver(request):
    """Make receivers of each implementation; all are stopped with the test."""
    made = []

    def make(url, *, start=True, options=None, **settings):
        receiver = new_receiver(BrokerSettings(url=url, receiver=request.param, **settings), **(options or {}))
        made.append(receiver)
        if start:
            receiver.start()
        return receiver

    yield make
    for receiver in made:
        receiver.stop()


@pytest.fixture
def publish():
    """Publish payloads at QoS 1 in order and return when the broker has confirmed them all."""

    def publish(broker, payloads, topic="iot/s1/d1/telemetry", **options):
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        connected = threading.Event()
        client.on_connect = lambda *_: connected.set()
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        assert connected.wait(60)
        for sent in [client.publish(topic, payload, qos=1, **options) for payload in payloads]:
            sent.wait_for_publish(60)
        client.disconnect()
        client.loop_stop()

    return publish


class ScriptedBroker:
    """Accepts connections, answers CONNECT and SUBSCRIBE, then sends the bytes of the test; counts what comes back.

    `greeting`: its CONNACK behind the session flag, reason code and properties.
    """

    def __init__(self, *scripts, greeting=b"\x00\x00"):
        self.scripts = list(scripts)
        self.greeting = greeting
        self.connections = self.pings = 0
        self.confirmed = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._open = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(60)

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                with connection, contextlib.suppress(OSError):
                    self._talk(connection, self.connections)

    def _talk(self, connection, number):
        self.connections += 1
        script = self.scripts[min(number, len(self.scripts) - 1)]
        stream = connection.makefile("rb")
        while packet := self._packet(stream):
            kind, body = packet
            if kind == 0x10:
                known = b"\x01" if number else b"\x00"
                connection.sendall(bytes((0x20, 1 + len(self.greeting))) + known + self.greeting)
            elif kind == 0xC0:
                self.pings += 1
            elif kind == 0x82 and body[:2] == b"\x00\x01":
                topics = len(BrokerSettings().topics)
                connection.sendall(bytes((0x90, 3 + topics)) + body[:2] + b"\x00" + b"\x01" * topics + script)
            elif kind == 0x40:
                self.confirmed.append((number + 1, int.from_bytes(body, "big")))
        stream.close()

    @staticmethod
    def _packet(stream):
        head = stream.read(1)
        if not head:
            return None
        length = shift = 0
        while True:
            (byte,) = stream.read(1)
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return head[0], stream.read(length)


@pytest.fixture
def scripted_broker():
    """Make brokers that follow a script, one per connection, the last one for all that follow."""
    made = []

    def make(*scripts, **options):
        made.append(ScriptedBroker(*scripts, **options))
        return made[-1]

    yield make
    for broker in made:
        broker.close()


class Plant:
    """The ingest's pipeline over a database; times are offsets from a start, in event time and connected time alike."""

    def __init__(self, database, text, start_ms):
        self.database = database
        self.rules = parse_rules({"rules.yaml": text})[0]
        self.start_ms = start_ms
        with database.begin() as unit:
            rules.keep_loaded(unit, self.rules, start_ms)
        self.pipeline = self._pipeline()

    def _pipeline(self):
        with self.database.read() as unit:
            ledgers = Ledgers.load(unit)
        return Pipeline(
            self.database,
            ledgers,
            Memory(),
            compile_rules(self.rules),
            Surroundings(self.rules.rules, {}),
            limits=Limits(),
            admission=Admission(100, 10),
            patience=Patience(threading.Event()),
        )

    def snapshot(self, offset_ms):
        """Write all of memory."""
        with self.database.begin() as unit:
            snapshots = Snapshots(self.pipeline.memory, 60_000, 0)
            snapshots.write(unit, snapshots.take(self.pipeline.ledgers.state, SLOTS), self.start_ms + offset_ms)

    def restart(self):
        """Lose everything that is not stored, and begin anew."""
        self.pipeline = self._pipeline()
        with self.database.read() as unit:
            restore(unit, self.pipeline.memory, self.pipeline.program, self.pipeline.roster)

    def hear(self, offset_ms, leaf, payload, device="fz-1", site="paris"):
        """Have a message arrive."""
        at_ms = self.start_ms + offset_ms
        message = Message(f"iot/{site}/{device}/{leaf}", payload, at_ms, offset_ms)
        self.pipeline.process([message], Now(at_ms, offset_ms))

    def temp(self, minute, value, device="fz-1"):
        """Have a device report at a minute; a second later all is drained, so that timers due by then have run."""
        offset_ms = minute * 60_000
        payload = json.dumps({"ts": self.start_ms + offset_ms, "temp": value}).encode()
        self.hear(offset_ms, "telemetry", payload, device)
        self.wait(offset_ms + 1_000)

    def wait(self, until_ms):
        """Have time go by with nothing heard."""
        self.pipeline.process([], Now(self.start_ms + until_ms, until_ms))


@pytest.fixture
def database(database_url):
    """A database of each kind, with the newest tables."""
    opened = Database.open(database_url)
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def make_plant(database):
    """Make a plant under rules, from an instant on."""
    return lambda text, start_ms: Plant(database, text, start_ms)


@pytest.fixture(scope="module")
def make_plant_over():
    """Make a plant over a database of a URL."""
    opened = []

    def make(url, text, start_ms):
        opened.append(Database.open(url))
        opened[-1].upgrade()
        return Plant(opened[-1], text, start_ms)

    yield make
    for database in opened:
        database.close()
