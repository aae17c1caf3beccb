"""A database is lost while devices talk, and comes back from a backup that was taken while they talked."""

import threading
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from deployment import Device
from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url

from iotops.store import audit, backup, heartbeats, incidents
from iotops.store.database import Database
from iotops.store.tables import arrival

RULES = {"hot.yaml": "rules:\n  - {alert: hot, when: temp > 30}\n"}


def destroy(url):
    """Lose a database as with its disk: files gone, or dropped under whoever works on it; an empty place stays."""
    if url.startswith("sqlite"):
        for file in Path(url.removeprefix("sqlite:///")).parent.glob("*.db*"):
            file.unlink()
        return
    parsed = make_url(url).set(drivername="postgresql+psycopg")
    engine = create_engine(parsed.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{parsed.database}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{parsed.database}"'))
    engine.dispose()


@contextmanager
def talking(mosquitto):
    """Let a device talk until the block ends; gives the numbers that the broker has confirmed, as they come."""
    device, stop, confirmed = Device(mosquitto.url), threading.Event(), []

    def talk():
        while not stop.is_set():
            number = len(confirmed)
            device.publish("iot/s/d/telemetry", {"seq": number, "boot": "b", "temp": 40, "number": number})
            confirmed.append(number)

    thread = threading.Thread(target=talk)
    thread.start()
    yield confirmed
    stop.set()
    thread.join()
    device.close()


def sign(url):
    """Return what the ingest says of itself."""
    with closing(Database.open(url)) as database, database.read() as unit:
        found = heartbeats.latest(unit).get("ingest")
    return {} if found is None else found.data


def numbers(url):
    """Return the numbers that are stored, each as often as it is."""
    told = select(arrival.c.seq).where(arrival.c.seq.is_not(None))
    with closing(Database.open(url)) as database, database.read() as unit:
        return list(unit.connection.execute(told).scalars())


def raised(url):
    """Return how many incidents there are; the chains hold."""
    with closing(Database.open(url)) as database, database.read() as unit:
        assert audit.verify(unit) is None
        return sum(incidents.count_open(unit).values())


@pytest.mark.real("mosquitto")
def test_a_database_lost_under_load_comes_back_from_a_backup_taken_under_load(
    mosquitto, database_url, deploy, wait_until, tmp_path
):
    """Loss begins where the backup was taken: what was before is there, once, what was not confirmed comes."""
    made = deploy(mosquitto.url, database_url, RULES)
    made.start("ingest")
    wait_until(lambda: sign(database_url).get("subscribed"), what="the ingest listening")
    with talking(mosquitto) as confirmed:
        wait_until(lambda: raised(database_url) and len(numbers(database_url)) > 100, what="a load")
        before = set(numbers(database_url))
        with closing(Database.open(database_url)) as database:
            anchor = backup.backup(database, tmp_path / "copy")
        at_backup = len(confirmed)
        wait_until(lambda: len(numbers(database_url)) > at_backup + 50, what="more, that no backup has")
        made.kill("ingest")
        destroy(database_url)
        at_loss = len(confirmed)
        with closing(Database.open(database_url)) as database:
            assert backup.restore(database, tmp_path / "copy") == anchor
        restored = set(numbers(database_url))
        made.start("ingest")
        wait_until(lambda: len(numbers(database_url)) > len(restored) + 50, what="life going on")
    wait_until(lambda: confirmed[-1] in numbers(database_url), what="all that was said")
    found = numbers(database_url)
    lost = set(confirmed) - set(found)

    assert before <= restored <= set(found)
    assert len(found) == len(set(found))
    assert lost
    assert lost <= set(range(max(restored), at_loss))
    assert raised(database_url) == 1
