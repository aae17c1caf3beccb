"""One database, and one transaction on it: `with database.begin() as unit: ...`."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, RootTransaction, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from iotops.errors import CommitUnknown, ConfigurationError
from iotops.settings import redact
from iotops.store import migrate
from iotops.store.failures import FOREIGN, translate
from iotops.store.turns import Turns

WAIT_MS = 2_000  # how long a write waits for another one before it is StoreBusy
_WAL_PAGES = 4_000  # checkpoint every 16 MB: at full ingest four times fewer of them than SQLite's default
_POSTGRES_OPTIONS = "-c lock_timeout=5000 -c timezone=UTC"


class Unit:
    """One transaction: everything in it is committed together, or nothing is.

    Memory that mirrors rows is changed by `after_commit` callbacks only, so that it is never ahead of the database.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._after_commit: list[Callable[[], None]] = []

    @property
    def dialect(self) -> str:
        """Return `sqlite` or `postgresql`."""
        return self.connection.dialect.name

    def after_commit(self, change: Callable[[], None]) -> None:
        """Call `change` once the transaction is committed, in the order of these calls; never on a rollback."""
        self._after_commit.append(change)

    def settle(self, *, committed: bool) -> None:
        """End a unit whose commit raised `CommitUnknown`, once its outcome has been read from the database."""
        changes, self._after_commit = self._after_commit, []
        for change in changes if committed else ():
            change()


class Database:
    """A SQLite file or a PostgreSQL database. Thread-safe; each unit uses a connection of its own."""

    def __init__(self, url: URL, writer: Engine, reader: Engine) -> None:
        self.url = url
        self.dialect: str = writer.dialect.name
        self._writer = writer
        self._reader = reader
        self._turns = Turns(self.file)

    @classmethod
    def open(cls, url: str) -> "Database":
        """Prepare access to `sqlite:///FILE` or `postgresql://...`; connects only when used.

        Raises:
            ConfigurationError: a URL that cannot work.
        """
        parsed = _parse(url)
        if parsed.get_backend_name() == "sqlite":
            return cls(parsed, _sqlite_engine(parsed, writes=True), _sqlite_engine(parsed, writes=False))
        engine = _engine(parsed, connect_args={"options": _POSTGRES_OPTIONS, "connect_timeout": 5})
        reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        return cls(parsed, engine, reader)

    @property
    def shown_url(self) -> str:
        """Return the URL as it may be printed: without a password."""
        return self.url.render_as_string(hide_password=True)

    @property
    def secret_url(self) -> str:
        """Return the URL as `open` takes it, with the password: for a process of our own."""
        return self.url.set(drivername=self.dialect).render_as_string(hide_password=False)

    @property
    def file(self) -> Path | None:
        """Return the file of a SQLite database, whether it is there yet or not; None for PostgreSQL."""
        return Path(self.url.database or "").absolute() if self.dialect == "sqlite" else None

    @contextmanager
    def begin(self, *, wait_ms: int = WAIT_MS, somebody_waits: bool = False) -> Iterator[Unit]:
        """Give a write transaction: committed on a clean exit, rolled back on an exception.

        Args:
            wait_ms: how long to wait on SQLite for another writer.
            somebody_waits: a person does, so those for whom nobody does give way on SQLite.

        Raises:
            StoreBusy: not now; the same work can be tried again. As `CommitUnknown` where the commit itself failed.
            PoisonRow: this data is refused whenever it is tried.
            StoreError: anything else.
        """
        with _translated(), self._writer.connect() as connection:
            if self.dialect == "sqlite":
                _driver(connection).execute(f"PRAGMA busy_timeout = {int(wait_ms)}")
            transaction = self._begin(connection, wait_ms, somebody_waits=somebody_waits)
            unit = Unit(connection)
            try:
                yield unit
            except BaseException:
                transaction.rollback()
                raise
            try:
                transaction.commit()
            except Exception as error:
                raise CommitUnknown(str(translate(error)), unit) from error
        unit.settle(committed=True)

    def _begin(self, connection: Connection, wait_ms: int, *, somebody_waits: bool) -> RootTransaction:
        if somebody_waits:
            with self._turns.wanted():
                return connection.begin()
        self._turns.give_way(wait_ms)
        return connection.begin()

    def people_write(self, lately_ms: int) -> bool:
        """Tell whether a person wrote so lately to a SQLite file, where whoever writes long makes them wait."""
        return self._turns.wanted_within(lately_ms)

    @contextmanager
    def read(self) -> Iterator[Unit]:
        """Give a read-only transaction that sees one state of the database and blocks nobody."""
        with _translated(), self._reader.connect() as connection, connection.begin():
            yield Unit(connection)

    @contextmanager
    def dedicated(self) -> Iterator[Connection]:
        """Give a connection outside any transaction, for what lasts as long as the connection does."""
        with _translated(), self._writer.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            try:
                yield connection
            finally:
                connection.invalidate()  # closed and not pooled: what the session holds ends with it

    def upgrade(self) -> None:
        """Bring the schema to what this code needs, in one transaction; does nothing where it is there already."""
        if self.at_head():
            return
        with self.begin(wait_ms=30_000) as unit:
            migrate.upgrade(unit.connection)

    def at_head(self) -> bool:
        """Tell whether the schema is exactly the one this code needs.

        Raises:
            StoreError: the schema is newer than this code.
        """
        with self.read() as unit:
            return migrate.at_head(unit.connection)

    def close(self) -> None:
        """Close every connection that no unit holds."""
        self._writer.dispose()
        self._reader.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except FOREIGN as error:
        raise translate(error) from error


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        msg = f"database.url: {redact(url)!r} is not a URL; write sqlite:///FILE or postgresql://USER@HOST/NAME"
        raise ConfigurationError(msg) from error
    if parsed.drivername in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "sqlite" or parsed.database in (None, "", ":memory:"):
        msg = f"database.url: {redact(url)!r} cannot be used; write sqlite:///FILE or postgresql://USER@HOST/NAME"
        raise ConfigurationError(msg)
    directory = Path(parsed.database or "").absolute().parent
    if not directory.is_dir():
        msg = f"database.url: directory {directory} does not exist; create it, or name another file"
        raise ConfigurationError(msg)
    return parsed


