"""An incident that comes and goes, as stored: one incident, the people's word kept, held open across a restart."""

from iotops.incidents.correlate import correlate
from iotops.incidents.deadlines import Policy
from iotops.incidents.desk import Surroundings
from iotops.incidents.incident import Actor, State
from iotops.rules.alert import Alert, AlertKey, AlertState, Change, Transition
from iotops.rules.rule import Severity
from iotops.settings import IncidentSettings
from iotops.store import alerts, incidents, timeline
from iotops.store.database import Database
from iotops.telemetry.reading import DeviceKey

ANA = Actor("token", "ana")
MINUTE_MS = 60_000
POLICY = Policy()


def happens(database, change, minute, episode):
    """Do what ingest does with one change of an alert."""
    state = AlertState.FIRING if change is Change.FIRED else AlertState.RESOLVED
    at_ms, device = minute * MINUTE_MS, DeviceKey("paris", "fz-1")
    key = AlertKey("warm", str(device))
    alert = Alert(episode, key, "v1", "s1", "paris", device, state, Severity.WARNING, at_ms, fired_ms=at_ms)
    transitions = [Transition(change, at_ms, alert)]
    with database.begin() as unit:
        outcome = correlate(transitions, incidents.open_for(unit, transitions), Surroundings(policy=POLICY), at_ms)
        alerts.keep(unit, {key: alert}, transitions, at_ms)
        incidents.keep(unit, outcome, {}, POLICY)


def comes_and_goes(database, turns, first=0):
    """Fire for two minutes out of every ten."""
    for turn in range(first, first + turns):
        happens(database, Change.FIRED, 10 * turn, f"e{turn}")
        happens(database, Change.RESOLVED, 10 * turn + 2, f"e{turn}")


def stored(database):
    with database.read() as unit:
        return incidents.get(unit, "1"), [found.entry.type for found in timeline.entries(unit, "INC-000001")]


def look(database, minute):
    """Let time pass up to a minute."""
    with database.begin() as unit:
        return incidents.pass_deadlines(unit, minute * MINUTE_MS, policy=POLICY)


def test_each_refire_reopens_the_incident_and_keeps_what_people_said(database):
    """Three turns are not flapping: the one incident reopens each time, with its owner, title and verdict."""
    happens(database, Change.FIRED, 0, "e0")
    with database.begin() as unit:
        incidents.act(unit, "1", "assign", ANA, 1, policy=POLICY, assignee="ana", team="cold")
        incidents.act(unit, "1", "edit", ANA, 2, policy=POLICY, title="the old freezer", verdict="real")
    happens(database, Change.RESOLVED, 2, "e0")

    comes_and_goes(database, 3, first=1)
    found, told = stored(database)

    assert (found.state, found.flapping, found.reopen_count) == (State.RESOLVED, False, 3)
    assert (found.assignee, found.team, found.title, found.verdict) == ("ana", "cold", "the old freezer", "real")
    assert (told.count("reopened"), told.count("resolved"), "flapping" in told) == (3, 4, False)


def test_a_flapping_incident_is_held_open_until_quiet_lasted_across_a_restart(database, database_url):
    """The fourth turn marks it; whoever opens the database later resolves it after 30 quiet minutes, not before."""
    comes_and_goes(database, 5)
    flapping, told = stored(database)
    assert (flapping.state, flapping.flapping, told.count("flapping")) == (State.NEW, True, 1)

    restarted = Database.open(database_url)
    try:
        early, then = look(restarted, 42 + 29), look(restarted, 42 + 30)
        found, told = stored(restarted)
    finally:
        restarted.close()

    assert (early, then, found.state, found.flapping) == (0, 1, State.RESOLVED, False)
    assert (found.resolution_code, found.reopen_count, told[-1]) == ("cleared", 4, "resolved")


def test_a_refire_while_it_is_held_starts_the_quiet_anew(database):
    """What fires again within the quiet continues the open incident, and quiet counts from its next end."""
    comes_and_goes(database, 5)
    happens(database, Change.FIRED, 60, "late")
    while_firing = look(database, 80)
    happens(database, Change.RESOLVED, 81, "late")

    assert (while_firing, look(database, 81 + 29), look(database, 81 + 30)) == (0, 0, 1)
    found, told = stored(database)
    assert (found.reopen_count, told.count("flapping"), told.count("resolved")) == (4, 1, 5)


def test_the_policy_is_what_the_settings_say():
    """Without settings the times are the defaults, and each of them can be set."""
    said = {"reopen_ms": 1, "clear_for_ms": 2, "grace_ms": 3, "close_after_ms": 4, "flaps": 5}
    said |= {"flap_within_ms": 6, "flap_quiet_ms": 7}

    assert incidents.policy_of(IncidentSettings()) == Policy()
    assert incidents.policy_of(IncidentSettings(impact_share=0.25, **said)) == Policy(share=0.25, **said)
