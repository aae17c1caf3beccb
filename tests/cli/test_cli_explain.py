"""`iotops rules explain`."""

import json

import pytest

RULES = """
rules:
  - alert: hot
    match: {site: paris}
    when: temp > 30
    for: 10m
  - alert: site_hot
    match: {device: "fz-*"}
    per: site
    when: devices(temp > 30) >= 2
"""


@pytest.fixture
def rules(tmp_path, monkeypatch, run, register):
    """One rule, and devices of two sites that reported once."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "hot.yaml").write_text(RULES)
    monkeypatch.setenv("IOTOPS_RULES__DIRECTORY", str(folder))
    register("paris/fz-1", "lyon/fz-1", "lyon/fz-2")


@pytest.mark.parametrize("names", [("fz-1", "--site", "paris"), ("paris/fz-1",)])
def test_a_rule_and_a_device_are_explained(run, rules, names):
    """The state first, then the condition with its place, then what is in the way."""
    ran = run("rules", "explain", "hot", *names)

    assert ran.status == 0, ran.err
    assert ran.out.splitlines()[1].startswith("NOT FIRING → does not fire")
    assert "temp > 30" in ran.out
    assert "hot.yaml:5" in ran.out
    assert "temp was never reported" in ran.out


def test_programs_read_the_same(run, rules):
    """One line of JSON with all of it."""
    found = json.loads(run("rules", "explain", "hot", "paris/fz-1", "--format", "json").out)

    assert (found["rule"], found["instance"], found["state"]) == ("hot", "paris/fz-1", "inactive")
    assert [condition["text"] for condition in found["conditions"]] == ["temp > 30"]
    assert found["notes"] == ["this rule is not in force: no ingest has loaded it yet"]


def test_a_rule_that_is_not_about_the_device_is_a_finding(run, rules):
    """The label is named, and the exit status is 1."""
    ran = run("rules", "explain", "hot", "fz-2")

    assert ran.status == 1
    assert 'the rule wants site paris, and the device has "lyon"' in ran.out


@pytest.mark.parametrize("names", [("lyon",), ("--group", "site=lyon"), ("--site", "lyon"), ("fz-2",)])
def test_a_rule_and_a_group_are_explained(run, rules, names):
    """By the name that its alerts have, by the label's value alone, or by one of its devices."""
    ran = run("rules", "explain", "site_hot", *names)

    assert ran.status == 0, ran.err
    assert ran.out.startswith("site_hot on site=lyon at ")
    assert "0 to 2 of 2 >= 2" in ran.out
    assert "lyon/fz-1" in ran.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hot", "fz-1"), "stands on several sites (lyon/fz-1, paris/fz-1)"),
        (("hot", "fz-9"), "device 'fz-9' is not registered"),
        (("INC-9",), "INC-9"),
        (("site_hot", "nice"), "site_hot has no group 'nice'; its groups are site=lyon, site=paris"),
        (("site_hot", "fz-1"), "any of the groups site=lyon, site=paris"),
    ],
)
def test_what_does_not_exist_is_an_error(run, rules, arguments, said):
    """With what to look at instead."""
    ran = run("rules", "explain", *arguments)

    assert ran.status == 1
    assert said in ran.err


def test_options_that_do_not_fit_are_usage_errors(run, rules):
    """A time that cannot be read, a time beside an incident, a group where there is none, and two instances."""
    assert run("rules", "explain", "hot", "fz-2", "--at", "yesterday").status == 2
    assert run("rules", "explain", "INC-1", "--at", "2026-01-01T00:00:00Z").status == 2
    assert run("rules", "explain", "hot", "--group", "site=paris").status == 2
    assert run("rules", "explain", "site_hot", "fz-2", "--group", "site=lyon").status == 2


def test_an_incident_that_a_person_raised_has_nothing_to_explain(run, rules, raise_incident):
    """There is no rule behind it."""
    ran = run("rules", "explain", raise_incident())

    assert ran.status == 1
    assert "a person raised it" in ran.err
