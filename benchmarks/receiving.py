"""Receiving alone: messages of a real broker reach a worker, which confirms them; nothing is judged or stored."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from benchmarks.figures import Result, Scale
from benchmarks.ingest import Site
from benchmarks.processes import used
from iotops.broker.access import address, credentials
from iotops.broker.mosquitto import find_mosquitto
from iotops.ingest.receivers import LINKS, new_receiver
from iotops.settings import BrokerSettings

DURABILITY = "QoS 1, acknowledged in batches by a worker that keeps nothing, mosquitto persistence on"
STEADY_RATE = 10_000
"""Messages a second: what reading costs where each arrives by itself."""
_BATCH, _IDLE_MS, _LINGER_MS = 2_000, 200, 50  # as ingest has them
_STALLED_S = 60

Receive = Callable[[BrokerSettings, int, threading.Event], int]


def receiving(directory: Path, scale: Scale) -> Iterator[Result]:
    """Measure each receiver over a burst and at a steady rate, and paho with its own loop beside them."""
    program = find_mosquitto()
    if program is None:
        print("receive: skipped, mosquitto is not installed (apt-get install mosquitto)")
        return
    ways: dict[str, Receive] = {f"{kind} receiver": _ours(kind) for kind in LINKS} | {"paho's own loop": paho_alone}
    for name, receive in ways.items():
        for rate in (0, STEADY_RATE):
            place = directory / f"{name.split(maxsplit=1)[0]}-{name.split()[-1]}-{rate}"
            with closing(Site(place, f"sqlite:///{place}.db", program)) as site:
                messages = rate * scale.steady_s if rate else scale.messages
                yield _measured(f"{name}, {'steady' if rate else 'burst'}", receive, site, messages, rate)


def _measured(name: str, receive: Receive, site: Site, messages: int, rate: int) -> Result:
    site.broker.start()
    try:
        settings = BrokerSettings(url=site.broker.url)
        subscribed, counted = threading.Event(), queue.SimpleQueue[int]()
        work = threading.Thread(target=lambda: counted.put(receive(settings, messages, subscribed)), daemon=True)
        work.start()
        assert subscribed.wait(_STALLED_S)
        publisher = site.publisher(messages, rate)
        before = used(site.broker_pid)
        cpu, start = time.process_time(), time.perf_counter()
        publisher.go()
        work.join()
        end, spent = time.perf_counter(), time.process_time() - cpu
        broker = used(site.broker_pid).since(before)
        publisher.wait()
        publisher.close()
    finally:
        site.broker.stop()
    found = counted.get()
    figures = {
        "messages a second": found / (end - start),
        "CPU a message (µs)": spent / messages * 1e6,
    }
    how = f"at {rate} a second" if rate else "as fast as acknowledged"
    faults = () if found == messages else (f"received: {found}, expected {messages}",)
    return Result(
        f"receive, {name}", f"{messages} messages published {how}", DURABILITY, figures, {"mosquitto": broker}, faults
    )


def _ours(kind: str) -> Receive:
    def receive(settings: BrokerSettings, messages: int, subscribed: threading.Event) -> int:
        receiver = new_receiver(settings.model_copy(update={"receiver": kind}))
        receiver.start()
        try:
            while not receiver.status().subscribed:
                time.sleep(0.01)
            subscribed.set()
            return _drain(receiver, messages)
        finally:
            receiver.stop()

    return receive


def _drain(receiver, messages: int) -> int:
    found, heard = 0, time.monotonic()
    while found < messages and time.monotonic() - heard < _STALLED_S:
        batch = receiver.take(_BATCH, _IDLE_MS, _LINGER_MS)
        receiver.acknowledge(batch)
        found += len(batch)
        heard = time.monotonic() if batch else heard
    return found


def paho_alone(settings: BrokerSettings, messages: int, subscribed: threading.Event) -> int:
    """Receive with paho's own loop in its own thread, confirmed by hand as each message comes; return how many came."""
    client = mqtt.Client(
        mqtt.CallbackAPIVersion.VERSION2, client_id=settings.client_id, protocol=mqtt.MQTTv5, manual_ack=True
    )
    client.username_pw_set(*credentials(settings))
    wishes = Properties(PacketTypes.CONNECT)
    wishes.ReceiveMaximum, wishes.SessionExpiryInterval = settings.receive_maximum, 3_600
    count, done = 0, threading.Event()

    def note(_client, _userdata, message) -> None:
        nonlocal count
        count += 1
        client.ack(message.mid, 1)
        if count == messages:
            done.set()

    client.on_message = note
    client.on_connect = lambda *_: client.subscribe([(topic, 1) for topic in settings.topics])
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect(*address(settings), 30, clean_start=False, properties=wishes)
    client.loop_start()
    seen = -1
    while not done.wait(_STALLED_S) and count > seen:
        seen = count
    client.disconnect()
    client.loop_stop()
    return count
