"""A database, and an ingest over it that needs no broker."""

import pytest
from plant import Plant

from iotops.store.database import Database


@pytest.fixture
def database(database_url):
    opened = Database.open(database_url)
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def plant(database, tmp_path):
    """Make a plant over a folder of rules."""
    folder = tmp_path / "rules"
    folder.mkdir()

    def make(rules, **options):
        (folder / "rules.yaml").write_text(rules)
        return Plant(database, folder, **options)

    return make
