"""What pages say: times, promises, reasons, timeline entries, proof. Pure."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from iotops.console.promises import sla_view
from iotops.console.proof import limits, observed, subject
from iotops.console.reasons import reason_of
from iotops.console.story import author_of, passes, story_of
from iotops.console.times import absolute, clock_time, long_duration
from iotops.incidents.timeline import ENTRY_TYPES

CLOCK = {
    "policy": "default",
    "state": "running",
    "target_minutes": 60,
    "started_at": "2026-01-01T00:00:00Z",
    "due_at": "2026-01-01T01:00:00Z",
    "paused_at": None,
    "near_at": None,
    "breached_at": None,
    "stopped_at": None,
    "used_s": 900,
    "left_s": 2700,
}
INCIDENT = {
    "state": "new",
    "data": "known",
    "outage": False,
    "alert_count": 1,
    "device": "gw-7",
    "hold_reason": None,
    "resolution_code": None,
    "cause": None,
    "auto": False,
    "problem": None,
    "flapping": False,
    "recurrence_count": 0,
    "recurrence_of": None,
    "reopen_count": 0,
    "rule": "warm",
    "evidence": {"when": "temp > 5", "held": "10m"},
    "priority_reason": {"text": "impact 3 x urgency 2 = P4"},
}


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0s"), (59, "59s"), (161, "2m41s"), (599, "9m59s"), (660, "11m"), (11_400, "3h10m"), (-90_000, "1d1h")],
)
def test_durations_are_as_fine_as_somebody_needs_them(seconds, told):
    """Seconds only where they matter, and never a sign: the words around it say which side it is on."""
    assert long_duration(seconds) == told


def test_instants_are_told_in_the_visitors_time_zone():
    """The same instant on two walls; none is a dash."""
    instant = "2026-07-01T22:30:00Z"

    assert absolute(instant, ZoneInfo("Europe/Paris")) == "Thu 2 Jul 2026, 00:30:00 CEST"
    assert (clock_time(instant, UTC), absolute(None, UTC), clock_time(None, UTC)) == ("22:30:00", "—", "—")


@pytest.mark.parametrize(
    ("changed", "tone", "text", "percent"),
    [
        ({}, "ok", "respond in 45m", 25),
        ({"near_at": "2026-01-01T00:48:00Z", "used_s": 3_000, "left_s": 600}, "near", "respond in 10m", 83),
        ({"breached_at": "2026-01-01T01:00:00Z", "used_s": 3_720, "left_s": -120}, "late", "respond 2m late", 100),
        ({"state": "paused", "due_at": None}, "paused", "respond paused, 45m left", 25),
        ({"state": "stopped", "due_at": None}, "kept", "respond kept", 25),
        ({"state": "stopped", "breached_at": "2026-01-01T01:00:00Z", "left_s": -5}, "late", "respond missed", 25),
    ],
)
def test_a_clock_says_how_its_promise_stands(changed, tone, text, percent):
    """In words and as the length of a bar: colour alone says nothing."""
    (view,) = sla_view({"respond": {**CLOCK, **changed}})

    assert (view.tone, view.text, view.percent) == (tone, text, percent)


def test_the_pressing_clock_is_the_first_that_is_not_over():
    """The board has room for one; what is promised nothing, or cancelled, is none."""
    stopped, nothing = {**CLOCK, "state": "stopped"}, {**CLOCK, "target_minutes": None}

    assert [each.kind for each in sla_view({"resolve": CLOCK, "respond": stopped}, pressing=True)] == ["resolve"]
    assert [each.kind for each in sla_view({"resolve": CLOCK, "respond": stopped})] == ["respond", "resolve"]
    assert sla_view(None) == sla_view({"respond": nothing, "resolve": {**CLOCK, "state": "cancelled"}}) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, "warm: temp > 5 for 10m"),
        ({"data": "unknown", "flapping": True}, "data stopped: nobody knows whether it is over"),
        ({"outage": True, "alert_count": 215}, "214 alerts behind gw-7 suppressed (same cause)"),
        ({"state": "on_hold", "hold_reason": "supplier"}, "waits for supplier"),
        ({"state": "resolved", "resolution_code": "repaired", "cause": "seal"}, "repaired, seal"),
        ({"state": "resolved", "auto": True}, "by itself"),
        (
            {"problem": {"number": "PRB-000001", "title": "seals", "workaround": "shut it"}},
            "PRB-000001 workaround: shut it",
        ),
        ({"flapping": True}, "flapping: it came and went too often"),
        ({"recurrence_count": 3, "recurrence_of": "INC-000004"}, "3 times within 30 days, last INC-000004"),
        ({"reopen_count": 1}, "reopened"),
        ({"rule": None, "evidence": {}}, "impact 3 x urgency 2 = P4"),
    ],
)
def test_the_reason_line_says_the_one_thing_to_know_first(changed, told):
    """What is wrong with our knowledge before what happened, and how the priority came about where nothing else is."""
    assert reason_of({**INCIDENT, **changed}).text == told


@pytest.mark.parametrize(
    ("kind", "data", "told"),
    [
        ("raised", {"priority": "P2", "severity": "warning"}, "raised it as P2, warning"),
        ("assigned", {"assignee": "bo", "team": None}, "assigned it to bo"),
        ("assigned", {"assignee": None}, "took it from whoever had it"),
        (
            "resolved",
            {"code": "repaired", "verdict": "false_alarm"},
            "resolved it: repaired, it was a false alarm",
        ),
        ("edited", {"priority": {"from": "P3", "to": "P1"}}, "changed priority from P3 to P1"),
        ("severity_changed", {"from": "warning", "to": "critical", "priority": "P1"},
         "severity went from warning to critical, priority P1"),
        ("commented", {"visibility": "public"}, "wrote a public note"),
        ("never_heard_of", {"a": 1}, "never heard of: a: 1"),
    ],
)  # fmt: skip
def test_an_entry_is_told_as_a_sentence_behind_its_author(kind, data, told):
    """Of a type that is not known here, name and data."""
    entry = {"type": kind, "data": data, "actor": "token:ana"}

    assert (author_of(entry), story_of(entry)) == ("ana", told)


@pytest.mark.parametrize("kind", ENTRY_TYPES)
def test_every_type_of_entry_can_be_told_without_its_data(kind):
    """However little an entry of an older version says, the page stands."""
    assert story_of({"type": kind, "data": {}, "actor": "system:iotops"})


def test_the_timeline_is_narrowed_to_people_or_to_what_they_wrote():
    """A note by the system is no work of people."""
    mine = {"type": "acknowledged", "data": {}, "actor": "token:ana"}
    noted = {"type": "commented", "data": {"text": "x"}, "actor": "token:ana"}
    its = {"type": "raised", "data": {}, "actor": "system:iotops"}

    shown = {wanted: [each["type"] for each in (mine, noted, its) if passes(each, wanted)] for wanted in ("", "people")}
    assert shown == {"": ["acknowledged", "commented", "raised"], "people": ["acknowledged", "commented"]}
    assert [passes(each, "notes") for each in (mine, noted, its)] == [False, True, False]


@pytest.mark.parametrize(
    ("when", "found"),
    [
        ("temp > warn", [(-15.0, "warn -15")]),
        ("max(temp[5m]) >= 7.5 and door == 1", [(7.5, "limit 7.5")]),
        ("`temp` < -30 or temp > warn", [(-30.0, "limit -30"), (-15.0, "warn -15")]),
        ("count(temp[5] > 80) >= 3", [(80.0, "limit 80")]),
        ("delta(temp[1h]) > 4", []),
        ("temperature > 5", []),
    ],
)
def test_limits_are_those_that_the_metric_itself_is_held_against(when, found):
    """Numbers and parameters beside the metric or one of its averages; never what counts or differences are held to."""
    assert limits({"when": when, "params": {"warn": -15}}, "temp") == found


def test_proof_without_its_whole_condition_and_with_units():
    """The parts of the condition and what they were; of a group the first device stands for it."""
    evidence = {
        "when": "temp > 5",
        "units": {"temp": "°C"},
        "expressions": [{"text": "temp > 5", "value": True}, {"text": "temp", "value": 6.5}],
    }
    poll = {"first": [{"site": "s", "device": "d", "samples": {"temp": []}}]}

    assert observed(evidence) == [("temp", 6.5, "°C")]
    assert subject({"site": "s", "device": "d", "evidence": {"samples": {"temp": []}}}) == ("s", "d", "temp")
    assert subject({"site": "s", "device": None, "evidence": {"devices": [poll]}}) == ("s", "d", "temp")
    assert subject({"site": None, "device": None, "evidence": {}}) is None
