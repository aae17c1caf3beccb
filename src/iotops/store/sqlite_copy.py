"""SQLite to a file and back, by its online backup: writers go on, and the copy is one state of the database."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from iotops.errors import StoreError
from iotops.store.database import Database
from iotops.store.timeline import Head


def backup(database: Database, file: Path) -> Head:
    """Copy the database into an empty file, check the copy, and return its timeline head.

    Raises:
        StoreError: there is no database, or the copy is damaged.
    """
    source = database.file
    if source is None or not source.is_file():
        raise StoreError(f"database {source}: there is none yet, so there is nothing to back up")
    with _translated(file), closing(_open(source, "ro")) as old, closing(_open(file, "rw")) as new:
        old.backup(new)
        new.execute("PRAGMA journal_mode = DELETE")  # one file, without -wal and -shm beside it
        _check(new, file)
        return Head(*new.execute("SELECT seq, hash FROM timeline_head").fetchone())


def restore(database: Database, file: Path) -> None:
    """Copy a backup over the database, which appears in one transaction or not at all.

    Raises:
        StoreError: the file is no whole SQLite backup of iotops.
    """
    with _translated(file), closing(_open(file, "ro")) as old:
        _check(old, file)
        if not old.execute("SELECT name FROM sqlite_master WHERE name = 'timeline_head'").fetchone():
            raise StoreError(
                f"{file}: a SQLite database, but none of iotops; name a file that `iotops db backup` wrote"
            )
        with closing(_open(Path(database.url.database or ""), "rwc")) as new:
            old.backup(new)


def _open(file: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode={mode}", uri=True, timeout=10)


def _check(connection: sqlite3.Connection, file: Path) -> None:
    (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise StoreError(f"{file}: damaged ({found}); take another backup, and check the disk")


@contextmanager
def _translated(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{file}: {error}; is it a SQLite database, readable, on a disk with space left") from error
