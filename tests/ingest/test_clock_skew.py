"""A device whose clock is too far ahead: from its payload to the built-in alert, its incident, and what explains it."""

import pytest
from plant import MINUTE_MS, START_MS, Plant, seen

from iotops.backtest.judging import judge
from iotops.backtest.question import Question
from iotops.rules.alert import AlertKey, Change
from iotops.rules.built_in import with_built_in
from iotops.rules.rulefile import load_rules
from iotops.store import incidents
from iotops.store.database import Database
from iotops.store.explanations import explain_instance

RULES = """
rules:
  - {alert: warm, when: temp > 30}
"""
DAY_MS = 86_400_000
KEY = AlertKey("clock_skew", "paris/fz-1")


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


def report(plant, ahead_ms, *, device="fz-1", stamped=True):
    """Send a temperature with a time that is so much ahead, and let a minute pass."""
    body = {"ts": plant.now_ms + ahead_ms, "temp": 20.0} if stamped else {"temp": 20.0}
    plant.process(plant.message(f"paris/{device}/telemetry", body))
    plant.wait(MINUTE_MS)


def told(plant):
    """Return when the built-in alert fired, resolved and lost its data, in minutes."""
    return [
        (change.value, (at_ms - START_MS) // MINUTE_MS, alert.key.instance)
        for change, at_ms, alert, _ in plant.log
        if alert.key.rule == "clock_skew" and change is not Change.KNOWN
    ]


def test_clock_a_day_ahead_raises_one_incident_that_ends_when_it_is_right(plant, database):
    """Every reading counts from its receipt; the alert lasts over a restart until the device's own time is right."""
    report(plant, 0)
    report(plant, DAY_MS)
    plant.restart()
    report(plant, DAY_MS)
    report(plant, 160_000)  # is accepted, and still not right
    report(plant, 0, stamped=False)  # says nothing about the clock
    plant.snapshot()
    plant.restart()
    plant.wait(MINUTE_MS)
    report(plant, -2_000)

    told_of = [each for each in told(plant) if each[0] != "unknown"]  # its clock leapt over what is fresh
    assert told_of == [("fired", 1, "paris/fz-1"), ("resolved", 5, "paris/fz-1")]
    with database.read() as unit:
        (found,) = incidents.page(unit, incidents.Filters(), sort="number", limit=9).items
    assert (found.rule, found.severity.word) == ("clock_skew", "warning")
    assert found.title == "the clock of fz-1 at paris is 86400 s ahead; its readings count from when they came"


def test_what_was_stored_explains_and_replays_the_alert(plant, database):
    """The amount is a value of the reading: explanations show it, and a replay finds the same transitions."""
    report(plant, 0)
    report(plant, DAY_MS)
    rules = with_built_in(load_rules(plant.rules))

    with database.read() as unit:
        found = explain_instance(unit, rules, KEY, plant.now_ms)

    assert (found.state, found.severity) == ("firing", "warning")
    assert found.branches[0].lines[0].shown.startswith("0 < 86400")
    report(plant, -2_000)
    replayed = []
    question = Question(database.secret_url, START_MS, 2**60, (None,))
    judge(database, question, None, watch=lambda _n, _s, transitions: replayed.extend(map(seen, transitions)))
    assert replayed == plant.log
    assert [change for change, *_ in told(plant)] == ["fired", "resolved"]


def test_silence_of_a_clock_that_was_ahead_is_not_recovery(plant):
    """A device that falls silent leaves the alert firing, with unknown data; one that was never ahead has none."""
    report(plant, DAY_MS)
    report(plant, 300_000, device="fz-2")
    for _ in range(30):
        plant.wait(MINUTE_MS)
        plant.process()

    assert [change for change, *_ in told(plant)] == ["fired", "unknown"]
