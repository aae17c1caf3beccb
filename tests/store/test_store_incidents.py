"""Incidents as rows: raised once, written by machine and people without harm to each other, due in time."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import event, text

from iotops.errors import IllegalTransition, NotFound, PoisonRow, StaleVersion
from iotops.incidents.correlate import Outcome, correlate
from iotops.incidents.deadlines import Policy
from iotops.incidents.desk import Known, Surroundings
from iotops.incidents.incident import SYSTEM, Actor, State
from iotops.rules.alert import Alert, AlertKey, AlertState, Change, Transition
from iotops.rules.rule import Severity
from iotops.store import alerts, incidents, timeline
from iotops.store.audit import verify
from iotops.store.database import Database
from iotops.telemetry.reading import DeviceKey

ANA = Actor("token", "ana")
POLICY = Policy()
AFTER = {Change.RESOLVED: AlertState.RESOLVED, Change.PENDING: AlertState.PENDING}


def a_transition(change, at_ms, episode="e1", device="fz-1", **facts):
    alert = Alert(
        id=episode,
        key=AlertKey("warm", f"paris/{device}"),
        rule_version="v1",
        semantic_hash="s1",
        site="paris",
        device=DeviceKey("paris", device),
        state=AFTER.get(change, AlertState.FIRING),
        severity=facts.pop("severity", Severity.WARNING),
        began_ms=at_ms,
        fired_ms=at_ms,
        summary=f"{device} is warm",
        evidence={"temp": -3.5},
        **facts,
    )
    return Transition(change, at_ms, alert)


def run_batch(database, *transitions, occurrences=None, now_ms=None):
    """Do what ingest does with a batch's transitions, in one unit."""
    now_ms = transitions[-1].at_ms if now_ms is None else now_ms
    with database.begin() as unit:
        known = incidents.open_for(unit, transitions)
        changes = correlate(transitions, known, Surroundings(policy=POLICY), now_ms)
        alerts.keep(unit, {each.alert.key: each.alert for each in transitions}, transitions, now_ms)
        return incidents.keep(unit, changes, occurrences or {}, POLICY)


def act(database, number, action, now_ms=5_000, **details):
    with database.begin() as unit:
        return incidents.act(unit, number, action, ANA, now_ms, policy=POLICY, **details)


def stored(database, number="INC-000001"):
    with database.read() as unit:
        return incidents.get(unit, number)


def told(database, number="INC-000001"):
    with database.read() as unit:
        return [found.entry.type for found in timeline.entries(unit, number)]


def test_a_raised_incident_comes_back_as_it_was_written(database):
    """What correlation decided is what the store returns, with a number."""
    (kept,) = run_batch(database, a_transition(Change.FIRED, 1_000))

    found = stored(database)

    assert found == kept
    assert (found.number, found.state, found.version) == ("INC-000001", State.NEW, 1)
    assert (found.evidence, found.priority_reason["derived"]) == ({"temp": -3.5}, "P4")
    assert told(database) == ["raised"]


def test_the_same_batch_again_raises_nothing(database):
    """A batch that was committed and is worked through again leaves everything as it is."""
    batch = (a_transition(Change.FIRED, 1_000), a_transition(Change.FIRED, 1_000, "f1", "fz-2"))
    run_batch(database, *batch)

    again = run_batch(database, *batch)

    assert again == []
    with database.read() as unit:
        assert [found.number for found in incidents.page(unit, incidents.Filters(), limit=9).items] == [
            "INC-000002",
            "INC-000001",
        ]


def test_an_episode_raises_once_even_for_a_worker_that_did_not_see_it(database):
    """Two workers that both decided to raise the same episode leave one incident."""
    fired = a_transition(Change.FIRED, 1_000)
    with database.begin() as unit:
        changes = correlate([fired], Known(), Surroundings(), 1_000)
        first = incidents.keep(unit, changes, {}, POLICY)

    with database.begin() as unit:
        second = incidents.keep(unit, changes, {}, POLICY)

    assert ([found.number for found in first], second) == (["INC-000001"], [])
    assert told(database) == ["raised"]


