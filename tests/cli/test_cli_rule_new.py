"""`iotops rules new`."""

import pytest

from iotops.rules.authoring.check import check
from iotops.rules.authoring.formatting.run import format_sources
from iotops.rules.authoring.rehearse import rehearse
from iotops.rules.authoring.skeletons import KINDS
from iotops.rules.rulefile import parse_rules

OURS = "# ours\nrules:\n  - alert: hot\n    when: temp > 30 # as agreed\n"


@pytest.fixture
def rules(tmp_path, monkeypatch, run):
    """A directory with one rule."""
    folder = tmp_path / "rules"
    folder.mkdir()
    monkeypatch.setenv("IOTOPS_RULES__DIRECTORY", str(folder))
    (folder / "ours.yaml").write_text(OURS)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_begun_is_checked_and_tested(run, rules, kind):
    """Clean, in the canonical form, with tests that pass and that notice every small change."""
    ran = run("rules", "new", "my_rule", "--kind", kind)

    assert ran.status == 0, ran.err
    assert check({"f.yaml": ran.out}) == ()
    assert format_sources({"f.yaml": ran.out})["f.yaml"] == ran.out
    results = rehearse(parse_rules({"f.yaml": ran.out})[0])
    assert results
    assert all(result.passed for result in results)
    (rules / "f.yaml").write_text(ran.out)
    mutated = run("rules", "test", "--mutate", rules / "f.yaml")
    assert mutated.status == 0, mutated.out


def test_a_rule_is_appended_and_nothing_is_lost(run, rules):
    """Comments and rules of the file stay as they are; a new file is begun."""
    appended = run("rules", "new", "cold", "--file", rules / "ours.yaml")
    begun = run("rules", "new", "silent", "--kind", "no-data", "--file", rules / "new.yaml")

    assert (appended.status, begun.status) == (0, 0), appended.err + begun.err
    assert (rules / "ours.yaml").read_text().startswith(OURS)
    assert run("rules", "test", "-k", "cold").status == 0
    assert run("rules", "test", rules / "new.yaml").status == 0


@pytest.mark.parametrize(("name", "said"), [("hot", 'there is a rule "hot" already'), ("Too-Hot", "bad-rule-name")])
def test_names_that_cannot_be_are_refused(run, rules, name, said):
    """One that exists, with its place, and one that is none."""
    ran = run("rules", "new", name)

    assert ran.status == 1
    assert said in ran.err


def test_a_file_that_cannot_take_it_stays_as_it_is(run, rules):
    """Where the rules do not stand at the end."""
    text = "rules:\n  - {alert: a, when: temp > 3}\nmetrics:\n  temp: {unit: K}\n"
    (rules / "other.yaml").write_text(text)

    ran = run("rules", "new", "cold", "--file", rules / "other.yaml")

    assert ran.status == 1
    assert (rules / "other.yaml").read_text() == text
