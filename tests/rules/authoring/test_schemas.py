"""The schema refuses what the checker refuses for its structure, and nothing that the loader takes."""

import re
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from iotops.rules.authoring.check import check
from iotops.rules.authoring.schemas.device_file import device_schema
from iotops.rules.authoring.schemas.rule_file import rule_schema
from iotops.rules.devicefile import parse_devices
from iotops.rules.source.directory import read_sources
from iotops.rules.source.plain import plain
from iotops.rules.source.text import FindingLog, SourceText
from iotops.rules.source.tree import compose

HOME = Path(__file__).resolve().parents[3]
CORPUS = HOME / "tests" / "rules" / "corpus"
STRUCTURAL = {
    "unknown-key", "missing-key", "bad-value", "bad-rule-name", "bad-label", "bad-name", "reserved-name", "bad-url",
    "not-an-expression", "empty", "severity-twice", "bad-step", "bad-sequence",
}  # fmt: skip
BEYOND = {  # structural for the checker, and more than a pattern can say
    "a duration longer than ten years": "ten years",
    "limits of a value": "at most 5m",
    "the most that a rule waits": "waits at most 1d",
    "two values that contradict each other": "no value is at least",
    "an interval of nothing": "every 0s",
    "words that stand alone": "stand alone",
}
EITHER = {
    "bad-test",
    "not-yet",
    "number-too-large",
    "too-long",
    "yaml-exponent",
}  # more than structure, and seen by both at times
RULES, DEVICES = Draft7Validator(rule_schema()), Draft7Validator(device_schema())


def value_of(text):
    """Return a file's value as an editor reads it, None where YAML itself has something to say."""
    log = FindingLog(SourceText("file.yaml", text))
    root = compose(log)
    return None if log.findings or root is None else plain(log.source, root)


def pages():
    for page in (HOME / "README.md", *sorted((HOME / "docs").glob("*.md"))):
        for body in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            yield pytest.param(body, id=page.stem)


SHIPPED = [pytest.param(text, id=Path(name).stem) for name, text in read_sources(HOME / "rules")[0].items()]
GOOD = [pytest.param((CORPUS / "bakery.good.yaml").read_text(), id="bakery")]
FILES = [*SHIPPED, *GOOD, *[page for page in pages() if "rules:" in page.values[0]]]


def test_the_schemas_are_schemas():
    """Draft 7, which the language server for YAML knows best."""
    for validator in (RULES, DEVICES):
        validator.check_schema(validator.schema)
        assert validator.schema["$schema"].endswith("draft-07/schema#")


@pytest.mark.parametrize("text", FILES)
def test_good_files_are_accepted(text):
    """What ships, what the documentation shows, and the corpus' good file."""
    assert [error.message for error in RULES.iter_errors(value_of(text))] == []


@pytest.mark.parametrize(
    "file", sorted(CORPUS.glob("*.bad.yaml")), ids=lambda file: file.name.removesuffix(".bad.yaml")
)
def test_the_schema_and_the_checker_agree_about_structure(file):
    """A structural finding is refused by the schema, too; a file without one is accepted."""
    value = value_of(file.read_text())
    if value is None:
        return
    everything = check({file.name: file.read_text()})
    findings = [found for found in everything if found.code in STRUCTURAL]
    beyond = [found for found in findings if any(words in str(found) for words in BEYOND.values())]
    errors = [error.message for error in RULES.iter_errors(value)]

    if len(findings) > len(beyond):
        assert errors
    elif not findings and EITHER.isdisjoint(found.code for found in everything):
        assert errors == []


@pytest.mark.parametrize(
    "text",
    [
        "rules:\n  - {alert: a, when: temp > 3, tests: [{expect: {1m: warming}}]}",
        "rules:\n  - {alert: a, when: temp > 3, tests: [{expect: {soon: warning}}]}",
        "rules:\n  - {alert: a, when: temp > 3, tests: [{given: {temp: 20y3}, expect: {}}]}",
        "rules:\n  - {alert: a, when: temp > 3, tests: [{every: 1 minute, expect: {}}]}",
        "metrics:\n  temp: {kind: gage}",
    ],
)
def test_values_of_tests_are_underlined_in_the_editor(text):
    """States, times, series and words are completed, so wrong ones are refused."""
    assert list(RULES.iter_errors(value_of(text)))


def test_every_key_has_a_hover_text():
    """A key without one would be a key that nobody explains."""
    rule = rule_schema()["properties"]["rules"]["items"]["properties"]

    assert [key for key, schema in rule.items() if not schema["description"]] == []
    assert rule["severity"]["enum"] == ["info", "warning", "critical"]


@pytest.mark.parametrize(
    "text",
    [
        "devices: [{site: paris, device: fz-1, type: freezer, trust_status: true}]",
        "devices: []",
        "devices: [{site: paris}]",
        "devices: [{site: paris, device: a/b}]",
        "devices: [{site: paris, device: a, 'two words': x}]",
        "devices: [{site: paris, device: a, tags: [x]}]",
        "devices: [{site: paris, device: a, trust_status: 5}]",
        "devices: {paris: fz-1}",
        "device: []",
        "devices: [fz-1]",
    ],
)
def test_devices_are_refused_as_their_reader_refuses_them(text):
    """The same file is fine for both, or for neither."""
    fine = not parse_devices("devices.yaml", text)[1]

    assert fine == (not list(DEVICES.iter_errors(value_of(text))))