def test_occurrences_count_without_version_or_entry(database):
    """Counting goes to the incident that the alert belongs to, from the batch that raised it on."""
    run_batch(database, a_transition(Change.FIRED, 1_000), occurrences={"e1": 2})
    before = stored(database)

    with database.begin() as unit:
        incidents.keep(unit, Outcome(), {"e1": 40, "unknown": 5}, POLICY)

    assert stored(database) == replace(before, occurrence_count=42)
    assert told(database) == ["raised"]


def test_a_person_between_two_batches_is_not_overwritten(database):
    """What people wrote between two batches stands beside what the machine writes after it."""
    run_batch(database, a_transition(Change.FIRED, 1_000))
    act(database, "INC-1", "acknowledge")
    act(database, "INC-1", "assign", assignee="bo")
    act(database, "INC-1", "edit", title="door open")

    run_batch(database, a_transition(Change.ESCALATED, 6_000, severity=Severity.CRITICAL), occurrences={"e1": 1})

    found = stored(database)
    assert (found.state, found.assignee, found.title) == (State.IN_PROGRESS, "bo", "door open")
    assert (found.severity, found.acknowledged_ms, found.occurrence_count) == (Severity.CRITICAL, 5_000, 1)


def test_the_machine_never_writes_what_is_the_peoples(database):
    """A change by the machine that touched the people's fields would not reach the row."""
    run_batch(database, a_transition(Change.FIRED, 1_000))
    act(database, "INC-1", "assign", assignee="bo")
    resolved = a_transition(Change.RESOLVED, 6_000)
    with database.begin() as unit:
        (change,) = correlate([resolved], incidents.open_for(unit, [resolved]), Surroundings(), 6_000).changes
        meddled = replace(change, after=replace(change.after, assignee="nobody", title="mine"))

        incidents.keep(unit, Outcome((meddled,)), {}, POLICY)

    found = stored(database)
    assert (found.state, found.assignee, found.title) == (State.RESOLVED, "bo", "fz-1 is warm")


def test_alerts_belong_to_their_incident_through_reopening(database):
    """Each episode is attached to the incident that it raised or reopened; all must be clear to resolve."""
    run_batch(database, a_transition(Change.FIRED, 1_000))
    run_batch(database, a_transition(Change.RESOLVED, 2_000))
    run_batch(database, a_transition(Change.FIRED, 3_000, "e2"))
    run_batch(database, a_transition(Change.UNKNOWN, 4_000, "e2", data_known=False))

    with database.read() as unit:
        assert {alerts.get(unit, name).incident for name in ("e1", "e2")} == {"INC-000001"}
    found = stored(database)
    assert (found.state, found.data_known, found.alert_count) == (State.NEW, False, 2)

    run_batch(database, a_transition(Change.KNOWN, 5_000, "e2"), a_transition(Change.RESOLVED, 6_000, "e2"))

    assert stored(database).state is State.RESOLVED
    assert told(database) == [
        "raised",
        "resolved",
        "reopened",
        "data_unknown",
        "data_known",
        "resolved",
    ]


def test_recurrence_names_the_previous_number_even_within_one_batch(database):
    """A later episode's incident names the one before, also when both got their numbers in the same unit."""
    day_ms = 86_400_000

    run_batch(
        database,
        a_transition(Change.FIRED, 1_000, "e1"),
        a_transition(Change.RESOLVED, 2_000, "e1"),
        a_transition(Change.FIRED, day_ms, "e2"),
    )

    assert stored(database, "INC-2").recurrence_of == "INC-000001"
    with database.read() as unit:
        (raised,) = timeline.entries(unit, "INC-000002")
        assert raised.entry.data["recurrence_of"] == "INC-000001"
        assert verify(unit) is None


