"""The eight rules of the incident's state machine, each by its number. How they look from outside is told elsewhere."""

from dataclasses import replace

import pytest

from iotops.incidents.casework import Attached, Case
from iotops.incidents.correlate import correlate
from iotops.incidents.deadlines import Policy, overdue
from iotops.incidents.desk import Known, Queue, Surroundings
from iotops.incidents.incident import SYSTEM, Actor, Incident, State
from iotops.incidents.landscape import Landscape, Service
from iotops.incidents.outlook import Outlook
from iotops.incidents.timeline import ENTRY_TYPES
from iotops.incidents.transitions import MOVES, transition
from iotops.rules.alert import AlertKey, Change
from iotops.rules.device import DeviceFacts
from iotops.rules.memory import Memory
from iotops.rules.rule import Severity
from iotops.rules.rulefile import parse_rules
from iotops.telemetry.reading import DeviceKey

ANA = Actor("person", "ana")
MINUTE_MS = 60_000
GATEWAY, CHILD = DeviceKey("paris", "gw-1"), DeviceKey("paris", "fz-1")
RULES = """
rules:
  - alert: silent
    when: age() >= 3m
  - alert: warm
    when: temp > 5
    unless: firing(cooling_down)
  - alert: cooling_down
    when: cooling == "off"
"""


def raised(**facts):
    found, _ = transition(Incident("warm", Severity.WARNING, number="INC-000001", **facts), "raise", SYSTEM, 1_000)
    return found


@pytest.fixture
def site():
    """A freezer behind a gateway; frozen food, criticality B, is all that there is behind it."""
    landscape, memory = Landscape(), Memory()
    places = {GATEWAY: {"type": "gateway"}, CHILD: {"gateway": "gw-1", "service": "frozen"}}
    places |= {DeviceKey("paris", f"fz-{number}"): places[CHILD] for number in (2, 3)}
    for key, labels in places.items():
        landscape.place(key, labels)
        memory.register(DeviceFacts(key, labels))
    landscape.adopt([Service("frozen", "B", "cold")], [])
    rules, _ = parse_rules({"r.yaml": RULES})
    return Surroundings(rules.rules, places, Policy(), landscape, Outlook(memory, 0))


def told(a_transition, change, rule, device, at_ms=1_000, **facts):
    """Return a change of a rule's alert on a device."""
    found = a_transition(change, at_ms, f"{rule} {device}", **facts)
    return replace(found, alert=replace(found.alert, key=AlertKey(rule, str(device)), device=device))


def test_rule_1_acknowledged_means_acknowledged_at_and_auto_means_never():
    """Whoever works on it has acknowledged it; what is resolved without that is `auto`."""
    new = raised()
    taken, _ = transition(new, "assign", ANA, 2_000, assignee="ana")

    assert (new.acknowledged_ms, taken.acknowledged_ms) == (None, 2_000)
    assert transition(taken, "resolve", ANA, 3_000)[0].auto is False
    assert transition(new, "resolve", SYSTEM, 3_000, code="cleared")[0].auto is True


def test_rule_2_resolves_itself_only_when_all_is_clear_known_and_stable(story, a_transition):
    """Unknown data blocks it, and says so; the last clear starts `clear_for`, and only its end resolves."""
    story.around = Surroundings(policy=Policy(clear_for_ms=MINUTE_MS))
    story.batch(a_transition(Change.FIRED, 1_000))
    story.batch(a_transition(Change.UNKNOWN, 2_000, data_known=False))
    blocked = story.newest
    story.batch(a_transition(Change.KNOWN, 3_000), a_transition(Change.RESOLVED, 4_000))
    clear = story.newest

    assert (blocked.state, blocked.data_known, "data_unknown" in story.told) == (State.NEW, False, True)
    assert (clear.state, clear.cleared_ms) == (State.NEW, 4_000)
    early, _ = overdue(clear, firing=False, now_ms=4_000 + MINUTE_MS - 1, policy=story.around.policy)
    late, _ = overdue(clear, firing=False, now_ms=4_000 + MINUTE_MS, policy=story.around.policy)
    assert (early.state, late.state) == (State.NEW, State.RESOLVED)


def test_rule_3_resolved_while_firing_reopens_once_and_then_escalates():
    """After `grace` it is reopened if it still fires; a second time it is escalated instead."""
    policy = Policy(grace_ms=900)
    once, _ = transition(raised(priority="P4"), "resolve", ANA, 2_000, firing=True, grace_ms=policy.grace_ms)
    again, (first,) = overdue(once, firing=True, now_ms=2_900, policy=policy)
    twice, _ = transition(again, "resolve", ANA, 3_000, firing=True, grace_ms=policy.grace_ms)
    after, (second,) = overdue(twice, firing=True, now_ms=3_900, policy=policy)

    assert (first.type, again.state) == ("reopened", State.NEW)
    assert (second.type, after.state, after.priority) == ("escalated", State.RESOLVED, "P3")


