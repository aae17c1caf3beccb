"""An ingest within the test's own process: real broker, real database, and faults at any of its joints."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, text

from iotops.clock import now_ms
from iotops.ingest.receiver import ReceiverStatus
from iotops.notify.courier import Courier
from iotops.settings import Settings
from iotops.store import slots
from iotops.store.database import Database
from iotops.wiring.receiving import build_ingest

RULES = """
metrics:
  temp: {kind: gauge, every: 1m}
rules:
  - alert: hot
    when: temp > 30
    for: 2m
    until: temp < 25
"""
NOTIFY = """
channels:
  log: {kind: log}
routes:
  - {name: everything, channels: [log], group: 0s}
"""


class Works:
    """Ingest and courier as `iotops ingest` builds them, in threads that a test can start and stop.

    Args:
        folder: for the rules; made where it is not there.
        port: where the broker, or a proxy before it, listens on loopback.
        broker, ingest: settings other than the defaults.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        database_url: str,
        *,
        broker: dict[str, Any] | None = None,
        ingest: dict[str, Any] | None = None,
    ) -> None:
        rules = folder / "rules"
        rules.mkdir(parents=True, exist_ok=True)
        (rules / "rules.yaml").write_text(RULES)
        (rules / "notify.yaml").write_text(NOTIFY)
        self.settings = Settings(
            broker={"url": f"mqtt://127.0.0.1:{port}", "keepalive_ms": 2_000, **(broker or {})},
            database={"url": database_url},
            rules={"directory": rules},
            ingest=ingest or {},
        )
        self.database = Database.open(database_url)
        self.database.upgrade()
        self._thread = ThreadPoolExecutor(1)  # its future brings what went wrong in the thread to the test

    def start(self) -> None:
        """Begin, or begin again with what the database knows."""
        self._stop = threading.Event()
        self.ingest, self.duties = build_ingest(self.settings, self.database, self._stop)
        self._courier = Courier(self.database, self.settings.rules.directory)
        self._courier.start()
        self._running = self._thread.submit(self.ingest.run, self._stop)

    def stop(self) -> None:
        """End politely; raises what has ended the ingest, if anything has."""
        self._stop.set()
        self._courier.stop()
        self._running.result(120)

    def hook(self, name: str, call: Callable[[Connection], None]) -> None:
        """Have every writing connection call something at its `begin` or `commit`; ingest starts anew for that."""
        self.stop()
        event.listen(self.database._writer, name, call)
        self.start()

    def close(self) -> None:
        """End everything."""
        self.stop()
        self._thread.shutdown()
        self.database.close()

    @property
    def status(self) -> ReceiverStatus:
        """How the connection stands; raises what has ended the ingest, if anything has."""
        if self._running.done():
            self._running.result()
        return self.duties.receiver.status()

    @property
    def reasons(self) -> str:
        """Why readiness is refused; empty where it is not."""
        return "; ".join(self.duties.vitals.reasons(self.status, now_ms()))

    def counted(self) -> int:
        """Return how many messages are stored or dead letters, as committed."""
        return counted(self.database)

    def untold(self) -> int:
        """Return how many notices are still on their way."""
        return untold(self.database)


def counted(database: Database) -> int:
    """Return how many messages are stored or dead letters, as committed."""
    with database.read() as unit:
        counters = slots.state(unit).counters
    return counters.get("stored", 0) + counters.get("dead_lettered", 0)


def untold(database: Database) -> int:
    """Return how many notices are still on their way."""
    with database.read() as unit:
        waiting = text("SELECT (SELECT count(*) FROM outbox) + count(*) FROM notice WHERE state <> 'delivered'")
        return int(unit.connection.execute(waiting).scalar_one())


def payload(device: int, seq: int, start_ms: int) -> bytes:
    """Return what a device says: a minute of its time for each message, warm for five, one after another."""
    temp = 35 if 3 + device <= seq < 8 + device else 20
    return json.dumps({"ts": start_ms + seq * 60_000, "boot": "b", "seq": seq, "temp": temp}).encode()
