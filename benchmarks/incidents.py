"""The API over a long past: lists, detail and changes of state while nothing else happens, and while ingest is busy."""

import os
import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.asking import LISTS, OTHERS, Client, Sought, share, spread
from benchmarks.busy import Traffic
from benchmarks.figures import Result, Scale
from benchmarks.keeping import Estate, prepared
from benchmarks.past import Extent
from benchmarks.postgresql import free_port
from benchmarks.processes import used
from iotops.broker.mosquitto import find_mosquitto
from iotops.processes import Child, iotops_command
from iotops.store import tokens
from iotops.store.database import Database

TARGET_MS = 100.0
_DURABILITY = {
    "sqlite": "SQLite WAL synchronous=FULL, a commit for each change",
    "postgresql": "PostgreSQL fsync and synchronous_commit on, a commit for each change",
}
_PROMISED = {(when, kind) for when in ("warm", "busy") for kind in ("list", "detail", "change")}
_CHANGES = ("acknowledge", "assign", "resolve")
_BODIES: Mapping[str, object] = {"assign": {"assignee": "mara"}, "resolve": {"code": "fixed", "verdict": "real"}}
_NEW = "/api/v1/incidents?state=new&sort=raised_at&limit=200"
_WHILE_BUSY = ("default", "open, by priority", "site", "a day", "q, a device", "deep page")
_DETAIL = ("", "/timeline", "/evidence", "/alerts")
Taken = dict[str, list[float]]
"""Question -> how long each answer took, milliseconds."""


class Api:
    """The real API process over a database."""

    def __init__(self, directory: Path, database: Database) -> None:
        self.database, self._log = database, directory / f"api-{database.dialect}.log"
        self.port = free_port()
        (directory / "rules").mkdir(exist_ok=True)
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("IOTOPS_")},
            "IOTOPS_DATABASE__URL": database.secret_url,
            "IOTOPS_API__LISTEN": f"127.0.0.1:{self.port}",
            "IOTOPS_API__REQUESTS_PER_S": "0",  # how fast it can answer is measured, not how much it lets through
            "IOTOPS_RULES__DIRECTORY": str(directory / "rules"),
        }
        self._child = Child("api", iotops_command("api"), env=env, output=self._log)
        with database.begin() as unit:
            self.token = tokens.create(unit, "admin", now_ms=int(time.time() * 1000), name="bench")[1]

    @property
    def pid(self) -> int:
        """Return the process id."""
        assert self._child.pid is not None
        return self._child.pid

    def start(self) -> Client:
        """Start the process; returns a client as soon as it answers."""
        self._child.start()
        end = time.monotonic() + 60
        while True:
            client = Client(self.port, self.token)
            try:
                client.ask("/health/live")
            except OSError as error:
                client.close()
                if time.monotonic() > end or not self._child.running:
                    raise RuntimeError(f"the API does not answer; its log: {self._log.read_text()[-2_000:]}") from error
                time.sleep(0.05)
            else:
                return client

    def stop(self) -> None:
        """End the process."""
        self._child.stop()


def incidents(directory: Path, scale: Scale, keep: Path | None = None) -> Iterator[Result]:
    """Measure on SQLite, and on PostgreSQL where it is installed; the same past in both.

    Args:
        keep: where the loaded databases stay, and are taken from the next time.
    """
    with prepared(keep or directory / "estate", Extent(scale.historic, scale.open_alerts)) as estate:
        for database in estate.databases:
            yield measure(directory, database, estate, scale)


def measure(directory: Path, database: Database, estate: Estate, scale: Scale) -> Result:
    """Ask everything of the API over one database that a past was loaded into."""
    extent, loaded_ms = estate.extent, estate.loaded_ms
    total = extent.historic + extent.open_incidents
    sought = Sought(total, loaded_ms - extent.days * 86_400_000, loaded_ms, random.Random(7))
    about = estate.described(database)
    api = Api(directory, database)
    forget_pages(database)
    client = api.start()
    try:
        before = used(api.pid)
        cold = _ask(client, sought, 1)
        warm = _ask(client, sought, scale.asked)
        changes = _change(client, scale.asked)
        busy = _while_busy(directory, database, client, sought, scale)
        processes = {"api": used(api.pid).since(before)}
    finally:
        client.close()
        api.stop()
    return _told(database.dialect, about, {"cold": cold, "warm": warm | changes, "busy": busy}, processes)


