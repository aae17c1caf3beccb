"""Devices that publish over a real broker, faster than their time goes by, and keep the ledger."""

import csv
import hashlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from corpus import Sent, last_messages, messages

from iotops.ledger import COLUMNS

WINDOW = 20  # messages that the broker has not acknowledged; its own limit for a client, too


class Publisher:
    """Publishes at QoS 1, at most `WINDOW` unacknowledged: beyond its in-flight limit paho does not keep the order."""

    def __init__(self, port: int, name: str) -> None:
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, name, clean_session=False)
        self._room = threading.Semaphore(WINDOW)
        self._client.on_publish = lambda *_: self._room.release()
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def publish(self, sent: Sent) -> None:
        """Publish once there is room in the window."""
        self._wait()
        self._client.publish(sent.topic, sent.payload, qos=1)

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
    """Devices that publish from a thread, as many messages as they are told to, and keep the ledger."""

    def __init__(self, port: int, ledger: Path) -> None:
        self._port = port
        self._ledger = ledger
        self._sent: list[Sent] = []
        self._rows: list[list[Any]] = []
        self._last_round = threading.Event()
        self._may_send = 0
        self._told = threading.Condition()
        self._publisher: Publisher | None = None
        self._thread = ThreadPoolExecutor(1)  # its future brings what went wrong in the thread to the test

    def start(self) -> None:
        """Begin to publish."""
        self._publisher = Publisher(self._port, "fleet")
        self._publishing = self._thread.submit(self._run, self._publisher)

    @property
    def sent(self) -> list[Sent]:
        """What was published up to now; raises what has ended the publishing, if anything has."""
        if self._publishing.done():
            self._publishing.result()
        return self._sent

    def go_to(self, count: int) -> None:
        """Let them publish until there are so many messages in all."""
        with self._told:
            self._may_send = max(count, self._may_send)
            self._told.notify_all()

    def finish(self) -> list[Sent]:
        """Stop after a whole round, wait for every acknowledgement, write the ledger; return what was published."""
        self._end()
        self._publishing.result(120)
        self._publisher.close()
        with self._ledger.open("w", newline="") as stream:
            csv.writer(stream).writerows([COLUMNS, *self._rows])
        return self._sent

    def abandon(self) -> None:
        """End the thread, of a test that has failed too, while its broker is still there; raises what has ended it."""
        self._end()
        if self._publisher is not None:
            self._publisher.abandon()
            self._publishing.result(120)
        self._thread.shutdown()

    def _end(self) -> None:
        with self._told:
            self._last_round.set()
            self._told.notify_all()

    def _run(self, publisher: Publisher) -> None:
        for sent in self._until_the_last_round():
            with self._told:
                self._told.wait_for(lambda: len(self._sent) < self._may_send or self._last_round.is_set())
            publisher.publish(sent)
            self._note(sent)
            if len(self._sent) % 4 == 0:
                time.sleep(0.01)  # fewer than 400 messages a second: a busy machine, too, keeps up with them

    def _until_the_last_round(self) -> Iterator[Sent]:
        for rounds, found in enumerate(messages(), 1):
            yield from found
            if self._last_round.is_set():
                yield from last_messages(rounds)
                return

    def _note(self, sent: Sent) -> None:
        self._sent.append(sent)
        if sent.counted is not None:
            at_ms = time.time_ns() // 1_000_000
            digest = hashlib.sha256(sent.payload.encode()).hexdigest()
            self._rows.append(["site", *sent.counted, digest, at_ms, at_ms])
