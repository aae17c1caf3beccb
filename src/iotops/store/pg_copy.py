"""PostgreSQL to a file and back, by its own pg_dump and pg_restore."""

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import URL, inspect, text

from iotops.errors import StoreError
from iotops.store.database import Database
from iotops.store.timeline import Head, head

DEBIAN = Path("/usr/lib/postgresql")  # has a folder for each version, off PATH


def backup(database: Database, file: Path) -> Head:
    """Dump the database (custom format) into an empty file, and return the timeline head of the same moment.

    Raises:
        StoreError: there is nothing of iotops, or pg_dump is missing or fails.
    """
    with database.read() as unit:
        if not inspect(unit.connection).has_table("timeline_head"):
            raise StoreError(f"database {database.shown_url}: nothing of iotops is there, so nothing to back up")
        found = head(unit)
        # pg_dump sees exactly what this transaction sees, as long as it is open.
        snapshot = unit.connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        options = ("--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={file}")
        _run(database.url, "pg_dump", *options)
    _run(database.url, "pg_restore", "--list", str(file), connected=False)
    return found


def restore(database: Database, file: Path) -> None:
    """Load a dump in one transaction, in place of the empty tables that may be there.

    Raises:
        StoreError: pg_restore is missing or fails.
    """
    if "timeline_head" not in _run(database.url, "pg_restore", "--list", str(file), connected=False):
        raise StoreError(f"{file}: a dump, but none of iotops; name a file that `iotops db backup` wrote")
    options = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
    _run(database.url, "pg_restore", *options, str(file))


def _run(url: URL, name: str, *arguments: str, connected: bool = True) -> str:
    """Run one of PostgreSQL's programs and return its output; the password goes by the environment, unseen in `ps`."""
    plain = url.set(drivername="postgresql", password=None).render_as_string()
    where = (f"--dbname={plain}",) if connected else ()
    done = subprocess.run(  # noqa: S603  a program we looked up, with arguments of our own
        [_program(name), *where, *arguments],
        env={**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StoreError(f"{name}: {done.stderr.strip() or f'ended with {done.returncode}'}")
    return done.stdout


def _program(name: str) -> str:
    """Return where a program of PostgreSQL is."""
    versions = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda found: int(found.parts[-3]))
    found = shutil.which(name) or (str(versions[-1]) if versions else None)
    if found is None:
        msg = f"{name} is not installed, and a PostgreSQL database is copied by it; apt-get install postgresql-client"
        raise StoreError(msg)
    return found