def test_rule_4_a_refire_after_the_window_is_a_new_incident_that_names_the_one_before(story, a_transition):
    """Within `reopen` it is the same incident again; later it is a recurrence."""
    story.batch(a_transition(Change.FIRED, 1_000), a_transition(Change.RESOLVED, 2_000))
    story.batch(a_transition(Change.FIRED, 2_000 + 30 * MINUTE_MS, "e2"))
    same = len(story.incidents)
    story.batch(a_transition(Change.RESOLVED, 2_001 + 30 * MINUTE_MS, "e2"))
    story.batch(a_transition(Change.FIRED, 2_002 + 60 * MINUTE_MS, "e3"))

    assert (same, len(story.incidents)) == (1, 2)
    assert (story.incidents[0].reopen_count, story.newest.recurrence_of) == (1, "INC-000001")


def test_rule_5_what_lies_behind_a_dead_device_belongs_to_its_incident(site, a_transition):
    """A silent child waits; when its gateway is silent, too, there is one incident, and the child is under it."""
    child = told(a_transition, Change.FIRED, "silent", CHILD)
    first = correlate([child], Known(), site, 1_000)
    second = correlate(
        [told(a_transition, Change.FIRED, "silent", GATEWAY)], Known(), site, 2_000, Queue(first.waiting)
    )

    assert (first.changes, list(first.waiting)) == ((), [child.alert.id])
    (change,) = second.changes
    assert (change.after.device, change.after.outage, change.covered) == ("gw-1", True, {child.alert.id: "paris/gw-1"})
    assert (second.waiting, change.entries[0].type) == ({}, "raised")


@pytest.mark.parametrize(("other", "named"), [("frozen", ("frozen", "cold")), ("tills", (None, None))])
def test_an_outage_names_the_one_service_that_suffers(site, a_transition, other, named):
    """A gateway has no service itself; those behind it do, and where they agree, theirs is named with its team."""
    site.landscape.place(DeviceKey("paris", "fz-3"), {"gateway": "gw-1", "service": other})

    (change,) = correlate([told(a_transition, Change.FIRED, "silent", GATEWAY)], Known(), site, 1_000).changes

    assert (change.after.service, change.after.team) == named


def test_rule_6_a_young_incident_is_merged_into_its_cause_and_can_be_split(site, a_transition):
    """`unless` explains an incident of a minute ago: merged, both numbers stay, and a person may take it back."""
    warm = told(a_transition, Change.FIRED, "warm", CHILD)
    cause = told(a_transition, Change.FIRED, "cooling_down", CHILD, 60_000)
    young = Case(raised(rule="warm", instance=str(CHILD), fired_ms=1_000), {warm.alert.id: _standing(warm)})
    suppressed = told(a_transition, Change.SUPPRESSED, "warm", CHILD, 60_000, suppressed_by="firing(cooling_down)")
    waits = correlate([cause], Known(), replace(site, landscape=Landscape()), 60_000)
    stored = replace(waits.changes[0].after, number="INC-000002")
    known = Known(
        {warm.alert.key: young, cause.alert.key: Case(stored, {cause.alert.id: _standing(cause)})},
    )

    changes = correlate([suppressed], known, site, 61_000).changes

    merged = next(change.after for change in changes if change.after.number == "INC-000001")
    assert (merged.state, merged.merged_into) == (State.CANCELLED, "INC-000002")
    assert next(change for change in changes if change.after.number == "INC-000002").absorbed == ("INC-000001",)
    assert transition(merged, "split", ANA, 70_000)[0].state is State.NEW


def _standing(found):
    return Attached(found.alert.severity)


def test_rule_7_priority_grows_with_the_scope_and_never_falls_below_a_persons_choice(site, a_transition):
    """One of three freezers is B; with all three behind a dead gateway it is a step more, whatever Ana had chosen."""
    gateway = told(a_transition, Change.FIRED, "silent", GATEWAY)
    alone = correlate([gateway], Known(), site, 1_000).changes[0].after
    chosen, _ = transition(replace(alone, number="INC-000001"), "edit", ANA, 2_000, priority="P4")
    known = Known(outages={GATEWAY: Case(chosen, {gateway.alert.id: _standing(gateway)})})
    children = [told(a_transition, Change.FIRED, "silent", DeviceKey("paris", f"fz-{n}"), 3_000) for n in (1, 2, 3)]

    few = correlate(children[:1], known, site, 3_000).changes[0].after
    all_of_them = correlate(children, known, site, 3_000).changes[0].after

    assert (alone.priority, few.priority, few.priority_reason["set_by"]) == ("P3", "P4", "ana")
    assert (all_of_them.priority, all_of_them.priority_reason["derived"]) == ("P2", "P2")
    assert all_of_them.priority_reason["impact"]["services"][0]["affected"] == 3


@pytest.mark.parametrize("action", MOVES)
def test_rule_8_every_action_goes_through_one_table_and_says_so(action):
    """Each action is one row: the states it leads from and to, and a timeline entry that is documented."""
    move = MOVES[action]

    assert move.entry == "" or move.entry in ENTRY_TYPES
    assert set(move.to) <= set(State)
