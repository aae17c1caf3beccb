"""A copy of the whole database in one file, taken while everything runs, and its way back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import inspect, select

from iotops.errors import StoreError
from iotops.store import pg_copy, sqlite_copy
from iotops.store.database import Database
from iotops.store.lock import ingest_lock
from iotops.store.tables import api_token, arrival, block, dead_letter, device, incident
from iotops.store.timeline import Head, head

_DATA = (incident, arrival, block, device, dead_letter, api_token)  # a database with a row in one of them is in use


def backup(database: Database, file: Path) -> Head:
    """Write the database's state of this moment to a new file and return its timeline head.

    The file appears whole and checked, or not at all. Kept elsewhere, the head is the anchor that shows whether the
    timeline was cut (`iotops audit verify`).

    Raises:
        StoreError: FILE exists, its folder does not, the copy fails its check, or PostgreSQL's programs are missing.
    """
    if file.exists():
        raise StoreError(f"{file} exists and is not overwritten; name another file, or move that one away")
    if not file.absolute().parent.is_dir():
        raise StoreError(f"{file}: the folder {file.absolute().parent} does not exist; create it")
    with _partial(file) as partial:
        copy = sqlite_copy.backup if database.dialect == "sqlite" else pg_copy.backup
        found = copy(database, partial)
        partial.rename(file)
    return found


def restore(database: Database, file: Path) -> Head:
    """Put a backup in place of a database without data, and return its timeline head.

    Raises:
        StoreBusy: an ingest is at work on the database.
        StoreError: the database has data, or the file is no whole backup of this kind of database.
    """
    with ingest_lock(database):
        used = _tables_in_use(database)
        if used:
            msg = (
                f"database {database.shown_url}: it has data ({', '.join(used)}), and a restore would replace it; "
                "point database.url at a new database"
            )
            raise StoreError(msg)
        (sqlite_copy.restore if database.dialect == "sqlite" else pg_copy.restore)(database, file)
        with database.read() as unit:
            return head(unit)


@contextmanager
def _partial(file: Path) -> Iterator[Path]:
    """Give the name of an empty file beside `file` that only we may read: a backup holds what the database holds."""
    partial = file.with_name(f".{file.name}.partial")
    partial.unlink(missing_ok=True)  # of a backup that was killed
    partial.touch(mode=0o600)
    try:
        yield partial
    finally:
        partial.unlink(missing_ok=True)


def _tables_in_use(database: Database) -> list[str]:
    with database.read() as unit:
        existing = set(inspect(unit.connection).get_table_names())
        present = [table for table in _DATA if table.name in existing]
        return [t.name for t in present if unit.connection.execute(select(t).limit(1)).first() is not None]
