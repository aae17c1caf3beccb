"""Which mutants the tests of a rule tell apart."""

from dataclasses import replace

import pytest

from iotops.rules.authoring.mutation.trial import Fate, try_mutants
from iotops.rules.authoring.rehearse import differs, rehearse
from iotops.rules.authoring.scenario import read_scenario
from iotops.rules.rulefile import parse_rules

RULE = """\
rules:
  - alert: hot
    match: {type: oven}
    when: temp > 8
    tests:
      - {name: at the limit, given: {temp: 8x2}, expect: {}}
      - {name: beyond, given: {temp: 7 8.5 9 7}, expect: {1m: warning, 3m: resolved}}
      - {name: ovens only, device: {type: fridge}, given: {temp: 9}, expect: {}}
"""


def fates(text, **options):
    (tried,) = try_mutants({"rules.yaml": text}, processes=1, **options)
    return tried


def test_tests_that_tell_all_mutants_apart_leave_no_survivor():
    """Each mutant is killed, and the test that did it is named."""
    tried = fates(RULE)

    assert tried.count(Fate.KILLED) == len(tried.verdicts) >= 10
    assert {"at the limit", "beyond", "ovens only"} == {verdict.why for verdict in tried.verdicts}


@pytest.mark.parametrize(
    ("missing", "survivors"),
    [
        ("at the limit", {"a number by one unit", "a number by 10 %", "a comparison flipped"}),
        ("beyond", {"a number by one unit", "a number by 10 %", "another severity", "a comparison flipped"}),
        ("ovens only", {"match dropped"}),
    ],
)
def test_what_no_test_tells_apart_survives(missing, survivors):
    """A test taken away lets live what only that test noticed."""
    lines = [line for line in RULE.splitlines() if missing not in line]

    tried = fates("\n".join(lines) + "\n")

    assert survivors == {verdict.what for verdict in tried.verdicts if verdict.fate is Fate.SURVIVED}


def test_rule_without_tests_loses_everything():
    """No test, no mutant told apart."""
    tried = fates(RULE[: RULE.index("    tests:")])

    assert tried.count(Fate.SURVIVED) == len(tried.verdicts) >= 10


def test_rule_that_fails_its_own_test_is_not_tried():
    """A test that fails anyhow tells nothing about mutants."""
    tried = fates(RULE.replace("1m: warning", "2m: warning"))

    assert tried.fault == "the rule fails its own test 'beyond'; mend that first"
    assert tried.verdicts == ()


def test_equivalent_mutants_are_listed_with_their_proof_and_not_run():
    """They do not count as survivors."""
    tried = fates("rules:\n  - alert: often\n    when: count(temp[5] > 8) >= 3\n")

    assert {verdict.why for verdict in tried.verdicts if verdict.fate is Fate.EQUIVALENT} == {
        "count() is a whole number, and both hold for the same ones"
    }


def test_name_chooses_rules_and_their_tests():
    """Only the rules that have such a test are tried, with those tests alone."""
    assert try_mutants({"rules.yaml": RULE}, "absent", processes=1) == ()
    assert fates(RULE, name="beyond").count(Fate.SURVIVED) == 4


def test_several_processes_find_the_same():
    """How the work is shared out changes nothing."""
    text = RULE + RULE.removeprefix("rules:\n").replace("hot", "hotter")

    assert try_mutants({"rules.yaml": text}, processes=2) == try_mutants({"rules.yaml": text}, processes=1)


@pytest.mark.parametrize("expect", ["{}", "{1m: warning}", "{1m: info}", "{1m: warning, 3m: resolved}",
                                    "{1m: warning, 3m: resolved, 9m: warning}", "{2m: warning}"])  # fmt: skip
def test_a_difference_is_seen_early_exactly_where_the_whole_timelines_differ(expect):
    """Stopping at the first difference gives the answer of a run to the end."""
    rule_set, _ = parse_rules({"rules.yaml": RULE})
    rule = rule_set.rules["hot"]
    test = {"given": {"temp": "8 8.5 9 7"}, "expect": {}}
    test["expect"] = dict(part.split(": ") for part in expect.strip("{}").split(", ") if part)

    (whole,) = rehearse(replace(rule_set, rules={"hot": replace(rule, tests=(test,))}))

    assert differs(read_scenario(rule_set, rule, test), "hot") is not whole.passed
