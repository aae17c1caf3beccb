"""Loading: which files of a directory are read, and which are refused."""

import os

import pytest

from iotops.errors import RuleFileError
from iotops.rules.rulefile import load_rules
from iotops.rules.source.directory import read_sources

RULE = "rules:\n  - alert: {}\n    when: temp > 3\n"


def test_directory_is_read_whole(tmp_path):
    """Every *.yaml and *.yml below the directory is read; other and hidden files are not."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    for name, rule in {"b.yaml": "b", "a.yml": "a", "deep/er/c.yaml": "c"}.items():
        (tmp_path / name).write_text(RULE.format(rule))
    for name in ("devices.yaml", "services.yaml", ".hidden.yaml", ".git/x.yaml", "README.md", "a.yaml.orig"):
        (tmp_path / name).write_text("not: [rules")

    found = load_rules(tmp_path)

    assert {"a", "b", "c"} == set(found.rules)
    assert str(tmp_path / "deep/er/c.yaml") == found.rules["c"].position.file


def test_single_file_is_read(tmp_path):
    """A path to a file reads that file, whatever its name."""
    file = tmp_path / "mine.rules"
    file.write_text(RULE.format("mine"))

    assert {"mine"} == set(load_rules(file).rules)


def test_error_carries_every_finding_of_every_file(tmp_path):
    """What cannot be loaded is told whole, warnings and notes included."""
    (tmp_path / "a.yaml").write_text("rules:\n  - alert: a\n    when: temp >\n  - alert: b\n    wen: 3\n")
    (tmp_path / "b.yaml").write_bytes(b"rules: \xff\n")

    with pytest.raises(RuleFileError) as caught:
        load_rules(tmp_path)

    codes = ["incomplete", "missing-key", "unknown-key", "file-not-utf8"]
    assert codes == [finding.code for finding in caught.value.findings]
    assert f"{tmp_path}/a.yaml:3:17: error[incomplete]" in str(caught.value)


def test_link_within_the_directory_is_followed(tmp_path):
    """Mounted configuration is often a link to a file in a hidden folder beside it."""
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "a.yaml").write_text(RULE.format("a"))
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")

    assert {"a"} == set(load_rules(tmp_path).rules)


def test_what_is_no_regular_file_of_the_directory_is_refused(tmp_path):
    """Links that lead out, pipes, devices and missing targets are findings, and nothing waits for them."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (tmp_path / "secret.yaml").write_text("password: 1")
    (rules / "out.yaml").symlink_to("../secret.yaml")
    (rules / "gone.yaml").symlink_to("nowhere.yaml")
    (rules / "zero.yaml").symlink_to("/dev/zero")
    os.mkfifo(rules / "pipe.yaml")
    (rules / "folder.yaml").mkdir()
    (rules / "ok.yaml").write_text(RULE.format("ok"))

    sources, findings = read_sources(rules)

    assert {str(rules / "ok.yaml")} == set(sources)
    found = {(os.path.basename(finding.position.file), finding.code) for finding in findings}  # noqa: PTH119  text, no path
    expected = {("out.yaml", "file-refused"), ("gone.yaml", "file-unreadable")}
    expected |= {("zero.yaml", "file-refused"), ("pipe.yaml", "file-refused")}
    assert expected == found


def test_huge_file_is_refused_unread(tmp_path):
    """A file of 50 MB costs nothing but its name."""
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(50_000_000)

    sources, (finding,) = read_sources(tmp_path)

    assert (sources, finding.code) == ({}, "file-refused")
    assert "50000000 bytes" in finding.message


def test_missing_path_is_a_finding(tmp_path):
    """A path that is not there is told like any other fault."""
    with pytest.raises(RuleFileError, match="file-unreadable"):
        load_rules(tmp_path / "nowhere")
