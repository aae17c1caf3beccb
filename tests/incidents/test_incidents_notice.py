"""Which entries of a timeline are news that somebody is told."""

import pytest

from iotops.incidents.incident import SYSTEM, Actor, Incident
from iotops.incidents.notice import event_of
from iotops.incidents.transitions import transition
from iotops.rules.rule import Severity

ANA = Actor("person", "ana")


@pytest.fixture
def raised():
    found, _ = transition(Incident("warm", Severity.WARNING, number="INC-000001"), "raise", SYSTEM, 1_000)
    return found


@pytest.mark.parametrize(("severity", "told"), [(Severity.CRITICAL, ["escalated"]), (Severity.INFO, [None])])
def test_a_severity_that_makes_it_more_pressing_is_told(raised, severity, told):
    """From warning to critical is an escalation, to info it is nobody's news."""
    _, entries = transition(raised, "change_severity", SYSTEM, 2_000, severity=severity)

    assert [event_of(entry) for entry in entries] == told


def test_a_severity_below_a_persons_priority_is_not_told(raised):
    """Where somebody set P1 already, nothing became more pressing."""
    urgent, _ = transition(raised, "edit", ANA, 2_000, priority="P1")

    _, entries = transition(urgent, "change_severity", SYSTEM, 3_000, severity=Severity.CRITICAL)

    assert [event_of(entry) for entry in entries] == [None]


def test_who_has_it_already_is_not_told_again(raised):
    """The first assignment is news, the same once more is not even an entry; another owner is news again."""
    taken, first = transition(raised, "assign", ANA, 2_000, assignee="bo")
    same, again = transition(taken, "assign", ANA, 3_000, assignee="bo")
    _, other = transition(same, "assign", ANA, 4_000, assignee="cy")

    assert [event_of(entry) for entry in (*first, *again, *other)] == ["reassigned", "reassigned"]
    assert same == taken


def test_a_new_incident_is_taken_on_by_those_who_have_it(raised):
    """A team that a service gave it to takes it on, although its team stays the same."""
    taken, entries = transition(raised, "assign", ANA, 2_000, team=raised.team)

    assert (taken.state.value, len(entries)) == ("in_progress", 1)