@pytest.mark.parametrize("written", ["INC-000001", "INC-1", "inc-0001", "1", " INC-000001 ", "000001"])
def test_a_number_is_understood_as_people_write_it(database, written):
    """Zeros, case and prefix do not matter."""
    run_batch(database, a_transition(Change.FIRED, 1_000))

    assert stored(database, written).number == "INC-000001"


@pytest.mark.parametrize("written", ["INC-2", "INC-0", "", "-1", "INC1", "1e3", "٣", "9" * 30, "INC-000001x"])
def test_what_is_no_number_of_an_incident_is_not_found(database, written):
    """Anything else names nothing, and is no error of the database."""
    run_batch(database, a_transition(Change.FIRED, 1_000))

    with pytest.raises(NotFound, match="does not exist"):
        stored(database, written)


def test_a_stale_version_is_refused_and_writes_nothing(database):
    """Who read an older version learns that, and changes nothing."""
    run_batch(database, a_transition(Change.FIRED, 1_000))
    act(database, "INC-1", "acknowledge", expected_version=1)

    with pytest.raises(StaleVersion, match="version 2, not 1"):
        act(database, "INC-1", "resolve", expected_version=1)

    assert stored(database).state is State.IN_PROGRESS
    assert told(database) == ["raised", "acknowledged"]


def test_an_illegal_action_is_refused_and_writes_nothing(database):
    """The refusal names what is allowed; row and timeline stay."""
    run_batch(database, a_transition(Change.FIRED, 1_000))

    with pytest.raises(IllegalTransition) as refused:
        act(database, "INC-1", "resume")

    assert "acknowledge" in refused.value.allowed_actions
    assert told(database) == ["raised"]


def test_a_person_raises_an_incident_with_a_note(database):
    """An incident by hand has a number, a priority and its note on the timeline, and no rule."""
    with database.begin() as unit:
        found = incidents.create(
            unit, ANA, 9_000, title="queue at till 4", policy=POLICY, severity=Severity.CRITICAL, note="seen by eye"
        )

    assert (found.number, found.priority, found.raised_ms, found.rule) == ("INC-000001", "P3", 9_000, "")
    with database.read() as unit:
        (raised,) = timeline.entries(unit, found.number)
    assert (raised.entry.actor, raised.entry.text) == (ANA, "seen by eye")


def test_resolved_while_firing_reopens_after_grace(database):
    """An alert that is still firing when the grace ends reopens what a person had resolved."""
    run_batch(database, a_transition(Change.FIRED, 1_000))
    act(database, "INC-1", "resolve", 10_000, code="replaced")

    with database.begin() as unit:
        early = incidents.pass_deadlines(unit, 10_000 + POLICY.grace_ms - 1, policy=POLICY)
    with database.begin() as unit:
        late = incidents.pass_deadlines(unit, 10_000 + POLICY.grace_ms, policy=POLICY)

    assert (early, late) == (0, 1)
    assert (stored(database).state, told(database)[-1]) == (State.NEW, "reopened")


def test_quiet_days_close_what_was_resolved(database):
    """A resolved incident closes by itself, and is not due again."""
    run_batch(database, a_transition(Change.FIRED, 1_000))
    run_batch(database, a_transition(Change.RESOLVED, 2_000))

    for now_ms in (2_000 + POLICY.close_after_ms, 2_000 + 2 * POLICY.close_after_ms):
        with database.begin() as unit:
            incidents.pass_deadlines(unit, now_ms, policy=POLICY)

    found = stored(database)
    assert (found.state, found.closed_ms) == (State.CLOSED, 2_000 + POLICY.close_after_ms)
    assert told(database).count("closed") == 1


