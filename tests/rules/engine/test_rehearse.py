"""The tests that stand beside rules: what they may say, and how their failures read."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from iotops.rules.authoring.given import UnusableTest, read_offset, read_ranges, read_series
from iotops.rules.authoring.rehearse import rehearse
from iotops.rules.authoring.report import junit, render_text

HOT = """
  - alert: hot
    match: {type: [freezer, fridge], zone: "a*"}
    params: {top: 30}
    when: temp > top
    for: 2m
    summary: ${device.name} of ${device.type} in ${device.zone} at ${temp:.1f}
    tests:
"""


@pytest.mark.parametrize(
    ("series", "samples", "last"),
    [
        ("20x3", [(0, 20), (60, 20), (120, 20)], 120),
        ("-1.5 _x2 nan 7", [(0, -1.5), (180, None), (240, 7)], 240),
        ("0..60x4", [(0, 0), (60, 20), (120, 40), (180, 60)], 180),
        ("0..1x3", [(0, 0), (60, 0.5), (120, 1)], 120),
        ("5..1x3", [(0, 5), (60, 3), (120, 1)], 120),
        ("1.5..2.5x2", [(0, 1.5), (60, 2.5)], 60),
        ("truex2 false", [(0, True), (60, True), (120, False)], 120),
        ("_x5", [], 240),
        ("", [], 0),
    ],
)
def test_series(series, samples, last):
    """`20x10` is exactly ten samples, `_` a slot without one, `nan` a missing value, and a ramp ends where it says."""
    found = read_series(series, 60)

    assert tuple(samples) == found.samples
    assert [value.__class__ for _, value in samples] == [value.__class__ for _, value in found.samples]
    assert last == found.last_ms


@pytest.mark.parametrize("series", ["20 x10", "openx3", "1..", "20x99999999", "1e", "--4"])
def test_what_is_no_series_is_refused(series):
    """A typing error does not become a test that proves nothing."""
    with pytest.raises(UnusableTest):
        read_series(series, 60)


def test_times_and_spans():
    """Times are durations from the start; `offline` is a span, open or not, or several."""
    assert [read_offset(each) for each in (0, "0s", "1m30s")] == [0, 0, 90_000]
    assert read_ranges("5m-8m") == ((300_000, 480_000),)
    assert read_ranges(["5m-", "0s-1s"]) == ((300_000, None), (0, 1_000))
    with pytest.raises(UnusableTest):
        read_ranges("5m")


def run(rule_set, test, text=HOT):
    (result,) = rehearse(rule_set(text + test))
    return result


PASSING = {
    "fires": "{given: {temp: 31x4}, expect: {2m: warning}}",
    "nothing ever": "{given: {temp: 31x2 20x9}, expect: {}}",
    "first literal of every match label": (
        '{given: {temp: 31x4}, expect: {2m: {severity: warning, summary: "test-1 of freezer in ax at 31.0"}}}'
    ),
    "own labels": (
        "{given: {temp: 31x4}, device: {type: fridge, zone: a7, name: N}, "
        'expect: {2m: {severity: warning, summary: "N of fridge in a7 at 31.0"}}}'
    ),
    "own parameters": "{given: {temp: 31x4 51x4}, params: {top: 50}, expect: {6m: warning}}",
    "another interval": "{given: {temp: 31x4}, every: 30s, expect: {2m: warning}}",
    "a start": "{given: {temp: 31x4}, start: 2026-07-01T12:00:00+02:00, expect: {2m: warning}}",
    "several devices": (
        "{given: {a: {temp: 31x4}, b: {temp: 20x4}, c: {temp: _ 31x4}}, expect: {a: {2m: warning}, c: {3m: warning}}}"
    ),
    "runs on to the last expectation": "{given: {temp: 31}, expect: {2m: warning}}",
    "and no further": "{given: {temp: 31x2}, expect: {}}",
    "unknown compared where listed": "{given: {temp: 31x3 _x9 31}, expect: {2m: warning, 5m: unknown, 12m: known}}",
    "unknown not compared where not": "{given: {temp: 31x3 _x9 31}, expect: {2m: warning}}",
    "two things at one time": "{given: {temp: 31x3 20}, expect: {2m: warning, 3m: resolved}}",
    "restarts": (
        "{given: {temp: 31x4 20 31x4}, restart: [1m, 2m, 3m, 7m], expect: {2m: warning, 4m: resolved, 7m: warning}}"
    ),
    "one restart": "{given: {temp: 31x4}, restart: 1m, expect: {2m: warning}}",
    "times to values": "{given: {temp: {0s: 31, 1m: 31, 2m: 31}}, expect: {2m: warning}}",
    "a scalar": "{given: {temp: 31}, expect: {}}",
}


@pytest.mark.parametrize("case", PASSING)
def test_a_test_that_holds_passes(rule_set, case):
    """What section 4 of the language allows, each once."""
    result = run(rule_set, f"      - {PASSING[case]}\n")

    assert result.passed, render_text([result])


FAILING = {
    "too late": ("{given: {temp: 31x4}, expect: {3m: warning}}", ("test/test-1", 120_000)),
    "not listed": ("{given: {temp: 31x4 20}, expect: {2m: warning}}", ("test/test-1", 240_000)),
    "never happened": ("{given: {temp: 20x4}, expect: {2m: warning}}", ("test/test-1", 120_000)),
    "another severity": ("{given: {temp: 31x4}, expect: {2m: critical}}", ("test/test-1", 120_000)),
    "another summary": (
        "{given: {temp: 31x4}, expect: {2m: {severity: warning, summary: x}}}", ("test/test-1", 120_000),
    ),
    "another device": ("{given: {a: {temp: 31x4}, b: {temp: 31x4}}, expect: {a: {2m: warning}}}", ("test/b", 120_000)),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILING)
def test_a_test_that_does_not_hold_fails_where_it_parts(rule_set, case):
    """Whatever is not listed, or listed and missing, fails the test."""
    test, differs_at = FAILING[case]

    result = run(rule_set, f"      - {test}\n")

    assert not result.passed
    assert differs_at == result.differs_at
    assert result.why


UNUSABLE = {
    "{given: {temp: warmx3}, expect: {}}": "'warmx3' is not part of a series",
    "{given: {temp: 31x3}, shuffle: 30s, expect: {}}": "more than the rule's lateness of 0s",
    "{given: {temp: 31x3, fz-1: {temp: 31}}, expect: {}}": "write one or the other",
    "{given: {temp: {file: nowhere.csv}}, expect: {}}": "recording rules/nowhere.csv",
    "{given: {temp: 31x3}, start: yesterday, expect: {}}": "'yesterday' is not a time",
    "{given: {temp: 31x3}, expect: {2m: warnig}}": "found 'warnig', expected one of info, warning, critical",
    "{given: {temp: 31x3}, expect: {2m: {severity: warning, sumary: x}}}": "or {severity: ..., summary: ...}",
    "{given: {temp: 31x3}, params: {tip: 3}, expect: {}}": "the rule has no 'tip'; it has top",
    "{given: {temp: 31x3}, params: {top: 3m}, expect: {}}": "top is a number, found '3m'",
    "{given: {temp: 31x3}, params: 3, expect: {}}": "expected a map such as {warn: 8}, found 3",
    "{given: {temp: 31x3}, restart: soon, expect: {}}": "'soon' is not a duration",
    "{given: {temp: 31x3}, expect: {soon: warning}}": "'soon' is not a duration",
}


@pytest.mark.parametrize("test", UNUSABLE)
def test_a_test_that_cannot_run_says_why(rule_set, test):
    """It fails, with what was found and what to write."""
    result = run(rule_set, f"      - {test}\n")

    assert not result.passed
    assert UNUSABLE[test] in result.fault


def test_a_recording_is_replayed(rule_set, tmp_path):
    """Times count from the first row; a value is a number."""
    (tmp_path / "fz.csv").write_text("time,temp\n2026-01-01T00:00:00Z,20\n2026-01-01T00:01:00Z,31\n1767225780,31.5\n")
    rules = rule_set(HOT + "      - {given: {temp: {file: fz.csv}}, expect: {3m: warning}}\n")
    rule = rules.rules["hot"]
    moved = replace(rule, position=replace(rule.position, file=str(tmp_path / "rules.yaml")))

    (result,) = rehearse(replace(rules, rules={"hot": moved}))

    assert result.passed, render_text([result])


def test_tests_are_chosen_by_rule_or_by_name(rule_set):
    """`-k` looks into `rule: name`."""
    rules = rule_set(HOT + "      - {name: one, given: {}, expect: {}}\n      - {name: two, given: {}, expect: {}}\n")

    assert [each.test for each in rehearse(rules)] == ["one", "two"]
    assert [each.test for each in rehearse(rules, "hot", "two")] == ["two"]
    assert rehearse(rules, "cold") == ()


def test_a_failure_reads_as_a_difference_with_the_values_behind_it(rule_set):
    """Both timelines, then every part of the condition at the first difference."""
    result = run(rule_set, "      - {name: hot day, given: {temp: 31x4 20}, expect: {2m: warning, 4m: critical}}\n")

    assert render_text([result]).splitlines() == [
        "FAILED hot: hot day",
        "       rules/test.yaml:18:9",
        "         test/test-1 2m: warning",
        "       - test/test-1 4m: critical",
        "       + test/test-1 4m: resolved",
        "       at 4m on test/test-1:",
        "       NOT FIRING → does not fire while values stay as they are",
        "         warning          temp > top                         20 > 30 false (10 below)    rules/test.yaml:14",
        "         because          the condition is known to be false",
        "1 of 1 test of 1 rule failed",
    ]


def test_junit_counts_and_escapes(rule_set):
    """CI reads a suite with a case for each test."""
    rules = rule_set(
        HOT + '      - {name: "a < b", given: {temp: 31x4}, expect: {}}\n      - {name: ok, given: {}, expect: {}}\n'
    )

    suite = ET.fromstring(junit(rehearse(rules)))

    assert suite.attrib == {"name": "iotops rules", "tests": "2", "failures": "1"}
    assert [case.get("name") for case in suite] == ["a < b", "ok"]
    assert "+ test/test-1 2m: warning" in suite[0][0].text
