"""How telemetry may be laid out, measured: what an append costs, what reading one device costs, what a message weighs.

    python -m benchmarks.telemetry_layout [--postgresql URL] [--directory DIR] [--messages 300000]

Each layout stores the same messages: 3 metrics, batches of 2 000, one transaction each, durable (SQLite FULL,
PostgreSQL as it comes). The last part runs the store that ships. docs/decisions/0001-telemetry-layout.md has the
figures that decided.
"""

import argparse
import os
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from sqlalchemy import text

from benchmarks.measuring import BATCH, DAY_MS, START_MS, best_ms, fsync_ms, size_of
from benchmarks.telemetry_store import store
from iotops.store.database import Database, Unit

COLUMNS = (
    "position bigint, device_id bigint, previous bigint, kind smallint, at_ms bigint, received_ms bigint, "
    "connected_ms bigint, batch_no bigint, boot text, seq bigint, identity {blob}, packed {blob}"
)
NAMES = "position, device_id, previous, kind, at_ms, received_ms, connected_ms, batch_no, boot, seq, identity, packed"
CHAIN = (
    "WITH RECURSIVE chain(next) AS (SELECT position FROM head WHERE device_id = :device UNION ALL SELECT a.previous "
    "FROM chain JOIN a ON a.position = chain.next WHERE chain.next IS NOT NULL) "
    "SELECT a.at_ms, a.packed FROM chain JOIN a ON a.position = chain.next"
)
BY_DEVICE = "SELECT at_ms, packed FROM a WHERE device_id = :device"
ONE_IDENTITY = " AND identity = :identity"
_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True)
class Layout:
    """A way to lay arrivals out: statements after the columns, and how one device is read."""

    name: str
    key: str
    then: tuple[str, ...] = ()
    read: str = BY_DEVICE
    without_rowid: bool = False
    heads: bool = False


LAYOUTS = (
    Layout("rows, no index", "PRIMARY KEY (position)"),
    Layout("rows + index (device, at)", "PRIMARY KEY (position)", ("CREATE INDEX i ON a (device_id, at_ms)",)),
    Layout(
        "rows + unique (device, identity)",
        "PRIMARY KEY (position)",
        ("CREATE UNIQUE INDEX i ON a (device_id, identity)",),
    ),
    Layout("clustered (device, at)", "PRIMARY KEY (device_id, at_ms, position)", without_rowid=True),
    Layout("rows in a chain per device", "PRIMARY KEY (position)", read=CHAIN, heads=True),
)


