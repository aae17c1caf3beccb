"""The database that the settings name."""

from collections.abc import Iterator
from contextlib import contextmanager

from iotops.errors import ConfigurationError
from iotops.settings import Settings
from iotops.store.database import Database


@contextmanager
def open_database(settings: Settings, *, upgrade: bool = False) -> Iterator[Database]:
    """Open the database of the settings, and close it afterwards.

    Raises:
        ConfigurationError: its schema is older than this version needs, and `upgrade` was not asked for.
    """
    database = Database.open(settings.database.url.get_secret_value())
    try:
        if upgrade:
            database.upgrade()
        elif not database.at_head():
            msg = f"database {database.shown_url}: the schema is not that of this version; run `iotops db upgrade`"
            raise ConfigurationError(msg)
        yield database
    finally:
        database.close()
