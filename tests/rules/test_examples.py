"""The example files of the rule language: they run as they stand, and with all their tests leave no mutant alive."""

from dataclasses import replace
from pathlib import Path

import pytest

from iotops.rules.authoring.check import check
from iotops.rules.authoring.mutation.report import mutation_text
from iotops.rules.authoring.mutation.trial import Fate, try_mutants
from iotops.rules.authoring.rehearse import rehearse
from iotops.rules.authoring.report import render_text
from iotops.rules.rulefile import parse_rules

EXAMPLES = Path(__file__).parent / "examples"
WRITTEN, COMPLETED = ((EXAMPLES / f"{name}.yaml").read_text() for name in ("as_written", "completed"))


def rules_of(text):
    return parse_rules({"examples.yaml": text})[0]


def test_examples_are_not_remarked_upon():
    """No error, no warning, no note."""
    assert [finding for text in (WRITTEN, COMPLETED) for finding in check({"e.yaml": text})] == []


def test_examples_pass_their_own_tests_as_they_stand():
    """Nothing had to be changed in them."""
    results = rehearse(rules_of(WRITTEN))

    assert len(results) == 6
    assert [result for result in results if not result.passed] == [], render_text(results)


def test_completed_examples_differ_in_their_tests_only():
    """Rule by rule, what is judged is what was written."""
    written, completed = rules_of(WRITTEN), rules_of(COMPLETED)

    assert list(written.rules) == list(completed.rules)
    for name, rule in written.rules.items():
        assert replace(completed.rules[name], tests=()).semantic_hash == rule.semantic_hash
        assert completed.rules[name].tests[: len(rule.tests)] == rule.tests


@pytest.mark.parametrize("rule", list(rules_of(COMPLETED).rules))
def test_completed_examples_leave_no_survivor(rule):
    """Their tests tell every mutant apart, or it is proved that none can."""
    (tried,) = try_mutants({"examples.yaml": COMPLETED}, f"{rule}: ", processes=1)

    assert not tried.fault, tried.fault
    assert tried.count(Fate.SURVIVED) == 0, mutation_text([tried])
    assert len(tried.verdicts) >= 10


def test_equivalent_mutants_of_the_examples_are_never_told_apart():
    """A proof that some test refutes were none: the mutants that are listed as equivalent pass all tests."""
    rule_set = rules_of(COMPLETED)
    (tried,) = try_mutants({"examples.yaml": COMPLETED}, "room_hot: ", processes=1)
    (equivalent,) = [verdict for verdict in tried.verdicts if verdict.fate is Fate.EQUIVALENT]
    before, after = (line[2:] for line in equivalent.lines)

    mutant = rules_of(COMPLETED.replace(before, after))

    assert mutant.rules["room_hot"].semantic_hash != rule_set.rules["room_hot"].semantic_hash
    assert all(result.passed for result in rehearse(mutant, "room_hot"))
