"""From alerts to incidents: raised once, reopened, resolved only when everything is clear."""

from dataclasses import replace
from functools import partial

import pytest

from iotops.incidents.casework import Attached, Case
from iotops.incidents.correlate import correlate
from iotops.incidents.deadlines import Policy, due_ms
from iotops.incidents.desk import Known, Surroundings
from iotops.incidents.incident import Actor, State
from iotops.incidents.transitions import transition
from iotops.rules.alert import AlertState, Change
from iotops.rules.rule import Mode, Position, Rule, Severity
from iotops.telemetry.reading import DeviceKey

MINUTE_MS = 60_000
ANA = Actor("person", "ana")


def a_rule(**facts):
    return Rule(id="warm", when={}, position=Position("cold.yaml", 1, 1), **facts)


def by_ana(action, at_ms, **details):
    return partial(transition, action=action, actor=ANA, at_ms=at_ms, **details)


def test_fired_raises_one_incident_that_explains_itself(story, a_transition):
    """An alert that fires becomes a new incident with the alert's facts and a derived priority."""
    story.around = Surroundings(
        {"warm": a_rule(labels={"team": "cold"})}, {DeviceKey("paris", "fz-1"): {"service": "Frozen food"}}
    )

    story.batch(a_transition(Change.FIRED, 1_000, evidence={"temp": -3.5}), now_ms=5_000)

    found = story.newest
    assert (found.state, found.priority, found.title) == (State.NEW, "P4", "fz-1 is warm")
    assert (
        found.rule,
        found.site,
        found.device,
        found.service,
        found.team,
    ) == ("warm", "paris", "fz-1", "Frozen food", "cold")
    assert (found.fired_ms, found.raised_ms) == (1_000, 5_000)
    assert (found.version, found.alert_count, found.evidence) == (1, 1, {"temp": -3.5})
    assert story.told == ["raised"]


def test_the_same_episode_again_raises_nothing(story, a_transition):
    """Redelivery and replay of a raise change nothing, even after the incident was resolved."""
    fired = a_transition(Change.FIRED, 1_000)
    story.batch(fired)
    before = story.newest

    again = story.batch(fired)
    story.batch(a_transition(Change.RESOLVED, 2_000))
    after_resolve = story.batch(fired)

    assert again == ()
    assert after_resolve == ()
    assert before.alert_id == story.newest.alert_id
    assert len(story.incidents) == 1


@pytest.mark.parametrize("change", [Change.PENDING, Change.ENDED, Change.RECOVERING, Change.REFIRED])
def test_the_machines_own_business_touches_no_incident(story, a_transition, change):
    """What an alert does between firing and resolved is no news for people."""
    story.batch(a_transition(Change.FIRED, 1_000))

    assert story.batch(a_transition(change, 2_000)) == ()


@pytest.mark.parametrize("mode", [Mode.SHADOW, Mode.OFF])
def test_a_rule_that_is_not_live_raises_nothing(story, a_transition, mode):
    """A shadow rule does everything but incidents."""
    story.around = Surroundings({"warm": a_rule(mode=mode)})

    assert story.batch(a_transition(Change.FIRED, 1_000), a_transition(Change.RESOLVED, 2_000)) == ()


def test_a_trial_that_ends_raises_what_fires(story, a_transition):
    """An alert that fired in shadow raises its incident once its rule is live, and only once."""
    story.around = Surroundings({"warm": a_rule(mode=Mode.SHADOW)})
    story.batch(a_transition(Change.FIRED, 1_000))
    story.around = Surroundings({"warm": a_rule(mode=Mode.LIVE)})

    (raised,) = story.batch(a_transition(Change.PROMOTED, 5_000, fired_ms=1_000))

    assert (raised.before, raised.after.state, raised.after.fired_ms) == (None, State.NEW, 1_000)
    assert story.batch(a_transition(Change.PROMOTED, 6_000, fired_ms=1_000)) == ()


def test_suppressed_alert_raises_only_once_its_cause_is_over(story, a_transition):
    """While `unless` holds nothing is raised; an alert that still fires afterwards raises its incident."""
    hidden = story.batch(a_transition(Change.FIRED, 1_000, suppressed_by="site_down"))

    story.batch(a_transition(Change.UNSUPPRESSED, 9_000, fired_ms=9_000))

    assert hidden == ()
    assert (story.newest.state, story.newest.fired_ms) == (State.NEW, 9_000)


def test_open_incident_stays_when_its_alert_is_suppressed(story, a_transition):
    """Suppression of a raised alert is one entry; the incident stays what it is, and keeps its version."""
    story.batch(a_transition(Change.FIRED, 1_000))
    before = story.newest

    story.batch(a_transition(Change.SUPPRESSED, 2_000, suppressed_by="site_down"))
    story.batch(a_transition(Change.SUPPRESSED, 2_000, suppressed_by="site_down"))
    story.batch(a_transition(Change.UNSUPPRESSED, 3_000))

    assert before == story.newest
    assert story.told == ["raised", "suppressed", "unsuppressed"]


