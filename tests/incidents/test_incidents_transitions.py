"""The state machine: every state and action, and what every path keeps."""

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from iotops.errors import IllegalTransition
from iotops.incidents.effects import EFFECTS
from iotops.incidents.impact import of_service
from iotops.incidents.incident import OPEN, SYSTEM, Actor, Incident, State
from iotops.incidents.timeline import ENTRY_TYPES
from iotops.incidents.transitions import MOVES, allowed_actions, transition
from iotops.rules.rule import Severity

ANA = Actor("person", "ana")
NEW, IN_PROGRESS, ON_HOLD, RESOLVED, CLOSED, CANCELLED = State

# The table of INCIDENTS, said a second time: action -> state before -> state after; the rest is refused.
EXPECTED = {
    "acknowledge": {NEW: IN_PROGRESS},
    "assign": {NEW: IN_PROGRESS, IN_PROGRESS: IN_PROGRESS, ON_HOLD: ON_HOLD},
    "hold": {IN_PROGRESS: ON_HOLD},
    "resume": {ON_HOLD: IN_PROGRESS},
    "resolve": {NEW: RESOLVED, IN_PROGRESS: RESOLVED, ON_HOLD: RESOLVED},
    "reopen": {RESOLVED: NEW},
    "cancel": {NEW: CANCELLED, IN_PROGRESS: CANCELLED, ON_HOLD: CANCELLED},
    "close": {RESOLVED: CLOSED},
    "merge": {NEW: CANCELLED, IN_PROGRESS: CANCELLED, ON_HOLD: CANCELLED},
    "comment": {state: state for state in State},
}
GIVEN = {"assign": {"assignee": "bo"}, "merge": {"into": "INC-000002"}}
SYSTEM_ONLY = (
    "enter_suppression",
    "leave_suppression",
    "attach",
    "cover",
    "rescope",
    "escalate",
    "change_severity",
    "lose_data",
    "doubt",
    "regain_data",
    "clear",
    "suppress",
    "unsuppress",
    "flap",
)


def an_incident(state, **facts):
    acknowledged_ms = 5 if state in (IN_PROGRESS, ON_HOLD) else None
    resolved_ms = 7 if state in (RESOLVED, CLOSED) else None
    defaults = {
        "number": "INC-000001",
        "version": 3,
        "acknowledged_ms": acknowledged_ms,
        "resolved_ms": resolved_ms,
    }
    return Incident("it is warm", Severity.WARNING, state=state, **{**defaults, **facts})


@pytest.mark.parametrize("action", EXPECTED)
@pytest.mark.parametrize("state", State)
def test_every_state_and_action_does_what_the_table_says(state, action):
    """An action moves exactly from the states that allow it, and its refusal names what is allowed."""
    before = an_incident(state)
    target = EXPECTED[action].get(state)

    if target is None:
        with pytest.raises(IllegalTransition) as refused:
            transition(before, action, ANA, 100, **GIVEN.get(action, {}))
        assert allowed_actions(before) == refused.value.allowed_actions
    else:
        after, (entry,) = transition(before, action, ANA, 100, **GIVEN.get(action, {}))
        assert target is after.state
        assert (entry.actor, entry.at_ms) == (ANA, 100)


@pytest.mark.parametrize("state", State)
def test_allowed_actions_are_those_that_work(state):
    """An incident names exactly the actions that people can do now."""
    expected = {action for action, moves in EXPECTED.items() if state in moves}

    assert expected == set(allowed_actions(an_incident(state)))


def test_only_what_was_merged_can_be_split_off_again():
    """Cancelled is the end, but for an incident that another tells: with an owner it is in progress, else new."""
    merged, _ = transition(an_incident(NEW), "merge", ANA, 100, into="INC-000002")

    again, (entry,) = transition(merged, "split", ANA, 200)

    assert allowed_actions(merged) == ("split", "comment")
    assert (merged.merged_into, again.merged_into, again.state) == ("INC-000002", None, NEW)
    assert entry.data == {"from": "INC-000002"}
    with pytest.raises(IllegalTransition):
        transition(an_incident(CANCELLED), "split", ANA, 200)


@pytest.mark.parametrize("action", SYSTEM_ONLY)
def test_people_cannot_do_what_only_the_system_does(action):
    """Machine facts are not written by people."""
    with pytest.raises(IllegalTransition):
        transition(an_incident(NEW), action, ANA, 100)


@pytest.mark.parametrize("action", ["explode", "", "Acknowledge"])
def test_an_unknown_action_is_refused_like_a_forbidden_one(action):
    """There is no action beside the table."""
    with pytest.raises(IllegalTransition, match="INC-000001 is new"):
        transition(an_incident(NEW), action, ANA, 100)


