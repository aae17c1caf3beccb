"""Every recipe is fit to be copied: no finding, the canonical form, and tests that notice every slip."""

import re
from pathlib import Path

import pytest

from iotops.rules.authoring.check import check
from iotops.rules.authoring.formatting.run import format_sources
from iotops.rules.authoring.mutation.report import mutation_text
from iotops.rules.authoring.mutation.trial import Fate, try_mutants
from iotops.rules.authoring.rehearse import rehearse
from iotops.rules.rulefile import parse_rules

PAGE = (Path(__file__).resolve().parents[2] / "docs/cookbook.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^## \d+\. (.*?)\n.*?^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
recipes = pytest.mark.parametrize("title", RECIPES)


def test_there_is_a_recipe_for_every_heading():
    """No heading without a rule, none left out of the contents, and at least the twenty most common wishes."""
    headings = re.findall(r"^## (\d+)\. (.*)$", PAGE, re.MULTILINE)
    contents = re.findall(r"^(\d+)\. \[(.*?)\]\(#(.*)\)$", PAGE, re.MULTILINE)

    assert len(headings) == len(RECIPES) >= 20
    assert headings == [(number, title) for number, title, _ in contents]
    assert [anchor for _, _, anchor in contents] == [anchor_of(*heading) for heading in headings]


@recipes
def test_a_recipe_is_not_remarked_upon(title):
    """Neither an error nor a warning nor a note, and written as `fmt` would write it."""
    name = {"recipe.yaml": RECIPES[title]}

    assert check(name) == ()
    assert format_sources(name) == name


@recipes
def test_a_recipe_passes_its_tests(title):
    """Every rule of it has tests, and they pass."""
    rule_set, _ = parse_rules({"recipe.yaml": RECIPES[title]})
    results = rehearse(rule_set)

    assert {result.rule for result in results} == set(rule_set.rules)
    assert [result for result in results if not result.passed] == []


@recipes
def test_no_small_change_of_a_recipe_goes_unnoticed(title):
    """At least ten mutants of each rule, and none survives."""
    tried = try_mutants({"recipe.yaml": RECIPES[title]}, processes=1)

    assert [rule.rule for rule in tried if rule.fault or rule.count(Fate.SURVIVED)] == [], mutation_text(tried)
    assert min(len(rule.verdicts) for rule in tried) >= 10


def test_all_recipes_can_stand_in_one_directory():
    """Whoever copies all of them gets one set of rules without a finding."""
    assert check({f"{place}.yaml": text for place, text in enumerate(RECIPES.values())}) == ()


def anchor_of(number: str, title: str) -> str:
    """Return what a heading is called in a link."""
    return re.sub(r"[^\w\- ]", "", f"{number}. {title}".lower()).replace(" ", "-")
