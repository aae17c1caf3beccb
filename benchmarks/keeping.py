"""Databases with a long past: loaded once, and where they are kept, taken as they are the next time."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.loading import load, tidy
from benchmarks.past import Extent, Past
from benchmarks.postgresql import find_initdb, server
from iotops.durations import format_instant
from iotops.incidents.incident import OPEN
from iotops.store import tables
from iotops.store.database import Database

_NOTE = "estate.json"  # written when all is loaded


@dataclass(frozen=True)
class Estate:
    """Databases that hold the same past; `loaded_ms`: when it ended, as wall clock in Unix milliseconds."""

    databases: list[Database]
    extent: Extent
    loaded_ms: int

    def described(self, database: Database) -> str:
        """Return what a database holds right now; what was measured before has added to it."""
        alert, incident = tables.alert, tables.incident
        is_open = incident.c.state.in_([state.value for state in OPEN])
        counts = (
            select(func.count()).select_from(incident).where(~is_open),
            select(func.count()).select_from(incident).where(is_open),
            select(func.count()).select_from(alert).where(alert.c.state == "firing"),
        )
        with database.read() as unit:
            over, still, fire = (unit.connection.execute(each).scalar_one() for each in counts)
        hours = (time.time() * 1_000 - self.loaded_ms) / 3_600_000
        return (
            f"{over} incidents that are over, {still} open ones, {fire} open alerts; "
            f"loaded {format_instant(self.loaded_ms)}, {hours:.1f} h before"
        )


@contextmanager
def prepared(home: Path, extent: Extent) -> Iterator[Estate]:
    """Give the databases of a folder: loaded where it is empty, else as they are, with the schema of today.

    Raises:
        RuntimeError: the folder holds something else, or another extent.
    """
    known = _known(home, extent)
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o755)
    with ExitStack() as stack:
        urls = [f"sqlite:///{home.absolute()}/incidents.db"]
        initdb = find_initdb()
        if initdb is None:
            print("incidents on PostgreSQL: skipped, initdb is not installed (apt-get install postgresql)")
        elif known is None or (home / "postgresql").exists():
            urls.append(stack.enter_context(server(home.absolute() / "postgresql", initdb)))
        databases = [stack.enter_context(closing(Database.open(url))) for url in urls]
        loaded_ms = _load(home, extent, databases) if known is None else known
        for each in databases:
            _bring_up(each)
        yield Estate(databases, extent, loaded_ms)


def _known(home: Path, extent: Extent) -> int | None:
    """Return when the folder's databases were loaded; None where it holds nothing yet."""
    if not home.exists() or not any(home.iterdir()):
        return None
    note = home / _NOTE
    if not note.is_file():
        raise RuntimeError(f"{home}: {_NOTE} is missing, so it was not loaded to its end; remove it, or name another")
    said = json.loads(note.read_text())
    if said["extent"] != asdict(extent):
        raise RuntimeError(f"{home}: loaded with {said['extent']}, asked for is {asdict(extent)}; name another folder")
    return int(said["loaded_ms"])


def _load(home: Path, extent: Extent, databases: list[Database]) -> int:
    for each in databases:
        each.upgrade()
    past = Past(extent, int(time.time() * 1_000))
    start = time.perf_counter()
    entries = load(past, databases)
    print(f"incidents: {entries} timeline entries written in {time.perf_counter() - start:.0f} s", flush=True)
    (home / _NOTE).write_text(json.dumps({"extent": asdict(extent), "loaded_ms": past.now_ms}) + "\n")
    return past.now_ms


def _bring_up(database: Database) -> None:
    """Bring databases of another day to the schema of this code, as an upgrade of iotops does."""
    if database.at_head():
        return
    start = time.perf_counter()
    database.upgrade()
    tidy(database)
    print(f"incidents: {database.dialect} upgraded in {time.perf_counter() - start:.0f} s", flush=True)
