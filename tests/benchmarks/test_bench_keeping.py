"""A loaded past is kept for the next measurement, and never taken for another one."""

from dataclasses import replace

import pytest

from benchmarks import keeping
from benchmarks.past import Extent

EXTENT = Extent(historic=60, open_alerts=20, days=90)


@pytest.fixture(autouse=True)
def sqlite_alone(monkeypatch):
    """Let PostgreSQL be missing: what is told of it is the same."""
    monkeypatch.setattr(keeping, "find_initdb", lambda: None)


def test_it_is_loaded_once_and_says_what_was_added(tmp_path):
    """The second time the databases are as they were left, and the result tells what they hold by then."""
    home = tmp_path / "estate"
    with keeping.prepared(home, EXTENT) as first:
        (database,) = first.databases
        with database.begin() as unit:
            unit.connection.exec_driver_sql("UPDATE incident SET state = 'closed' WHERE state = 'new'")

    with keeping.prepared(home, EXTENT) as second:
        (database,) = second.databases
        said = second.described(database)

    assert second.loaded_ms == first.loaded_ms
    assert "20 open alerts" in said
    assert "60 incidents that are over" not in said


def test_another_extent_is_refused(tmp_path):
    """Figures of a small past are never told as those of a large one."""
    with keeping.prepared(tmp_path / "estate", EXTENT):
        pass

    with (
        pytest.raises(RuntimeError, match="name another folder"),
        keeping.prepared(tmp_path / "estate", replace(EXTENT, historic=61)),
    ):
        pass


def test_what_was_not_loaded_to_its_end_is_refused(tmp_path):
    """A folder in which loading was cut off is named instead of measured."""
    (tmp_path / "incidents.db").touch()

    with pytest.raises(RuntimeError, match="not loaded to its end"), keeping.prepared(tmp_path, EXTENT):
        pass
