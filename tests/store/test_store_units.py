"""Units: all or nothing, who waits for whom, and which error says what."""

import subprocess
import sys
import threading

import pytest
from sqlalchemy import text

from iotops.errors import CommitUnknown, ConfigurationError, Overtaken, PoisonRow, StoreBusy, StoreError
from iotops.store import slots
from iotops.store.database import Database
from iotops.store.lock import ingest_lock
from iotops.store.slots import IngestState


def note(unit, name):
    unit.connection.execute(text("INSERT INTO watermark (name, position) VALUES (:name, 1)"), {"name": name})


def notes(database):
    with database.read() as unit:
        found = unit.connection.execute(text("SELECT name FROM watermark WHERE name LIKE 'test%'"))
        return sorted(found.scalars())


def test_unit_that_raises_leaves_nothing(database):
    """An exception undoes everything of its unit, and what should follow a commit does not happen."""
    applied = []

    def fail():
        with database.begin() as unit:
            note(unit, "test")
            unit.after_commit(lambda: applied.append(1))
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()

    assert notes(database) == []
    assert applied == []


def test_changes_of_memory_follow_the_commit_in_order(database):
    """Memory changes once the rows are there for everybody."""
    seen = []

    with database.begin() as unit:
        note(unit, "test")
        unit.after_commit(lambda: seen.append(notes(database)))
        unit.after_commit(lambda: seen.append("second"))
        assert seen == []

    assert seen == [["test"], "second"]


def test_refused_row_is_poison_and_undoes_the_unit(database):
    """A row that breaks a constraint is named as such; what stood beside it can be written without it."""
    with database.begin() as unit:
        note(unit, "test-1")

    def write_both():
        with database.begin() as unit:
            note(unit, "test-2")
            note(unit, "test-1")

    with pytest.raises(PoisonRow):
        write_both()
    assert notes(database) == ["test-1"]


@pytest.mark.parametrize("value", ["\ud800", 2**63], ids=["lone surrogate", "integer beyond 64 bits"])
def test_value_that_no_database_takes_is_poison(database, value):
    """What a driver cannot send is poison, too, not a broken program."""

    def write():
        with database.begin() as unit:
            column = "name" if isinstance(value, str) else "position"
            row = {"name": "test", "position": 1, column: value}
            unit.connection.execute(text("INSERT INTO watermark (name, position) VALUES (:name, :position)"), row)

    with pytest.raises(PoisonRow):
        write()


def test_reader_sees_one_state_while_a_writer_works(database):
    """A read unit neither waits for a writer nor sees the half of its work, nor what came since the unit began."""
    with database.begin() as writing:
        note(writing, "test")
        assert notes(database) == []
        with database.read() as reading:
            count = text("SELECT count(*) FROM watermark WHERE name = 'test-2'")
            assert reading.connection.execute(count).scalar_one() == 0
            note(writing, "test-2")
            assert reading.connection.execute(count).scalar_one() == 0

    assert notes(database) == ["test", "test-2"]


def test_read_unit_cannot_write(database):
    """Who asked to read is not let write by mistake."""

    def write():
        with database.read() as unit:
            note(unit, "test")

    with pytest.raises(StoreError):
        write()


def test_second_writer_is_busy_and_then_succeeds(database):
    """Two writers of the same row: the second is told to try again, and can."""
    statement = text("UPDATE watermark SET position = position + 1 WHERE name = 'heads'")

    def impatient():
        with database.begin(wait_ms=20) as unit:
            if database.dialect == "postgresql":
                unit.connection.execute(text("SET LOCAL lock_timeout = 20"))
            unit.connection.execute(statement)

    with database.begin() as first:
        first.connection.execute(statement)
        with pytest.raises(StoreBusy):
            impatient()
    impatient()

    with database.read() as unit:
        assert unit.connection.execute(text("SELECT position FROM watermark WHERE name = 'heads'")).scalar_one() == 2


def test_two_threads_write_all_they_have(database):
    """Writers of one process take turns, and nothing is lost between them."""

    def write(name):
        for number in range(20):
            with database.begin() as unit:
                note(unit, f"test-{name}-{number}")

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(notes(database)) == 40


def test_process_killed_in_a_unit_leaves_nothing_of_it(database, database_url):
    """SIGKILL between two statements: committed units stay, the unfinished one is gone, the next one works."""
    script = (
        "import os, signal, sys\n"
        "from sqlalchemy import text\n"
        "from iotops.store.database import Database\n"
        "database = Database.open(sys.argv[1])\n"
        "insert = \"INSERT INTO watermark (name, position) VALUES ('test-%s', 1)\"\n"
        "with database.begin() as unit:\n"
        "    unit.connection.execute(text(insert % 'committed'))\n"
        "with database.begin() as unit:\n"
        "    unit.connection.execute(text(insert % 'unfinished'))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    killed = subprocess.run([sys.executable, "-c", script, database_url], timeout=60, check=False)

    assert killed.returncode == -9
    with database.begin() as unit:
        note(unit, "test-next")
    assert notes(database) == ["test-committed", "test-next"]


@pytest.mark.real("postgresql")
def test_lost_connection_is_busy(postgresql_url):
    """A server that ends our connection is gone for now: the same work succeeds on a new connection."""
    database = Database.open(postgresql_url)
    database.upgrade()

    def work(*, cut):
        with database.begin() as unit:
            note(unit, "test")
            if cut:
                number = unit.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
                with database.begin() as other:
                    other.connection.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})
                unit.connection.execute(text("SELECT 1"))

    with pytest.raises(StoreBusy):
        work(cut=True)
    work(cut=False)
    assert notes(database) == ["test"]
    database.close()


