"""Foreign exceptions, translated once: what may be tried again, what one row is guilty of, and the rest."""

import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from iotops.errors import PoisonRow, StoreBusy, StoreError

# Not SQLAlchemy's other errors: a statement that does not compile is a mistake of ours, and is shown as it is.
FOREIGN = (DBAPIError, PoolTimeout, sqlite3.Error, psycopg.Error)

# Primary result codes of SQLite: busy, locked, out of memory, read-only (as a faulty disk is mounted until it is
# repaired), interrupted, I/O error, full, cannot open, WAL protocol.
_SQLITE_PASSING = {5, 6, 7, 8, 9, 10, 13, 14, 15}
_SQLITE_DAMAGED = {11, 26}  # pages that make no sense, no database at all
_SQLITE_POISON = {18, 19, 20, 25}  # too big, constraint, type mismatch, parameter out of range

# Classes and codes of SQLSTATE: connection lost, read-only (a standby before it takes over), rolled back (deadlock,
# serialization), out of resources, lock not available, shut down by an operator, cancelled, I/O error.
_POSTGRES_PASSING = ("08", "25006", "40", "53", "55P03", "57", "58030")
_POSTGRES_POISON = ("22", "23")  # data exception, constraint


def translate(error: BaseException) -> StoreError:
    """Return the error of our own tree for whatever SQLAlchemy or a driver raised."""
    if isinstance(error, StoreError):
        return error
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    said = f"{type(cause).__name__}: {cause}".strip()
    if isinstance(cause, PoolTimeout):
        return StoreBusy(f"database: no connection became free ({said}); the same work is tried again")
    if _is_passing(cause):
        return StoreBusy(f"database: {said}; nothing was written, the same work can be tried again")
    if _is_poison(cause):
        return PoisonRow(f"database: {said}; this row is refused whenever it is tried")
    if isinstance(cause, sqlite3.Error) and getattr(cause, "sqlite_errorcode", 0) & 0xFF in _SQLITE_DAMAGED:
        way = "stop iotops, keep the file, and `iotops db restore` the newest backup into a new one"
        return StoreError(f"database: {said}: the file is damaged; {way}; see `iotops doctor`")
    return StoreError(f"database: {said}; see `iotops doctor`")


def _is_passing(cause: BaseException) -> bool:
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _SQLITE_PASSING
    if isinstance(cause, psycopg.Error):
        if cause.sqlstate is None:  # never reached the server, or lost it
            return isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
        return cause.sqlstate.startswith(_POSTGRES_PASSING)
    return False


def _is_poison(cause: BaseException) -> bool:
    if isinstance(cause, UnicodeError | OverflowError | ValueError):
        return True
    if isinstance(cause, sqlite3.Error):
        unbindable = isinstance(cause, sqlite3.InterfaceError | sqlite3.ProgrammingError) and "binding" in str(cause)
        return unbindable or getattr(cause, "sqlite_errorcode", 0) & 0xFF in _SQLITE_POISON
    if isinstance(cause, psycopg.Error):
        return isinstance(cause, psycopg.DataError) or (cause.sqlstate or "").startswith(_POSTGRES_POISON)
    return False
