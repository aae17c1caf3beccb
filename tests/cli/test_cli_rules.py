"""`iotops rules check` and `test`."""

import json
from xml.etree import ElementTree as ET

import pytest

GOOD = """
metrics:
  temp: {unit: °C, kind: gauge, every: 1m}
rules:
  - alert: hot
    when: temp > 30
    tests:
      - {name: hot day, given: {temp: 20 31 20}, expect: {1m: warning, 2m: resolved}}
      - {name: cool day, given: {temp: 20x3}, expect: {}}
"""
BAD = "rules:\n  - alert: hot\n    when: temp >\n"


@pytest.fixture
def rules(tmp_path, monkeypatch, run):
    """The folder of rules that the settings name."""
    folder = tmp_path / "rules"
    folder.mkdir()
    monkeypatch.setenv("IOTOPS_RULES__DIRECTORY", str(folder))
    return folder


def test_sound_rules_are_counted_and_fine(run, rules):
    """One line says what was looked at."""
    (rules / "hot.yaml").write_text(GOOD)
    (rules / "devices.yaml").write_text("devices:\n  - {site: paris, device: fz-1}\n")

    ran = run("rules", "check")

    assert ran.status == 0
    assert ran.out.startswith("2 files, 1 rule, 1 device, 0 errors, 0 warnings, 0 notes in ")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("text", "bad.yaml:3:17: error[incomplete]"),
        ("github", "line=3,col=17"),
        ("json", '"errors": 1'),
    ],
)
def test_errors_are_shown_with_their_place_and_end_with_1(run, rules, form, expected):
    """For people, for programs and for the annotations of a review."""
    (rules / "bad.yaml").write_text(BAD)

    ran = run("rules", "check", rules / "bad.yaml", "--format", form)

    assert ran.status == 1
    assert expected in ran.out


def test_broken_devices_file_is_found_too(run, rules):
    """What the ingest would refuse, the check refuses."""
    (rules / "devices.yaml").write_text("devices: [{site: paris}]\n")

    for path in (rules, rules / "devices.yaml"):
        ran = run("rules", "check", path, "--format", "json")

        assert ran.status == 1
        assert [found["code"] for found in json.loads(ran.out)["findings"]] == ["bad-identity"]


def test_warnings_are_shown_and_do_not_fail(run, rules):
    """A warning is the author's to judge."""
    (rules / "hot.yaml").write_text(GOOD.replace("when:", "params: {limit: 3}\n    when:"))

    ran = run("rules", "check")

    assert ran.status == 0
    assert "warning[unused-param]" in ran.out


def test_missing_rules_directory_is_an_error(run, monkeypatch):
    """Nothing checked is not the same as nothing wrong."""
    monkeypatch.setenv("IOTOPS_RULES__DIRECTORY", "nowhere")

    ran = run("rules", "check")

    assert ran.status == 1
    assert ran.err.startswith("error: rules.directory nowhere: does not exist")


def test_passing_tests_are_counted(run, rules, tmp_path):
    """The last line says how many tests of how many rules passed, and CI gets its file."""
    (rules / "hot.yaml").write_text(GOOD)

    ran = run("rules", "test", "--junit", tmp_path / "junit.xml")

    assert ran.status == 0, ran.out
    assert ran.out.splitlines()[-1] == "2 tests of 1 rule passed"
    assert ET.parse(tmp_path / "junit.xml").getroot().get("tests") == "2"


def test_failing_test_says_why_and_ends_with_1(run, rules):
    """The difference between what was expected and what happened is shown."""
    (rules / "hot.yaml").write_text(GOOD.replace("2m: resolved", "3m: resolved"))

    text, program = run("rules", "test"), run("rules", "test", "--format", "json")

    assert (text.status, program.status) == (1, 1)
    assert "1 of 2 tests of 1 rule failed" in text.out
    results = json.loads(program.out)["results"]
    assert [result["passed"] for result in results] == [False, True]
    assert results[0]["why"]


