"""Who writes next on SQLite: people do, and nobody waits for somebody who is gone."""

import pytest

from iotops.store import turns
from iotops.store.database import Database
from iotops.store.turns import GIVES_WAY_MS, Turns


class Time:
    """A clock that goes on while somebody sleeps, and what happens meanwhile."""

    def __init__(self):
        self.ms = 1_700_000_000_000.0
        self.meanwhile = {}

    def now_ms(self):
        return int(self.ms)

    def sleep(self, seconds):
        self.ms += seconds * 1_000
        for at_ms in [each for each in self.meanwhile if each <= self.ms]:
            self.meanwhile.pop(at_ms)()


@pytest.fixture
def time(monkeypatch):
    """Stop the clock that turns are taken by."""
    found = Time()
    monkeypatch.setattr(turns, "now_ms", found.now_ms)
    monkeypatch.setattr(turns, "monotonic_ms", found.now_ms)
    monkeypatch.setattr(turns.time, "sleep", found.sleep)
    return found


@pytest.fixture
def file(tmp_path):
    return tmp_path / "plant.db"


def waited_ms(time, file, most_ms=1_000):
    """Return how long a machine gives way; it is another process than the person's."""
    begun = time.ms
    Turns(file).give_way(most_ms)
    return time.ms - begun


def test_machine_waits_until_a_person_had_a_turn(time, file):
    """While a person wants to write a machine does not begin, and then begins at once."""
    person = Turns(file).wanted()
    person.__enter__()
    time.meanwhile[time.ms + 30] = lambda: person.__exit__(None, None, None)

    assert 30 <= waited_ms(time, file) < 35
    assert waited_ms(time, file) == 0


def test_who_got_no_turn_still_wants_it(time, file):
    """Between two looks of a person's write no machine slips in."""
    with pytest.raises(TimeoutError), Turns(file).wanted():
        raise TimeoutError

    assert waited_ms(time, file) > 30


def test_nobody_waits_for_a_process_that_is_gone(time, file):
    """The word of who ended before its turn lapses within a moment."""
    Turns(file).wanted().__enter__()
    time.ms += 1_000

    assert waited_ms(time, file) == 0


def test_word_from_before_the_clock_was_set_back_counts_for_nothing(time, file):
    """An hour that happens twice keeps no machine waiting."""
    Turns(file).wanted().__enter__()
    time.ms -= 3_600_000

    assert waited_ms(time, file) == 0


def test_however_many_people_write_machines_get_their_turns(time, file):
    """A machine waits for a tenth of a second at most, and for as long as its own work may wait."""

    def again():
        Turns(file).wanted().__enter__()
        time.meanwhile[time.ms + 20] = again

    again()

    assert GIVES_WAY_MS <= waited_ms(time, file) < GIVES_WAY_MS + 5
    assert waited_ms(time, file, most_ms=0) == 0


def test_write_of_a_person_is_known_to_the_ingest_for_a_while(tmp_path):
    """Ingest commits less at a time while people write; machines' own writes do not count."""
    database = Database.open(f"sqlite:///{tmp_path / 'plant.db'}")
    database.upgrade()
    assert not database.people_write(60_000)

    with database.begin(somebody_waits=True):
        pass

    assert database.people_write(60_000)
    assert not database.people_write(0)
    database.close()
