"""Matching: which devices a rule is about, and with which parameters."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.rules.matching import matches, params_for
from iotops.rules.rule import Parameter
from iotops.rules.rulefile import parse_rules

LABELS = {"site": "paris", "device": "fz-07", "name": "Freezer 7", "type": "freezer", "gateway": "gw-1"}


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({}, True),
        ({"type": ("freezer",)}, True),
        ({"type": ("Freezer",)}, False),
        ({"type": ("room", "freezer")}, True),
        ({"type": ("freezer",), "site": ("lyon",)}, False),
        ({"type": ("freezer",), "site": ("lyon", "par*")}, True),
        ({"device": ("fz-*",)}, True),
        ({"device": ("*-07",)}, True),
        ({"device": ("f?-0?",)}, True),
        ({"device": ("f?-?",)}, False),
        ({"device": ("fz-07*",)}, True),
        ({"device": ("*z*7",)}, True),
        ({"device": ("*z*8",)}, False),
        ({"name": ("freezer*",)}, False),
        ({"gateway": ("*",)}, True),
        ({"model": ("*",)}, False),
        ({"device": ("fz-[0-9]7",)}, False),
    ],
)
def test_match_compares_labels_with_values_and_globs(match, expected):
    """Every label must be there and equal one value; `*` and `?` are the only wildcards."""
    assert expected is matches(match, LABELS)


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=12))
def test_glob_agrees_with_its_definition(pattern, value):
    """A glob fits exactly where the obvious, slow definition says so."""

    def fits(pattern: str, value: str) -> bool:
        if not pattern:
            return not value
        if pattern[0] == "*":
            return any(fits(pattern[1:], value[at:]) for at in range(len(value) + 1))
        return bool(value) and pattern[0] in ("?", value[0]) and fits(pattern[1:], value[1:])

    assert fits(pattern, value) is matches({"device": (pattern,)}, {"device": value})


def test_hostile_glob_is_answered_at_once():
    """Many wildcards cost the product of the lengths, not a power of them."""
    began = time.process_time()

    found = matches({"device": ("*a" * 500 + "b",)}, {"device": "a" * 1_000})

    assert not found
    assert time.process_time() - began < 5  # of processor time; a power of the lengths would take years


def test_last_matching_override_wins_parameter_by_parameter():
    """Overrides that match apply in order, each to the parameters that it names."""
    text = """
rules:
  - alert: warm
    params: {warn: 8, crit: 12, patience: 5m}
    overrides:
      - {match: {type: freezer}, params: {warn: -15, crit: -10}}
      - {match: {device: "fz-0*"}, params: {crit: -8}}
      - {match: {device: other}, params: {warn: 99}}
    when: temp > warn or temp > crit and age() < patience
"""
    (rule,) = parse_rules({"a.yaml": text})[0].rules.values()

    found = params_for(rule, LABELS)

    expected = {"warn": Parameter(number=-15), "crit": Parameter(number=-8), "patience": Parameter(ms=300_000)}
    assert expected == found
    assert rule.params == params_for(rule, {"device": "x", "site": "y", "name": "z"})