def test_name_chooses_tests_and_none_is_a_finding(run, rules):
    """A name that nothing has is no success."""
    (rules / "hot.yaml").write_text(GOOD)

    one, none = run("rules", "test", "-k", "cool"), run("rules", "test", "-k", "absent")

    assert (one.status, one.out.splitlines()[-1]) == (0, "1 test of 1 rule passed")
    assert (none.status, none.out, none.err) == (1, "", "no tests found\n")


@pytest.mark.parametrize("form", ["text", "json"])
def test_rules_with_errors_are_not_tested(run, rules, form):
    """Their findings are shown instead."""
    (rules / "bad.yaml").write_text(BAD)

    ran = run("rules", "test", "--format", form)

    assert ran.status == 1
    assert "incomplete" in ran.out


def test_junit_file_that_cannot_be_written_is_an_error(run, rules, tmp_path):
    """The path is named."""
    (rules / "hot.yaml").write_text(GOOD)

    ran = run("rules", "test", "--junit", tmp_path / "absent" / "junit.xml")

    assert ran.status == 1
    assert ran.err.startswith("error: --junit ")


def test_failing_test_is_an_annotation_for_github(run, rules):
    """A review shows the failure beside the test."""
    (rules / "hot.yaml").write_text(GOOD.replace("2m: resolved", "3m: resolved"))

    ran = run("rules", "test", "--format", "github")

    assert ran.status == 1
    assert f"::error file={rules}/hot.yaml,line=8,col=9,title=hot%3A hot day::" in ran.out
    assert ran.out.splitlines()[-1] == "1 of 2 tests of 1 rule failed"


def test_mutants_that_no_test_notices_are_shown_as_a_difference_and_end_with_1(run, rules, tmp_path):
    """For people, for programs, for a review, and for CI; a rule whose tests notice everything ends with 0."""
    (rules / "hot.yaml").write_text(GOOD)
    text = run("rules", "test", "--mutate", "--junit", tmp_path / "junit.xml")
    program, review = (run("rules", "test", "--mutate", "--format", form) for form in ("json", "github"))
    whole = GOOD.replace("{temp: 20x3}, expect: {}}", "{temp: 30 30.5 20}, expect: {1m: warning, 2m: resolved}}")
    (rules / "hot.yaml").write_text(whole)
    mended = run("rules", "test", "--mutate")

    assert [ran.status for ran in (text, program, review, mended)] == [1, 1, 1, 0]
    assert f"  survived {rules}/hot.yaml:6:18: a number by one unit" in text.out
    assert "    +     when: temp > 29" in text.out
    found = json.loads(program.out)
    assert found["killed"] + found["survived"] + found["equivalent"] == found["mutants"] >= 10
    assert f"::error file={rules}/hot.yaml,line=6,col=18,title=hot::survived a number by one unit" in review.out
    suite = ET.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == (str(found["mutants"]), str(found["survived"]))


def test_check_against_the_database_knows_the_devices_and_estimates(run, rules):
    """Nobody is registered yet: that is said, and without --online what is not known."""
    (rules / "hot.yaml").write_text(GOOD)
    run("db", "upgrade")

    offline, online = run("rules", "check"), run("rules", "check", "--online", "--format", "json")

    assert offline.out.splitlines()[-1].endswith("incidents a day unknown without --online and rules that load")
    found = json.loads(online.out)
    assert [finding["code"] for finding in found["findings"]] == ["no-device"]
    assert found["estimates"]["bytes"] == 0 < found["estimates"]["bytes_per_device"]
    assert found["estimates"]["incidents_per_day"] is None


def test_what_stands_beside_the_rules_is_checked_with_them(run, tmp_path):
    """notify.yaml in the directory, or named alone: each mistake with its line and what to write."""
    text = "channels:\n  log: {kind: log}\nroutes:\n  - {name: all, chanels: [log]}\n"
    (tmp_path / "notify.yaml").write_text(text, encoding="utf-8")

    for path in (tmp_path, tmp_path / "notify.yaml"):
        checked = run("rules", "check", str(path))
        assert checked.status == 1
        assert "notify.yaml:4:" in checked.out
        assert 'did you mean "channels"?' in checked.out
