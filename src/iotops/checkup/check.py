"""What a check has found."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from iotops.settings import Settings
from iotops.store.database import Database

Level = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        level: `failed` keeps iotops from its work; a `warning` does not, or not yet.
        found: what is so.
        advice: what to do about it; empty where it is fine.
    """

    name: str
    level: Level
    found: str
    advice: str = ""


@contextmanager
def existing_database(settings: Settings) -> Iterator[Database | None]:
    """Give the database, None where its SQLite file is not there yet: looking must not make it.

    Raises:
        ConfigurationError: a URL that cannot work.
    """
    database = Database.open(settings.database.url.get_secret_value())
    try:
        yield database if database.file is None or database.file.is_file() else None
    finally:
        database.close()