@pytest.mark.real("postgresql")
def test_commit_without_an_answer_is_unknown_until_it_is_looked_up(postgresql_url):
    """A connection lost at the commit: memory waits until the caller has read whether it happened."""
    database = Database.open(postgresql_url)
    database.upgrade()
    applied = []

    def work():
        with database.begin() as unit:
            unit.after_commit(lambda: applied.append(1))
            number = unit.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with database.begin() as other:
                other.connection.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})

    with pytest.raises(CommitUnknown) as caught:
        work()

    assert applied == []
    caught.value.unit.settle(committed=False)
    assert applied == []
    database.close()


def test_full_disk_is_busy_and_heals(tmp_path):
    """A full disk refuses for now; once there is room the same work succeeds."""
    database = Database.open(f"sqlite:///{tmp_path / 'iotops.db'}")
    database.upgrade()

    def write(pages):
        with database.begin() as unit:
            unit.connection.execute(text(f"PRAGMA max_page_count = {pages}")).all()
            filler = {"name": "test", "position": 1, "filler": "x" * 1_000_000}
            unit.connection.execute(text("INSERT INTO watermark (name, position) VALUES (:name || :filler, 1)"), filler)

    with pytest.raises(StoreBusy, match="full"):
        write(1)
    write(1_000_000)
    database.close()


def test_commits_are_durable_when_power_fails(tmp_path):
    """The write-ahead log is synced at each commit: what was acknowledged is on disk."""
    database = Database.open(f"sqlite:///{tmp_path / 'iotops.db'}")
    with database.begin() as unit:
        assert unit.connection.execute(text("PRAGMA synchronous")).scalar_one() == 2  # FULL
        assert unit.connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert unit.connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
    database.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite://", "sqlite:///FILE"),
        ("mysql://u:secret@h/d", "postgresql://"),
        ("nonsense", "not a URL"),
        ("sqlite:////no/such/directory/iotops.db", "does not exist"),
    ],
)
def test_url_that_cannot_work_is_refused_with_what_to_write(url, says):
    """A wrong URL is told at once, without its password."""
    with pytest.raises(ConfigurationError, match=says) as caught:
        Database.open(url)

    assert "secret" not in str(caught.value)


def test_second_ingest_is_refused_until_the_first_ends(database, database_url):
    """One ingest per database; the lock ends with its holder."""
    other = Database.open(database_url)

    with ingest_lock(database), pytest.raises(StoreBusy, match="another iotops ingest"), ingest_lock(other):
        pass
    with ingest_lock(other):
        pass
    other.close()


def test_ingest_lock_of_a_killed_process_is_free(database, database_url):
    """A lock that dies with the process needs no tidying up."""
    script = (
        "import os, signal, sys\n"
        "from iotops.store.database import Database\n"
        "from iotops.store.lock import ingest_lock\n"
        "with ingest_lock(Database.open(sys.argv[1])):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    killed = subprocess.run([sys.executable, "-c", script, database_url], timeout=60, check=False)

    assert killed.returncode == -9
    _take_within(database, 20)


def _take_within(database, seconds):
    # PostgreSQL notices a dead client when it next writes to it: soon, not at once.
    for _ in range(seconds * 10):
        try:
            with ingest_lock(database):
                return
        except StoreBusy:
            threading.Event().wait(0.1)
    pytest.fail("the lock of a dead process is still held")


def test_batch_number_moves_on_by_one_only(database):
    """A second writer, or a commit that happened after all, shows before anything of the batch is written."""
    first = IngestState(1, 10, 5, {"stored": 3}, 99)
    with database.begin() as unit:
        slots.advance(unit, first)

    def repeat():
        with database.begin() as unit:
            slots.advance(unit, first)

    with pytest.raises(Overtaken, match="batch 1 does not follow"):
        repeat()
    with database.read() as unit:
        assert slots.state(unit) == first


def test_old_sqlite_file_of_something_else_is_left_alone(tmp_path):
    """A file that is no database is an error, and stays as it is."""
    file = tmp_path / "iotops.db"
    file.write_text("these are my notes, and no database" * 100)
    database = Database.open(f"sqlite:///{file}")

    with pytest.raises(StoreError, match="not a database") as caught:
        database.upgrade()

    assert not isinstance(caught.value, StoreBusy)
    assert file.read_text().startswith("these are my notes")


def test_ingest_lock_that_the_database_forgot_is_taken_again(database, database_url):
    """A database that restarts forgets the lock; until the next look at it, and no longer, a second ingest gets in."""
    other = Database.open(database_url)

    with ingest_lock(database) as keep:
        if database.dialect == "postgresql":
            _end_sessions_that_lock(other)
        keep()

        with pytest.raises(StoreBusy, match="another iotops ingest"), ingest_lock(other):
            pass
    with ingest_lock(other):
        pass
    other.close()


@pytest.mark.real("postgresql")
def test_ingest_lock_that_another_took_meanwhile_is_not_ours(postgresql_url):
    """Whoever was faster keeps the lock; that of a file is never forgotten."""
    database, other = Database.open(postgresql_url), Database.open(postgresql_url)

    with ingest_lock(database) as keep:
        _end_sessions_that_lock(other)
        with ingest_lock(other), pytest.raises(StoreBusy, match="another iotops ingest"):
            keep()
        keep()

        with pytest.raises(StoreBusy, match="another iotops ingest"), ingest_lock(other):
            pass
    other.close()
    database.close()


def _end_sessions_that_lock(database):
    holders = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'"
    with database.begin() as unit:
        unit.connection.execute(
            text(f"{holders} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
        )
        still = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
        while unit.connection.execute(
            text(f"{still} (SELECT oid FROM pg_database WHERE datname = current_database())")
        ).scalar_one():
            pass
