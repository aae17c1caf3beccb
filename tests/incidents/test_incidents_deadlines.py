"""What the system does when nothing happens for a while."""

from dataclasses import replace

import pytest

from iotops.incidents.deadlines import Policy, due_ms, overdue
from iotops.incidents.incident import SYSTEM, Actor, Incident, State
from iotops.incidents.transitions import transition
from iotops.rules.rule import Severity

ANA = Actor("person", "ana")
POLICY = Policy(clear_for_ms=500, flap_quiet_ms=2_000, grace_ms=900, close_after_ms=7_000)
OPEN_INCIDENT = Incident("it is warm", Severity.WARNING, number="INC-000001", version=1, raised_ms=1)


def resolved(**details):
    return transition(OPEN_INCIDENT, "resolve", ANA, 1_000, **details)[0]


def held(until_ms):
    working, _ = transition(OPEN_INCIDENT, "acknowledge", ANA, 10)
    return transition(working, "hold", ANA, 20, until_ms=until_ms)[0]


CLEAR = replace(OPEN_INCIDENT, cleared_ms=1_000)


@pytest.mark.parametrize(
    ("incident", "due"),
    [
        (OPEN_INCIDENT, None),
        (CLEAR, 1_500),
        (replace(CLEAR, flapping=True), 3_000),
        (held(None), None),
        (held(4_000), 4_000),
        (replace(held(4_000), cleared_ms=1_000), 1_500),
        (resolved(), 8_000),
        (resolved(firing=True, grace_ms=900), 1_900),
        (replace(resolved(), state=State.CLOSED), None),
        (replace(OPEN_INCIDENT, state=State.CANCELLED, cleared_ms=5), None),
    ],
)
def test_due_is_the_first_time_at_which_something_would_happen(incident, due):
    """Exactly at the due time something happens, and nothing before it."""
    firing = incident.grace_ms is not None

    assert due_ms(incident, POLICY) == due
    if due is not None:
        assert overdue(incident, firing=firing, now_ms=due - 1, policy=POLICY) == (incident, ())
        after, entries = overdue(incident, firing=firing, now_ms=due, policy=POLICY)
        assert after.state is not incident.state
        assert len(entries) == 1


def test_still_firing_after_grace_reopens_once():
    """Looked at again once; the second resolution stands and escalates: one step of priority, said once."""
    first = resolved(firing=True, grace_ms=900)
    reopened, (entry,) = overdue(first, firing=True, now_ms=1_900, policy=POLICY)
    second, _ = transition(reopened, "resolve", ANA, 3_000, firing=True, grace_ms=900)

    assert (reopened.state, entry.data["reason"]) == (State.NEW, "still firing")
    escalated, (told,) = overdue(second, firing=True, now_ms=90_000, policy=POLICY)
    assert (told.type, told.data["from"], told.data["to"]) == ("escalated", resolved().priority, "P4")
    assert (escalated.state, escalated.priority, escalated.grace_ms) == (State.RESOLVED, "P4", None)
    assert overdue(escalated, firing=True, now_ms=91_000, policy=POLICY) == (escalated, ())
    assert overdue(escalated, firing=False, now_ms=91_000, policy=POLICY)[0].state is State.CLOSED


def test_grace_that_ends_without_an_alert_leaves_the_resolution():
    """Where nothing fires any more when the grace ends, the incident stays resolved and closes later."""
    after, (entry,) = overdue(resolved(firing=True, grace_ms=900), firing=False, now_ms=1_900, policy=POLICY)

    assert (after.state, entry.type) == (State.RESOLVED, "cleared")
    assert due_ms(after, POLICY) == 8_000


def test_a_person_who_reopens_does_not_use_up_the_grace():
    """Only the system's own reopening counts as the one look."""
    by_hand, _ = transition(resolved(firing=True, grace_ms=900), "reopen", ANA, 1_100)

    again, _ = transition(by_hand, "resolve", ANA, 1_200, firing=True, grace_ms=900)

    assert again.grace_ms == 2_100


def test_quiet_resolves_only_while_nothing_fires():
    """An incident that waits for quiet is not resolved over an alert that is firing."""
    assert overdue(CLEAR, firing=True, now_ms=9_000, policy=POLICY) == (CLEAR, ())


def test_end_of_a_hold_says_why_work_goes_on():
    """A hold whose time is over is resumed by the system."""
    after, (entry,) = overdue(held(4_000), firing=False, now_ms=4_000, policy=POLICY)

    assert (after.state, entry.actor, entry.data) == (State.IN_PROGRESS, SYSTEM, {"reason": "hold over"})
