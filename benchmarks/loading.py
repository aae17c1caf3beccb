"""A past into databases, a million incidents in some minutes: rows by the driver, indexes at the end."""

import heapq
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from sqlalchemy import Connection, Table, text

from benchmarks.estate import estate
from benchmarks.past import Past, Row
from iotops.incidents.timeline import GENESIS, Entry
from iotops.store import statistics, tables
from iotops.store.database import Database
from iotops.store.timeline import linked_row

_AT_ONCE = 2_000  # incidents between two writes
_TABLES = (tables.incident, tables.alert, tables.timeline, tables.timeline_text, tables.sla_clock)
_TOPOLOGY = 1  # its version, as of which every open incident has its promises
_NUMBERED = {tables.incident: "id", tables.device: "id"}

_Linked = tuple[Row, str | None]
"""A row of the timeline, and the text beside it."""


def load(past: Past, databases: Sequence[Database]) -> int:
    """Write a past into empty databases, the same into each; returns how many entries the timeline has."""
    with ExitStack() as stack:
        units = [stack.enter_context(each.begin(wait_ms=10_000)) for each in databases]
        connections = [unit.connection for unit in units]
        for connection in connections:
            _prepare(connection)
        for table, rows in estate(past.now_ms):
            _write(connections, table, rows)
        chain = _write_incidents(connections, past)
        marks = {"sla_followed": chain.seq, "sla_topology": _TOPOLOGY}
        _write(connections, tables.watermark, [{"name": name, "position": at} for name, at in marks.items()])
        for connection in connections:
            _finish(connection, chain)
    for each in databases:
        tidy(each)
    return chain.seq


def _write_incidents(connections: Sequence[Connection], past: Past) -> "_Chain":
    chain = _Chain()
    waiting: dict[Table, list[Row]] = {table: [] for table in _TABLES}
    for place, told in enumerate(past.incidents(), 1):
        waiting[tables.incident].append(told.incident)
        waiting[tables.alert].extend(told.alerts)
        waiting[tables.sla_clock].extend(told.clocks)
        chain.take(place, told.entries)
        if place % _AT_ONCE == 0:
            _flush(connections, waiting, chain.up_to(told.incident["raised_ms"]))
    _flush(connections, waiting, chain.up_to(past.now_ms))
    return chain


def _flush(connections: Sequence[Connection], waiting: dict[Table, list[Row]], linked: Iterable[_Linked]) -> None:
    for row, said in linked:
        waiting[tables.timeline].append(row)
        if said is not None:
            waiting[tables.timeline_text].append({"seq": row["seq"], "text": said})
    for table, rows in waiting.items():
        _write(connections, table, rows)
        rows.clear()


class _Chain:
    """Entries of many incidents in the order of their times: as they were committed, one after the other."""

    def __init__(self) -> None:
        self.seq, self.hash = 0, GENESIS
        self._coming: list[tuple[int, int, int, Entry]] = []
        self._count = itertools.count()

    def take(self, incident_id: int, entries: Iterable[Entry]) -> None:
        """Take the entries of an incident in."""
        for entry in entries:
            heapq.heappush(self._coming, (entry.at_ms, next(self._count), incident_id, entry))

    def up_to(self, at_ms: int) -> Iterator[_Linked]:
        """Yield the rows, each with its text, of what happened up to an instant."""
        while self._coming and self._coming[0][0] <= at_ms:
            _, _, incident_id, entry = heapq.heappop(self._coming)
            self.seq += 1
            row = linked_row(self.seq, incident_id, entry, self.hash)
            self.hash = row["hash"]
            yield row, entry.text


def _prepare(connection: Connection) -> None:
    """Take away what would be kept up to date row by row."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # no look-ups of foreign keys
    for table in tables.METADATA.tables.values():
        for index in table.indexes:
            index.drop(connection)


def _finish(connection: Connection, chain: _Chain) -> None:
    """Bring indexes back, and let counting go on after what was written."""
    connection.execute(tables.timeline_head.update().values(seq=chain.seq, hash=chain.hash))
    connection.execute(tables.topology_head.update().values(version=_TOPOLOGY))
    for table in tables.METADATA.tables.values():
        for index in table.indexes:
            index.create(connection)
    if connection.dialect.name == "postgresql":
        for table, column in _NUMBERED.items():
            highest = (
                f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column}'), max({column})) FROM {table.name}"
            )
            connection.execute(text(highest))


def tidy(database: Database) -> None:
    """Do what happens by itself in the year in which a database grows: statistics, and in PostgreSQL a vacuum."""
    statistics.refresh(database)
    if database.dialect == "postgresql":
        with database.dedicated() as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _write(connections: Sequence[Connection], table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, all with the same members."""
    if not rows:
        return
    names = list(rows[0])
    plain = [tuple(map(_plain, map(row.__getitem__, names))) for row in rows]
    quoted = ", ".join(f'"{name}"' for name in names)
    for connection in connections:
        driver: Any = connection.connection.driver_connection
        if connection.dialect.name == "sqlite":
            marks = ", ".join("?" * len(names))
            driver.executemany(f"INSERT INTO {table.name} ({quoted}) VALUES ({marks})", plain)
            continue
        with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({quoted}) FROM STDIN") as copy:
            for row in plain:
                copy.write_row(row)


def _plain(value: Any) -> Any:
    """Return a value as both drivers take it: JSON as text."""
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value