def test_severity_follows_the_tiers_and_priority_with_it(story, a_transition):
    """A higher tier makes the incident worse, a step down eases it; each is one entry and one version."""
    story.batch(a_transition(Change.FIRED, 1_000, severity=Severity.WARNING))

    story.batch(a_transition(Change.ESCALATED, 2_000, severity=Severity.CRITICAL))
    worse = story.newest
    story.batch(a_transition(Change.EASED, 3_000, severity=Severity.INFO))

    assert (worse.severity, worse.priority, worse.version) == (Severity.CRITICAL, "P3", 2)
    assert (story.newest.severity, story.newest.priority, story.newest.version) == (Severity.INFO, "P5", 3)
    assert story.told == ["raised", "severity_changed", "severity_changed"]


def test_priority_set_by_a_person_is_not_lowered(story, a_transition):
    """What a person chose stands against a milder severity, and gives way to a worse one."""
    story.batch(a_transition(Change.FIRED, 1_000, severity=Severity.WARNING))
    story.act(by_ana("edit", 1_500, priority="P2"))

    story.batch(a_transition(Change.EASED, 2_000, severity=Severity.INFO))

    assert story.newest.priority == "P2"
    assert "ana set P2" in story.newest.priority_reason["text"]


def test_resolved_on_fresh_clear_data_resolves_the_incident(story, a_transition):
    """The last alert resolved resolves the incident by the system; unacknowledged, that is automatic."""
    story.batch(a_transition(Change.FIRED, 1_000))

    story.batch(a_transition(Change.RESOLVED, 60_000, reason="until"), now_ms=61_000)

    found = story.newest
    assert (found.state, found.resolved_ms, found.cleared_ms, found.auto) == (State.RESOLVED, 61_000, 60_000, True)
    assert found.resolution_code == "cleared"
    said = {"auto": True, "code": "cleared", "event_at": "1970-01-01T00:01:00Z", "summary": "fz-1 is warm"}
    assert story.entries[-1].data == said


@pytest.mark.parametrize("reason", ["rule changed", "rule removed", "retired"])
def test_administrative_end_says_why(story, a_transition, reason):
    """An alert that ends because its rule or device went resolves the incident with that reason."""
    story.batch(a_transition(Change.FIRED, 1_000))

    story.batch(a_transition(Change.RESOLVED, 2_000, reason=reason))

    assert (State.RESOLVED, reason) == (story.newest.state, story.entries[-1].data["code"])


def test_unknown_data_is_said_once_and_taken_back(story, a_transition):
    """Data that stops makes the incident unknown, with its state kept; data that returns makes it known."""
    story.batch(a_transition(Change.FIRED, 1_000))

    story.batch(a_transition(Change.UNKNOWN, 2_000, data_known=False))
    story.batch(a_transition(Change.UNKNOWN, 2_500, data_known=False))
    lost = story.newest
    story.batch(a_transition(Change.KNOWN, 3_000))

    assert (lost.state, lost.data_known) == (State.NEW, False)
    assert story.newest.data_known
    assert story.told == ["raised", "data_unknown", "data_known"]


def test_a_late_sample_against_the_evidence_is_told_and_changes_nothing(story, a_transition):
    """People read when it was and what it said; the incident goes on, and its version stays."""
    story.batch(a_transition(Change.FIRED, 1_000))
    before = story.newest
    late = {"at_ms": 500, "values": {"temp": 4}, "not_true_at_ms": 1_000}

    story.batch(a_transition(Change.CONTRADICTED, 2_000, evidence={"late": late}))

    assert story.newest == before
    assert story.told == ["raised", "evidence_contradicted"]
    sample = {"at": "1970-01-01T00:00:00.500Z", "values": {"temp": 4}, "not_true_at": "1970-01-01T00:00:01Z"}
    assert story.entries[-1].data["sample"] == sample


def test_one_unknown_alert_of_several_blocks_the_resolution(story, a_transition):
    """An incident resolves only when all its alerts are clear: one whose data is unknown keeps it open."""
    story.batch(a_transition(Change.FIRED, 1_000, "e1"))
    case = Case(
        story.newest,
        {"e1": Attached(Severity.WARNING), "e0": Attached(Severity.CRITICAL, data_known=False)},
        frozenset({"e0", "e1"}),
    )
    resolved = a_transition(Change.RESOLVED, 2_000, "e1")

    (change,) = correlate([resolved], Known({resolved.alert.key: case}), story.around, 2_000).changes

    assert (
        change.after.state,
        change.after.data_known,
        change.after.severity,
    ) == (State.NEW, False, Severity.CRITICAL)


