"""One ingest per database: a lock that ends with the process that holds it, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from iotops.errors import StoreBusy
from iotops.store.database import Database

_KEY = 0x696F746F7069  # "iotopi"


@contextmanager
def ingest_lock(database: Database) -> Iterator[None]:
    """Hold the right to be the ingest of a database.

    Raises:
        StoreBusy: another process holds it.
    """
    if database.dialect == "sqlite":
        with _file_lock(Path(f"{database.url.database}.lock")):
            yield
        return
    with database.dedicated() as connection:
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _KEY}).scalar_one():
            raise _taken(database.url.render_as_string())
        yield


@contextmanager
def _file_lock(file: Path) -> Iterator[None]:
    # The file stays: who deleted it could delete one that another process has just locked.
    with file.open("a", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _taken(str(file)) from error
        yield


def _taken(where: str) -> StoreBusy:
    return StoreBusy(f"database {where}: another iotops ingest is at work on it; stop that one first")