def main() -> None:
    """Measure every layout on every database that is named, then the store."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("--postgresql", metavar="URL", help="an empty database to use; without it only SQLite")
    arguments.add_argument("--directory", type=Path, help="where the SQLite files go; not a memory file system")
    arguments.add_argument("--messages", type=int, default=300_000)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.directory) as directory:
        print(f"{os.cpu_count()} cores; one fsync takes {fsync_ms(Path(directory)):.2f} ms; {chosen.messages} messages")
        for devices in (1_000, 10_000):
            print(f"\n{devices} devices")
            print(f"{'':34}{'append':>9}{'CPU':>9}{'slowest':>10}{'a device':>10}{'identity':>10}{'size':>9}")
            for number, layout in enumerate(LAYOUTS):
                url = f"sqlite:///{directory}/{devices}-{number}.db"
                measure(Database.open(url), layout, devices, chosen.messages)
                if chosen.postgresql:
                    measure(Database.open(chosen.postgresql), layout, devices, chosen.messages)
        print("\nthe store as it ships: a day of 10 000 devices, each ten minutes")
        print(store(Database.open(f"sqlite:///{directory}/store.db")))
        if chosen.postgresql:
            print(store(Database.open(chosen.postgresql)))


def rows_of(devices: int, messages: int) -> Iterator[list[tuple]]:
    """Yield batches of rows; devices in random order, evenly over a day."""
    chance = random.Random(1)
    newest: dict[int, int] = {}
    for start in range(0, messages, BATCH):
        rows = []
        for position in range(start + 1, start + BATCH + 1):
            device = chance.randrange(devices) + 1
            at_ms = START_MS + position * DAY_MS // messages
            values = {
                "temperature": round(chance.gauss(4, 1), 2),
                "pressure": round(chance.gauss(5, 1), 3),
                "n": position,
            }
            clocks = at_ms, at_ms + 20, at_ms - START_MS
            proof = "b1", position, chance.randbytes(16)
            rows.append((position, device, newest.get(device), 1, *clocks, start, *proof, _encode(values)))
            newest[device] = position
        yield rows


def measure(database: Database, layout: Layout, devices: int, messages: int) -> None:
    """Print what a layout costs on one database."""
    _create(database, layout, devices)
    times, cpu = [], 0.0
    for rows in rows_of(devices, messages):
        start, started = time.perf_counter(), time.process_time()
        with database.begin() as unit:
            _insert(unit, rows)
            if layout.heads:
                _write_heads(unit, rows)
        times.append(time.perf_counter() - start)
        cpu += time.process_time() - started
    with database.read() as unit:
        wanted = {"device": rows[0][1], "identity": rows[0][10]}
        device_ms = best_ms(lambda: unit.connection.execute(text(layout.read), wanted).all())
        found = layout.read if layout.heads else BY_DEVICE + ONE_IDENTITY
        identity_ms = best_ms(lambda: unit.connection.execute(text(found), wanted).all())
    size = size_of(database, "a")
    name = f"{layout.name}, {'SQLite' if database.dialect == 'sqlite' else 'PG'}"
    print(
        f"{name:34}{sum(times) / messages * 1e6:6.2f} µs{cpu / messages * 1e6:6.2f} µs{max(times) * 1e3:7.1f} ms"
        f"{device_ms:7.2f} ms{identity_ms:7.2f} ms{size / messages:7.1f} B",
        flush=True,
    )
    database.close()


def _create(database: Database, layout: Layout, devices: int) -> None:
    sqlite = database.dialect == "sqlite"
    columns = COLUMNS.format(blob="blob" if sqlite else "bytea")
    columns = columns.replace("position bigint", "position integer", 1) if sqlite else columns
    tail = " WITHOUT ROWID" if sqlite and layout.without_rowid else ""
    with database.begin() as unit:
        for statement in (
            "DROP TABLE IF EXISTS a",
            "DROP TABLE IF EXISTS head",
            f"CREATE TABLE a ({columns}, {layout.key}){tail}",
            "CREATE TABLE head (device_id integer PRIMARY KEY, position bigint)",
            *layout.then,
        ):
            unit.connection.execute(text(statement))
        unit.connection.execute(
            text("INSERT INTO head VALUES (:device, NULL)"), [{"device": number + 1} for number in range(devices)]
        )


def _insert(unit: Unit, rows: list[tuple]) -> None:
    if unit.dialect == "sqlite":
        unit.connection.exec_driver_sql(f"INSERT INTO a VALUES ({','.join('?' * len(rows[0]))})", rows)
        return
    driver = unit.connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY a ({NAMES}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _write_heads(unit: Unit, rows: list[tuple]) -> None:
    newest = {row[1]: row[0] for row in rows}
    if unit.dialect == "sqlite":
        statement = "UPDATE head SET position = ? WHERE device_id = ?"
        unit.connection.exec_driver_sql(statement, [(position, device) for device, position in newest.items()])
        return
    statement = (
        "UPDATE head SET position = new.position FROM unnest(%s::bigint[], %s::bigint[]) AS new (device_id, position) "
        "WHERE head.device_id = new.device_id"
    )
    unit.connection.exec_driver_sql(statement, (list(newest), list(newest.values())))


if __name__ == "__main__":
    main()