@pytest.mark.parametrize(
    ("gap_ms", "incidents"), [(1, 1), (30 * MINUTE_MS, 1), (30 * MINUTE_MS + 1, 2), (86_400_000, 2)]
)
def test_refire_reopens_within_the_window_and_raises_after_it(story, a_transition, gap_ms, incidents):
    """Within `reopen` of the last clear, in event time, the same incident continues; later a new one begins."""
    story.batch(a_transition(Change.FIRED, 1_000))
    story.batch(a_transition(Change.RESOLVED, 10_000))

    story.batch(a_transition(Change.FIRED, 10_000 + gap_ms, "e2"), now_ms=99)

    assert incidents == len(story.incidents)
    assert State.NEW is story.newest.state
    assert (2 - incidents, 3 - incidents) == (story.newest.reopen_count, story.newest.alert_count)
    assert [None, "INC-000001"][incidents - 1] == story.newest.recurrence_of


def test_reopen_window_is_the_rules_own(story, a_transition):
    """A rule's `reopen` beats the default."""
    story.around = Surroundings({"warm": a_rule(reopen_ms=5_000)})
    story.batch(a_transition(Change.FIRED, 1_000))
    story.batch(a_transition(Change.RESOLVED, 10_000))

    story.batch(a_transition(Change.FIRED, 16_000, "e2"))

    assert len(story.incidents) == 2


def test_replay_of_old_data_in_one_batch_gives_the_same_incidents(story, a_transition):
    """Episodes hours apart in event time are incidents of their own, even if they come within one batch."""
    hour_ms = 60 * MINUTE_MS

    changes = story.batch(
        a_transition(Change.FIRED, 0, "e1"),
        a_transition(Change.RESOLVED, 1_000, "e1"),
        a_transition(Change.FIRED, 2 * hour_ms, "e2"),
        a_transition(Change.RESOLVED, 2 * hour_ms + 1_000, "e2"),
        a_transition(Change.FIRED, 2 * hour_ms + MINUTE_MS, "e3"),
    )

    assert [(change.after.alert_id, change.after.state) for change in changes] == [
        ("e1", State.RESOLVED),
        ("e2", State.NEW),
    ]
    assert changes[1].after.recurrence_of == "e1"
    assert changes[1].attached == ("e2", "e3")
    assert changes[1].after.reopen_count == 1


def test_owned_incident_reopens_in_progress(story, a_transition):
    """A refire gives the incident back to its owner; only an unowned one is new again."""
    story.batch(a_transition(Change.FIRED, 1_000))
    story.act(by_ana("assign", 2_000, assignee="bo"))
    story.batch(a_transition(Change.RESOLVED, 3_000))

    story.batch(a_transition(Change.FIRED, 4_000, "e2"))

    assert (
        story.newest.state,
        story.newest.assignee,
        story.newest.acknowledged_ms,
    ) == (State.IN_PROGRESS, "bo", 2_000)


@pytest.mark.parametrize("end", ["close", "cancel"])
def test_refire_after_the_end_is_a_new_incident(story, a_transition, end):
    """What is closed or cancelled stays so; the next episode is a new incident that names the previous one."""
    story.batch(a_transition(Change.FIRED, 1_000))
    if end == "close":
        story.batch(a_transition(Change.RESOLVED, 2_000))
    story.act(by_ana(end, 2_500))
    if end == "cancel":
        story.batch(a_transition(Change.RESOLVED, 3_000))

    story.batch(a_transition(Change.FIRED, 4_000, "e2"))

    assert len(story.incidents) == 2
    assert story.newest.recurrence_of == "INC-000001"


def test_cancelled_while_firing_is_not_raised_again_by_its_episode(story, a_transition):
    """Whatever the alert does after its incident was cancelled, that episode raises no other."""
    story.batch(a_transition(Change.FIRED, 1_000))
    story.act(by_ana("cancel", 1_500, reason="test"))

    changes = story.batch(
        a_transition(Change.FIRED, 1_000),
        a_transition(Change.ESCALATED, 2_000, severity=Severity.CRITICAL),
        a_transition(Change.UNKNOWN, 3_000, data_known=False),
        a_transition(Change.UNSUPPRESSED, 3_500),
        a_transition(Change.RESOLVED, 4_000),
    )

    assert changes == ()
    assert State.CANCELLED is story.newest.state


