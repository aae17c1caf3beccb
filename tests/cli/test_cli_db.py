"""`iotops db backup` and `restore`."""

import sqlite3
import stat
from contextlib import closing

import psycopg
import pytest
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext

from iotops.errors import StoreError
from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import Actor
from iotops.rules.rule import Severity
from iotops.store import audit, backup, incidents, migrate, pg_copy, timeline
from iotops.store.database import Database
from iotops.store.lock import ingest_lock

ANA = Actor("token", "ana")


def raise_in(database, title):
    with database.begin() as unit:
        incidents.create(
            unit, ANA, 1_000, title=title, policy=Policy(), severity=Severity.INFO, site=None, device=None, note="text"
        )


def head_of(database):
    with database.read() as unit:
        assert audit.verify(unit) is None
        return timeline.head(unit)


@pytest.fixture
def busy(database_url):
    """A database that is in use: one incident in it."""
    database = Database.open(database_url)
    database.upgrade()
    raise_in(database, "before")
    yield database
    database.close()


@pytest.fixture
def other(database_url, request, tmp_path):
    """Another database of the same kind, without anything in it."""
    if database_url.startswith("sqlite"):
        url = f"sqlite:///{tmp_path / 'other.db'}"
    else:
        url = request.getfixturevalue("postgres_server").new_database()
    database = Database.open(url)
    yield database
    database.close()


@pytest.mark.parametrize("migrated", [False, True])
def test_backup_comes_back_whole_as_of_its_moment(busy, other, tmp_path, migrated):
    """What was written after the backup is not in it, and the chain of what is holds up to the anchor."""
    if migrated:
        other.upgrade()
    anchor = backup.backup(busy, tmp_path / "copy")
    raise_in(busy, "after")

    restored = backup.restore(other, tmp_path / "copy")

    assert restored == anchor == head_of(other)
    assert head_of(busy).seq > anchor.seq
    assert other.at_head()
    raise_in(other, "life goes on")


def test_backup_is_for_our_eyes_and_overwrites_nothing(busy, tmp_path):
    """A backup holds what the database holds; an older one is not lost to a slip."""
    file = tmp_path / "copy"
    backup.backup(busy, file)
    before = file.read_bytes()

    with pytest.raises(StoreError, match="exists and is not overwritten"):
        backup.backup(busy, file)

    assert file.read_bytes() == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(tmp_path.glob(".copy*"))


def test_database_in_use_is_not_replaced(busy, tmp_path):
    """One incident is enough for a refusal that names it, and nothing is changed."""
    backup.backup(busy, tmp_path / "copy")
    before = head_of(busy)

    with pytest.raises(StoreError, match=r"it has data .*incident"):
        backup.restore(busy, tmp_path / "copy")

    assert head_of(busy) == before


def test_restore_waits_for_no_ingest(busy, other, tmp_path):
    """An ingest that runs on the target is told to be stopped."""
    backup.backup(busy, tmp_path / "copy")

    with ingest_lock(other), pytest.raises(StoreError, match="another iotops ingest"):
        backup.restore(other, tmp_path / "copy")


def test_folder_that_is_not_there_is_named(busy, tmp_path):
    """The folder is to be created by whoever knows where backups belong."""
    with pytest.raises(StoreError, match=r"the folder .*absent does not exist"):
        backup.backup(busy, tmp_path / "absent" / "copy")


def test_what_is_no_backup_is_refused(busy, other, tmp_path):
    """Text, and a foreign file of the right kind, leave the target empty."""
    text = tmp_path / "text"
    text.write_text("no backup at all, but long enough to be read as one" * 100)

    with pytest.raises(StoreError, match=str(text) if other.dialect == "sqlite" else "pg_restore"):
        backup.restore(other, text)

    other.upgrade()
    assert head_of(other).seq == 0


def test_sqlite_file_of_somebody_else_is_refused(tmp_path):
    """A SQLite database that iotops did not write is no backup."""
    foreign = tmp_path / "foreign.db"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    database = Database.open(f"sqlite:///{tmp_path / 'iotops.db'}")

    with pytest.raises(StoreError, match="none of iotops"):
        backup.restore(database, foreign)

    database.close()


