"""How the transitions are cut into batches does not matter, and neither does a restart that repeats one."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iotops.incidents.incident import OPEN, State
from iotops.rules.alert import Change
from iotops.rules.rule import Severity

GAPS_MS = st.sampled_from([1, 60_000, 600_000, 1_800_000, 1_800_001, 7_200_000])
STEPS = st.lists(
    st.tuples(
        st.sampled_from([Change.ESCALATED, Change.EASED, Change.UNKNOWN, Change.KNOWN, Change.RESOLVED]), GAPS_MS
    ),
    min_size=1,
    max_size=25,
)
SEVERITIES = {Change.ESCALATED: Severity.CRITICAL, Change.EASED: Severity.INFO}


def lives_of_one_instance(steps, a_transition):
    """Return the transitions of episodes one after the other, as the engine would give them."""
    found, at_ms, episode, facts = [], 0, 0, None
    for change, gap_ms in steps:
        at_ms += gap_ms
        if facts is None:
            episode, facts = episode + 1, {"severity": Severity.WARNING, "data_known": True}
            found.append(a_transition(Change.FIRED, at_ms, f"e{episode}", **facts))
            at_ms += 1
        facts["severity"] = SEVERITIES.get(change, facts["severity"])
        facts["data_known"] = change is not Change.UNKNOWN
        found.append(a_transition(change, at_ms, f"e{episode}", **facts))
        if change is Change.RESOLVED:
            facts = None
    return found


def cut(items, cuts):
    """Return the items in batches that end after the places named."""
    ends = sorted({place % len(items) for place in cuts} | {len(items)})
    return [items[start:end] for start, end in zip([0, *ends], ends, strict=False) if items[start:end]]


@pytest.fixture
def told_in(story, a_transition):
    """Tell transitions to a fresh story in the batches given; returns its incidents and its entries."""

    def tell(batches):
        fresh = type(story)()
        for batch in batches:
            fresh.batch(*batch, now_ms=77)
        numbers = {found.alert_id: found.number for found in fresh.incidents}
        raised = [
            {
                **entry.data,
                "recurrence_of": numbers.get(entry.data.get("recurrence_of"), entry.data.get("recurrence_of")),
            }
            for entry in fresh.entries
        ]
        incidents = [
            {name: getattr(found, name) for name in type(found).__dataclass_fields__ if name != "recurrence_of"}
            for found in fresh.incidents
        ]
        return incidents, [entry.type for entry in fresh.entries], raised

    return tell


FUNCTION_SCOPED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@FUNCTION_SCOPED
@given(steps=STEPS, cuts=st.lists(st.integers(0, 60), max_size=8))
def test_batches_do_not_matter(told_in, a_transition, steps, cuts):
    """One batch, one transition at a time, or anything between: the same incidents with the same timeline."""
    transitions = lives_of_one_instance(steps, a_transition)

    at_once = told_in([transitions])

    assert told_in(cut(transitions, cuts)) == at_once
    assert told_in([[each] for each in transitions]) == at_once


@FUNCTION_SCOPED
@given(steps=STEPS)
def test_a_repeated_raise_never_makes_a_second_incident(story, a_transition, steps):
    """Every FIRED heard twice, at any later time within its episode, leaves one incident per raise."""
    transitions = lives_of_one_instance(steps, a_transition)
    once, twice = type(story)(), type(story)()

    for each in transitions:
        once.batch(each, now_ms=77)
        twice.batch(each, now_ms=77)
        if each.change is Change.FIRED:
            twice.batch(each, now_ms=78)

    assert twice.incidents == once.incidents


@FUNCTION_SCOPED
@given(steps=STEPS)
def test_an_incident_is_open_exactly_while_its_alert_is(story, a_transition, steps):
    """Without people, and while nothing flaps, the newest incident is open while an alert fires, resolved after."""
    fresh = type(story)()

    for each in lives_of_one_instance(steps, a_transition):
        fresh.batch(each, now_ms=77)

        assert [found.state for found in fresh.incidents[:-1]] == [State.RESOLVED] * (len(fresh.incidents) - 1)
        if each.change is not Change.RESOLVED:
            assert fresh.newest.state in OPEN
            assert fresh.newest.data_known is (each.change is not Change.UNKNOWN)
        elif not fresh.newest.flapping:
            assert fresh.newest.state is State.RESOLVED
