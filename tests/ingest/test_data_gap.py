"""Messages that never came: from the numbers of a device to the built-in alert, its incident, and what explains it."""

import pytest
from plant import MINUTE_MS, START_MS, Plant, seen
from sqlalchemy import event

from iotops.backtest.judging import judge
from iotops.backtest.question import Question
from iotops.rules.alert import Change
from iotops.store import incidents, slots
from iotops.store.database import Database

RULES = """
metrics:
  temp: {kind: gauge, every: 1m}
rules:
  - {alert: warm, when: temp > 30}
"""


@pytest.fixture
def database(database_url):
    opened = Database.open(database_url)
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def plant(database, tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "rules.yaml").write_text(RULES)
    return Plant(database, folder)


def report(plant, *seqs, boot="b1", device="fz-1", **more):
    """Send messages with these numbers, one a minute."""
    for seq in seqs:
        body = {"ts": plant.now_ms, "boot": boot, "seq": seq, "temp": 20.0, **more}
        plant.process(plant.message(f"paris/{device}/telemetry", body))
        plant.wait(MINUTE_MS)


def told(plant):
    """Return when the built-in alert fired and resolved, in minutes."""
    return [
        (change.value, (at_ms - START_MS) // MINUTE_MS)
        for change, at_ms, alert, _ in plant.log
        if alert.key.rule == "data_gap" and change in {Change.FIRED, Change.RESOLVED}
    ]


def counted(database):
    with database.read() as unit:
        counters = slots.state(unit).counters
    return counters.get("skipped", 0), counters.get("filled", 0)


def test_lost_messages_raise_one_incident_that_says_how_many_and_which(plant, database):
    """It fires two minutes after the message that showed the gap; ten after the last one was final it is history."""
    report(plant, 1, 2, 3, 4, 8, 9, 10, 13)
    report(plant, *range(14, 26))

    assert told(plant) == [("fired", 6), ("resolved", 19)]
    assert counted(database) == (5, 0)
    with database.read() as unit:
        (found,) = incidents.page(unit, incidents.Filters(), sort="number", limit=9).items
    assert (found.rule, found.severity.word) == ("data_gap", "info")
    assert found.title == "3 messages of fz-1 at paris never came, of numbers 5 to 7"


def test_gap_that_is_filled_in_time_is_none(plant, database):
    """Messages that come late, again or in disorder within the waiting time leave no alert, over a restart as well."""
    report(plant, 1, 2, 3, 4, 6)
    plant.restart()
    report(plant, 5, 6, 4, 7, 10, 8, 9, 11, 12, 13, 14)

    assert told(plant) == []
    assert counted(database) == (0, 0)


def test_gap_that_is_filled_late_ends_the_alert(plant, database):
    """What a device kept and sends later takes the count back to nothing; the next reading in order ends the alert."""
    report(plant, 1, 2, 3, 4, 8, 9, 10, 11)
    assert told(plant) == [("fired", 6)]
    plant.restart()
    for seq in (5, 6, 7):
        body = {"ts": START_MS + seq * 1_000, "boot": "b1", "seq": seq, "temp": 20.0}
        plant.process(plant.message("paris/fz-1/telemetry", body))

    report(plant, 12)

    assert told(plant) == [("fired", 6), ("resolved", 8)]
    assert counted(database) == (3, 3)


def test_loss_while_ingest_was_dead_is_found_by_the_first_message_after(plant, database):
    """The highest number is that of the arrivals: a kill without any snapshot, right after a commit, hides nothing."""
    report(plant, *range(1, 10))
    plant.restart()
    report(plant, 15)
    plant.restart()
    report(plant, 16, 17, 18)

    assert told(plant) == [("fired", 12)]  # one minute between a commit and a kill does not count
    assert counted(database) == (5, 0)


def test_dead_letters_are_not_missing(plant, database):
    """A message that came and could not be used has a number that nobody knows, and is not lost."""
    report(plant, 1, 2, 3, 4)
    report(plant, 5, temp=[])
    plant.restart()
    report(plant, 6, temp=float("nan"))
    report(plant, 7, 8, 9, 10)

    assert told(plant) == []
    assert counted(database) == (0, 0)


def test_what_failed_to_commit_is_looked_at_again_as_if_for_the_first_time(plant, database):
    """A batch that the database refuses leaves nothing behind in what is known of numbers."""
    report(plant, 1, 2, 3, 4)
    body = {"ts": plant.now_ms, "boot": "b1", "seq": 7, "temp": 20.0}

    def refuse(_connection):
        msg = "no"
        raise RuntimeError(msg)

    event.listen(database._writer, "begin", refuse)
    with pytest.raises(RuntimeError, match="no"):
        plant.process(plant.message("paris/fz-1/telemetry", body))
    event.remove(database._writer, "begin", refuse)
    report(plant, 5, 6, 7, 8)

    assert counted(database) == (0, 0)
    assert told(plant) == []


def test_replay_of_what_was_stored_finds_the_same_alerts(plant, database):
    """The count is a value of the readings, stored with them: a backtest needs no numbers."""
    report(plant, 1, 2, 3, 4, 8, 9, 10, 11, *range(12, 25))

    replayed = []
    question = Question(database.secret_url, START_MS, 2**60, (None,))
    judge(database, question, None, watch=lambda _n, _s, transitions: replayed.extend(map(seen, transitions)))

    assert replayed == plant.log
    assert len(told(plant)) == 2
