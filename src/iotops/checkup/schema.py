"""Whether the database answers, and is as this version needs it."""

from collections.abc import Iterator

from sqlalchemy import text

from iotops.checkup.check import Check, existing_database
from iotops.clock import now_ms
from iotops.errors import IotopsError, NewerSchema, StoreBusy
from iotops.settings import Settings
from iotops.store.database import Database

_CLOCK_MS = 2_000  # tokens and leases compare instants of both clocks; seconds apart they begin to be wrong


def check_database(settings: Settings) -> Iterator[Check]:
    """Look whether it can be reached, its schema, SQLite's journal and PostgreSQL's clock."""
    try:
        with existing_database(settings) as database:
            if database is None:
                found = "there is no database yet; the first start makes it"
                yield Check("database", "warning", found, "run `iotops db upgrade`, or just start iotops")
                return
            yield _schema(database)
            yield from _journal(database) if database.dialect == "sqlite" else _clock(database)
    except NewerSchema as error:
        yield Check("database", "failed", str(error))  # the text says what to do
    except StoreBusy as error:
        yield Check("database", "failed", str(error), "check database.url, and that the database runs")
    except IotopsError as error:
        advice = "check database.url; where the file is damaged, `iotops db restore` a backup beside it"
        yield Check("database", "failed", str(error), advice)


def _schema(database: Database) -> Check:
    if database.at_head():
        return Check("database", "ok", f"{database.shown_url} answers, its schema is current")
    found = f"{database.shown_url} answers, its schema is older than this version needs"
    return Check("database", "failed", found, "run `iotops db upgrade`")


def _journal(database: Database) -> Iterator[Check]:
    with database.read() as unit:
        mode = str(unit.connection.execute(text("PRAGMA journal_mode")).scalar_one())
    if mode == "wal":
        yield Check("journal", "ok", "SQLite writes ahead (WAL): readers and the writer do not wait for each other")
        return
    advice = "keep the file on a local disk: WAL needs shared memory, which network file systems lack"
    yield Check("journal", "warning", f"SQLite's journal mode is {mode}, not WAL", advice)


def _clock(database: Database) -> Iterator[Check]:
    with database.read() as unit:
        moment = text("SELECT extract(epoch FROM clock_timestamp()) * 1000")
        ahead_ms = int(unit.connection.execute(moment).scalar_one()) - now_ms()
    if abs(ahead_ms) <= _CLOCK_MS:
        yield Check("database clock", "ok", f"{ahead_ms} ms from ours")
    else:
        found = f"the database server's clock is {ahead_ms / 1000:+.1f} s from ours"
        yield Check("database clock", "warning", found, "let both machines take their time from NTP")
