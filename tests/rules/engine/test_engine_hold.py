"""What resets the `for` clock, and what does not: a case for every row of the table, and their neighbours."""

import pytest

from iotops.rules.authoring.replay import replay

HOT = "  - {alert: hot, when: temp > 30, for: 3m}\n"
BOTH = '  - {alert: hot, when: temp > 30 and door == "open", for: 3m}\n'
TIERS = """
  - alert: hot
    when:
      warning: temp > 30
      critical: temp > 40
    for: {warning: 5m, critical: 2m}
"""

CASES = {
    "condition true for exactly the hold": (HOT, "20x2 31x4", {}, ["2m pending warning", "5m fired warning"]),
    "one sample short of the hold": (HOT, "20x2 31x3 20x2", {}, ["2m pending warning", "5m ended (known false)"]),
    "known false resets at its event time": (
        HOT,
        "31x3 20 31x4",
        {},
        ["0s pending warning", "3m ended (known false)", "4m pending warning", "7m fired warning"],
    ),
    "no new sample fires at exactly true_since + for": (
        "  - {alert: hot, when: temp > 30, for: 2m30s}\n",
        "31x2 _x2",
        {},
        ["0s pending warning", "2m30s fired warning"],
    ),
    "a hold that ends between two samples": (
        "  - {alert: hot, when: temp > 30, for: 90s}\n", "31x3", {}, ["0s pending warning", "1m30s fired warning"],
    ),
    "one sample and a hold of just the time to staleness": (
        HOT, "31 _x5", {}, ["0s pending warning", "3m fired warning", "3m unknown (stale)"],
    ),
    "one sample and a hold beyond staleness": (
        "  - {alert: hot, when: temp > 30, for: 4m}\n", "31 _x9", {}, ["0s pending warning", "3m ended (stale)"],
    ),
    "stale as the rule says": (
        "  - {alert: hot, when: temp > 30, for: 4m, stale: 10m}\n",
        "31 _x9",
        {},
        ["0s pending warning", "4m fired warning"],
    ),
    "null holds the clock": (HOT, "31x2 nan 31x2", {}, ["0s pending warning", "3m fired warning"]),
    "null at the end of the hold delays until known": (
        HOT, "31x3 nan 31", {}, ["0s pending warning", "4m fired warning"],
    ),
    "null until stale ends": (HOT, "31 nanx6", {}, ["0s pending warning", "3m ended (stale)"]),
    "outside valid is missing, and holds": (HOT, "31x2 99 31x2", {}, ["0s pending warning", "3m fired warning"]),
    "one of two metrics stale ends": (
        BOTH,
        {"temp": "31x9", "door": {"0s": "open"}},
        {},
        ["0s pending warning", "3m fired warning", "3m unknown (stale)"],
    ),
    "one of two metrics false resets although the other is missing": (
        BOTH,
        {"temp": "31x2 nan 31x2", "door": {"0s": "open", "2m": "closed"}},
        {},
        ["0s pending warning", "2m ended (known false)"],
    ),
    "a gap shorter than stale holds": (HOT, "31x2 _ 31x2", {}, ["0s pending warning", "3m fired warning"]),
    "no hold fires at once": ("  - {alert: hot, when: temp > 30}\n", "20 31 20", {}, [
        "1m fired warning", "2m resolved (known false)",
    ]),
    "each tier has its clock": (TIERS, "31x2 41x3 31x2", {}, ["0s pending warning", "4m fired critical"]),
    "a tier's false does not reset the others": (
        TIERS, "31x1 41x1 31x1 41x1 31x3", {}, ["0s pending warning", "5m fired warning"],
    ),
    "the higher tier comes later": (
        TIERS, "31x7 41x4", {}, ["0s pending warning", "5m fired warning", "9m escalated critical"],
    ),
    "a restart in the hold is kept": (HOT, "31x6", {"restart": ["1m", "2m"]}, [
        "0s pending warning", "3m fired warning",
    ]),
    "a restart in silence within the hold is kept": (
        HOT, "31x2 _x5", {"restart": ["2m"]}, ["0s pending warning", "3m fired warning", "4m unknown (stale)"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_hold(changes, case):
    """The clock starts at the first true sample, and ends as the table says."""
    rule, given, options, expected = CASES[case]

    found = changes(rule, given if isinstance(given, dict) else {"temp": given}, **options)

    assert expected == found


@pytest.mark.parametrize("restart", ["30s", "1m", "2m", "3m", "4m", "6m", "7m", "9m", "11m"])
def test_a_restart_at_any_time_changes_nothing(changes, restart):
    """FIRING is FIRING from the first millisecond, and no clock starts anew."""
    rule = """
  - alert: hot
    when: {warning: temp > 30, critical: temp > 40}
    for: {warning: 3m, critical: 1m}
    until: temp < 25
    keep_firing_for: 2m
"""
    given = {"temp": "31x4 41x3 20x2 31 20x6"}

    undisturbed = changes(rule, given)

    assert undisturbed == changes(rule, given, restart=[restart])
    assert len(undisturbed) >= 7


def test_evidence_is_frozen_when_the_alert_fires(program, memory_of, device, reading):
    """An alert carries values, samples, parameters, holds and the rule's place, as they were when it fired."""
    rules = program(
        "  - alert: hot\n    params: {top: 30}\n    when: temp > top\n    for: 1m\n    summary: at ${temp:.1f}\n"
    )
    memory = memory_of(device())

    found = replay(rules, [reading(f"{at}m", temp=31.5 + at) for at in range(4)], memory)

    fired = next(each.alert for each in found if each.change == "fired")
    assert fired.summary == "at 32.5"
    assert fired.evidence["samples"]["temp"] == [[0, 31.5], [60_000, 32.5]]
    assert fired.evidence["params"] == {"top": 30}
    assert tuple(fired.evidence[name] for name in ("true_since_ms", "held_ms", "fired_ms")) == (0, 60_000, 60_000)
    values = {each["text"]: each["value"] for each in fired.evidence["expressions"]}
    assert values == {"temp > top": True, "temp": 32.5, "top": 30}
    assert (fired.evidence["file"], fired.evidence["line"]) == ("rules/test.yaml", 10)
