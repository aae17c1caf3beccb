"""Which mutants a rule has."""

import pytest

FREEZER = """\
defaults:
  match: {zone: cold}
  keep_firing_for: 5m
rules:
  - alert: other
    when: firing(freezer_warm)
  - alert: freezer_warm
    match: {type: freezer}
    params: {warn: -15}
    overrides:
      - {match: {device: fz-07}, params: {warn: -8}}
    when:
      warning: temp > warn and door == "open"
      critical: max(temp[5]) >= -10
    for: {warning: 10m, critical: 2m}
    until: temp in [-18, -19]
    unless: firing(other)
metrics:
  temp: {kind: gauge}
"""


def test_mutants_are_those_of_the_contract(added):
    """Every number by a unit and a tenth, every comparison and word flipped, and every part dropped, each once."""
    assert added(FREEZER, "freezer_warm") == [
        "critical: max(temp[6]) >= -10",
        "critical: max(temp[4]) >= -10",
        "critical: max(temp[5]) >= -11",
        "critical: max(temp[5]) >= -9",
        "until: temp in [-19, -19]",
        "until: temp in [-17, -19]",
        "until: temp in [-19.8, -19]",
        "until: temp in [-16.2, -19]",
        "until: temp in [-18, -20]",
        "until: temp in [-18, -18]",
        "until: temp in [-18, -20.9]",
        "until: temp in [-18, -17.1]",
        "for: {warning: 11m, critical: 2m}",
        "for: {warning: 9m, critical: 2m}",
        "for: {warning: 10m, critical: 3m}",
        "for: {warning: 10m, critical: 1m}",
        "for: {warning: 10m, critical: 2m12s}",
        "for: {warning: 10m, critical: 1m48s}",
        "keep_firing_for: 6m",
        "keep_firing_for: 4m",
        "keep_firing_for: 5m30s",
        "keep_firing_for: 4m30s",
        "params: {warn: -14}",
        "params: {warn: -16}",
        "params: {warn: -16.5}",
        "params: {warn: -13.5}",
        "- {match: {device: fz-07}, params: {warn: -7}}",
        "- {match: {device: fz-07}, params: {warn: -9}}",
        "- {match: {device: fz-07}, params: {warn: -8.8}}",
        "- {match: {device: fz-07}, params: {warn: -7.2}}",
        'warning: temp < warn and door == "open"',
        'warning: temp >= warn and door == "open"',
        'warning: temp > warn or door == "open"',
        'warning: temp > warn and door != "open"',
        "critical: max(temp[5]) <= -10",
        "critical: max(temp[5]) > -10",
        "until: not (temp in [-18, -19])",
        "for: {critical: 2m}",
        "for: {warning: 10m}",
        "no until: temp in [-18, -19]",
        "no for: {warning: 10m, critical: 2m}",
        "no keep_firing_for: 5m",
        "no unless: firing(other)",
        "no match: {zone: cold} / no match: {type: freezer}",
    ]  # fmt: skip


TINY = {
    "presence": "  - {alert: r, when: not online}\n",
    "event": '  - {alert: r, when: event == "door"}\n',
    "another rule": "  - alert: r\n    # why\n    when: firing(q)  # a word\n  - {alert: q, when: x > 1}\n",
    "a window of samples": "  - alert: r\n    when: delta(x[2]) < 0\n    severity: info\n",
    "a long or": "  - alert: r\n    when: (a or b) and not (c == 1)\n",
}


@pytest.mark.parametrize("rule", TINY)
def test_rule_with_little_in_it_has_ten_mutants_all_the_same(mutants, rule):
    """Operands, functions, texts, severities and holds are changed where numbers and comparisons are few."""
    found = mutants("rules:\n" + TINY[rule])

    assert len(found) >= 10
    assert len({tuple(mutant.lines) for mutant in found}) == len(found)


def test_operands_take_their_brackets_along(added):
    """What stands in brackets is dropped, kept and negated as one."""
    found = added("rules:\n  - alert: r\n    when: (a or b) and not (c or (d))\n")

    assert found[:8] == [
        "when: (a and b) and not (c or (d))",
        "when: (a or b) or not (c or (d))",
        "when: (a or b) and not (c and (d))",
        "when: (a or b) and  (c or (d))",
        "when: (not (c or (d)))",
        "when: (a or b)",
        "when: ((b)) and not (c or (d))",
        "when: ((a)) and not (c or (d))",
    ]


def test_place_is_that_of_what_changed(mutants):
    """A mutant points at the character that it is about, and shows the line before and after."""
    first = mutants("rules:\n  - alert: r\n    when: temp > 8\n")[0]

    assert (first.what, str(first.position)) == ("a number by one unit", "rules.yaml:3:18")
    assert list(first.lines) == ["-     when: temp > 8", "+     when: temp > 9"]


def test_changes_that_make_no_rule_are_no_mutants(added):
    """A window of no samples, and a quantile beyond 1, are what the check refuses."""
    found = added("rules:\n  - alert: r\n    when: quantile(x[1], 0.95) > 1\n")

    assert not [line for line in found if "x[0]" in line or "1.045" in line]
