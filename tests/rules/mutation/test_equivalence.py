"""What is proved to say the same, and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.rules.authoring.mutation.equivalence import proof
from iotops.rules.rulefile import parse_rules
from iotops.rules.values import Interval, compare

CATALOGUE = "metrics:\n  duty: {kind: gauge, valid: [0, 100]}\n  temp: {kind: gauge}\nrules:\n"


def rule_of(text):
    rule_set, findings = parse_rules({"rules.yaml": f"{CATALOGUE}  - alert: r\n{text}"})
    assert not [finding for finding in findings if finding.level == "error"], findings
    return rule_set.rules["r"], rule_set.catalogue


def proved(before, after):
    rule, catalogue = rule_of(before)
    return proof(rule, rule_of(after)[0], catalogue)


EQUIVALENT = {
    "whole numbers round up": ("    when: count(temp[5] > 8) >= 3\n", "    when: count(temp[5] > 8) >= 2.7\n"),
    "whole numbers have no edge between": ("    when: count(temp[5] > 8) > 2\n", "    when: count(temp[5] > 8) >= 3\n"),
    "turned round": ("    when: 2.5 <= count(temp[5])\n", "    when: 3 <= count(temp[5])\n"),
    "by a parameter": (
        "    params: {n: 3}\n    when: temp > 1 and not count(temp[5]) >= n\n",
        "    params: {n: 2.7}\n    when: temp > 1 and not count(temp[5]) >= n\n",
    ),
    "beyond what is valid": ("    when: duty < 120\n", "    when: duty < 132\n"),
    "until that adds nothing": ("    when: temp > 8\n    until: temp <= 9\n", "    when: temp > 8\n"),
}
DIFFERENT = {
    "another count": ("    when: count(temp[5] > 8) >= 3\n", "    when: count(temp[5] > 8) >= 3.3\n"),
    "other samples": ("    when: count(temp[5] > 8) >= 3\n", "    when: count(temp[6] > 8) >= 3\n"),
    "other samples by a parameter": (
        "    params: {top: 8}\n    when: count(temp[5] > top) >= 3\n",
        "    params: {top: 9}\n    when: count(temp[5] > top) >= 3\n",
    ),
    "a metric is no whole number": ("    when: temp >= 3\n", "    when: temp >= 2.7\n"),
    "valid values in between": ("    when: duty < 90\n", "    when: duty < 99\n"),
    "equality of what has bounds": ("    when: count(temp[5]) == 2.7\n", "    when: count(temp[5]) == 5.5\n"),
    "one override of several": (
        "    params: {n: 2.5}\n    overrides: [{match: {device: a}, params: {n: 4}}]\n    when: count(temp[5]) >= n\n",
        "    params: {n: 2.7}\n    overrides: [{match: {device: a}, params: {n: 5}}]\n    when: count(temp[5]) >= n\n",
    ),
    "until with a gap": ("    when: temp > 8\n    until: temp < 8\n", "    when: temp > 8\n"),
    "until of another metric": ("    when: temp > 8\n    until: duty < 9\n", "    when: temp > 8\n"),
    "another hold": ("    when: count(temp[5]) > 2\n    for: 1m\n", "    when: count(temp[5]) >= 3\n    for: 2m\n"),
    "another severity": ("    when: temp > 8\n", "    when: temp > 8\n    severity: info\n"),
}


@pytest.mark.parametrize("case", EQUIVALENT)
def test_same_meaning_is_proved_with_a_reason(case):
    """Comparisons that hold for the same possible values of one quantity cannot be told apart."""
    before, after = EQUIVALENT[case]

    assert proved(before, after)
    assert case == "until that adds nothing" or proved(after, before)


@pytest.mark.parametrize("case", DIFFERENT)
def test_other_meaning_is_never_proved(case):
    """Whatever some input tells apart is left to the tests."""
    before, after = DIFFERENT[case]

    assert proved(before, after) == ""
    assert proved(after, before) == ""


LIMITS = st.integers(-4, 20).map(lambda halves: halves / 2)


@given(one=st.tuples(st.sampled_from(["<", "<=", ">", ">="]), LIMITS),
       other=st.tuples(st.sampled_from(["<", "<=", ">", ">="]), LIMITS),
       low=st.integers(0, 5), high=st.integers(0, 5))  # fmt: skip
def test_what_is_proved_of_counts_holds_for_every_bound(one, other, low, high):
    """A count of five is a whole number from 0 to 5, or lies between two; comparisons proved alike answer alike."""
    before, after = (f"    when: count(temp[5]) {op} {limit}\n" for op, limit in (one, other))
    bounds = Interval(low, max(low, high))

    if proved(before, after):
        assert compare(one[0], low, one[1]) == compare(other[0], low, other[1])
        assert compare(one[0], bounds, one[1]) == compare(other[0], bounds, other[1])