def forget_pages(database: Database) -> None:
    """Let the system forget the pages of a SQLite file, so that what is asked first reads from the disk."""
    if database.file is None:
        return
    with database.file.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _ask(client: Client, sought: Sought, times: int) -> Taken:
    taken: Taken = {}
    for name, question in LISTS.items():
        taken[f"list: {name}"] = [client.ask("/api/v1/incidents" + question(sought))[0] for _ in range(times)]
    for path in _DETAIL:
        asked = (f"/api/v1/incidents/{sought.number()}{path}" for _ in range(times))
        taken[f"detail{path}"] = [client.ask(each)[0] for each in asked]
    for name, question in OTHERS.items():
        taken[name] = [client.ask(question(sought))[0] for _ in range(max(1, times // 4))]
    return taken


def _change(client: Client, times: int) -> Taken:
    """Take new incidents through acknowledge, assign and resolve: the oldest, which no message changes meanwhile."""
    taken: Taken = {f"change: {each}": [] for each in _CHANGES}
    found: list[dict[str, Any]] = []
    path = _NEW
    while len(found) < times and path:
        _, page, _ = client.ask(path)
        found += page["items"]
        path = f"{_NEW}&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    for each in found[:times]:
        version = f'"{each["version"]}"'
        for action in _CHANGES:
            took_ms, version = client.act(f"/api/v1/incidents/{each['number']}", action, _BODIES.get(action), version)
            taken[f"change: {action}"].append(took_ms)
    return taken


def _while_busy(directory: Path, database: Database, client: Client, sought: Sought, scale: Scale) -> Taken:
    """Ask for lists and details, and change states, while ingest commits as fast as it can, as long as it does."""
    mosquitto = find_mosquitto()
    if mosquitto is None:
        print("incidents while ingest is busy: skipped, mosquitto is not installed (apt-get install mosquitto)")
        return {}
    taken: Taken = {}
    with Traffic(directory / f"traffic-{database.dialect}", database, mosquitto, scale.messages * 3) as traffic:
        begun, stored = time.perf_counter(), traffic.stored
        for _ in range(scale.asked):
            if not traffic.lasts:
                break
            for name in _WHILE_BUSY:
                path = "/api/v1/incidents" + LISTS[name](sought)
                taken.setdefault(f"list: {name}", []).append(client.ask(path)[0])
            taken.setdefault("detail", []).append(client.ask(f"/api/v1/incidents/{sought.number()}")[0])
            for name, took_ms in _change(client, 1).items():
                taken.setdefault(name, []).extend(took_ms)
        taken["messages stored a second"] = [(traffic.stored - stored) / (time.perf_counter() - begun)]
    return taken


def _told(dialect: str, about: str, taken: Mapping[str, Taken], processes: Mapping[str, Any]) -> Result:
    rate = taken["busy"].pop("messages stored a second", None)
    spreads = {f"{when}, {name}": spread(values) for when, each in taken.items() for name, values in each.items()}
    figures, targets = {}, {}
    for when in ("warm", "busy"):
        for kind in ("list", "detail", "change"):
            worst = max(
                (share(each, 0.95) for name, each in taken[when].items() if name.startswith(kind)), default=None
            )
            if worst is not None and (when, kind) in _PROMISED:
                figures[f"{kind}, {when}: p95 of the slowest question (ms)"] = worst
                targets[f"{kind}, {when}: p95 of the slowest question (ms)"] = TARGET_MS
    figures["cold: the slowest first answer to a list (ms)"] = max(
        value for name, values in taken["cold"].items() if name.startswith("list") for value in values
    )
    if rate is not None:
        figures["messages that ingest stored a second meanwhile"] = rate[0]
    missed = [
        f"{name}: {figures[name]:.1f}, target {target:.0f}"
        for name, target in targets.items()
        if figures[name] > target
    ]
    return Result(
        f"incidents, {dialect}",
        f"{about}; one client over HTTP",
        _DURABILITY[dialect],
        figures,
        processes,
        tuple(missed),
        at_most=targets,
        spreads=spreads,
    )
