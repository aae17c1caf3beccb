"""One ingest per database: a lock that ends with the process that holds it, however it ends."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, text

from iotops.errors import StoreBusy, StoreError
from iotops.store.database import Database

_KEY = 0x696F746F7069  # "iotopi"


@contextmanager
def ingest_lock(database: Database) -> Iterator[Callable[[], None]]:
    """Hold the right to be the ingest of a database.

    Yields a function to be called now and then: PostgreSQL forgets the lock when it restarts, or ends our session, and
    then it is taken again. It raises `StoreBusy` where that cannot be done; whoever took it instead is found out at the
    next commit (`slots.advance`).

    Raises:
        StoreBusy: another process holds it.
    """
    if database.dialect == "sqlite":
        with _file_lock(Path(f"{database.url.database}.lock")):
            yield _nothing
        return
    with closing(_SessionLock(database)) as lock:
        lock.take()
        yield lock.keep


class _SessionLock:
    """An advisory lock of PostgreSQL, which lasts as long as its session."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._session = ExitStack()
        self._connection: Connection | None = None

    def take(self) -> None:
        self._connection = self._session.enter_context(self._database.dedicated())
        if not self._connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _KEY}).scalar_one():
            self.close()
            raise _taken(self._database.shown_url)

    def keep(self) -> None:
        try:
            if self._connection is not None:
                self._connection.execute(text("SELECT 1"))
                return
        except StoreError:
            self.close()
        self.take()

    def close(self) -> None:
        self._connection = None
        with suppress(StoreError):
            self._session.close()


def _nothing() -> None:
    """Keep what cannot be lost."""


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