def test_every_move_has_an_effect_and_a_documented_entry():
    """Table, effects and vocabulary of the timeline name the same things."""
    assert MOVES.keys() == EFFECTS.keys()
    assert {move.entry for move in MOVES.values() if move.entry} == ENTRY_TYPES.keys()


def test_draft_can_only_be_raised_and_only_once():
    """`raise` makes a draft an incident; a draft allows nothing else, an incident cannot be raised again."""
    draft = Incident("it is warm", Severity.WARNING)

    raised, (entry,) = transition(draft, "raise", ANA, 100, note="seen by eye")

    assert (raised.version, raised.raised_ms, entry.type, entry.text) == (1, 100, "raised", "seen by eye")
    assert allowed_actions(draft) == ()
    with pytest.raises(IllegalTransition):
        transition(draft, "acknowledge", ANA, 100)
    with pytest.raises(IllegalTransition):
        transition(raised, "raise", ANA, 100)


def test_assigning_keeps_what_is_not_named():
    """Assign changes the members that are given; None takes the incident from its owner."""
    mine = an_incident(IN_PROGRESS, assignee="ana", team="cold")

    other, (entry,) = transition(mine, "assign", ANA, 100, assignee="bo")
    nobodys, _ = transition(mine, "assign", ANA, 100, assignee=None)

    assert (other.assignee, other.team) == ("bo", "cold")
    assert entry.data == {"assignee": "bo", "assignee_before": "ana"}
    assert (nobodys.assignee, nobodys.team) == (None, "cold")


@pytest.mark.parametrize("action", ["assign", "edit", "resolve"])
def test_a_detail_that_the_action_does_not_take_is_a_type_error(action):
    """Details are never dropped in silence."""
    with pytest.raises(TypeError):
        transition(an_incident(IN_PROGRESS), action, ANA, 100, colour="red")


def test_a_hold_ends_with_its_reason_and_its_time():
    """Reason and end of a hold belong to the hold only."""
    held, (entry,) = transition(an_incident(IN_PROGRESS), "hold", ANA, 100, reason="parts", until_ms=60_000)

    resumed, _ = transition(held, "resume", ANA, 200)

    assert entry.data == {"reason": "parts", "until": "1970-01-01T00:01:00Z"}
    assert (held.hold_reason, held.hold_until_ms) == ("parts", 60_000)
    assert (resumed.hold_reason, resumed.hold_until_ms) == (None, None)


@pytest.mark.parametrize(("state", "auto"), [(NEW, True), (IN_PROGRESS, False)])
def test_resolving_unacknowledged_is_automatic(state, auto):
    """Rule 1: what nobody had acknowledged is resolved automatically, and counts for no response time."""
    after, (entry,) = transition(an_incident(state), "resolve", SYSTEM, 100, code="cleared", cleared_ms=90)

    assert (auto, auto) == (after.auto, entry.data["auto"])


def test_reopening_unowned_asks_to_be_seen_again():
    """An unowned incident that is reopened is new, unacknowledged, and no longer resolved."""
    resolved = an_incident(RESOLVED, acknowledged_ms=5, resolution_code="replaced", cause="seal")

    after, _ = transition(resolved, "reopen", ANA, 100, note="warm again")

    assert (
        after.state,
        after.acknowledged_ms,
        after.resolved_ms,
        after.resolution_code,
        after.cause,
    ) == (NEW, None, None, None, None)
    assert after.reopen_count == 1


def test_comment_says_something_and_changes_nothing():
    """A comment is an entry whose text stands beside its data; the version stays."""
    before = an_incident(CLOSED)

    after, (entry,) = transition(before, "comment", ANA, 100, note="call Bo", visibility="public")

    assert before == after
    assert (entry.text, entry.data) == ("call Bo", {"visibility": "public"})


def test_editing_tells_from_and_to_and_nothing_where_nothing_changes():
    """An edit says what it changed; one that changes nothing leaves no trace."""
    before = an_incident(NEW, priority="P4")

    after, (entry,) = transition(before, "edit", ANA, 100, title="fz-1 is warm", priority="P1")
    same, nothing = transition(after, "edit", ANA, 200, title="fz-1 is warm")

    assert (after.title, after.priority, after.version) == ("fz-1 is warm", "P1", 4)
    assert entry.data == {"title": {"from": "it is warm", "to": "fz-1 is warm"}, "priority": {"from": "P4", "to": "P1"}}
    assert (after, ()) == (same, nothing)


def test_an_edit_to_nothing_only_takes_a_verdict_back():
    """An incident always has a title and a priority; a verdict can be withdrawn."""
    before = an_incident(RESOLVED, verdict="real", priority="P4")

    after, (entry,) = transition(before, "edit", ANA, 100, title=None, priority=None, verdict=None)

    assert (after.title, after.priority, after.verdict) == ("it is warm", "P4", None)
    assert entry.data == {"verdict": {"from": "real", "to": None}}


