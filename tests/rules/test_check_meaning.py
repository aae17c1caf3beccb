"""Semantic findings: what is told, and above all what is not."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.rules.authoring.check import check
from iotops.rules.authoring.spans import EVERYTHING, Edge, Spans, holding

METRICS = """\
metrics:
  temp: {unit: °C, every: 1m, valid: [-60, 80]}
  outside: {unit: °C}
  humidity: {unit: "%"}
  water: {unit: l, kind: counter}
  door: {kind: state}
"""


def codes(body: str) -> list[str]:
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    return [finding.code for finding in check({"a.yaml": f"{METRICS}rules:\n  - alert: a\n{lines}"})]


@pytest.mark.parametrize(
    "body",
    [
        "when: {warning: temp > 8, critical: temp > 12}",
        "when: {warning: temp > 8, critical: temp > 8}\nfor: {warning: 2m, critical: 10m}",
        "when: {warning: temp < 8, critical: outside < 9}",
        "when: {info: temp < 8, critical: temp < -10}\nuntil: temp > 9",
        "when: temp > 8\nuntil: temp < 6",
        "when: temp > 8\nuntil: temp <= 8",
        "when: temp > 8\nuntil: outside > 6",
        "when: temp > 8\nuntil: avg(temp[5m]) > 6",
        "when: not 2 <= temp <= 8\nuntil: 3 <= temp <= 7",
        "when: temp > 8 or temp < 2\nuntil: temp in [4, 5]",
        "when: temp > 8 or outside > 8\nuntil: temp > 9",
        "when: temp > 79.9",
        "when: avg(temp[5m]) >= 80",
        "when: delta(temp[2]) < -100",
        "when: temp > 8\nfor: 1m",
        "when: outside > 8\nfor: 1s",
        "when: temp - outside > 100",
        "when: temp * 2 > 150 and temp > outside",
        "when: rate(water[1h]) > 3 and increase(water[1h]) / 2 > 1",
        "when: humidity / temp > 3",
        "when: door == 'open' or door == 'ajar'",
        "params: {limit: 8}\nwhen: temp > limit",
        "params: {limit: 8}\nwhen: temp > 3\nsummary: of ${limit}",
        "params: {temp_limit: 8}\nwhen: temp > temp_limit",
        "match: {tier: one}\nwhen: temp > 3",
        "when: temp > 3\nfor: 0",
        "when: age() > 0s",
    ],
)
def test_sound_rule_is_left_alone(body):
    """Nothing is said about rules that can be meant as they stand."""
    assert codes(body) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("when: {warning: temp > 8, critical: temp > 6}", "unreachable-tier"),
        ("when: {warning: temp > 8, critical: temp >= 8}\nfor: 5m", "unreachable-tier"),
        ("when: {warning: temp == 8, critical: not temp < 7}", "unreachable-tier"),
        ("when: {info: age() > 5m, warning: 300s < age()}", "unreachable-tier"),
        ("params: {p: 2}\nwhen: {warning: temp > p * 4, critical: temp > p + 5}", "unreachable-tier"),
        ("when: temp > 8\nuntil: temp > 8", "until-never-holds"),
        ("when: temp > 8\nuntil: temp > 6 and temp < 6", "until-never-holds"),
        ("when: temp > 8\nuntil: temp > 100", "until-never-holds"),
        ("when: {warning: temp > 8, critical: temp > 12}\nuntil: {critical: temp > 15}", "until-never-holds"),
        ("when: temp > 8\nuntil: temp < 9", "until-overlaps"),
        ("when: not 2 <= temp <= 8\nuntil: 1 <= temp <= 7", "until-overlaps"),
        ("when: temp > 80", "never-true"),
        ("when: temp > 5 and temp < 5", "never-true"),
        ("when: min(temp[1h]) < -60", "never-true"),
        ("when: age() < 0s", "never-true"),
        ("when: temp >= -60", "always-true"),
        ("when: count(temp[5]) >= 0", "always-true"),
        ("when: temp > 8\nfor: 59s", "for-shorter-than-every"),
        ("when: temp > humidity", "unit-mismatch"),
        ("when: rate(water[1h]) > avg(outside[1h])", "unit-mismatch"),
        ("when: temp > 3\nsummary: ${temp + humidity}", "unit-mismatch"),
        ("when: rate(temp[1h]) > 1", "gauge-as-counter"),
        ("params: {limit: 3}\nwhen: temp > 3", "unused-param"),
        ("when: temperature > 3", "unknown-metric"),
    ],
)
def test_slip_is_found(body, code):
    """One slip, one finding."""
    assert [code] == codes(body)


def test_override_that_breaks_a_tier_is_found():
    """Tiers are judged for every override, and the finding says for which."""
    body = """
params: {warn: 8, crit: 12}
overrides:
  - {match: {device: x}, params: {crit: 15}}
  - {match: {device: y, type: [a, b]}, params: {crit: 7}}
when: {warning: temp > warn, critical: temp > crit}
"""
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())

    (found,) = check({"a.yaml": f"rules:\n  - alert: a\n{lines}"})

    assert found.code == "unreachable-tier"
    assert "for device y, type a or b" in found.message


def calls_of(function):
    """Return how many calls a function makes: its cost, the same on every machine however busy that is."""
    count = 0

    def note(_frame, event, _argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def test_five_hundred_rules_are_checked_in_no_time():
    """Checking stays cheap enough for every keystroke of an editor: no rule costs more for those beside it."""
    rule = """  - alert: r{0}
    match: {{type: t{0}}}
    params: {{warn: 8, crit: 12}}
    when:
      warning: avg(m{0}[5m]) > warn or count(m{0}[5] > crit) >= 3
      critical: m{0} > crit and age(m{0}) < 3 * every
    for: {{warning: 10m, critical: 2m}}
    summary: ${{device.name}} at ${{m{0}:.1f}}
"""
    few, many = ("rules:\n" + "".join(rule.format(number) for number in range(count)) for count in (50, 500))
    assert check({"a.yaml": many}) == ()

    each_of_few = calls_of(lambda: check({"a.yaml": few})) / 50
    each_of_many = calls_of(lambda: check({"a.yaml": many})) / 500

    assert each_of_many < 1.2 * each_of_few
    assert each_of_many < 5_000


OPS = ("<", "<=", ">", ">=", "==", "!=")
LIMITS = st.integers(-3, 3)


def holds_for(spans: Spans, value: float) -> bool:
    return any(first <= Edge(value) <= last for first, last in spans.pairs)


@given(st.lists(st.tuples(st.sampled_from(OPS), LIMITS, st.booleans(), st.booleans()), max_size=6))
def test_spans_agree_with_the_numbers_they_stand_for(steps):
    """Unions, intersections and complements of spans hold exactly where the comparisons hold."""
    compare = {
        "<": float.__lt__, "<=": float.__le__, ">": float.__gt__,
        ">=": float.__ge__, "==": float.__eq__, "!=": float.__ne__,
    }  # fmt: skip
    values = [number / 2 for number in range(-8, 9)]
    found, expected = EVERYTHING, dict.fromkeys(values, True)

    for op, limit, both, inverted in steps:
        part = holding(op, limit)
        found = found & part if both else found | part
        for value in values:
            one = compare[op](value, float(limit))
            expected[value] = (expected[value] and one) if both else (expected[value] or one)
        if inverted:
            found, expected = ~found, {value: not truth for value, truth in expected.items()}

    assert expected == {value: holds_for(found, value) for value in values}
    assert (found <= ~EVERYTHING) is not bool(found)