def test_damaged_backup_is_refused(tmp_path):
    """A backup that lost pages is found out before it is restored."""
    source = Database.open(f"sqlite:///{tmp_path / 'source.db'}")
    source.upgrade()
    backup.backup(source, tmp_path / "copy")
    source.close()
    raw = bytearray((tmp_path / "copy").read_bytes())
    raw[8192:40_000] = b"\xff" * (40_000 - 8192)
    (tmp_path / "copy").write_bytes(raw)
    target = Database.open(f"sqlite:///{tmp_path / 'target.db'}")

    with pytest.raises(StoreError, match="copy: "):
        backup.restore(target, tmp_path / "copy")

    target.upgrade()
    assert head_of(target).seq == 0
    target.close()


@pytest.mark.real("postgresql")
def test_postgresql_without_its_programs_says_what_to_install(postgresql_url, tmp_path, monkeypatch):
    """Where pg_dump is not to be found, the error names the package."""
    database = Database.open(postgresql_url)
    database.upgrade()
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(pg_copy, "DEBIAN", tmp_path)

    with pytest.raises(StoreError, match=r"pg_dump is not installed.*postgresql-client"):
        backup.backup(database, tmp_path / "copy")

    assert not (tmp_path / "copy").exists()
    database.close()


@pytest.mark.real("postgresql")
def test_foreign_dump_is_refused(postgres_server, tmp_path):
    """A dump of another program's tables does not come in."""
    theirs, ours = postgres_server.new_database(), postgres_server.new_database()
    with psycopg.connect(theirs) as connection:
        connection.execute("CREATE TABLE theirs (x int)")
    dump = tmp_path / "dump"
    pg_copy._run(Database.open(theirs).url, "pg_dump", "--format=custom", f"--file={dump}")
    database = Database.open(ours)

    with pytest.raises(StoreError, match="none of iotops"):
        backup.restore(database, dump)

    database.close()


def test_commands_print_the_anchor(run, database, raise_incident, tmp_path, monkeypatch):
    """The head of the timeline is told by both, and is the same."""
    raise_incident()

    saved = run("db", "backup", "copy.db")
    monkeypatch.setenv("IOTOPS_DATABASE__URL", "sqlite:///new.db")
    restored = run("db", "restore", "copy.db")

    assert (saved.status, restored.status) == (0, 0)
    anchor = saved.out.partition("timeline head ")[2]
    assert len(anchor.split()[1]) == 64
    assert restored.out.partition("timeline head ")[2] == anchor


def test_failed_restore_is_told_on_standard_error(run, database, raise_incident):
    """The command says why, and ends with 1."""
    raise_incident()
    run("db", "backup", "copy.db")

    ran = run("db", "restore", "copy.db")

    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("error: database sqlite:///")


def as_it_was(connection, revision):
    """Make the schema of a version of long ago."""
    scripts = migrate._scripts()
    with EnvironmentContext(Config(), scripts, fn=lambda now, _: scripts._upgrade_revs(revision, now)) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()


def test_a_backup_of_an_older_schema_comes_back_and_is_upgraded(run, tmp_path, monkeypatch):
    """A new version saves what the one before left, although it works with it only after an upgrade."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IOTOPS_DATABASE__URL", "sqlite:///old.db")
    with closing(Database.open("sqlite:///old.db")) as old, old.begin() as unit:
        as_it_was(unit.connection, "0002_incidents")

    saved, refused = run("db", "backup", "copy.db"), run("audit", "verify")
    monkeypatch.setenv("IOTOPS_DATABASE__URL", "sqlite:///new.db")
    restored, upgraded = run("db", "restore", "copy.db"), run("db", "upgrade")

    assert (saved.status, refused.status, saved.out.startswith("copy.db: ")) == (0, 1, True)
    assert "its schema is older: run `iotops db upgrade`" in restored.out
    assert (upgraded.status, run("audit", "verify").status) == (0, 0)