def test_what_cannot_be_done_yet_does_not_stand_before_what_can(database):
    """An incident that is due but still firing is looked at later, and the next one's turn comes."""
    run_batch(database, a_transition(Change.FIRED, 1_000), a_transition(Change.FIRED, 1_000, "f1", "fz-2"))
    act(database, "INC-1", "resolve", 2_000)
    with database.begin() as unit:
        incidents.pass_deadlines(unit, 2_000 + POLICY.grace_ms, policy=POLICY)
    act(database, "INC-1", "resolve", 3_000)  # the second time it stands, though the alert goes on firing
    run_batch(database, a_transition(Change.RESOLVED, 4_000, "f1", "fz-2"))
    week_later_ms = 10_000 + POLICY.close_after_ms

    for _ in range(2):
        with database.begin() as unit:
            incidents.pass_deadlines(unit, week_later_ms, policy=POLICY, limit=1)

    assert [stored(database, number).state for number in ("1", "2")] == [State.RESOLVED, State.CLOSED]


def test_an_action_waits_for_the_batch_that_has_read_the_incident(database_url, database, wait_until):
    """An acknowledgement that comes while a batch is decided is applied after it, and both are kept."""
    run_batch(database, a_transition(Change.FIRED, 1_000))
    escalated = a_transition(Change.ESCALATED, 2_000, severity=Severity.CRITICAL)
    other = Database.open(database_url)
    person = threading.Thread(target=act, args=(other, "INC-1", "acknowledge"))

    with database.begin() as unit:
        changes = correlate([escalated], incidents.open_for(unit, [escalated]), Surroundings(), 2_000)
        person.start()
        person.join(0.2)
        waited = person.is_alive()
        incidents.keep(unit, changes, {}, POLICY)
    person.join(60)
    other.close()

    found = stored(database)
    assert waited
    assert (found.severity, found.state, found.version) == (Severity.CRITICAL, State.IN_PROGRESS, 3)
    assert told(database) == ["raised", "severity_changed", "acknowledged"]


def test_the_system_acts_like_people_do(database):
    """`act` serves the system as well: the actor is on the timeline."""
    run_batch(database, a_transition(Change.FIRED, 1_000))

    with database.begin() as unit:
        incidents.act(unit, "1", "comment", SYSTEM, 2_000, policy=POLICY, note="runbook started")

    with database.read() as unit:
        last = timeline.entries(unit, "INC-000001")[-1]
    assert (last.entry.actor, last.entry.text) == (SYSTEM, "runbook started")


def test_the_newest_incident_is_found_by_an_index(tmp_path):
    """Finding the newest incident of each instance looks into the index, and does not read all of it."""
    database = Database.open(f"sqlite:///{tmp_path / 'plan.db'}")
    database.upgrade()
    statements = []

    def note(_connection, _cursor, statement, parameters, *_):
        if "max(incident.id)" in statement:
            statements.append((statement, parameters))

    fired = [a_transition(Change.FIRED, 1_000, name, name) for name in ("a", "b")]
    with database.begin() as unit:
        event.listen(unit.connection, "before_cursor_execute", note)
        incidents.open_for(unit, fired)
    ((statement, parameters),) = statements
    with database.read() as unit:
        plan = [row[3] for row in unit.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    database.close()

    assert any("SEARCH incident USING COVERING INDEX ix_incident_rule_instance_id" in step for step in plan)
    assert not [step for step in plan if step.startswith("SCAN incident")]


def test_rule_8_a_change_without_its_entry_does_not_exist(database):
    """Incident and timeline entry are one transaction: where the entry is refused, the incident is as it was."""
    run_batch(database, a_transition(Change.FIRED, 1_000))
    with database.begin() as unit:
        if unit.dialect == "postgresql":
            unit.connection.execute(text("ALTER TABLE timeline ADD CHECK (type <> 'acknowledged')"))
        else:
            refused = "BEFORE INSERT ON timeline WHEN NEW.type = 'acknowledged' BEGIN SELECT RAISE(ABORT, 'no'); END"
            unit.connection.execute(text(f"CREATE TRIGGER refuse {refused}"))

    with pytest.raises(PoisonRow):
        act(database, "INC-1", "acknowledge")

    assert stored(database).state is State.NEW
    assert told(database) == ["raised"]
