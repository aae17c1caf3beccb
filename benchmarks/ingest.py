"""The whole: a real broker, the real ingest process, a real database, and an account of every message."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from benchmarks import fleet
from benchmarks.figures import Result, Scale
from benchmarks.postgresql import cluster, find_initdb, free_port
from benchmarks.processes import Used, used, used_since
from iotops import settings
from iotops.broker.mosquitto import Mosquitto, find_mosquitto
from iotops.processes import Child, iotops_command
from iotops.store import heartbeats, slots
from iotops.store.database import Database
from iotops.wiring import upkeep

DURABILITY = {
    "sqlite": "QoS 1, acknowledged after commit, SQLite WAL synchronous=FULL, mosquitto persistence on",
    "postgresql": "QoS 1, acknowledged after commit, PostgreSQL synchronous_commit on, mosquitto persistence on",
}
_STORED = "messages a second until stored"
_SUSTAINED = {"sqlite": {_STORED: 30_000.0}, "postgresql": {_STORED: 15_000.0}}
_STALLED_S = 180  # without one more stored message; a start over a long past takes its time, too


class Site:
    """One broker, one database and one ingest, in a directory of their own."""

    def __init__(self, directory: Path, database_url: str, mosquitto: str, receiver: str = "fast") -> None:
        directory.mkdir()
        self.broker = Mosquitto(directory / "broker", free_port(), mosquitto)
        self.ledger = directory / "PUBLISHED.csv"
        self.directory = directory
        (directory / "rules").mkdir()
        (directory / "rules" / "bench.yaml").write_text(fleet.rules()["bench.yaml"])
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("IOTOPS_")},
            "IOTOPS_BROKER__URL": self.broker.url,
            "IOTOPS_DATABASE__URL": database_url,
            "IOTOPS_BROKER__RECEIVER": receiver,
            "IOTOPS_RULES__DIRECTORY": str(directory / "rules"),
        }
        self.database = Database.open(database_url)
        self.database.upgrade()
        self.ingest = Child("ingest", iotops_command("ingest"), env=self.env, output=directory / "ingest.log")

    def start_ingest(self) -> None:
        """Start the ingest, and return when it has subscribed."""
        begun_ms = int(time.time() * 1000)
        self.ingest.start()

        def subscribed() -> bool:
            with self.database.read() as unit:
                sign = heartbeats.latest(unit).get("ingest")
            return sign is not None and sign.at_ms > begun_ms and bool(sign.data["subscribed"])

        self._wait(subscribed, lambda: 0)

    @property
    def broker_pid(self) -> int:
        """Return the process id of the broker: the only mosquitto among our children."""
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        (found,) = (int(pid) for pid in children if Path(f"/proc/{pid}/comm").read_text().strip() == "mosquitto")
        return found

    def publisher(self, messages: int, rate: int = 0, *options: str) -> "Publisher":
        """Return a publisher that is connected and ready; `rate`: messages a second, 0: as fast as acknowledged."""
        return Publisher(self.broker.url, messages, self.ledger, rate, options)

    def stored(self) -> int:
        """Return how many messages the newest commit accounts for."""
        return int(self.counters().get("messages", 0))

    def counters(self) -> Mapping[str, int]:
        """Return the totals of the newest commit."""
        with self.database.read() as unit:
            return slots.state(unit).counters

    def wait_stored(self, messages: int) -> None:
        """Return as soon as all are stored."""
        self._wait(lambda: self.stored() >= messages, self.stored)

    def faults(self, messages: int) -> tuple[str, ...]:
        """Return what is wrong with the account of every message."""
        url = settings.DatabaseSettings(url=self.env["IOTOPS_DATABASE__URL"])
        account = upkeep.settle_ledger(settings.Settings(database=url), self.ledger).account
        expected = {"published": messages, "stored": messages, "lost": 0, "stored_twice": 0, "dead_lettered": 0}
        found = {name: getattr(account, name) for name in expected}
        wrong = [f"{name}: {found[name]}, expected {value}" for name, value in expected.items() if found[name] != value]
        return (*wrong, *account.named)

    def stop(self) -> None:
        """End the ingest and the broker."""
        self.ingest.stop()
        self.broker.stop()

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    def _wait(self, holds: Callable[[], bool], progress: Callable[[], int]) -> None:
        seen, since = -1, time.monotonic()
        while not holds():
            if (now := progress()) != seen:
                seen, since = now, time.monotonic()
            if not self.ingest.running or time.monotonic() - since > _STALLED_S:
                log = (self.directory / "ingest.log").read_text(errors="replace")[-2_000:]
                raise RuntimeError(f"ingest: no progress after {seen} messages; its log ends: {log}")
            time.sleep(0.05)


class Publisher:
    """A process that is ready to publish."""

    def __init__(self, url: str, messages: int, ledger: Path, rate: int, options: Sequence[str] = ()) -> None:
        to = (url, str(messages), str(ledger), f"--rate={rate}")
        command = (sys.executable, "-m", "benchmarks.publisher", *to, *options)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._line() == "ready"

    def go(self) -> None:
        """Let it begin."""
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def wait_published(self) -> dict[str, Any]:
        """Wait until everything is acknowledged; return what it says."""
        return json.loads(self._line())

    def wait(self) -> None:
        """Wait until the ledger is written, too."""
        while self._line() != "written":
            pass

    def close(self) -> None:
        """End it."""
        self.process.communicate()

    def _line(self) -> str:
        line = self.process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"the publisher ended with status {self.process.wait()}")
        return line


def ingest(directory: Path, scale: Scale) -> Iterator[Result]:
    """Measure on SQLite, and on PostgreSQL where it is installed."""
    mosquitto, initdb = find_mosquitto(), find_initdb()
    if mosquitto is None:
        print("ingest: skipped, mosquitto is not installed (apt-get install mosquitto)")
        return
    with ExitStack() as stack:

        def site(name: str, receiver: str = "fast") -> Site:
            place = directory / name
            return stack.enter_context(closing(Site(place, f"sqlite:///{place}/iotops.db", mosquitto, receiver)))

        yield from _three(site, "sqlite", scale)
        yield published(site("burst-paho", "paho"), "sqlite, paho receiving", scale.messages)
    if initdb is None:
        print("ingest on PostgreSQL: skipped, initdb is not installed (apt-get install postgresql)")
        return
    with ExitStack() as stack:

        def site(name: str) -> Site:
            url = stack.enter_context(cluster(directory, initdb))
            return stack.enter_context(closing(Site(directory / f"{name}-pg", url, mosquitto)))

        yield from _three(site, "postgresql", scale)


def _three(site: Callable[[str], Site], dialect: str, scale: Scale) -> Iterator[Result]:
    queued = catch_up(site("catch-up"), dialect, scale.messages)
    yield queued
    burst = published(site("burst"), dialect, scale.messages)
    yield burst
    rate = int(0.8 * min(next(iter(result.figures.values())) for result in (queued, burst)))
    yield published(site("steady"), dialect, rate * scale.steady_s, rate)


def published(site: Site, dialect: str, messages: int, rate: int = 0) -> Result:
    """Publish while the ingest runs, at a rate or as fast as the broker acknowledges; until the last one is stored."""
    try:
        site.broker.start()
        site.start_ingest()
        publisher = site.publisher(messages, rate)
        pids = {"mosquitto": site.broker_pid, "ingest": site.ingest.pid, "publisher": publisher.process.pid}
        before = {name: used(pid) for name, pid in pids.items()}
        start = time.perf_counter()
        publisher.go()
        said = publisher.wait_published()
        behind, since = messages - site.stored(), time.perf_counter()
        site.wait_stored(messages)
        end = time.perf_counter()
        publisher.wait()
        processes = used_since(before, pids)
        publisher.close()
    finally:
        site.stop()
    figures = {
        _STORED: messages / (end - start),
        "messages a second acknowledged by the broker": said["published"] / said["seconds"],
        "not stored yet when the last was published": max(behind, 0),
        "seconds from there until it was": end - since,
        "ingest CPU a message (µs)": processes["ingest"]["cpu_s"] / messages * 1e6,
    }
    how = f"at {rate} a second" if rate else "as fast as acknowledged"
    text = f"{messages} messages published {how} while ingest runs; {fleet.WORKLOAD}"
    name = f"ingest, {'steady' if rate else 'burst'}, {dialect}"
    target = {} if rate else _SUSTAINED.get(dialect, {})
    how = DURABILITY[dialect.partition(",")[0]]
    return Result(name, text, how, figures, processes, site.faults(messages), at_least=target)


def catch_up(site: Site, dialect: str, messages: int) -> Result:
    """Publish while the ingest is away; from its start until the last message is stored."""
    try:
        site.broker.start()
        site.start_ingest()
        site.ingest.stop()
        publisher = site.publisher(messages)
        publisher.go()
        publisher.wait()
        publisher.close()
        start = time.perf_counter()
        site.ingest.start()
        pids = {"mosquitto": site.broker_pid, "ingest": site.ingest.pid}
        before = {"mosquitto": used(pids["mosquitto"]), "ingest": Used(0, 0)}
        site.wait_stored(1)
        first, early = time.perf_counter(), site.stored()
        site.wait_stored(messages)
        end = time.perf_counter()
        processes = used_since(before, pids)
    finally:
        site.stop()
    figures = {
        "messages a second, first to last commit": (messages - early) / max(end - first, 1e-9),
        "messages a second, from the start of ingest": messages / (end - start),
        "start to first commit (s)": first - start,
        "ingest CPU a message, start included (µs)": processes["ingest"]["cpu_s"] / messages * 1e6,
    }
    text = f"{messages} messages queued by the broker while ingest was away; {fleet.WORKLOAD}"
    return Result(f"ingest, catch-up, {dialect}", text, DURABILITY[dialect], figures, processes, site.faults(messages))
