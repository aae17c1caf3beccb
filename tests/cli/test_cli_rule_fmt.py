"""`iotops rules fmt`."""

import pytest

ROUGH = "rules:\n- when: temp>30   # hot\n  alert: hot\n"
FINE = "rules:\n  - alert: hot\n    when: temp > 30 # hot\n"


@pytest.fixture
def file(tmp_path, monkeypatch, run):
    """A rule file below the directory that the settings name."""
    folder = tmp_path / "rules"
    folder.mkdir()
    monkeypatch.setenv("IOTOPS_RULES__DIRECTORY", str(folder))
    found = folder / "hot.yaml"
    found.write_text(ROUGH)
    return found


def words(text):
    return [line.split() for line in text.splitlines()]


def test_files_are_written_in_the_canonical_form(run, file):
    """Those that need it, with their permissions."""
    file.chmod(0o640)

    first, second = run("rules", "fmt"), run("rules", "fmt")

    assert (first.status, first.out.splitlines()[-1]) == (0, "1 file of 1 changed")
    assert words(file.read_text()) == words(FINE)
    assert file.stat().st_mode & 0o777 == 0o640
    assert second.out == "0 files of 1 changed\n"
    assert [each.name for each in file.parent.iterdir()] == ["hot.yaml"]


def test_check_lists_and_changes_nothing(run, file):
    """For a build: exit status 1 until the files are formatted."""
    ran = run("rules", "fmt", "--check")

    assert ran.status == 1
    assert ran.out.splitlines()[0] == f"{file} is not in the canonical form"
    assert file.read_text() == ROUGH
    run("rules", "fmt", file)
    assert run("rules", "fmt", "--check").status == 0


def test_diff_shows_and_changes_nothing(run, file):
    """As a patch."""
    ran = run("rules", "fmt", file, "--diff")

    assert ran.status == 0
    assert "+  - alert: hot" in ran.out
    assert file.read_text() == ROUGH


def test_broken_files_are_refused(run, file):
    """Their findings are shown, and no file is touched."""
    file.with_name("bad.yaml").write_text("rules:\n  - alert: a\n    when: temp >\n")

    ran = run("rules", "fmt")

    assert ran.status == 1
    assert "error[incomplete]" in ran.out
    assert ran.err == "error: nothing was formatted, the rule files have errors; correct them first\n"
    assert file.read_text() == ROUGH
