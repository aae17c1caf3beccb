"""Tests of rules about groups: several devices are given, and what is expected is of a device or of a group."""

import pytest

from iotops.rules.authoring.given import UnusableTest
from iotops.rules.authoring.rehearse import rehearse
from iotops.rules.authoring.report import render_text
from iotops.rules.authoring.scenario import read_scenario

QUORUM = """
  - alert: site_cooling_failure
    match: {type: freezer}
    per: site
    when: devices(temp > -15) >= 3 and share(temp > -15) >= 0.5
    for: 5m
    severity: critical
    summary: ${devices(temp > -15)} freezers warm at ${site}
    tests:
      - name: three of four warm
        every: 1m
        given:
          fz-1: {temp: -20x2 -10x8}
          fz-2: {temp: -20x2 -10x8}
          fz-3: {temp: -20x2 -10x8}
          fz-4: {temp: -20x10}
        expect: {7m: {severity: critical, summary: 3 freezers warm at test}}
      - name: a restart changes nothing
        every: 1m
        given: {a: {temp: -20x2 -10x8}, b: {temp: -20x2 -10x8}, c: {temp: -20x2 -10x8}}
        restart: [4m, 7m]
        expect: {site=test: {7m: critical}}
      - name: two sites
        every: 1m
        device: {a: {site: x}, b: {site: x}, c: {site: x}, d: {site: y}}
        given: {a: {temp: -10x8}, b: {temp: -10x8}, c: {temp: -10x8}, d: {temp: -10x8}}
        expect: {x: {5m: critical}, y: {}}
  - alert: freezer_warm
    match: {type: freezer}
    when: temp > -15
    for: 2m
    unless: firing(site_cooling_failure)
    tests:
      - name: the site covers its freezers
        every: 1m
        given: {a: {temp: -10x9}, b: {temp: -10x9}, c: {temp: -10x9}, d: {temp: -20x9}}
        expect: {a: {2m: warning, 5m: suppressed}, b: {2m: warning, 5m: suppressed}, c: {2m: warning, 5m: suppressed}}
  - alert: sensor_drift
    match: {type: room}
    when: abs(median(temp[1h]) - peers(temp, site)) > 4
    for: 2h
    severity: info
    tests:
      - name: one room disagrees
        every: 1m
        given: {a: {temp: 20x190}, b: {temp: 21x190}, c: {temp: 30x190}, d: {temp: 20x190}}
        expect: {c: {3h: info}}
"""


def test_rules_of_groups_are_rehearsed(rule_set):
    """Several devices, several groups, restarts and suppression by the group: each as it would be live."""
    results = rehearse(rule_set(QUORUM))

    assert [result.passed for result in results] == [True] * 5, render_text(results)


def test_a_test_of_a_group_that_fails_shows_the_values_of_the_group(rule_set):
    """The tree is that of the group, at the instant where the timelines part."""
    text = QUORUM.replace("7m: {severity", "6m: {severity")

    failed = [result for result in rehearse(rule_set(text), "site_cooling_failure") if not result.passed]

    assert [result.differs_at for result in failed] == [("site=test", 360_000)]
    assert "devices(temp > -15)" in render_text(failed)


def test_an_instance_that_is_not_there_says_which_are(rule_set):
    """A slip of the pen is no instance without transitions."""
    rules = rule_set(QUORUM)
    test = {"given": {"a": {"temp": "1"}}, "expect": {"nowhere": {"1m": "warning"}}}

    with pytest.raises(
        UnusableTest, match=r"'nowhere' is neither a time such as 15m nor an instance .* test, site=test"
    ):
        read_scenario(rules, rules.rules["site_cooling_failure"], test)


def test_devices_without_the_label_of_per_cannot_be_rehearsed(rule_set):
    """A group needs its labels, and says where to write them."""
    rules = rule_set('  - {alert: any, per: [site, room], when: "devices(temp > 1) >= 1"}\n')

    with pytest.raises(UnusableTest, match="per: site, room: no device of this test has these labels"):
        read_scenario(rules, rules.rules["any"], {"given": {"a": {"temp": "1"}}})
