"""What must hold after any fault, in seven lines, always the same ones."""

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import paho.mqtt.client as mqtt
from sqlalchemy import text
from works import payload

from iotops.ledger import Account, Published, StoredReading, balance
from iotops.store import accounting, audit, dead_letters
from iotops.store.database import Database, Unit
from iotops.telemetry.reading import DeviceKey

START_MS = 1_767_225_600_000
DEVICES = 6
BAD = b'{"ts": "never", "temp": 1}'
"""A message that is a dead letter, one for each device: lost ones would hide behind a broken count otherwise."""
_SPARE_FILES = 12  # connections that pools keep open
_SPARE_BYTES = 64 << 20


class Footprint(NamedTuple):
    """What this process holds."""

    files: int
    threads: int
    resident: int

    @classmethod
    def now(cls) -> "Footprint":
        """Measure; Linux only, as are the tests that need it."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(
            len(list(Path("/proc/self/fd").iterdir())), threading.active_count(), pages * os.sysconf("SC_PAGE_SIZE")
        )


class Voices:
    """Devices that publish at QoS 1, each message once, and know which were acknowledged."""

    def __init__(self, port: int, devices: int = DEVICES) -> None:
        self.rows: list[Published] = []
        self._infos: list[mqtt.MQTTMessageInfo] = []
        self._devices = devices
        self._seq = 0
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "voices", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
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

    def ledger(self) -> list[Published]:
        """Return what was published, with what is acknowledged by now."""
        return [replace(row, acked=info.is_published()) for row, info in zip(self.rows, self._infos, strict=True)]

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _publish(self, device: int, body: bytes) -> None:
        key, digest = DeviceKey("site", f"d{device}"), hashlib.sha256(body).hexdigest()
        is_bad = body == BAD
        at_ms = None if is_bad else START_MS + self._seq * 60_000
        self.rows.append(Published(key, "b", None if is_bad else self._seq, at_ms, digest, acked=False))
        self._infos.append(self._client.publish(f"iot/{key.site}/{key.device}/telemetry", body, qos=1))


def settle(unit: Unit, ledger: Iterable[Published]) -> Account:
    """Account for what was published, as `iotops ledger` does."""
    found_of = accounting.stored_by_device(unit)

    def stored_of(key: DeviceKey) -> Iterator[StoredReading]:
        return (StoredReading(each.boot, each.seq, each.at_ms) for each in found_of(key))

    return balance(ledger, stored_of, lambda digests: dead_letters.count_by_digest(unit, digests))


def invariants(database: Database, ledger: list[Published], before: Footprint) -> dict[str, str]:
    """Return I1 to I7 -> what is wrong, empty where it holds; and print them."""
    with database.read() as unit:
        found = {**_of_messages(unit, ledger), **_of_incidents(unit, ledger)}
        broken = audit.verify(unit)
    found["I6 the timeline's chain verifies"] = "" if broken is None else str(broken)
    found["I7 memory, threads and files are as before"] = _grown(before, Footprint.now())
    for name, fault in found.items():
        print(f"{name}: {fault or 'holds'}")  # noqa: T201  the account of the test
    return {name[:2]: fault for name, fault in found.items() if fault}


def _of_messages(unit: Unit, ledger: list[Published]) -> dict[str, str]:
    account = settle(unit, ledger)
    stored = [row.sha256 for row in ledger if row.seq is not None]
    both = sum(dead_letters.count_by_digest(unit, set(stored)).values())
    return {
        "I1 acknowledged is stored or a dead letter": "; ".join(account.named) if account.lost else "",
        "I2 nothing is stored and a dead letter": f"{both} are both" if both else "",
        "I3 each is stored once": f"{account.stored_twice} twice" if account.stored_twice else "",
    }


def _of_incidents(unit: Unit, ledger: list[Published]) -> dict[str, str]:
    """Each device that was warm long enough has one episode, one incident, and notices with keys of their own."""
    last: dict[str, int] = {}
    for row in ledger:
        last[row.key.device] = max(last.get(row.key.device, 0), row.seq or 0)
    expected = sorted(device for device, seq in last.items() if seq >= 5 + int(device[1:]))
    rows = unit.connection.execute(text("SELECT id, device FROM alert WHERE fired_ms IS NOT NULL")).all()
    fired = {row.id: row.device for row in rows}
    raised = unit.connection.execute(text("SELECT alert_id FROM incident WHERE rule = 'hot'")).scalars().all()
    exact = sorted(fired.values()) == expected and sorted(raised) == sorted(fired)
    notices = unit.connection.execute(text("SELECT key, state FROM notice")).all()
    told = len(notices) >= len(raised) and all(state == "delivered" for _, state in notices)
    waiting = unit.connection.execute(text("SELECT count(*) FROM outbox")).scalar_one()
    return {
        "I4 episodes and incidents are one to one": "" if exact else f"{expected} expected, {fired} of {raised}",
        "I5 each incident was told under one key": "" if told and not waiting else f"{notices}, {waiting} waiting",
    }


def _grown(before: Footprint, now: Footprint) -> str:
    holds = (
        now.files <= before.files + _SPARE_FILES
        and now.threads <= before.threads + 2
        and now.resident <= before.resident * 1.1 + _SPARE_BYTES
    )
    return "" if holds else f"{before} became {now}"
