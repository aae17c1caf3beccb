"""Why an incident was raised, as the page tells it."""

import pytest

from iotops.incidents.change import Change as MadeChange
from iotops.incidents.change import Target
from iotops.incidents.correlate import correlate
from iotops.incidents.deadlines import Policy
from iotops.incidents.desk import Known, Surroundings
from iotops.rules.alert import Change
from iotops.rules.compile import compile_rules
from iotops.rules.engine import Now, evaluate
from iotops.rules.memory import Memory
from iotops.rules.rulefile import parse_rules
from iotops.store import alerts, changes, incidents
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Reading

HOSTILE = "<script>alert(1)</script>"
RULES = 'rules:\n  - {alert: stuck, when: mode != "idle", for: 10m, summary: "${mode}"}\n'
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


@pytest.fixture
def machine_incident(database):
    """Have a rule fire on what a device said, as the ingest would."""
    rules, _ = parse_rules({"rules/stuck.yaml": RULES})
    times = range(START_MS, START_MS + 11 * 60_000, 60_000)
    batch = Batch([Reading(DeviceKey("s", "d"), at_ms, at_ms, {"mode": HOSTILE}) for at_ms in times])
    evaluation = evaluate(compile_rules(rules), batch, Memory(), Now(times[-1], 0))
    assert [each.change for each in evaluation.transitions] == [Change.PENDING, Change.FIRED]
    with database.begin() as unit:
        changes = correlate(evaluation.transitions, Known(), Surroundings(), times[-1])
        alerts.keep(unit, evaluation.alerts, evaluation.transitions, times[-1])
        (incident,) = incidents.keep(unit, changes, {}, Policy())
    return incident.number


def test_the_page_tells_since_when_the_condition_was_true_and_when_it_fired(operator, machine_incident):
    """These are two instants, ten minutes apart, and what was read stands beside its expression."""
    page = operator.open(f"/incidents/{machine_incident}")

    told = " ".join(page.text.split())
    assert 'fired Thu 1 Jan 2026, 00:10:00 UTC: mode != "idle" was true since Thu 1 Jan 2026, 00:00:00 UTC.' in told


def test_what_a_device_said_is_shown_and_never_runs(operator, machine_incident):
    """The value stands on the page as text, in title and evidence alike."""
    page = operator.open(f"/incidents/{machine_incident}")

    assert HOSTILE not in page.html
    assert HOSTILE in page.text
    assert all(found.get("src", "").startswith("/") for found in page.all("script"))


def test_the_page_ranks_the_suspects_and_shows_them_as_text(operator, database, machine_incident):
    """The likeliest change first, with its reasons; what somebody wrote into its title stays text."""
    with database.begin() as unit:
        for title, target in ((f"set point {HOSTILE}", Target("s", "d")), ("paint", Target("s"))):
            changes.create(unit, MadeChange("", "config", title, target, START_MS, START_MS), START_MS)

    page = operator.open(f"/incidents/{machine_incident}")

    assert "CHG-000001 set point" in " ".join(page.text.split())
    assert "it was made on s/d itself; 10m before it began" in page.text
    assert page.text.index("set point") < page.text.index("paint")
    assert HOSTILE not in page.html
