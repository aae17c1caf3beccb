"""An open, upgraded database for every test of the store, on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest

from iotops.store.database import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database.open(database_url)
    opened.upgrade()
    yield opened
    opened.close()
