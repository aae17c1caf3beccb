"""Faults that come back: told on the third time within 30 days, once; a problem takes them, and knows what helps."""

import pytest

from iotops.errors import Conflict, IllegalTransition, NotFound
from iotops.incidents.correlate import correlate
from iotops.incidents.deadlines import Policy
from iotops.incidents.desk import Surroundings
from iotops.incidents.incident import Actor, State
from iotops.incidents.problem import Problem
from iotops.rules.alert import Alert, AlertKey, AlertState, Change, Transition
from iotops.rules.rule import Severity
from iotops.store import alerts, incidents, problems, timeline
from iotops.store.audit import verify
from iotops.store.problems import Deed
from iotops.telemetry.reading import DeviceKey

ANA = Actor("token", "ana")
DAY_MS = 86_400_000
POLICY = Policy()
WARM = Problem("seals wear out", rule="warm", instance="paris/fz-1", site="paris")


class Freezers:
    """Freezers that get warm for a minute now and then, and the incidents of that."""

    def __init__(self, database):
        self.database = database

    def batch(self, *transitions):
        with self.database.begin() as unit:
            known = incidents.open_for(unit, transitions)
            at_ms = transitions[-1].at_ms
            outcome = correlate(transitions, known, Surroundings(policy=POLICY), at_ms)
            alerts.keep(unit, {each.alert.key: each.alert for each in transitions}, transitions, at_ms)
            incidents.keep(unit, outcome, {}, POLICY)

    def warms(self, day, device="fz-1", over=True):
        """Fire on a day, and be over a minute later."""
        at_ms = int(day * DAY_MS)
        self.batch(self.change(Change.FIRED, at_ms, at_ms, device))
        if over:
            self.batch(self.change(Change.RESOLVED, at_ms + 60_000, at_ms, device))

    def change(self, change, at_ms, fired_ms, device):
        state = AlertState.FIRING if change is Change.FIRED else AlertState.RESOLVED
        key = DeviceKey("paris", device)
        facts = {"fired_ms": fired_ms, "summary": f"{device} is warm"}
        name = f"{device} {fired_ms}"
        at = AlertKey("warm", str(key))
        alert = Alert(name, at, "v1", "s1", "paris", key, state, Severity.WARNING, fired_ms, **facts)
        return Transition(change, at_ms, alert)

    def told(self, number):
        with self.database.read() as unit:
            return [found.entry for found in timeline.entries(unit, f"INC-{number:06d}")]

    def types(self, number):
        return [entry.type for entry in self.told(number)]

    def get(self, number):
        with self.database.read() as unit:
            return incidents.get(unit, str(number))

    def proposed(self, day, **asked):
        with self.database.read() as unit:
            return incidents.candidates(unit, int(day * DAY_MS), **asked)

    def does(self, work, *arguments, day=50.0, **said):
        with self.database.begin() as unit:
            return work(unit, *arguments, Deed(ANA, int(day * DAY_MS), POLICY), **said)


@pytest.fixture
def freezers(database):
    return Freezers(database)


def test_the_third_within_30_days_proposes_a_problem_once(freezers):
    """Each incident leads to the one before; the third says so on its timeline, the fourth does not again."""
    for day in (0, 10, 20, 25):
        freezers.warms(day)

    assert [freezers.get(n).recurrence_of for n in (1, 2, 3)] == [None, "INC-000001", "INC-000002"]
    assert [freezers.get(n).recurrence_count for n in (1, 2, 3, 4)] == [0, 2, 3, 4]
    assert [freezers.types(n).count("recurring") for n in (1, 2, 3, 4)] == [0, 0, 1, 0]
    said = next(entry.data for entry in freezers.told(3) if entry.type == "recurring")
    assert said == {"count": 3, "first_at": "1970-01-01T00:00:00Z"}
    assert [freezers.get(n).version for n in (3, 4)] == [2, 2]  # raised, resolved: counting is no change


def test_a_candidate_names_rule_device_and_incidents(freezers):
    """Listed as long as it is of the last 30 days; the newest first, page by page; other devices count apart."""
    for day in (0, 10, 20):
        freezers.warms(day)
        freezers.warms(day + 1, "fz-2")
    freezers.warms(22, "fz-3")

    second, first = freezers.proposed(30)

    assert (first.rule, first.site, first.device) == ("warm", "paris", "fz-1")
    assert first.incidents == ("INC-000001", "INC-000003", "INC-000005")
    assert (first.first_ms, first.last_ms) == (0, 20 * DAY_MS)
    assert (second.device, freezers.proposed(30, after=second.newest_id)) == ("fz-2", [first])
    assert (freezers.proposed(30, limit=1), freezers.proposed(30, sites=("lyon",))) == ([second], [])
    assert freezers.proposed(52) == []


@pytest.mark.parametrize("days", [(0, 10, 40.5), (0, 0.001, 0.002)], ids=["too far apart", "reopened"])
def test_what_is_too_far_apart_or_one_incident_proposes_nothing(freezers, days):
    """Three within 30 days are needed, and what reopens within the window is one incident."""
    for day in days:
        freezers.warms(day)

    assert freezers.proposed(41) == []