DETAILS = {
    "assign": st.fixed_dictionaries({}, optional={"assignee": st.sampled_from([None, "ana", "bo"])}),
    "mark_cause": st.just({"change": "CHG-000001", "title": "new set point"}),
    "hold": st.fixed_dictionaries({}, optional={"until_ms": st.integers(0, 10**12)}),
    "resolve": st.fixed_dictionaries({"firing": st.booleans(), "grace_ms": st.just(900)}),
    "edit": st.fixed_dictionaries({}, optional={"priority": st.sampled_from(["P1", "P5"]), "title": st.text()}),
    "change_severity": st.fixed_dictionaries({"severity": st.sampled_from(Severity)}),
    "lose_data": st.just({"event_ms": 5, "alert": "e1"}),
    "doubt": st.just({"event_ms": 5, "alert": "e1", "sample": {"values": {"temp": 4}}}),
    "regain_data": st.just({"event_ms": 5, "alert": "e1"}),
    "clear": st.fixed_dictionaries({"event_ms": st.integers(0, 10**12)}),
    "suppress": st.just({"event_ms": 5, "alert": "e1"}),
    "unsuppress": st.just({"event_ms": 5, "alert": "e1"}),
    **dict.fromkeys(("near_breach", "breach"), st.just({"clock": "resolve", "policy": "gold", "due_ms": 5})),
    "enter_suppression": st.just({"suppression": "SUP-000001", "kind": "silence", "reason": "known", "effect": "x"}),
    "leave_suppression": st.just({"suppression": "SUP-000001", "effect": "x"}),
    "flap": st.fixed_dictionaries(
        {"event_ms": st.integers(0, 10**7), "within_ms": st.just(3_600_000), "enough": st.integers(1, 5)}
    ),
    "recur": st.fixed_dictionaries({"count": st.integers(2, 4), "first_ms": st.just(5), "propose": st.booleans()}),
    "link_problem": st.fixed_dictionaries(
        {"problem": st.sampled_from(["PRB-000001", "PRB-000002"]), "state": st.just("open")}
    ),
    "move_problem": st.just({"did": "resolve", "state": "resolved"}),
    "merge": st.just({"into": "INC-000002"}),
    "absorb": st.just({"number": "INC-000003", "count": 2}),
    "give_back": st.fixed_dictionaries(
        {"number": st.just("INC-000003"), "count": st.integers(0, 9), "cleared_ms": st.none() | st.just(5)}
    ),
    "cover": st.just({"count": 3}),
    "rescope": st.fixed_dictionaries({"impact": st.sampled_from([of_service("x", "A"), of_service("x", "B")])}).map(
        lambda details: {**details, "affected": 3}
    ),
}


class AnySequence(RuleBasedStateMachine):
    """Any actions in any order, by people and by the system."""

    @initialize()
    def begin(self):
        draft = Incident("it is warm", Severity.WARNING, number="INC-000001")
        self.incident, _ = transition(draft, "raise", SYSTEM, 1)
        self.now_ms = 1
        self.shown = None

    @rule(data=st.data(), action=st.sampled_from(sorted(MOVES)), actor=st.sampled_from([ANA, SYSTEM]))
    def act(self, data, action, actor):
        self.now_ms += 1
        details = data.draw(DETAILS.get(action, st.just({})))
        before, offered = self.incident, action in allowed_actions(self.incident)
        try:
            self.incident, entries = transition(before, action, actor, self.now_ms, **details)
        except IllegalTransition:
            assert not offered
            assert before == self.incident
            return
        assert self.incident.version - before.version in (0, 1)
        assert entries or self.incident.version == before.version
        if self.incident.version == before.version:
            assert visible(before) == visible(self.incident)

    @invariant()
    def keeps_its_promises(self):
        found = getattr(self, "incident", None)
        if found is None:
            return
        if found.state is NEW:
            assert found.acknowledged_ms is None
        if found.state in (IN_PROGRESS, ON_HOLD):
            assert found.acknowledged_ms is not None
        assert (found.resolved_ms is not None) == (found.state in (RESOLVED, CLOSED))
        assert (found.closed_ms is not None) == (found.state is CLOSED)
        assert found.hold_until_ms is None or found.state is ON_HOLD
        assert found.grace_ms is None or found.state is RESOLVED
        assert not found.flapping or found.state not in (RESOLVED, CLOSED) or found.flaps
        assert (found.state in OPEN) == found.is_open
        assert "comment" in allowed_actions(found)


def visible(incident):
    """What clients see of an incident, all but the counts."""
    hidden = {"alert_count", "occurrence_count", "cleared_ms", "flaps", "muted_by", "recurrence_count", "version"}
    return {name: getattr(incident, name) for name in Incident.__dataclass_fields__ if name not in hidden}


TestAnySequence = AnySequence.TestCase
TestAnySequence.settings = hypothesis_settings(max_examples=60, stateful_step_count=30, deadline=None)
