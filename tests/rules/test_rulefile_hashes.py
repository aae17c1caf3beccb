"""Hashes: what a change of a rule does to its meaning and to its version."""

import pytest

from iotops.rules.rulefile import parse_rules

BASE = """\
metrics: {temp: {every: 1m, valid: [-60, 80]}, hum: {unit: "%"}}
rules:
  - alert: warm
    match: {type: freezer}
    params: {warn: -15}
    overrides: [{match: {device: a}, params: {warn: -8}}]
    when: {warning: temp > warn}
    for: 10m
    until: temp < -18
    keep_firing_for: 5m
    unless: firing(down)
    summary: at ${temp:.1f}
    labels: {team: cold}
    lateness: 0s
  - alert: down
    when: not online
"""


def hashes(text: str) -> tuple[str, str]:
    rule_set, findings = parse_rules({"a.yaml": text})
    assert [str(finding) for finding in findings if finding.level == "error"] == []
    rule = rule_set.rules["warm"]
    return rule.semantic_hash, rule.full_hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("type: freezer", "type: fridge"),
        ("{warn: -15}", "{warn: -16}"),
        ("{warn: -8}", "{warn: -9}"),
        ("device: a", "device: b"),
        ("temp > warn", "temp >= warn"),
        ("{warning: temp", "{critical: temp"),
        ("for: 10m", "for: 11m"),
        ("temp < -18", "temp < -19"),
        ("until: temp < -18", "until: {warning: temp < -18}"),
        ("keep_firing_for: 5m", "keep_firing_for: 6m"),
        ("unless: firing(down)", "unless: firing(down, gateway)"),
        ("lateness: 0s", "stale: 5m"),
        ("every: 1m", "every: 2m"),
        ("valid: [-60, 80]", "valid: [-60, 81]"),
        ("{every: 1m,", "{kind: counter, every: 1m,"),
    ],
)
def test_change_of_meaning_changes_both_hashes(old, new):
    """What an alert's state depends on changes the semantic hash, and so the version."""
    before, after = hashes(BASE), hashes(BASE.replace(old, new))

    assert old in BASE
    assert before[0] != after[0]
    assert before[1] != after[1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("at ${temp:.1f}", "now ${temp:.1f}"),
        ("at ${temp:.1f}", "at ${temp:.2f}"),
        ("team: cold", "team: ice"),
        ("lateness: 0s", "mode: shadow"),
        ("lateness: 0s", "reopen: 1h"),
        ("lateness: 0s", "runbook: https://wiki.example"),
        ("lateness: 0s", "tests: [{given: {temp: 1x3}, expect: {}}]"),
    ],
)
def test_change_beside_the_meaning_changes_the_version_only(old, new):
    """Texts, labels, incident times and tests leave the alert's state alone."""
    before, after = hashes(BASE), hashes(BASE.replace(old, new))

    assert before[0] == after[0]
    assert before[1] != after[1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("temp > warn", "( temp>warn )"),
        ("temp > warn", "'temp  >  warn'"),
        ("for: 10m", "for: 600s  # ten minutes"),
        ("  - alert: warm", "  # a comment\n\n  - alert: warm"),
        ('hum: {unit: "%"}', "hum: {unit: g}"),
        ("    lateness: 0s\n", ""),
        ("    for: 10m\n    until: temp < -18\n", "    until: temp < -18\n    for: 10m\n"),
        ("not online", "not online or age() > 1h"),
    ],
)
def test_layout_order_and_other_rules_change_nothing(old, new):
    """Blanks, brackets, comments, the order of keys, and what the rule does not read leave both hashes as they are."""
    assert old in BASE
    assert hashes(BASE) == hashes(BASE.replace(old, new))
