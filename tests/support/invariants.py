"""What must hold after any fault, in seven lines: those of `iotops ledger`."""

import hashlib
from collections import deque
from pathlib import Path

import paho.mqtt.client as mqtt
from works import NOTIFY, payload

from iotops.clock import now_ms
from iotops.footprint import Footprint
from iotops.invariants import Expectation, judge
from iotops.ledger import Account, Published, read_ledger
from iotops.notify.routefile import parse_notify
from iotops.store.database import Database, Unit
from iotops.telemetry.reading import DeviceKey
from simulators.device import Utterance
from simulators.ledger import SYNC_MS, Ledger

START_MS = 1_767_225_600_000
DEVICES = 6
BAD = b'{"ts": "never", "temp": 1}'
"""A message that is a dead letter, one for each device: lost ones would hide behind a broken count otherwise."""


class Voices:
    """Devices that publish at QoS 1, each message once, and write down which were acknowledged.

    What `say` has returned from is on the disk: nothing counts as published before.
    """

    def __init__(self, port: int, file: Path, devices: int = DEVICES) -> None:
        self.rows: list[Utterance] = []
        self.file = file
        self._book = Ledger(file)
        self._acked: deque[tuple[int, int]] = deque()  # filled by the connection's thread, which must not wait
        self._under_way: dict[int, tuple[Utterance, int]] = {}
        self._syncs = 0
        self._infos: list[mqtt.MQTTMessageInfo] = []
        self._devices = devices
        self._seq = 0
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "voices", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_publish = self._acknowledged
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def say(self, rounds: int) -> None:
        """Publish a message of each device, so many times, and return when the broker has acknowledged them."""
        for _ in range(rounds):
            self._seq += 1
            for device in range(self._devices):
                body = BAD if self._seq == 2 else payload(device, self._seq, START_MS)
                self._publish(device, body)
        for info in self._infos[-rounds * self._devices :]:
            info.wait_for_publish(120)
        self._sync()

    def ledger(self) -> list[Published]:
        """Return what was published, with what is acknowledged by now, as the file has it."""
        self._sync()
        return [*read_ledger(self.file), *(_published(said) for said, _ in self._under_way.values())]

    @property
    def is_connected(self) -> bool:
        """Tell whether they are connected to the broker."""
        return self._client.is_connected()

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()
        self._sync()
        self._book.close(self._under_way.values())

    def _sync(self) -> None:
        while self._acked:
            mid, acked_ms = self._acked.popleft()
            self._book.acknowledged(*self._under_way.pop(mid), acked_ms)
        self._syncs += SYNC_MS
        self._book.write(self._syncs)

    def _acknowledged(self, _client, _userdata, mid, _reason, _properties) -> None:
        self._acked.append((mid, now_ms()))

    def _publish(self, device: int, body: bytes) -> None:
        is_bad = body == BAD
        seq, at_ms = ("", "") if is_bad else (self._seq, START_MS + self._seq * 60_000)
        said = Utterance(DeviceKey("site", f"d{device}"), "telemetry", "b", seq, at_ms, body)
        self.rows.append(said)
        info = self._client.publish(f"iot/{said.key.site}/{said.key.device}/telemetry", body, qos=1)
        self._under_way[info.mid] = (said, now_ms())
        self._infos.append(info)


def _published(said: Utterance) -> Published:
    digest = hashlib.sha256(said.payload).hexdigest()
    return Published(said.key, said.boot, said.seq or None, said.ts or None, digest, acked=False)


def settle(unit: Unit, ledger: list[Published]) -> Account:
    """Account for what was published, as `iotops ledger` does."""
    return judge(unit, ledger, Expectation()).account


def invariants(database: Database, ledger: list[Published], before: Footprint | None) -> dict[str, str]:
    """Return those of I1 to I7 that do not hold, with what is wrong; and print all of them."""
    notify, _ = parse_notify("notify.yaml", NOTIFY)
    footprints = None if before is None else (before, Footprint.now())
    expected = Expectation(notify, footprints=footprints, episodes=_episodes(ledger))
    with database.read() as unit:
        found = judge(unit, ledger, expected)
    for line in found.lines():
        print(line)  # noqa: T201  the account of the test
    return {number: fault for number, fault in found.faults.items() if fault}


def _episodes(ledger: list[Published]) -> list[tuple[str, str]]:
    """Each device that was warm long enough has one episode."""
    last: dict[DeviceKey, int] = {}
    for row in ledger:
        last[row.key] = max(last.get(row.key, 0), row.seq or 0)
    return [("hot", str(key)) for key, seq in last.items() if seq >= 5 + int(key.device[1:])]
