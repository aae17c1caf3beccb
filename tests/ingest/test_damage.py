"""Damage on the disk: told with the way back, never taken for an empty database, and rebuilt where that is possible."""

import sqlite3

import pytest
from plant import MINUTE_MS, Plant
from sqlalchemy import text

from iotops.errors import StoreError
from iotops.store.database import Database

RULES = """
metrics:
  temp: {kind: gauge, every: 1m}
rules:
  - {alert: lately, when: "avg(temp[5m]) > 30"}
"""


@pytest.fixture
def plant_of(tmp_path):
    """Make an ingest with a database of its own."""
    made = []

    def make(name):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "rules.yaml").write_text(RULES)
        database = Database.open(f"sqlite:///{tmp_path / name}.db")
        database.upgrade()
        made.append(database)
        return Plant(database, folder)

    yield make
    for database in made:
        database.close()


def warm_up(plant, minutes):
    for _ in minutes:
        for device in range(6):
            body = {"ts": plant.now_ms, "temp": 35 + device}
            plant.process(plant.message(f"site/d{device}/telemetry", body))
        plant.wait(MINUTE_MS)


def told(plant):
    """Return the transitions, with the samples by which they came about."""
    return [(change, at_ms, alert.key, alert.evidence.get("samples")) for change, at_ms, alert, _ in plant.log]


@pytest.mark.parametrize("torn", ["x'00'", "substr(data, 1, length(data) / 2)"])
def test_damaged_snapshots_are_rebuilt_from_what_is_stored(plant_of, torn):
    """F18: windows are what they were, to the transition, as in a run without damage and restart."""
    calm, hurt = plant_of("calm"), plant_of("hurt")
    for plant in (calm, hurt):
        warm_up(plant, range(3))
        plant.snapshot()
        warm_up(plant, range(1))
    with hurt.database.begin() as unit:
        unit.connection.execute(text(f"UPDATE engine_slot SET data = {torn} WHERE slot % 3 < 2"))
    hurt.restart()
    for plant in (calm, hurt):
        warm_up(plant, range(3))

    assert len(calm.log) >= 6
    assert told(hurt) == told(calm)


@pytest.mark.parametrize("harm", ["head", "pages"])
def test_a_damaged_file_is_refused_with_the_way_back_and_stays_as_it_is(plant_of, tmp_path, harm):
    """F18: whoever opens it is told to restore a backup; not a byte of it is changed."""
    warm_up(plant_of("good"), range(2))
    file, bad = tmp_path / "good.db", tmp_path / "bad.db"
    source, copy = sqlite3.connect(file), sqlite3.connect(bad)
    source.backup(copy)
    source.close()
    copy.close()
    content = bytearray(bad.read_bytes())
    page = int.from_bytes(content[16:18], "big")
    begin, end = (0, 100) if harm == "head" else (page, len(content))
    content[begin:end] = b"\xff" * (end - begin)
    bad.write_bytes(content)

    database = Database.open(f"sqlite:///{bad}")
    with pytest.raises(StoreError, match=r"the file is damaged; stop iotops, .*iotops db restore"):
        database.upgrade()
    database.close()

    assert bad.read_bytes() == bytes(content)