def test_what_people_cancelled_does_not_count(freezers):
    """A test or a duplicate is no recurrence."""
    freezers.warms(0, over=False)
    with freezers.database.begin() as unit:
        incidents.act(unit, "1", "cancel", ANA, 5, policy=POLICY, reason="a drill")
    freezers.batch(freezers.change(Change.RESOLVED, 60_000, 0, "fz-1"))
    for day in (1, 2):
        freezers.warms(day)

    assert ("recurring" in freezers.types(3), freezers.proposed(3)) == (False, [])


def test_an_outage_of_the_ingest_can_come_back_as_well(database):
    """What no rule raises is counted like the rest."""
    with database.begin() as unit:
        for day in (0, 1, 2):
            at_ms = day * DAY_MS
            incidents.raise_ingest_down(unit, at_ms, at_ms + 1, "no broker", policy=POLICY)
            incidents.resolve_ingest_down(unit, at_ms + 2, policy=POLICY)
        (found,) = incidents.candidates(unit, 3 * DAY_MS)

    assert (found.rule, found.device, len(found.incidents)) == ("ingest_down", None, 3)


def test_a_live_problem_takes_what_matches_and_is_not_proposed_again(freezers):
    """The next incident belongs to it from the beginning; a known error brings its workaround along."""
    for day in (0, 1, 2):
        freezers.warms(day)
    made = freezers.does(problems.create_problem, WARM, ["1", "2", "3"])
    freezers.warms(3)
    known = {"root_cause": "worn seal", "workaround": "close the door by hand"}
    freezers.does(problems.act_on_problem, made.number, "known_error", **known)
    freezers.warms(4)
    freezers.warms(4, "fz-2")

    assert [freezers.get(n).problem for n in (1, 3, 4, 5, 6)] == [made.number] * 4 + [None]
    assert ([*freezers.proposed(5)], freezers.types(4)[:2]) == ([], ["raised", "problem_linked"])
    linked = next(entry for entry in freezers.told(5) if entry.type == "problem_linked")
    assert (linked.data, linked.text) == ({"problem": made.number, "state": "known_error"}, "close the door by hand")
    with freezers.database.read() as unit:
        assert verify(unit) is None


def test_after_a_problem_is_over_counting_begins_anew(freezers):
    """Its incidents do not count again; three more propose a new problem."""
    for day in (0, 1, 2):
        freezers.warms(day)
    made = freezers.does(problems.create_problem, WARM, ["1", "2", "3"])
    freezers.does(problems.act_on_problem, made.number, "resolve")
    counts = []
    for day in (3, 4, 5):
        freezers.warms(day)
        counts.append(len(freezers.proposed(6)))

    assert (counts, freezers.get(4).problem) == ([0, 0, 1], None)
    assert freezers.types(6).count("recurring") == 1


def test_one_live_problem_per_instance_and_one_problem_per_incident(freezers):
    """A second one is refused and names the first; an incident is unlinked before it goes elsewhere."""
    freezers.warms(0)
    made = freezers.does(problems.create_problem, WARM, ["1"])

    with pytest.raises(Conflict, match=made.number):
        freezers.does(problems.create_problem, WARM, [])
    with pytest.raises(Conflict, match="unlink it there first"):
        freezers.does(problems.create_problem, Problem("other"), ["1"])
    with pytest.raises(NotFound, match="INC-000009"):
        freezers.does(problems.link_incidents, made.number, ["9"])
    freezers.does(problems.unlink_incidents, made.number, ["1"])
    other = freezers.does(problems.create_problem, Problem("other"), ["1"])
    assert (freezers.get(1).problem, freezers.types(1)[-2:]) == (other.number, ["problem_unlinked", "problem_linked"])


@pytest.mark.parametrize(
    ("fate", "states"),
    [
        ("leave", (State.RESOLVED, State.NEW, State.NEW)),
        ("resolve", (State.RESOLVED, State.RESOLVED, State.RESOLVED)),
        ("close", (State.CLOSED, State.RESOLVED, State.CLOSED)),
    ],
)
def test_closing_a_problem_lets_its_incidents_share_its_fate(freezers, fate, states):
    """They stay linked, resolve, or close as well; one that still fires is looked at again, never closed."""
    freezers.warms(0)
    freezers.warms(1, over=False)
    with freezers.database.begin() as unit:
        by_hand = incidents.create(unit, ANA, 5, title="warm food", policy=POLICY)
    made = freezers.does(problems.create_problem, Problem("seals"), ["1", "2", by_hand.number])

    closed = freezers.does(problems.act_on_problem, made.number, "close", fate=fate)

    found = [freezers.get(n) for n in (1, 2, 3)]
    assert (tuple(each.state for each in found), {each.problem for each in found}) == (states, {made.number})
    assert (found[1].grace_ms is not None, found[1].resolution_code) == (
        (False, None) if fate == "leave" else (True, "problem")
    )
    assert (closed.state, closed.closed_ms, freezers.types(1).count("problem_changed")) == ("closed", 50 * DAY_MS, 1)
    with pytest.raises(IllegalTransition, match="closed"):
        freezers.does(problems.act_on_problem, made.number, "reopen")
