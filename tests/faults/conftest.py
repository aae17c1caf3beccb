"""An ingest in the test's process, devices that are loud, and what must hold in the end."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from deployment import Deployment
from invariants import Voices, invariants
from works import Works, counted, untold

from iotops.footprint import Footprint
from iotops.store.database import Database


@pytest.fixture
def make_works(tmp_path) -> Iterator[Callable[..., Works]]:
    """Make and start an ingest; it ends with the test, before its broker."""
    made = []

    def make(port, database_url, **settings):
        works = Works(tmp_path / "works", port, database_url, **settings)
        made.append(works)
        works.start()
        return works

    yield make
    for works in made:
        works.close()


@pytest.fixture
def voices(mosquitto, tmp_path) -> Iterator[Voices]:
    """Devices, connected to the broker itself."""
    found = Voices(mosquitto.port, tmp_path / "published.csv")
    yield found
    found.close()


@pytest.fixture
def all_holds(wait_until) -> Callable[[Works, Voices, Footprint], None]:
    """Wait until ingest has seen everything and everybody was told, then check and print the seven invariants."""

    def check(works, voices, before):
        ledger = voices.ledger()
        sent = len(ledger)

        wait_until(lambda: works.counted() >= sent and not works.status.unacknowledged, 120, "everything received")
        wait_until(lambda: not works.untold(), 120, "everybody told")
        assert invariants(works.database, ledger, before) == {}

    return check


@pytest.fixture
def all_settled(wait_until) -> Callable[[Deployment, str, Voices], None]:
    """Wait until processes of their own have seen everything and told everybody; then `iotops ledger` judges."""

    def check(deployment, database_url, voices):
        sent = len(voices.ledger())
        with closing(Database.open(database_url)) as database:
            wait_until(lambda: counted(database) >= sent, 300, "everything received")
            wait_until(lambda: not untold(database), 120, "everybody told")
        print(deployment.iotops("ledger", str(voices.file), "--strict"))  # noqa: T201  the account of the test

    return check