def test_resolved_by_a_person_stays_resolved_when_the_alert_clears(story, a_transition):
    """A clear after a person's resolution is noted, and takes nothing from what the person said."""
    story.batch(a_transition(Change.FIRED, 1_000))
    story.act(by_ana("resolve", 2_000, code="replaced", verdict="real", firing=True, grace_ms=900_000))

    story.batch(a_transition(Change.RESOLVED, 3_000))

    found = story.newest
    assert (
        found.state,
        found.resolved_ms,
        found.resolution_code,
        found.verdict,
    ) == (State.RESOLVED, 2_000, "replaced", "real")
    assert (found.cleared_ms, found.grace_ms) == (3_000, None)
    assert story.told == ["raised", "resolved", "cleared"]


def test_flapping_is_marked_at_the_fourth_flap_and_held_open(story, a_transition):
    """Four turns from resolved to firing within an hour are flapping; then quiet has to last before it resolves."""
    for turn in range(5):
        story.batch(a_transition(Change.FIRED, turn * 10 * MINUTE_MS, f"e{turn}"))
        story.batch(a_transition(Change.RESOLVED, turn * 10 * MINUTE_MS + MINUTE_MS, f"e{turn}"))

    found = story.newest
    assert (len(story.incidents), found.flapping, found.reopen_count) == (1, True, 4)
    assert (found.state, found.cleared_ms) == (State.NEW, 41 * MINUTE_MS)
    assert story.told.count("flapping") == 1


def test_the_policy_says_what_flapping_is(story, a_transition):
    """Turns, the hour and the quiet can be others: two turns within two minutes, here."""
    policy = Policy(flaps=2, flap_within_ms=2 * MINUTE_MS, flap_quiet_ms=MINUTE_MS)
    story.around = Surroundings(policy=policy)
    marked = []
    for turn, minute in enumerate((0, 10, 20, 21)):
        story.batch(a_transition(Change.FIRED, minute * MINUTE_MS, f"e{turn}"))
        story.batch(a_transition(Change.RESOLVED, minute * MINUTE_MS + 1_000, f"e{turn}"))
        marked.append(story.newest.flapping)

    assert marked == [False, False, False, True]
    assert due_ms(story.newest, policy) == 22 * MINUTE_MS + 1_000


def test_flapping_incident_was_over_where_event_time_says_so(story, a_transition):
    """An episode that comes after the quiet time finds the flapping incident resolved, however fast data comes in."""
    for turn in range(5):
        story.batch(a_transition(Change.FIRED, turn * 10 * MINUTE_MS, f"e{turn}"))
        story.batch(a_transition(Change.RESOLVED, turn * 10 * MINUTE_MS + MINUTE_MS, f"e{turn}"))

    story.batch(a_transition(Change.FIRED, 300 * MINUTE_MS, "late"))

    assert [found.state for found in story.incidents] == [State.RESOLVED, State.NEW]
    assert [found.flapping for found in story.incidents] == [False, False]


def test_clear_for_holds_the_resolution_back(story, a_transition):
    """With `clear_for` the last clear is noted, and a refire meanwhile continues the open incident."""
    story.around = Surroundings(policy=Policy(clear_for_ms=5 * MINUTE_MS))
    story.batch(a_transition(Change.FIRED, 1_000))

    story.batch(a_transition(Change.RESOLVED, 2_000))
    waiting = story.newest
    story.batch(a_transition(Change.FIRED, 3_000, "e2"))

    assert (waiting.state, waiting.cleared_ms) == (State.NEW, 2_000)
    assert (
        story.newest.state,
        story.newest.cleared_ms,
        story.newest.reopen_count,
        story.newest.alert_count,
    ) == (State.NEW, None, 0, 2)


def test_counts_make_neither_version_nor_entry(story, a_transition):
    """An alert attached to an open incident counts, and leaves version and timeline alone."""
    story.batch(a_transition(Change.FIRED, 1_000))
    story.act(by_ana("acknowledge", 1_500))
    story.batch(a_transition(Change.RESOLVED, 2_000))
    story.act(by_ana("reopen", 2_500))
    before, told = story.newest, story.told

    story.batch(a_transition(Change.FIRED, 3_000, "e2"))

    assert before.version == story.newest.version
    assert before.alert_count + 1 == story.newest.alert_count
    assert told == story.told


def test_group_alert_has_no_device(story, a_transition):
    """An alert of a group raises an incident without a device."""
    fired = a_transition(Change.FIRED, 1_000, summary="")
    alert = replace(fired.alert, device=None, site="", key=fired.alert.key._replace(instance="fleet"))

    (change,) = correlate([replace(fired, alert=alert)], Known(), Surroundings(), 1_000).changes

    assert (change.after.device, change.after.site, change.after.title) == (None, "", "warm on fleet")


def test_unsuppressed_while_not_firing_raises_nothing(story, a_transition):
    """The end of a cause raises nothing for an alert that is not firing any more."""
    over = a_transition(Change.UNSUPPRESSED, 1_000)

    changes = story.batch(replace(over, alert=replace(over.alert, state=AlertState.RECOVERING)))

    assert changes == ()