def _engine(url: URL, **options: Any) -> Engine:
    # NaN is refused here as PostgreSQL would; text stays as it is, so that both databases hold the same.
    engine = create_engine(
        url, json_serializer=_to_json, pool_size=8, max_overflow=40, pool_timeout=10, hide_parameters=True, **options
    )
    event.listen(engine, "handle_error", _raise_translated)
    return engine


def _to_json(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def _raise_translated(context: Any) -> None:
    raise translate(context.original_exception) from context.original_exception


def _sqlite_engine(url: URL, *, writes: bool) -> Engine:
    engine = _engine(url, connect_args={"timeout": WAIT_MS / 1000, "isolation_level": None})

    def prepare(driver: Any, _record: Any) -> None:
        if not writes:
            driver.execute("PRAGMA query_only = ON")
            return
        if driver.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            driver.execute("PRAGMA auto_vacuum = INCREMENTAL")  # heeded only while the file is empty
            driver.execute("PRAGMA journal_mode = WAL")
        driver.execute("PRAGMA synchronous = FULL")  # NORMAL may lose the last commits when power fails
        driver.execute("PRAGMA foreign_keys = ON")
        driver.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")

    # The driver is in autocommit mode (isolation_level None), so BEGIN is ours to say: IMMEDIATE takes the write lock
    # at the start, where waiting is possible, instead of failing in the middle.
    statement = "BEGIN IMMEDIATE" if writes else "BEGIN"
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(statement))
    return engine


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection
